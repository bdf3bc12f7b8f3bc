"""The poller with much to do, and with a bank that is down: nothing is forgotten, and nobody waits in vain."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

from tests.factories import make_payment
from tests.owing import connected, owe
from wagtail_payparts import conf
from wagtail_payparts.bank import PayPartsClient
from wagtail_payparts.exceptions import BankUnreachable
from wagtail_payparts.models import Payment
from wagtail_payparts.services import due as due_module
from wagtail_payparts.services import start_payment, sync_payment
from wagtail_payparts.services import sync as sync_module
from wagtail_payparts.services.backoff import SPREAD
from wagtail_payparts.services.breaker import SILENCES, Breaker
from wagtail_payparts.services.schedule import FIRST_RETRY
from wagtail_payparts.services.sync import BEAT_EVERY, DELIVER_EVERY, Pass, Poller, check, poll_due
from wagtail_payparts.signals import payment_succeeded
from wagtail_payparts.simulator import Simulator, run_simulator
from wagtail_payparts.states import PaymentState


pytestmark = pytest.mark.django_db
LINES = [{"name": "Чайник", "count": 1, "price": 400}]


def _start(**changes: Any) -> Payment:
    return start_payment(**{"lines": LINES, "parts_count": 3} | changes)


def _due(count: int, **changes: Any) -> list[Payment]:
    """Payments that are due, the first for the longest time."""
    started = [_start(**changes) for _number in range(count)]
    now = timezone.now()
    for number, payment in enumerate(started):
        Payment.objects.filter(pk=payment.pk).update(next_poll_at=now - timedelta(minutes=count - number))
    return started


def _claim(payment: Payment) -> None:
    Payment.objects.filter(pk=payment.pk).update(
        claim_state="SUCCESS", claim_at=timezone.now(), next_poll_at=timezone.now()
    )


def _questions(bank: Simulator) -> list[str]:
    return [asked.order_id for asked in bank.requests if asked.endpoint == "state"]


def _next_polls() -> list[datetime]:
    return list(Payment.objects.order_by("pk").values_list("next_poll_at", flat=True))


@pytest.fixture
def while_asking(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """Have something happen while the first question is under way."""
    ask = PayPartsClient.state

    def arrange(happen: Callable[[], Any]) -> None:
        def asked(*args: Any, **kwargs: Any) -> Any:
            monkeypatch.setattr(PayPartsClient, "state", ask)
            happen()
            return ask(*args, **kwargs)

        monkeypatch.setattr(PayPartsClient, "state", asked)

    return arrange


@pytest.fixture
def silent(bank: Simulator) -> Simulator:
    """A bank that does not answer, and of which that is known."""
    bank.fault("unreachable", endpoint="state", times=None)
    for _time in range(SILENCES):
        Breaker(bank.api_url).report(BankUnreachable("no reply"))
    return bank


@pytest.fixture
def other_bank(settings: Any, bank: Simulator) -> Iterator[Simulator]:
    """A second store, whose bank has another address."""
    with run_simulator(stores={"OTHER-STORE": "other-password"}) as other:
        settings.PAYPARTS_STORES = {
            "default": {"STORE_ID": settings.PAYPARTS_API_STORE_ID, "PASSWORD": settings.PAYPARTS_API_PASSWORD},
            "other": {
                "STORE_ID": "OTHER-STORE",
                "PASSWORD": "other-password",
                "API_URL": other.api_url,
                "REDIRECT_URL": other.redirect_url,
            },
        }
        yield other


def _pause_is_over() -> None:
    """As time does with what the cache keeps of a pause."""
    breaker = Breaker(conf.get_store().api_url)
    cache.delete_many(breaker._gates)


# Much to do


def test_a_backlog_is_worked_off_in_one_pass_and_read_a_few_at_a_time(
    bank: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due_module, "CHUNK", 3)
    payments = _due(10)
    read: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "CASE WHEN" in sql:
            read.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        done = poll_due()
    assert _questions(bank) == [payment.order_id for payment in payments]
    assert (done.asked, done.is_cut_short) == (10, False)
    assert len(read) == 5
    assert all(sql.endswith("LIMIT 3") for sql in read)


def test_a_claim_that_comes_in_meanwhile_goes_before_what_was_not_read_yet(
    bank: Simulator, monkeypatch: pytest.MonkeyPatch, while_asking: Callable[[Callable[[], Any]], None]
) -> None:
    monkeypatch.setattr(due_module, "CHUNK", 2)
    first, second, third, claimed = _due(4)
    while_asking(lambda: _claim(claimed))
    poll_due()
    assert _questions(bank) == [payment.order_id for payment in (first, second, claimed, third)]


def test_a_pass_has_a_limit_and_says_that_there_is_more(bank: Simulator) -> None:
    _due(3)
    done = poll_due(limit=2)
    assert (done.asked, done.is_cut_short) == (2, True)
    done = poll_due(limit=2)
    assert (done.asked, done.is_cut_short) == (1, False)


def test_what_another_process_was_faster_with_is_not_counted(
    bank: Simulator, while_asking: Callable[[Callable[[], Any]], None]
) -> None:
    first, second = _due(2)
    while_asking(lambda: sync_payment(second))
    done = poll_due()
    assert _questions(bank) == [second.order_id, first.order_id]
    assert done.asked == 1


def test_what_a_pass_did_is_counted(bank: Simulator) -> None:
    paid, refused, open_, silent = _due(4)
    make_payment(store="gone", next_poll_at=timezone.now())
    bank.pay(paid.order_id)
    bank.pay(refused.order_id, card="refusal")
    bank.fault("unreachable", endpoint="state", order_id=silent.order_id)
    done = poll_due()
    assert (done.asked, done.moved, done.unanswered, done.failed) == (4, 2, 1, 1)
    assert done.states == {"SUCCESS": 1, "FAIL": 1}
    assert done.seconds > 0


def test_who_watches_is_told_how_far_it_is(bank: Simulator) -> None:
    _due(3)
    seen: list[int] = []
    Poller(watch=lambda done: seen.append(done.asked)).run()
    assert seen == [0, 1, 2, 3, 3]


def test_a_long_pass_leaves_signs_of_life(bank: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wagtail_payparts.services.sync.BEAT_EVERY", 0)
    assert BEAT_EVERY <= 60
    _due(3)
    beats: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("UPDATE") and "heartbeat" in sql:
            beats.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        poll_due()
    assert len(beats) >= 4


def test_within_a_transaction_and_on_sqlite_one_question_is_asked_at_a_time(bank: Simulator) -> None:
    """No other thread sees what is not committed."""
    _due(2)
    assert Poller(concurrency=8).concurrency == 1
    assert poll_due(concurrency=8).asked == 2


def test_slow_receivers_and_questions_take_turns_where_one_thread_does_everything(
    bank: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    story: list[str] = []
    ask, now, shift = PayPartsClient.state, time.monotonic, 0

    def slow(**kwargs: Any) -> None:
        nonlocal shift
        shift += DELIVER_EVERY + 1
        story.append("delivers")

    def asked(*args: Any, **kwargs: Any) -> Any:
        story.append("asks")
        return ask(*args, **kwargs)

    monkeypatch.setattr(time, "monotonic", lambda: now() + shift)
    monkeypatch.setattr(PayPartsClient, "state", asked)
    for _number in range(3):
        owe(make_payment(state="SUCCESS"))
    _due(2)
    with connected(payment_succeeded, slow=slow):
        poll_due()
    assert story == ["delivers", "asks", "asks", "delivers", "delivers"]


# A bank that is down


def test_a_silent_bank_is_not_asked_and_all_stays_due(silent: Simulator) -> None:
    _due(3)
    before, asked = _next_polls(), len(_questions(silent))
    done = poll_due()
    assert (done.asked, done.silent_hosts) == (0, {"127.0.0.1"})
    assert len(_questions(silent)) == asked
    assert _next_polls() == before


def test_after_the_pause_one_question_finds_out_that_it_is_still_silent(silent: Simulator) -> None:
    _due(3)
    _pause_is_over()
    assert poll_due().asked == 1
    assert poll_due().asked == 0


def test_when_it_is_back_all_are_asked_about_in_the_same_pass_and_claims_first(silent: Simulator) -> None:
    payments = _due(4)
    _claim(payments[-1])
    silent.clear_faults()
    asked = len(_questions(silent))
    _pause_is_over()
    done = poll_due()
    assert (done.asked, done.unanswered) == (4, 0)
    assert _questions(silent)[asked:] == [payments[number].order_id for number in (3, 0, 1, 2)]


def test_a_payment_that_cannot_be_asked_about_keeps_nobody_from_finding_out_that_it_is_back(
    silent: Simulator, settings: Any
) -> None:
    payments = _due(2)
    Payment.objects.filter(pk=payments[0].pk).update(store="without-password")
    settings.PAYPARTS_STORES = {
        "default": {"STORE_ID": settings.PAYPARTS_API_STORE_ID, "PASSWORD": settings.PAYPARTS_API_PASSWORD},
        "without-password": {"STORE_ID": "4AA1"},
    }
    silent.clear_faults()
    _pause_is_over()
    done = poll_due()
    assert (done.failed, done.asked) == (1, 1)


def test_a_cache_that_contradicts_itself_holds_no_pass_up_for_ever(
    silent: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of its servers are away: nothing is there, and nothing can be put there."""
    _due(1)
    _pause_is_over()
    monkeypatch.setattr(cache, "add", lambda *args: False, raising=False)
    monkeypatch.setattr(sync_module, "PASS_LASTS", 0.2)
    assert poll_due().is_cut_short


def test_a_bank_that_is_down_stops_no_store_whose_bank_has_another_address(
    bank: Simulator, other_bank: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due_module, "CHUNK", SILENCES + 1)
    _due(3 * SILENCES)
    elsewhere = _due(3, store="other")
    Payment.objects.filter(store="other").update(next_poll_at=timezone.now())
    bank.fault("unreachable", endpoint="state", times=None)
    done = poll_due()
    assert sorted(_questions(other_bank)) == sorted(payment.order_id for payment in elsewhere)
    assert len(_questions(bank)) == SILENCES
    assert (done.asked, done.unanswered) == (SILENCES + 3, SILENCES)


def test_what_failed_together_does_not_come_back_together(bank: Simulator) -> None:
    _due(SILENCES - 1)
    bank.fault("unreachable", endpoint="state", times=None)
    before = timezone.now()
    poll_due()
    moments = sorted(_next_polls())
    assert before + FIRST_RETRY * (1 - SPREAD) <= moments[0]
    assert moments[-1] <= timezone.now() + FIRST_RETRY
    assert moments[-1] - moments[0] > timedelta(milliseconds=500)


def test_a_callback_does_not_wait_for_a_bank_that_is_down(silent: Simulator) -> None:
    payment = _start()
    _claim(payment)
    asked = len(_questions(silent))
    check.call(payment.pk)
    assert len(_questions(silent)) <= asked + 1, "one finds out"
    asked = len(_questions(silent))
    check.call(payment.pk)
    assert len(_questions(silent)) == asked
    payment.refresh_from_db()
    assert payment.claim_state == "SUCCESS"
    assert payment.next_poll_at is not None


def test_a_buyer_who_comes_back_does_not_wait_for_a_bank_that_is_down(silent: Simulator, client: Client) -> None:
    payment = _start()
    assert Breaker(silent.api_url, in_a_hurry=True).may_ask(), "somebody else is finding out"
    asked, before = len(_questions(silent)), _next_polls()
    assert client.get(payment.return_url).status_code == 200
    assert len(_questions(silent)) == asked
    assert _next_polls() == before


def test_a_person_who_asks_is_not_refused_and_the_answer_lets_the_others_ask(silent: Simulator) -> None:
    payment = _start()
    silent.pay(payment.order_id)
    silent.clear_faults()
    assert sync_payment(payment).state == PaymentState.SUCCESS
    assert not Breaker(silent.api_url).is_open()
    assert Breaker(silent.api_url, in_a_hurry=True).may_ask()


def test_nothing_done_is_nothing_to_tell() -> None:
    assert Pass(silent_hosts={"bank.example"}, seconds=1).is_empty
    assert not Pass(delivered=1).is_empty

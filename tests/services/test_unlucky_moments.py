"""Callbacks, questions and deliveries that meet at the worst moment."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from tests.owing import Shop, connected, owe, result_of
from wagtail_payparts.bank import PayPartsClient, parse_callback
from wagtail_payparts.exceptions import BankRefused
from wagtail_payparts.models import Payment, PaymentEvent
from wagtail_payparts.services import start_payment, sync_payment
from wagtail_payparts.services.breaker import SILENCES
from wagtail_payparts.services.callbacks import receive, sweep
from wagtail_payparts.services.deliveries import deliver_payment
from wagtail_payparts.services.locking import lease_delivery
from wagtail_payparts.services.sync import poll_due
from wagtail_payparts.signals import pay_parts_success_callback, payment_state_changed, payment_succeeded
from wagtail_payparts.simulator import Simulator
from wagtail_payparts.states import PaymentState
from wagtail_payparts.use_cases import ProcessCallbackUseCase


pytestmark = pytest.mark.django_db
S = PaymentState
LINES = [{"name": "Чайник", "count": 1, "price": 400}]


@pytest.fixture
def payment(bank: Simulator) -> Payment:
    started = start_payment(lines=LINES, parts_count=2)
    deliver_payment(started.pk)
    return started


@pytest.fixture
def during_the_question(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """Have something happen after the bank has answered and before its answer is read."""
    ask = PayPartsClient.state

    def arrange(happen: Callable[[], Any]) -> None:
        def asked(*args: Any, **kwargs: Any) -> Any:
            answer = ask(*args, **kwargs)
            monkeypatch.setattr(PayPartsClient, "state", ask)
            happen()
            return answer

        monkeypatch.setattr(PayPartsClient, "state", asked)

    return arrange


def _ring(bank: Simulator, payment: Payment, state: str) -> Callable[[], Any]:
    return lambda: receive(parse_callback(bank.callback_body(payment.order_id, state=state)))


def _age(payment: Payment, **ago: float) -> None:
    Payment.objects.filter(pk=payment.pk).update(created_at=timezone.now() - timedelta(**ago))


def test_a_refused_payment_that_is_tried_again_days_later_has_its_whole_time(bank: Simulator, settings: Any) -> None:
    settings.PAYPARTS_MAX_AMOUNT = 900_000
    with pytest.raises(BankRefused):
        start_payment(lines=[{**LINES[0], "price": 400_000}], parts_count=2, order_id="ORDER-1")
    _age(Payment.objects.get(), days=2)
    again = start_payment(lines=LINES, parts_count=2, order_id="ORDER-1")
    assert again.next_poll_at <= timezone.now() + timedelta(seconds=31)
    assert sync_payment(again).state == S.CREATED
    bank.pay("ORDER-1")
    paid = sync_payment(again)
    assert (paid.state, paid.attention) == (S.SUCCESS, "")


def test_a_callback_during_a_question_makes_the_next_one_due_at_once(
    payment: Payment, bank: Simulator, during_the_question: Any
) -> None:
    _age(payment, hours=7)
    during_the_question(_ring(bank, payment, "PP_CREATION"))
    assert sync_payment(payment).next_poll_at <= timezone.now()


def test_a_weaker_claim_during_a_question_is_not_forgotten_with_the_stronger_one(
    payment: Payment, bank: Simulator, during_the_question: Any
) -> None:
    _ring(bank, payment, "SUCCESS")()
    bank.pay(payment.order_id)
    during_the_question(_ring(bank, payment, "CANCELED"))
    after = sync_payment(payment)
    assert after.state == S.SUCCESS
    assert after.next_poll_at <= timezone.now()
    assert sync_payment(payment).attention_codes == ["claim_contradicted"]


def test_nothing_expires_when_the_bank_rang_during_the_question(
    payment: Payment, bank: Simulator, during_the_question: Any
) -> None:
    _age(payment, hours=25)
    during_the_question(_ring(bank, payment, "PP_CREATION"))
    assert sync_payment(payment).state == S.CREATED


def test_a_new_signal_does_not_wait_for_a_receiver_that_failed_while_it_came(payment: Payment) -> None:
    failing, healthy = Shop(fails=9), Shop()

    def other(**kwargs: Any) -> None:
        owe(payment, "payment_state_changed", old_state="", new_state="")

    owe(payment)
    with connected(payment_succeeded, failing=failing, other=other), connected(payment_state_changed, healthy=healthy):
        deliver_payment(payment.pk)
        assert healthy.calls == 1
    payment.refresh_from_db()
    assert payment.next_delivery_at == result_of("failing").next_attempt_at


def test_a_receiver_that_takes_longer_than_its_lease_is_not_called_again(payment: Payment) -> None:
    calls = []

    def slow(**kwargs: Any) -> None:
        calls.append(1)
        Payment.objects.update(delivery_leased_until=timezone.now() - timedelta(seconds=1))
        assert lease_delivery(payment.pk), "another process takes over"
        Payment.objects.update(delivery_leased_until=timezone.now() - timedelta(seconds=1))
        deliver_payment(payment.pk)

    owe(payment)
    with connected(payment_succeeded, slow=slow):
        deliver_payment(payment.pk)
    assert len(calls) == 1
    assert result_of("slow").delivered_at is not None


@pytest.mark.django_db(transaction=True)
def test_an_old_receiver_with_a_database_error_loses_no_callback_of_a_shops_own_view(
    payment: Payment, bank: Simulator
) -> None:
    def broken(**kwargs: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM there_is_no_such_table")

    pay_parts_success_callback.connect(broken)
    try:
        with transaction.atomic():
            ProcessCallbackUseCase().execute(None, _posted(bank, payment))
    finally:
        pay_parts_success_callback.disconnect(broken)
    assert payment.events.filter(type="callback").exists()


@pytest.mark.django_db(transaction=True)
def test_a_callback_that_was_rolled_back_is_not_announced(payment: Payment, bank: Simulator) -> None:
    heard = []

    def hear(**kwargs: Any) -> None:
        heard.append(kwargs)

    pay_parts_success_callback.connect(hear)
    try:
        with transaction.atomic():
            ProcessCallbackUseCase().execute(None, _posted(bank, payment))
            transaction.set_rollback(True)
    finally:
        pay_parts_success_callback.disconnect(hear)
    assert not heard
    assert not payment.events.filter(type="callback").exists()


def _posted(bank: Simulator, payment: Payment) -> dict[str, Any]:
    posted: dict[str, Any] = json.loads(bank.callback_body(payment.order_id, state="FAIL"))
    return posted


def test_a_sweeper_that_dies_while_it_announces_is_followed_by_another(payment: Payment, bank: Simulator) -> None:
    _ring(bank, payment, "FAIL")()
    callbacks = PaymentEvent.objects.filter(type="callback")
    callbacks.update(announcing_until=None, announced_at=None)

    def die(**kwargs: Any) -> None:
        raise SystemExit

    pay_parts_success_callback.connect(die)
    try:
        with pytest.raises(SystemExit):
            sweep()
    finally:
        pay_parts_success_callback.disconnect(die)
    assert sweep() == 0, "it may be alive"
    callbacks.update(announcing_until=timezone.now() - timedelta(seconds=1))
    assert sweep() == 1


def test_signals_do_not_wait_for_a_bank_that_is_down_and_its_silence_ends_the_pass(
    payment: Payment, bank: Simulator
) -> None:
    shop = Shop()
    due = [start_payment(lines=LINES, parts_count=2) for _time in range(SILENCES + 3)]
    Payment.objects.filter(pk__in=[one.pk for one in due]).update(next_poll_at=timezone.now())
    bank.fault("unreachable", endpoint="state", times=None)
    owe(payment)
    with connected(payment_succeeded, shop=shop):
        done = poll_due()
    assert shop.calls == 1
    assert done.asked == SILENCES


def test_a_poller_that_is_told_to_stop_asks_nothing_more(payment: Payment, bank: Simulator) -> None:
    Payment.objects.update(next_poll_at=timezone.now())
    assert poll_due(must_stop=lambda: True).asked == 0

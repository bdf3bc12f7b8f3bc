"""Callbacks late, early, doubled, reordered, lost and forged: they cost time, never truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.utils import timezone

from tests.callbacks.conftest import Heard, Ring
from tests.factories import make_order
from wagtail_payparts.exceptions import BankUnreachable
from wagtail_payparts.models import Order, OrderStatus, Payment, Verdict
from wagtail_payparts.services import start_payment, sync_payment
from wagtail_payparts.services.deliveries import deliver_due
from wagtail_payparts.services.sync import poll_due
from wagtail_payparts.signals import payment_late_success, payment_succeeded
from wagtail_payparts.simulator import Simulator
from wagtail_payparts.states import PaymentState


S = PaymentState


@pytest.fixture
def paid_signals() -> Iterator[list[tuple[str, str]]]:
    """The signals about money that came in, as pairs of name and order id."""
    heard: list[tuple[str, str]] = []

    def on_success(payment: Payment, **kwargs: Any) -> None:
        heard.append(("succeeded", payment.order_id))

    def on_late_success(payment: Payment, **kwargs: Any) -> None:
        heard.append(("late", payment.order_id))

    payment_succeeded.connect(on_success, dispatch_uid="tests.on_success")
    payment_late_success.connect(on_late_success, dispatch_uid="tests.on_late_success")
    yield heard
    payment_succeeded.disconnect(dispatch_uid="tests.on_success")
    payment_late_success.disconnect(dispatch_uid="tests.on_late_success")


@pytest.fixture
def while_the_bank_answers(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[[], Any]], None]:
    """Do something after the bank has acted on a request and before its reply is read, once."""
    planned: dict[str, Callable[[], Any]] = {}
    send = requests.Session.send

    def slow_send(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        response = send(session, request, **options)
        action = planned.pop((request.url or "").rsplit("/", 1)[-1], None)
        if action is not None:
            action()
        return response

    monkeypatch.setattr(requests.Session, "send", slow_send)
    return planned.__setitem__


def _back_date(payment: Payment, **times: timedelta) -> None:
    Payment.objects.filter(pk=payment.pk).update(**{name: timezone.now() - ago for name, ago in times.items()})


def _fresh(payment: Payment) -> Payment:
    return Payment.objects.get(pk=payment.pk)


def _verdicts(payment: Payment) -> dict[str, str]:
    return dict(payment.events.filter(type="callback").values_list("state", "verdict"))


def test_the_bank_is_asked_before_a_callback_is_believed(
    payment: Payment, bank: Simulator, ring: Ring, paid_signals: list[Any]
) -> None:
    bank.pay(payment.order_id)
    ring(bank.callback_body(payment.order_id))
    paid = _fresh(payment)
    assert paid.state == S.SUCCESS
    assert paid.claim_state == ""
    assert [request.endpoint for request in bank.requests] == ["create", "state"]
    assert _verdicts(payment) == {"SUCCESS": Verdict.APPLIED}
    assert paid_signals == [("succeeded", payment.order_id)]


def test_the_same_callback_twice_is_one_event_one_old_signal_and_one_payment(
    payment: Payment, bank: Simulator, ring: Ring, announced: list[Heard], paid_signals: list[Any]
) -> None:
    bank.pay(payment.order_id)
    body = bank.callback_body(payment.order_id)
    assert [ring(body).status_code for _time in range(3)] == [200, 200, 200]
    event = payment.events.get(type="callback")
    assert event.repeats == 2
    assert [heard.log.pk for heard in announced] == [event.pk]
    assert len(paid_signals) == 1
    assert payment.events.filter(verdict=Verdict.APPLIED, type="poll").count() == 1


def test_a_repeat_makes_the_question_to_the_bank_due_again(
    payment: Payment, bank: Simulator, ring: Ring, settings: Any
) -> None:
    settings.PAYPARTS_CHECK_INLINE = False
    body = bank.callback_body(payment.order_id, state="PP_CREATION")
    ring(body)
    sync_payment(payment)
    assert _fresh(payment).next_poll_at > timezone.now()
    ring(body)
    assert _fresh(payment).next_poll_at <= timezone.now()


def test_a_callback_may_come_before_the_reply_to_create(
    bank: Simulator,
    ring: Ring,
    paid_signals: list[Any],
    while_the_bank_answers: Callable[[str, Callable[[], Any]], None],
) -> None:
    """The buyer cannot be that quick; a slow network can."""

    def pay() -> None:
        order_id = bank.payments()[0].order_id
        assert Payment.objects.get().state == S.NEW
        bank.pay(order_id)
        assert ring(bank.callback_body(order_id)).status_code == 200

    while_the_bank_answers("create", pay)
    payment = start_payment(
        lines=[{"name": "Чайник", "count": 1, "price": 400}], parts_count=2, redirect_url="https://shop.example/"
    )
    assert payment.state == S.SUCCESS
    assert payment.token == bank.payment(payment.order_id).token
    assert paid_signals == [("succeeded", payment.order_id)]
    assert payment.events.get(type="payment_create").verdict == Verdict.STALE


def test_a_callback_finds_a_payment_whose_creation_got_no_answer(
    db: None, bank: Simulator, ring: Ring, paid_signals: list[Any]
) -> None:
    bank.fault("timeout_after", endpoint="create", seconds=0)
    with pytest.raises(BankUnreachable):
        start_payment(
            lines=[{"name": "Чайник", "count": 1, "price": 400}], parts_count=2, redirect_url="https://shop.example/"
        )
    payment = Payment.objects.get()
    assert (payment.state, payment.token) == (S.NEW, "")
    bank.pay(payment.order_id)
    ring(bank.callback_body(payment.order_id))
    assert _fresh(payment).state == S.SUCCESS
    assert paid_signals == [("succeeded", payment.order_id)]


@pytest.mark.parametrize("said", ["CREATED", "CLIENT_WAIT", "OTP_WAITING", "PP_CREATION"])
def test_a_callback_forged_with_the_right_password_pays_nothing(
    said: str, payment: Payment, bank: Simulator, ring: Ring, paid_signals: list[Any]
) -> None:
    bank.set_state(payment.order_id, said)
    ring(bank.callback_body(payment.order_id, state="SUCCESS"))
    after = _fresh(payment)
    assert (after.state, after.claim_state) == (said, "SUCCESS")
    assert not paid_signals
    bank.set_state(payment.order_id, "CANCELED")
    sync_payment(payment)
    after = _fresh(payment)
    assert (after.state, after.claim_state) == (S.CANCELED, "")
    assert after.attention_codes == ["claim_contradicted"]
    assert _verdicts(payment) == {"SUCCESS": Verdict.CONFLICT}
    assert not paid_signals


def test_a_forged_refusal_of_a_paid_payment_takes_nothing_back(payment: Payment, bank: Simulator, ring: Ring) -> None:
    bank.pay(payment.order_id)
    sync_payment(payment)
    ring(bank.callback_body(payment.order_id, state="CANCELED"))
    after = _fresh(payment)
    assert after.state == S.SUCCESS
    assert after.attention_codes == ["claim_contradicted"]
    assert _verdicts(payment) == {"CANCELED": Verdict.CONFLICT}


def test_a_callback_that_the_bank_does_not_confirm_for_an_hour_needs_a_person_and_is_asked_about_on(
    payment: Payment, bank: Simulator, ring: Ring, paid_signals: list[Any]
) -> None:
    bank.open(payment.order_id)
    ring(bank.callback_body(payment.order_id, state="SUCCESS"))
    assert _fresh(payment).attention == ""
    _back_date(payment, claim_at=timedelta(hours=1))
    after = sync_payment(payment)
    assert (after.state, after.claim_state) == (S.CLIENT_WAIT, "SUCCESS")
    assert after.attention_codes == ["claim_overdue"]
    assert after.next_poll_at is not None
    assert after.next_poll_at - timezone.now() <= timedelta(hours=1)
    assert not paid_signals


def test_a_claim_is_overdue_too_while_the_bank_cannot_be_reached(payment: Payment, bank: Simulator, ring: Ring) -> None:
    bank.fault("unreachable", endpoint="state", times=None)
    ring(bank.callback_body(payment.order_id, state="SUCCESS"))
    _back_date(payment, claim_at=timedelta(hours=1))
    assert sync_payment(payment).attention_codes == ["claim_overdue"]


def test_a_lost_callback_is_paid_all_the_same(payment: Payment, bank: Simulator, paid_signals: list[Any]) -> None:
    bank.fault("never", endpoint="callback")
    bank.pay(payment.order_id)
    assert bank.deliver_callbacks() == []
    _back_date(payment, next_poll_at=timedelta(0))
    poll_due()
    assert _fresh(payment).state == S.SUCCESS
    deliver_due()
    assert paid_signals == [("succeeded", payment.order_id)]


def test_a_callback_while_the_bank_is_down_waits_for_it(
    payment: Payment, bank: Simulator, ring: Ring, paid_signals: list[Any]
) -> None:
    bank.pay(payment.order_id)
    bank.fault("http_500", endpoint="state", times=2)
    ring(bank.callback_body(payment.order_id))
    sync_payment(payment)
    waiting = _fresh(payment)
    assert (waiting.state, waiting.claim_state, waiting.poll_failures) == (S.CREATED, "SUCCESS", 2)
    _back_date(payment, next_poll_at=timedelta(0))
    poll_due()
    deliver_due()
    assert _fresh(payment).state == S.SUCCESS
    assert paid_signals == [("succeeded", payment.order_id)]


def test_payment_after_our_expiry_is_told_of_as_late(
    payment: Payment, bank: Simulator, ring: Ring, paid_signals: list[Any]
) -> None:
    _back_date(payment, created_at=timedelta(hours=25))
    assert sync_payment(payment).state == S.EXPIRED
    bank.pay(payment.order_id)
    ring(bank.callback_body(payment.order_id))
    late = _fresh(payment)
    assert (late.state, late.attention_codes) == (S.SUCCESS, ["late_success"])
    assert paid_signals == [("late", payment.order_id)]


@pytest.mark.parametrize("negative", ["CANCELED", "FAIL"])
def test_a_negative_and_then_paid_is_late(
    negative: str, payment: Payment, bank: Simulator, ring: Ring, paid_signals: list[Any]
) -> None:
    for state in (negative, "SUCCESS"):
        bank.set_state(payment.order_id, state)
        ring(bank.callback_body(payment.order_id))
    late = _fresh(payment)
    assert (late.state, late.attention_codes) == (S.SUCCESS, ["late_success"])
    assert paid_signals == [("late", payment.order_id)]
    assert _verdicts(payment) == {negative: Verdict.APPLIED, "SUCCESS": Verdict.APPLIED}


@pytest.mark.parametrize("negative", ["CANCELED", "FAIL"])
def test_paid_and_then_a_negative_stays_paid_and_needs_a_person(
    negative: str, payment: Payment, bank: Simulator, ring: Ring, paid_signals: list[Any]
) -> None:
    bank.pay(payment.order_id)
    ring(bank.callback_body(payment.order_id))
    bank.set_state(payment.order_id, negative)
    ring(bank.callback_body(payment.order_id))
    after = _fresh(payment)
    assert (after.state, after.attention_codes) == (S.SUCCESS, ["negative_after_success"])
    assert paid_signals == [("succeeded", payment.order_id)]


def test_an_older_word_after_the_final_one_changes_nothing(
    payment: Payment, bank: Simulator, ring: Ring, paid_signals: list[Any]
) -> None:
    bank.pay(payment.order_id)
    for state in ("SUCCESS", "PP_CREATION", "CLIENT_WAIT", "CREATED"):
        assert ring(bank.callback_body(payment.order_id, state=state)).status_code == 200
    after = _fresh(payment)
    assert (after.state, after.attention, after.claim_state) == (S.SUCCESS, "", "")
    assert len(paid_signals) == 1


def test_a_weaker_claim_does_not_replace_a_stronger_one(payment: Payment, bank: Simulator, ring: Ring) -> None:
    """Nothing may make us forget that somebody says it is paid."""
    bank.fault("unreachable", endpoint="state", times=None)
    for state in ("LOCKED", "SUCCESS", "CANCELED", "LOCKED"):
        ring(bank.callback_body(payment.order_id, state=state))
    assert _fresh(payment).claim_state == "SUCCESS"


def test_a_callback_that_comes_while_the_bank_answers_an_older_question_is_asked_about_again(
    payment: Payment,
    bank: Simulator,
    ring: Ring,
    paid_signals: list[Any],
    while_the_bank_answers: Callable[[str, Callable[[], Any]], None],
) -> None:
    """The answer on its way says cancelled; before it is read the bank has changed its mind and called us."""
    bank.set_state(payment.order_id, "CANCELED")

    def change_mind() -> None:
        bank.set_state(payment.order_id, "SUCCESS")
        ring(bank.callback_body(payment.order_id))

    while_the_bank_answers("state", change_mind)
    after = sync_payment(payment)
    assert (after.state, after.claim_state) == (S.CANCELED, "SUCCESS")
    assert after.attention == ""
    assert after.next_poll_at is not None
    assert after.next_poll_at - timezone.now() <= timedelta(seconds=10)
    _back_date(payment, next_poll_at=timedelta(0))
    poll_due()
    assert _fresh(payment).state == S.SUCCESS
    deliver_due()
    assert paid_signals == [("late", payment.order_id)]


def test_two_attempts_of_one_order_both_paid_are_one_success_and_a_case_for_a_person(
    db: None, bank: Simulator, ring: Ring, paid_signals: list[Any]
) -> None:
    order = make_order()
    lines = [{"name": "Чайник", "count": 1, "price": 400}]
    attempts = [
        start_payment(lines=lines, parts_count=2, buyer_order=order, redirect_url="https://shop.example/")
        for _time in range(2)
    ]
    for attempt in attempts:
        bank.pay(attempt.order_id)
        ring(bank.callback_body(attempt.order_id))
    first, second = (_fresh(attempt) for attempt in attempts)
    assert first.attention_codes == second.attention_codes == ["double_payment"]
    assert (first.state, second.state) == (S.SUCCESS, S.SUCCESS)
    assert paid_signals == [("succeeded", first.order_id), ("late", second.order_id)]
    assert Order.objects.get().status == OrderStatus.PAID


def test_callbacks_in_the_wrong_order_end_where_the_banks_answer_ends(
    payment: Payment, bank: Simulator, ring: Ring
) -> None:
    """All of them arrive while the bank is down; then it answers once."""
    bank.fault("unreachable", endpoint="state", times=None)
    for state in ("SUCCESS", "PP_CREATION", "CLIENT_WAIT"):
        ring(bank.callback_body(payment.order_id, state=state))
    bank.clear_faults()
    bank.pay(payment.order_id)
    sync_payment(payment)
    assert _fresh(payment).state == S.SUCCESS
    assert _verdicts(payment) == {
        "SUCCESS": Verdict.APPLIED,
        "PP_CREATION": Verdict.STALE,
        "CLIENT_WAIT": Verdict.STALE,
    }

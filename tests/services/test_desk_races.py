"""Two people at one payment at the same moment, and the bank in between: real threads on a real database."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from tests.factories import make_order, make_payment
from tests.owing import Shop, connected, owe
from tests.together import times, together
from wagtail_payparts.exceptions import AlreadyResolved
from wagtail_payparts.models import EventType, Order, Payment, PaymentEvent, ReceiverResult, Verdict
from wagtail_payparts.services import start_payment, sync_payment
from wagtail_payparts.services.callbacks import sweep
from wagtail_payparts.services.deliveries import deliver_due
from wagtail_payparts.services.desk import add_note, deliver_again, dismiss_callback, resolve_attention
from wagtail_payparts.signals import payment_refunded, payment_succeeded
from wagtail_payparts.simulator import Simulator


pytestmark = [pytest.mark.threads, pytest.mark.django_db(transaction=True)]

CONFLICT = "negative_after_success"
QUICKER = "somebody was quicker"


@pytest.fixture(autouse=True)
def nothing_is_locked(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A task or a receiver that met "database is locked", or a deadlock, is only written to the log."""
    caplog.set_level(logging.ERROR)
    yield
    assert [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.ERROR] == []


@pytest.fixture
def people() -> list[Any]:
    return [get_user_model().objects.create_superuser(name) for name in ("olha", "petro")]


def _conflict(**fields: Any) -> Payment:
    return make_payment(**{"state": "SUCCESS", "settled_at": timezone.now(), "attention": CONFLICT} | fields)


def _fresh(payment: Payment) -> Payment:
    return Payment.objects.get(pk=payment.pk)


def _decide(payment: Payment, by: Any, *, accept: bool) -> Callable[[], str]:
    def decide() -> str:
        try:
            resolve_attention(payment, CONFLICT, accept=accept, note="Перевірено", by=by)
        except AlreadyResolved as told:
            return told.user_message
        return "decided"

    return decide


def test_two_people_accept_at_once_and_one_refund_is_written_down(people: list[Any]) -> None:
    for number in range(5):
        payment = _conflict(buyer_order=make_order(number=f"{number}", status="paid", paid_amount=12500))
        shop = Shop()
        with connected(payment_refunded, shop=shop):
            outcomes = together(*(_decide(payment, by, accept=True) for by in people))
            deliver_due()
        assert sorted(outcome == "decided" for outcome in outcomes) == [False, True]
        winner = people[outcomes.index("decided")]
        assert f"{winner.username} has already decided this: nothing was done." in outcomes
        assert payment.refunds.get().requested_by == winner
        assert payment.events.get(type=EventType.RESOLVED).user == winner
        assert len(shop.heard) == 1
        assert _fresh(payment).remainder == 0
        assert Order.objects.get(number=f"{number}").status == "refunded"


def test_one_accepts_and_another_dismisses_at_once(people: list[Any]) -> None:
    for _round in range(5):
        payment = _conflict()
        accepted, dismissed = together(
            _decide(payment, people[0], accept=True), _decide(payment, people[1], accept=False)
        )
        assert (accepted == "decided") != (dismissed == "decided")
        assert payment.refunds.count() == (accepted == "decided")
        assert payment.events.filter(type=EventType.RESOLVED).count() == 1


def test_the_same_form_sent_many_times_at_once_decides_once(people: list[Any]) -> None:
    payment = _conflict()
    client = Client()
    client.force_login(people[0])
    cookies = client.cookies

    def post() -> int:
        other = Client()
        other.cookies = cookies
        form = {"decision": "accept", "note": "Перевірено"}
        return other.post(f"/admin/payparts/payments/{payment.pk}/resolve/{CONFLICT}/", form).status_code

    assert together(*times(4, post)) == [302] * 4
    assert payment.refunds.count() == 1
    assert payment.events.filter(type=EventType.RESOLVED).count() == 1


def test_a_note_sent_twice_at_once_is_one(people: list[Any]) -> None:
    payment = _conflict()
    together(*times(4, lambda: add_note(payment, "Дзвонили", by=people[0])))
    assert payment.events.count() == 1


def _deliver(payment: Payment, by: Any) -> Callable[[], str]:
    def deliver() -> str:
        try:
            deliver_again(payment, by=by)
        except AlreadyResolved:
            return QUICKER
        return "delivered"

    return deliver


def test_two_people_deliver_again_at_once_and_the_receiver_is_called_once(people: list[Any]) -> None:
    for _round in range(5):
        payment = make_payment(state="SUCCESS", settled_at=timezone.now())
        delivery = owe(payment)
        delivery.done_at = timezone.now()
        delivery.save()
        ReceiverResult.objects.create(
            delivery=delivery, receiver="tests.shop", attempts=12, given_up_at=timezone.now(), last_error="KeyError"
        )
        Payment.objects.filter(pk=payment.pk).update(next_delivery_at=None)
        shop = Shop()
        with connected(payment_succeeded, shop=shop):
            outcomes = together(*(_deliver(payment, by) for by in people))
            deliver_due()
        assert sorted(outcomes) == ["delivered", QUICKER]
        assert shop.calls == 1
        assert payment.events.filter(type=EventType.REDELIVERY).count() == 1
        assert not payment.deliveries.filter(done_at__isnull=True).exists()


def _in_conflict(bank: Simulator) -> Payment:
    """Paid, and then the bank says that it is not."""
    payment = start_payment(lines=[{"name": "Чайник", "count": 1, "price": "400.00"}], parts_count=2)
    bank.pay(payment.order_id)
    sync_payment(payment)
    bank.set_state(payment.order_id, "CANCELED")
    return sync_payment(payment)


def test_what_the_bank_repeats_while_it_is_dismissed_is_not_lost(bank: Simulator, people: list[Any]) -> None:
    """Either the answer came first, and was dismissed with the rest, or it raises the same again."""
    payment = _in_conflict(bank)
    for _round in range(5):
        together(_decide(payment, people[0], accept=False), lambda: sync_payment(payment))
        raised = payment.events.filter(type=EventType.ATTENTION, message=CONFLICT).count()
        decided = payment.events.filter(type=EventType.RESOLVED).count()
        assert raised - decided == (_fresh(payment).attention == CONFLICT)
        assert sync_payment(payment).attention == CONFLICT


def test_what_the_bank_repeats_while_it_is_accepted_does_not_come_back(bank: Simulator, people: list[Any]) -> None:
    for _round in range(3):
        payment = _in_conflict(bank)
        together(*(_decide(payment, by, accept=True) for by in people), *times(2, lambda p=payment: sync_payment(p)))
        assert (sync_payment(payment).attention, payment.refunds.count()) == ("", 1)
        assert _fresh(payment).refunded_amount == payment.amount


def test_the_bank_is_asked_once_for_several_who_press_at_once(bank: Simulator, people: list[Any]) -> None:
    payment = start_payment(lines=[{"name": "Чайник", "count": 1, "price": "400.00"}], parts_count=2)
    cache.clear()

    def press(by: Any) -> Callable[[], int]:
        client = Client()
        client.force_login(by)
        return lambda: client.post(f"/admin/payparts/payments/{payment.pk}/ask/").status_code

    assert together(*(press(by) for by in people)) == [302, 302]
    assert [request.endpoint for request in bank.requests].count("state") == 1


def _put_aside(callback: PaymentEvent, by: Any) -> Callable[[], str]:
    def put_aside() -> str:
        try:
            dismiss_callback(callback, note="Інший сайт", by=by)
        except AlreadyResolved:
            return QUICKER
        return "put aside"

    return put_aside


def _unknown_callback() -> PaymentEvent:
    return PaymentEvent.objects.create(
        type=EventType.CALLBACK,
        verdict=Verdict.UNKNOWN_ORDER,
        order_id="ELSEWHERE",
        store_id="5E1F0A4D2B7C49E3A816",
        state="SUCCESS",
        announced_at=timezone.now(),
    )


def test_a_callback_is_put_aside_by_one_of_two(people: list[Any]) -> None:
    callback = _unknown_callback()
    assert sorted(together(*(_put_aside(callback, by) for by in people))) == ["put aside", QUICKER]
    assert PaymentEvent.objects.filter(type=EventType.RESOLVED).count() == 1


def test_a_payment_that_appears_while_its_callback_is_put_aside_is_polled_all_the_same(
    bank: Simulator, people: list[Any]
) -> None:
    callback = _unknown_callback()
    payment = make_payment(order_id="ELSEWHERE", next_poll_at=timezone.now())
    together(_put_aside(callback, people[0]), sweep)
    callback.refresh_from_db()
    assert callback.verdict in {Verdict.DISMISSED, Verdict.RECEIVED}
    assert _fresh(payment).next_poll_at is not None

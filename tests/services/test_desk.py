"""What staff decide: who may, what it writes down, what it changes, and what it never does twice."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from tests.factories import make_order, make_payment
from tests.owing import Shop, connected
from tests.services.conftest import Person
from wagtail_payparts.exceptions import AlreadyResolved, NotAllowed
from wagtail_payparts.models import (
    AttentionCode,
    EventType,
    Payment,
    PaymentEvent,
    Refund,
    RefundState,
    Source,
    Verdict,
)
from wagtail_payparts.services import sync_payment
from wagtail_payparts.services.deliveries import deliver_payment
from wagtail_payparts.services.desk import (
    add_note,
    ask_bank,
    deliver_again,
    dismiss_callback,
    resolve_attention,
    unknown_callbacks,
)
from wagtail_payparts.signals import payment_refunded
from wagtail_payparts.simulator import Simulator
from wagtail_payparts.states import PaymentState


pytestmark = pytest.mark.django_db
S = PaymentState
CONFLICT = "negative_after_success"


def _paid(**fields: Any) -> Payment:
    return make_payment(**{"state": S.SUCCESS, "settled_at": timezone.now(), "attention": CONFLICT} | fields)


def _fresh(payment: Payment) -> Payment:
    return Payment.objects.get(pk=payment.pk)


def _accept(payment: Payment, by: Any, code: str = CONFLICT) -> Payment:
    return resolve_attention(payment, code, accept=True, note="Банк підтвердив", by=by)


def _dismiss(payment: Payment, by: Any, code: str = CONFLICT) -> Payment:
    return resolve_attention(payment, code, accept=False, note="Помилка банку", by=by)


ACTIONS: dict[str, tuple[set[str], Callable[[Any], Any]]] = {
    "add a note": ({"ask", "resolve"}, lambda by: add_note(_paid(), "Дзвонили", by=by)),
    "ask the bank": ({"ask"}, lambda by: ask_bank(_paid(store="gone"), by=by)),
    "deliver again": ({"resolve"}, lambda by: deliver_again(_paid(), by=by)),
    "resolve": ({"resolve"}, lambda by: _accept(_paid(), by)),
    "dismiss a callback": ({"resolve"}, lambda by: dismiss_callback(_callback(), note="Чуже", by=by)),
}


def _callback(**fields: Any) -> PaymentEvent:
    defaults = {"type": EventType.CALLBACK, "verdict": Verdict.UNKNOWN_ORDER, "source": Source.CALLBACK}
    return PaymentEvent.objects.create(
        **defaults | {"order_id": "ELSEWHERE", "store_id": "A", "state": "SUCCESS"} | fields
    )


@pytest.mark.parametrize("permission", ["ask", "resolve", "refund", "hold", "view", "export", "viewbuyer"])
@pytest.mark.parametrize("action", ACTIONS)
def test_each_action_needs_its_permission(person: Person, action: str, permission: str) -> None:
    allowed, act = ACTIONS[action]
    events = PaymentEvent.objects.filter(source=Source.STAFF)
    if permission in allowed:
        with suppress(AlreadyResolved, ImproperlyConfigured):
            act(person(permission))
    else:
        with pytest.raises(NotAllowed) as refused:
            act(person(permission))
        assert not isinstance(refused.value, AlreadyResolved)
        assert "do not have the permission" in refused.value.user_message
        assert not events.exists()


@pytest.mark.parametrize("action", ACTIONS)
def test_a_stranger_and_somebody_who_was_shut_out_do_nothing(boss: Any, action: str) -> None:
    boss.is_active = False
    for by in (AnonymousUser(), boss):
        with pytest.raises(NotAllowed):
            ACTIONS[action][1](by)


# A note


def test_a_note_is_an_event_of_the_payment(boss: Any) -> None:
    payment = _paid()
    event = add_note(payment, "  Дзвонили покупцеві\nзавтра ", by=boss)
    assert (event.payment, event.type, event.source, event.user) == (payment, EventType.NOTE, Source.STAFF, boss)
    assert event.message == "Дзвонили покупцеві\nзавтра"
    before, after = payment, _fresh(payment)
    assert (after.state, after.attention) == (before.state, before.attention)


@pytest.mark.parametrize("text", ["", "  \n\t"])
def test_an_empty_note_says_nothing_and_is_refused(boss: Any, text: str) -> None:
    payment = _paid()
    for act in (
        lambda: add_note(payment, text, by=boss),
        lambda: resolve_attention(payment, CONFLICT, accept=True, note=text, by=boss),
        lambda: dismiss_callback(_callback(), note=text, by=boss),
    ):
        with pytest.raises(NotAllowed, match="required"):
            act()
    assert not PaymentEvent.objects.filter(source=Source.STAFF).exists()
    assert _fresh(payment).attention == CONFLICT


def test_a_note_that_no_database_can_store_is_made_fit(boss: Any) -> None:
    payment = _paid()
    add_note(payment, "a\0b\ud800", by=boss)
    resolve_attention(payment, CONFLICT, accept=True, note="a\0b\ud800", by=boss)
    dismiss_callback(_callback(), note="a\0b\ud800", by=boss)
    assert set(PaymentEvent.objects.filter(source=Source.STAFF).values_list("message", flat=True)) == {"a�b�"}
    assert Refund.objects.get().reason == "a�b�"


def test_a_double_click_writes_one_note(boss: Any, person: Person) -> None:
    payment = _paid()
    assert add_note(payment, "Раз", by=boss) == add_note(payment, "Раз", by=boss)
    add_note(payment, "Два", by=boss)
    add_note(payment, "Раз", by=boss)
    add_note(payment, "Раз", by=person("ask"))
    assert [event.message for event in payment.events_in_order()] == ["Раз", "Два", "Раз", "Раз"]


# Deciding


@pytest.mark.parametrize("accept", [True, False])
@pytest.mark.parametrize("code", [*AttentionCode.values, "of_another_version"])
def test_a_decision_takes_the_code_away_and_is_written_down(boss: Any, code: str, accept: bool) -> None:
    payment = _paid(attention=f"unknown_x {code} unknown_y")
    after = resolve_attention(payment, code, accept=accept, note="Перевірено", by=boss)
    assert after.attention == "unknown_x unknown_y"
    assert _fresh(payment).attention == "unknown_x unknown_y"
    event = payment.events.get()
    assert (event.type, event.source, event.user) == (EventType.RESOLVED, Source.STAFF, boss)
    assert event.verdict == (Verdict.ACCEPTED if accept else Verdict.DISMISSED)
    assert event.message == "Перевірено"
    assert event.payload == {"code": code}
    assert after.state == S.SUCCESS
    if not (accept and code == CONFLICT):
        assert not payment.refunds.exists()
        assert not payment.deliveries.exists()
        assert after.refunded_amount == 0


def test_money_that_went_back_at_the_bank_is_written_down_and_announced(
    boss: Any, django_capture_on_commit_callbacks: Any
) -> None:
    order = make_order(status="paid", paid_amount=Decimal("12500.00"))
    payment = _paid(buyer_order=order, refunded_amount=Decimal("500.00"))
    shop = Shop()
    with connected(payment_refunded, shop=shop), django_capture_on_commit_callbacks(execute=True):
        after = _accept(payment, boss)
    refund = payment.refunds.get()
    assert (refund.amount, refund.state) == (Decimal("12000.00"), RefundState.EXTERNAL)
    assert (refund.requested_by, refund.reason) == (boss, "Банк підтвердив")
    assert after.refunded_amount == after.amount
    assert (after.net_amount, after.remainder) == (0, 0)
    assert after.state == S.SUCCESS
    (heard,) = shop.heard
    assert (heard["refund"], heard["event"].type) == (refund, EventType.RESOLVED)
    order.refresh_from_db()
    assert (order.status, order.paid_amount) == ("refunded", 0)


def test_where_nothing_is_left_accepting_refunds_nothing(boss: Any) -> None:
    payment = _paid(refunded_amount=Decimal("12500.00"))
    _accept(payment, boss)
    assert not payment.refunds.exists()
    assert not payment.deliveries.exists()


@pytest.mark.parametrize("state", [RefundState.REQUESTED, RefundState.SENT, RefundState.UNCERTAIN])
def test_no_refund_is_written_down_beside_one_without_an_outcome(boss: Any, state: str) -> None:
    payment = _paid()
    Refund.objects.create(payment=payment, amount=100, state=state)
    with pytest.raises(NotAllowed) as refused:
        _accept(payment, boss)
    assert "no outcome yet" in refused.value.user_message
    assert (_fresh(payment).attention, payment.refunds.count(), payment.events.count()) == (CONFLICT, 1, 0)
    assert _dismiss(payment, boss).attention == ""


@pytest.mark.parametrize("state", [RefundState.ACCEPTED, RefundState.REJECTED, RefundState.WITHDRAWN])
def test_a_refund_with_an_outcome_is_no_obstacle(boss: Any, state: str) -> None:
    payment = _paid()
    Refund.objects.create(payment=payment, amount=100, state=state)
    assert _accept(payment, boss).remainder == 0


def test_the_second_hears_who_was_quicker_and_does_nothing(person: Person) -> None:
    olha = person("resolve", first_name="Ольга", last_name="Коваль")
    petro = person("resolve", first_name="Петро")
    payment = _paid()
    _accept(payment, olha)
    with pytest.raises(AlreadyResolved) as told:
        _accept(payment, petro)
    assert told.value.user_message == "Ольга Коваль has already decided this: nothing was done."
    with pytest.raises(AlreadyResolved) as told:
        _accept(payment, olha)
    assert told.value.user_message == "You have already decided this: nothing was done again."
    assert payment.refunds.count() == 1
    assert payment.deliveries.count() == 1
    assert payment.events.count() == 1


def test_what_has_gone_by_itself_names_nobody(boss: Any, person: Person) -> None:
    payment = _paid(attention="claim_overdue")
    _dismiss(payment, boss, "claim_overdue")
    boss.delete()
    other = person("resolve")
    for code in ("late_success", "claim_overdue"):
        with pytest.raises(AlreadyResolved) as told:
            _dismiss(payment, other, code)
        assert told.value.user_message == "This does not need a decision any more: nothing was done."


# What the bank says afterwards


@pytest.fixture
def conflict(created: Payment, bank: Simulator) -> Payment:
    """Paid, and then the bank says that it is not."""
    bank.pay(created.order_id)
    sync_payment(created)
    bank.set_state(created.order_id, "CANCELED")
    return sync_payment(created)


def test_once_the_money_went_back_a_negative_word_is_no_conflict(conflict: Payment, bank: Simulator, boss: Any) -> None:
    assert conflict.attention == CONFLICT
    _accept(conflict, boss)
    for word in ("CANCELED", "FAIL"):
        bank.set_state(conflict.order_id, word)
        after = sync_payment(conflict)
        assert (after.attention, after.state) == ("", S.SUCCESS)
    deliver_payment(conflict.pk)
    assert conflict.deliveries.filter(signal="payment_refunded").count() == 1


def test_what_was_dismissed_comes_back_if_the_bank_still_says_so(conflict: Payment, boss: Any) -> None:
    assert _dismiss(conflict, boss).attention == ""
    after = sync_payment(conflict)
    assert after.attention == CONFLICT
    assert after.events.filter(type=EventType.ATTENTION, message=CONFLICT).count() == 2
    _dismiss(conflict, boss)


def test_what_was_dismissed_stays_away_if_the_bank_says_so_no_more(
    conflict: Payment, bank: Simulator, boss: Any
) -> None:
    _dismiss(conflict, boss)
    bank.set_state(conflict.order_id, "SUCCESS")
    assert sync_payment(conflict).attention == ""


# Callbacks for orders that nobody knows


def test_a_callback_is_put_aside_and_stays_in_the_log(boss: Any) -> None:
    callback, other = _callback(), _callback()
    dismiss_callback(callback, note="Інший сайт", by=boss)
    assert list(unknown_callbacks()) == [other]
    callback.refresh_from_db()
    assert (callback.verdict, callback.type) == (Verdict.DISMISSED, EventType.CALLBACK)
    event = PaymentEvent.objects.get(type=EventType.RESOLVED)
    assert (event.user, event.message, event.order_id) == (boss, "Інший сайт", "ELSEWHERE")
    assert event.payload == {"code": "unknown_order", "callback": callback.pk}


def test_a_callback_is_put_aside_once(boss: Any) -> None:
    callback = _callback()
    dismiss_callback(callback, note="Інший сайт", by=boss)
    with pytest.raises(AlreadyResolved):
        dismiss_callback(callback, note="Інший сайт", by=boss)
    assert PaymentEvent.objects.filter(type=EventType.RESOLVED).count() == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"verdict": Verdict.RECEIVED},
        {"verdict": Verdict.REJECTED},
        {"type": EventType.POLL},
        {"payment": True},
    ],
)
def test_nothing_else_is_put_aside(boss: Any, fields: dict[str, Any]) -> None:
    if "payment" in fields:
        fields = {"payment": make_payment()}
    event = _callback(**fields)
    with pytest.raises(AlreadyResolved):
        dismiss_callback(event, note="Інший сайт", by=boss)
    assert not unknown_callbacks().exists()
    assert PaymentEvent.objects.get().verdict == event.verdict


def test_the_newest_callback_comes_first(boss: Any) -> None:
    first, second = _callback(), _callback()
    assert list(unknown_callbacks()) == [second, first]

"""Orders are handed over, taken back and written on, once, by those who may, and with a trace of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from wagtail.log_actions import LogContext
from wagtail.log_actions import registry as logs

from tests.factories import make_order
from tests.together import together
from wagtail_payparts.exceptions import AlreadyResolved, NotAllowed
from wagtail_payparts.models import Order, OrderStatus
from wagtail_payparts.services.orders import (
    HANDED_OVER,
    NOTE_WRITTEN,
    TAKEN_BACK,
    hand_over,
    note_version,
    take_back,
    write_note,
)


pytestmark = pytest.mark.django_db


def _cashier(name: str = "iryna") -> Any:
    user = get_user_model().objects.create_user(name)
    user.user_permissions.set(Permission.objects.filter(codename="handover_order"))
    return user


def _logged(order: Order) -> list[tuple[str, Any]]:
    return [(entry.action, entry.user) for entry in reversed(logs.get_logs_for_instance(order))]


def test_an_order_is_handed_over_by_somebody_at_some_time() -> None:
    order, by = make_order(status=OrderStatus.PAID), _cashier()
    row = hand_over(order, by=by, seen_status="paid")
    stored = Order.objects.get(pk=order.pk)
    assert row.handed_over_at is not None
    assert stored.handed_over_at == row.handed_over_at
    assert stored.handed_over_by == by
    assert _logged(order) == [(HANDED_OVER, by)]


def test_the_second_to_hand_it_over_is_told_who_was_quicker() -> None:
    order, first, second = make_order(), _cashier(), _cashier("taras")
    before = hand_over(order, by=first)
    with pytest.raises(AlreadyResolved) as refusal:
        hand_over(order, by=second)
    assert "iryna" in refusal.value.user_message
    stored = Order.objects.get(pk=order.pk)
    assert (stored.handed_over_by, stored.handed_over_at) == (first, before.handed_over_at)
    assert _logged(order) == [(HANDED_OVER, first)]


def test_it_is_also_refused_where_the_account_of_the_first_is_gone() -> None:
    order, first = make_order(), _cashier()
    hand_over(order, by=first)
    first.delete()
    with pytest.raises(AlreadyResolved) as refusal:
        hand_over(order, by=_cashier("taras"))
    assert "already" in refusal.value.user_message


def test_the_mark_is_taken_back_once_and_both_deeds_are_kept() -> None:
    order, by = make_order(), _cashier()
    hand_over(order, by=by)
    assert take_back(order, by=by).handed_over_at is None
    with pytest.raises(AlreadyResolved):
        take_back(order, by=by)
    stored = Order.objects.get(pk=order.pk)
    assert (stored.handed_over_at, stored.handed_over_by) == (None, None)
    assert _logged(order) == [(HANDED_OVER, by), (TAKEN_BACK, by)]
    hand_over(order, by=by)
    assert Order.objects.get(pk=order.pk).handed_over_by == by


def test_two_orders_of_one_request_are_both_in_the_log() -> None:
    """Wagtail shows one entry for each uuid and action, and a whole request has one uuid."""
    orders, by = [make_order(), make_order()], _cashier()
    with LogContext(user=by):
        for order in orders:
            hand_over(order, by=by)
    entries = [logs.get_logs_for_instance(order).get() for order in orders]
    assert entries[0].uuid != entries[1].uuid


def test_nothing_is_handed_over_on_a_status_that_is_no_longer_true() -> None:
    order, by = make_order(status=OrderStatus.REFUNDED), _cashier()
    with pytest.raises(NotAllowed) as refusal:
        hand_over(order, by=by, seen_status="paid")
    assert not isinstance(refusal.value, AlreadyResolved)
    assert refusal.value.user_message
    assert Order.objects.get(pk=order.pk).handed_over_at is None
    assert _logged(order) == []


def test_a_note_replaces_the_one_that_was_read() -> None:
    order, by = make_order(), _cashier()
    write_note(order, " Перша\r\nнотатка ", seen=note_version(""), by=by)
    assert Order.objects.get(pk=order.pk).staff_note == "Перша\nнотатка"
    write_note(order, "Друга", seen=note_version("Перша\nнотатка"), by=by)
    assert Order.objects.get(pk=order.pk).staff_note == "Друга"
    assert _logged(order) == [(NOTE_WRITTEN, by)] * 2


@pytest.mark.parametrize("other", ["Інша", "нотатка", "Нотатка ", "НОТАТКА"])
def test_a_note_that_somebody_else_has_changed_is_not_overwritten(other: str) -> None:
    """Compared exactly, also where the database would take small letters for capitals."""
    order, first, second = make_order(staff_note="Нотатка"), _cashier(), _cashier("taras")
    Order.objects.filter(pk=order.pk).update(staff_note=other)
    with pytest.raises(AlreadyResolved):
        write_note(order, "Моя", seen=note_version("Нотатка"), by=first)
    assert Order.objects.get(pk=order.pk).staff_note == other
    write_note(order, "Чужа", seen=note_version(other), by=second)
    with pytest.raises(AlreadyResolved) as refusal:
        write_note(order, "Моя", seen=note_version(other), by=first)
    assert "taras" in refusal.value.user_message
    assert _logged(order) == [(NOTE_WRITTEN, second)]


def test_a_note_that_says_the_same_is_no_change() -> None:
    order, by = make_order(staff_note="Те саме"), _cashier()
    write_note(order, "Те саме", seen="", by=by)
    assert _logged(order) == []


@pytest.mark.parametrize(
    "act",
    [
        lambda order, by: hand_over(order, by=by),
        lambda order, by: take_back(order, by=by),
        lambda order, by: write_note(order, "Нотатка", seen=note_version(""), by=by),
    ],
)
def test_nobody_acts_without_the_permission(act: Callable[[Order, Any], Any]) -> None:
    order = make_order()
    somebody = get_user_model().objects.create_user("guest")
    somebody.user_permissions.set(Permission.objects.filter(codename="view_order"))
    before = Order.objects.values().get(pk=order.pk)
    with pytest.raises(NotAllowed) as refusal:
        act(order, somebody)
    assert refusal.value.user_message
    assert Order.objects.values().get(pk=order.pk) == before
    assert _logged(order) == []


def test_an_order_that_is_gone_is_a_refusal() -> None:
    order, by = make_order(), _cashier()
    Order.objects.all().delete()
    for act in (lambda: hand_over(order, by=by), lambda: write_note(order, "Нотатка", seen="", by=by)):
        with pytest.raises(AlreadyResolved):
            act()


@pytest.mark.threads
@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_hands_over_and_one_is_told() -> None:
    order, people = make_order(), [_cashier(), _cashier("taras")]

    def attempt(by: Any) -> str:
        try:
            hand_over(order, by=by)
        except AlreadyResolved as refusal:
            return refusal.user_message
        return by.get_username()  # type: ignore[no-any-return]

    said = together(*[lambda by=by: attempt(by) for by in people])  # type: ignore[misc]
    winner = Order.objects.get(pk=order.pk).handed_over_by
    assert winner is not None
    assert said.count(winner.username) == 1
    assert any(text != winner.username and winner.username in text for text in said)
    assert [action for action, _by in _logged(order)] == [HANDED_OVER]


@pytest.mark.threads
@pytest.mark.django_db(transaction=True)
def test_of_two_notes_at_once_one_is_written_and_one_is_told() -> None:
    order, people = make_order(), [_cashier(), _cashier("taras")]

    def attempt(by: Any) -> bool:
        try:
            write_note(order, f"від {by}", seen=note_version(""), by=by)
        except AlreadyResolved:
            return False
        return True

    written = together(*[lambda by=by: attempt(by) for by in people])  # type: ignore[misc]
    assert sorted(written) == [False, True]
    assert Order.objects.get(pk=order.pk).staff_note == f"від {people[written.index(True)]}"

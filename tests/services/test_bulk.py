"""What staff do with several payments at once, below the pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.utils import timezone
from django_tasks import task_backends

from tests.factories import make_payment
from tests.together import together
from wagtail_payparts.exceptions import NotAllowed
from wagtail_payparts.models import EventType, Heartbeat, Payment, Refund, Source, Verdict
from wagtail_payparts.services import start_payment
from wagtail_payparts.services.bulk import INLINE_QUESTIONS, ask_soon, poller_is_silent, resolve_each
from wagtail_payparts.services.sync import beat, poll_due
from wagtail_payparts.simulator import Simulator


pytestmark = pytest.mark.django_db


def _person(*codenames: str) -> Any:
    user = get_user_model().objects.create_user(f"person-{'-'.join(codenames) or 'nothing'}")
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


def _start(count: int) -> list[Payment]:
    line = {"name": "Чайник", "count": 1, "price": 400}
    return [start_payment(lines=[line], parts_count=3) for _number in range(count)]


def _asked_about(bank: Simulator) -> list[str]:
    return [asked.order_id for asked in bank.requests if asked.endpoint == "state"]


def _with_workers(settings: Any) -> Any:
    """A backend that keeps what it is given, as a queue of a project with workers does."""
    settings.TASKS = {"default": {"BACKEND": "django_tasks.backends.dummy.DummyBackend"}}
    return task_backends["default"]


def test_questions_become_due_at_once_and_it_is_written_down_who_wanted_them() -> None:
    clerk = _person("ask_payment")
    later = make_payment(next_poll_at=timezone.now() + timedelta(days=1))
    settled = make_payment(state="SUCCESS", next_poll_at=None)
    asked = ask_soon([later, settled], by=clerk)
    assert asked.marked == [later, settled]
    for payment in (later, settled):
        payment.refresh_from_db()
        assert payment.next_poll_at is not None
        assert payment.next_poll_at <= timezone.now()
        event = payment.events.get()
        assert (event.type, event.source, event.verdict) == (EventType.POLL, Source.STAFF, Verdict.RECEIVED)
        assert event.user == clerk


def test_asking_twice_does_no_harm() -> None:
    clerk = _person("ask_payment")
    payment = make_payment()
    ask_soon([payment], by=clerk)
    payment.refresh_from_db()
    due = payment.next_poll_at
    assert ask_soon([payment], by=clerk).marked == []
    payment.refresh_from_db()
    assert payment.next_poll_at == due
    assert payment.events.count() == 1


def test_the_poller_asks_what_was_wished_for(bank: Simulator) -> None:
    payments = _start(5)
    ask_soon(payments, by=_person("ask_payment"))
    assert _asked_about(bank) == []
    assert poll_due().asked == 5
    assert sorted(_asked_about(bank)) == sorted(payment.order_id for payment in payments)


def test_inline_the_request_waits_for_a_few_questions_and_the_poller_asks_the_rest(
    bank: Simulator, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    payments = _start(5)
    with django_capture_on_commit_callbacks(execute=True):
        asked = ask_soon(payments, by=_person("ask_payment"))
        assert _asked_about(bank) == []
    assert (asked.at_once, asked.later) == (INLINE_QUESTIONS, 5 - INLINE_QUESTIONS)
    assert len(_asked_about(bank)) == INLINE_QUESTIONS
    assert poll_due().asked == 5 - INLINE_QUESTIONS


def test_inline_no_question_begins_once_the_time_for_them_is_over(
    bank: Simulator, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    monkeypatch.setattr("wagtail_payparts.services.bulk.INLINE_SECONDS", -1)
    with django_capture_on_commit_callbacks(execute=True):
        ask_soon(_start(2), by=_person("ask_payment"))
    assert _asked_about(bank) == []
    assert poll_due().asked == 2


def test_with_workers_every_question_is_handed_over(
    settings: Any, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    backend = _with_workers(settings)
    payments = [make_payment() for _number in range(7)]
    with django_capture_on_commit_callbacks(execute=True):
        asked = ask_soon(payments, by=_person("ask_payment"))
        assert backend.results == []
    assert (asked.at_once, asked.later) == (7, 0)
    assert [result.args for result in backend.results] == [[payment.pk] for payment in payments]


def test_a_project_that_leaves_questions_to_the_poller_has_none_asked_elsewhere(
    settings: Any, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    backend = _with_workers(settings)
    settings.PAYPARTS_CHECK_INLINE = False
    with django_capture_on_commit_callbacks(execute=True):
        asked = ask_soon([make_payment(), make_payment()], by=_person("ask_payment"))
    assert (asked.at_once, asked.later) == (0, 2)
    assert backend.results == []


def test_a_broker_that_is_down_leaves_the_questions_to_the_poller(
    settings: Any,
    bank: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    backend = _with_workers(settings)
    payments = _start(2)

    def refuse(*_args: Any, **_kwargs: Any) -> None:
        raise ConnectionError("no broker")

    monkeypatch.setattr(backend, "enqueue", refuse)
    with django_capture_on_commit_callbacks(execute=True):
        ask_soon(payments, by=_person("ask_payment"))
    assert poll_due().asked == 2


def test_the_poller_is_silent_until_it_beats_and_after_five_minutes() -> None:
    assert poller_is_silent()
    beat()
    assert not poller_is_silent()
    Heartbeat.objects.update(beat_at=timezone.now() - timedelta(minutes=6))
    assert poller_is_silent()


def test_one_decision_is_taken_for_each_payment_it_stands_open_for() -> None:
    clerk = _person("resolve_payment")
    one = make_payment(state="SUCCESS", attention="late_success double_payment")
    two = make_payment(state="SUCCESS", attention="late_success")
    other = make_payment(attention="unknown_state")
    outcome = resolve_each([one, two, other], "late_success", accept=False, note="checked", by=clerk)
    assert outcome.done == [one, two]
    assert outcome.decided_before == []
    assert [Payment.objects.get(pk=row.pk).attention for row in (one, two, other)] == [
        "double_payment",
        "",
        "unknown_state",
    ]
    event = two.events.get()
    assert (event.verdict, event.message, event.user) == (Verdict.DISMISSED, "checked", clerk)


def test_what_somebody_has_decided_is_counted_and_not_decided_twice() -> None:
    clerk = _person("resolve_payment")
    payment, stale = make_payment(attention="late_success"), make_payment(attention="late_success")
    # As this person's page still had them.
    seen = [Payment.objects.get(pk=payment.pk), Payment.objects.get(pk=stale.pk)]
    resolve_each([payment], "late_success", accept=True, note="mine", by=clerk)
    outcome = resolve_each(seen, "late_success", accept=False, note="too late", by=clerk)
    assert outcome.done == [stale]
    assert outcome.decided_before == [payment]
    assert payment.events.get(type=EventType.RESOLVED).message == "mine"
    # And where it was gone before we even looked.
    again = resolve_each([Payment.objects.get(pk=payment.pk)], "late_success", accept=True, note="x", by=clerk)
    assert (again.done, again.decided_before) == ([], [payment])


def test_a_decision_that_fails_for_one_payment_stands_for_those_before() -> None:
    clerk = _person("resolve_payment")
    first, second = make_payment(attention="late_success"), make_payment(attention="late_success")
    gone = Payment(pk=second.pk + 1000, attention="late_success")
    with pytest.raises(Payment.DoesNotExist):
        resolve_each([first, gone, second], "late_success", accept=True, note="x", by=clerk)
    assert Payment.objects.get(pk=first.pk).attention == ""
    assert Payment.objects.get(pk=second.pk).attention == "late_success"


def test_what_moves_money_is_not_decided_for_several() -> None:
    payment = make_payment(state="SUCCESS", attention="negative_after_success")
    for accept in (True, False):
        with pytest.raises(NotAllowed):
            resolve_each(
                [payment], "negative_after_success", accept=accept, note="x", by=_person("resolve_payment", str(accept))
            )
    payment.refresh_from_db()
    assert payment.attention == "negative_after_success"
    assert not Refund.objects.exists()


def test_each_needs_its_own_permission() -> None:
    payment = make_payment(attention="late_success")
    with pytest.raises(NotAllowed):
        ask_soon([payment], by=_person("view_payment", "resolve_payment"))
    with pytest.raises(NotAllowed):
        resolve_each([payment], "late_success", accept=True, note="x", by=_person("view_payment", "ask_payment"))
    payment.refresh_from_db()
    assert payment.attention == "late_success"
    assert payment.next_poll_at is None
    assert not payment.events.exists()


@pytest.mark.threads
@pytest.mark.django_db(transaction=True)
def test_two_people_who_resolve_the_same_payments_at_once_decide_each_once() -> None:
    clerk = _person("resolve_payment")
    payments = [make_payment(attention="late_success") for _number in range(6)]

    def resolve(order: int) -> Callable[[], Any]:
        seen = [Payment.objects.get(pk=payment.pk) for payment in payments][::order]
        return lambda: resolve_each(seen, "late_success", accept=True, note="x", by=clerk)

    first, second = together(resolve(1), resolve(-1))
    assert len(first.done) + len(second.done) == 6
    assert len(first.decided_before) + len(second.decided_before) == 6
    for payment in payments:
        assert payment.events.filter(type=EventType.RESOLVED).count() == 1


@pytest.mark.threads
@pytest.mark.django_db(transaction=True)
def test_two_people_who_ask_about_the_same_payments_at_once_write_it_down_once(settings: Any) -> None:
    _with_workers(settings)
    clerk = _person("ask_payment")
    payments = [make_payment() for _number in range(6)]
    first, second = together(lambda: ask_soon(payments, by=clerk), lambda: ask_soon(payments[::-1], by=clerk))
    assert len(first.marked) + len(second.marked) == 6
    for payment in payments:
        assert payment.events.count() == 1

"""What staff do to a payment: the page that asks, the button that does it, and what they are told afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from wagtail.log_actions import LogContext
from wagtail.models import ModelLogEntry

from tests.dashboard.acting import (
    ACTIONS,
    CONFLICT,
    DECISION,
    a_payment,
    address_of,
    is_sent_home,
    what_is_told,
    written,
)
from tests.dashboard.conftest import PAYMENTS
from tests.dashboard.reading import soup_of, words
from tests.factories import make_order, make_payment
from tests.owing import Shop, connected
from wagtail_payparts.dashboard import log
from wagtail_payparts.dashboard.attention import explain, meaning_of
from wagtail_payparts.dashboard.log import write_log
from wagtail_payparts.models import (
    AttentionCode,
    EventType,
    Payment,
    ReceiverResult,
    Refund,
    SignalDelivery,
    Verdict,
)
from wagtail_payparts.signals import payment_succeeded
from wagtail_payparts.simulator import Simulator


pytestmark = pytest.mark.django_db

PERMISSIONS = ["ask_payment", "resolve_payment", "hold_payment", "refund_payment", "export_payment"]


def _facts(soup: Any) -> dict[str, str]:
    return {words(row.dt): words(row.dd) for row in soup.select(".payparts-action .payparts-facts > div")}


def _consequences(soup: Any) -> str:
    return words(soup.select_one(".payparts-action__consequences"))


# Who may


@pytest.mark.parametrize("permission", PERMISSIONS)
@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_needs_its_own_permission_and_that_to_see_the_payment(
    staff: Callable[..., Client], action: str, permission: str
) -> None:
    payment = a_payment(store="gone")
    allowed = permission in ACTIONS[action][1]
    for client, may in ((staff(permission), False), (staff("view_payment", permission), allowed)):
        assert client.get(address_of(payment, action)).status_code == (200 if may else 302)
        response = client.post(address_of(payment, action), ACTIONS[action][2])
        assert is_sent_home(response) != may
        if not may:
            assert not written()
            assert not ModelLogEntry.objects.exists()


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("action", ACTIONS)
def test_a_viewer_and_a_stranger_do_nothing(viewer: Client, client: Client, action: str, method: str) -> None:
    payment = a_payment()
    assert is_sent_home(getattr(viewer, method)(address_of(payment, action), ACTIONS[action][2]))
    response = getattr(client, method)(address_of(payment, action), ACTIONS[action][2])
    assert response["Location"].startswith("/admin/login/")
    assert not written()


@pytest.mark.parametrize("method", ["head", "options", "put", "patch", "delete"])
@pytest.mark.parametrize("action", ACTIONS)
def test_no_other_method_is_taken(superuser: Client, action: str, method: str) -> None:
    payment = a_payment()
    assert getattr(superuser, method)(address_of(payment, action)).status_code == 405
    assert not written()


@pytest.mark.parametrize("action", ACTIONS)
def test_a_form_from_another_site_does_nothing(action: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(get_user_model().objects.create_superuser("root"))
    assert client.post(address_of(a_payment(), action), ACTIONS[action][2]).status_code == 403
    assert not written()


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("number", ["0", "999999", "9" * 30])
def test_a_payment_that_is_not_there_is_not_found(superuser: Client, action: str, number: str) -> None:
    address = f"{PAYMENTS}{number}/{ACTIONS[action][0]}"
    assert superuser.get(address).status_code == superuser.post(address).status_code == 404


# The page that asks


@pytest.mark.parametrize("action", ACTIONS)
def test_asking_changes_nothing_and_repeats_the_facts(superuser: Client, bank: Simulator, action: str) -> None:
    payment = a_payment(
        order_id="ORDER-1",
        reference="SHOP-7",
        buyer_order=make_order(buyer_name="Олена", buyer_phone="+380671234567"),
        refunded_amount=500,
    )
    before = Payment.objects.values().get(pk=payment.pk)
    soup = soup_of(superuser.get(address_of(payment, action)))
    facts = _facts(soup)
    assert facts["Order id at the bank"] == "ORDER-1"
    assert facts["Amount"] == "UAH 12,500.00"
    assert facts["State"] == "Paid"
    assert facts["Refunded"] == "UAH 500.00"
    assert facts["Buyer"] == "Олена, +380671234567"
    assert _consequences(soup)
    assert soup.select_one(f'a[href="{address_of(payment)}"].button')
    assert Payment.objects.values().get(pk=payment.pk) == before
    assert not written()
    assert not ModelLogEntry.objects.exists()
    assert not bank.requests


@pytest.mark.parametrize("action", ACTIONS)
def test_the_buyer_is_named_only_to_those_who_may_see_them(staff: Callable[..., Client], action: str) -> None:
    payment = a_payment(buyer_order=make_order(buyer_name="Олена"))
    client = staff("view_payment", "ask_payment", "resolve_payment")
    assert "Олена" not in client.get(address_of(payment, action)).content.decode()


@pytest.mark.parametrize("action", ACTIONS)
def test_what_others_wrote_cannot_hurt_the_page(superuser: Client, action: str) -> None:
    bad = "<script>alert(1)</script>\u202e"
    payment = a_payment(reference=bad, buyer_order=make_order(buyer_name=bad), order_id="A<b>\u202e")
    ReceiverResult.objects.update(receiver=bad)
    content = superuser.get(address_of(payment, action)).content.decode()
    assert "<script>alert" not in content
    assert "A<b>" not in content
    assert "\u202e" not in content


def test_the_page_of_a_conflict_says_what_accepting_does_to_the_money(superuser: Client) -> None:
    payment = a_payment(refunded_amount=500)
    told = _consequences(soup_of(superuser.get(address_of(payment, "resolve"))))
    assert "If you accept: a refund of UAH 12,000.00, made at the bank, is written down" in told
    assert "No money is moved by this" in told
    assert "If you dismiss: the payment stays paid" in told


@pytest.mark.parametrize("code", [*AttentionCode.values, "of_another_version"])
def test_each_decision_is_explained_before_it_is_taken(superuser: Client, code: str) -> None:
    payment = a_payment(attention=code)
    soup = soup_of(superuser.get(f"{PAYMENTS}{payment.pk}/resolve/{code}/"))
    assert explain(code).label in _facts(soup)["Needs attention"]
    meaning = meaning_of(code)
    assert meaning.accept != meaning.dismiss
    choices = [words(label) for label in soup.select(".payparts-action input[type=radio]") for label in [label.parent]]
    assert choices == [f"Accept: {meaning.accept}", f"Dismiss: {meaning.dismiss}"]
    assert not soup.select("input[type=radio][checked]"), "nothing is decided beforehand"
    if code != CONFLICT:
        assert "no money is moved" in _consequences(soup).lower()


def test_the_signals_that_failed_are_named(superuser: Client) -> None:
    payment = a_payment()
    ReceiverResult.objects.create(
        delivery=SignalDelivery.objects.get(),
        receiver="wagtail_payparts.order.pay",
        attempts=1,
        next_attempt_at=timezone.now(),
    )
    facts = _facts(soup_of(superuser.get(address_of(payment, "deliver"))))
    assert facts["Signals that failed"] == "“Paid” → tests.shop; “Paid” → The order is marked as paid"


def test_a_hundred_failures_are_not_all_named(superuser: Client) -> None:
    payment = a_payment()
    delivery = SignalDelivery.objects.get()
    ReceiverResult.objects.bulk_create(
        ReceiverResult(delivery=delivery, receiver=f"tests.{n}", attempts=1, next_attempt_at=timezone.now())
        for n in range(100)
    )
    named = _facts(soup_of(superuser.get(address_of(payment, "deliver"))))["Signals that failed"]
    assert named.count("→") == 10
    assert named.endswith("; …")


# Doing it


@pytest.mark.parametrize("action", ["resolve", "note"])
@pytest.mark.parametrize("note", ["", "   ", "\u202e\u200f", "x" * 2001])
def test_without_a_reason_nothing_is_done_and_the_form_says_so(superuser: Client, action: str, note: str) -> None:
    payment = a_payment()
    soup = soup_of(superuser.post(address_of(payment, action), ACTIONS[action][2] | {"note": note}))
    assert words(soup.select_one(".error-message"))
    assert not written()
    if action == "resolve":
        assert soup.select_one("input[value=accept][checked]"), "what was chosen is kept"


@pytest.mark.parametrize("decision", ["", "both", "accept\0"])
def test_without_a_decision_nothing_is_done_and_the_note_is_kept(superuser: Client, decision: str) -> None:
    payment = a_payment()
    soup = soup_of(superuser.post(address_of(payment, "resolve"), DECISION | {"decision": decision}))
    assert soup.select_one(".error-message")
    assert words(soup.select_one("textarea[name=note]")) == "Банк підтвердив"
    assert not written()


def test_a_decision_is_taken_written_down_and_logged(superuser: Client) -> None:
    payment = a_payment()
    told = what_is_told(superuser, superuser.post(address_of(payment, "resolve"), DECISION), address_of(payment))
    assert "Decided, and written into the history." in told
    payment.refresh_from_db()
    assert (payment.attention, payment.remainder) == ("", 0)
    (event,) = written()
    assert (event.verdict, event.message) == (Verdict.ACCEPTED, "Банк підтвердив")
    entry = ModelLogEntry.objects.get()
    assert (entry.action, entry.object_id, entry.user.username) == (log.RESOLVED, str(payment.pk), "root")
    assert entry.message == "Accepted: Cancelled or refused after it was paid"


def test_a_dismissal_moves_no_money(superuser: Client) -> None:
    payment = a_payment()
    superuser.post(address_of(payment, "resolve"), DECISION | {"decision": "dismiss"})
    payment.refresh_from_db()
    assert (payment.attention, payment.refunded_amount) == ("", 0)
    assert not Refund.objects.exists()
    assert ModelLogEntry.objects.get().message == "Dismissed: Cancelled or refused after it was paid"


def test_the_second_to_decide_is_told_who_was_quicker(superuser: Client, staff: Callable[..., Client]) -> None:
    payment = a_payment()
    superuser.post(address_of(payment, "resolve"), DECISION)
    second = staff("view_payment", "resolve_payment")
    told = what_is_told(second, second.post(address_of(payment, "resolve"), DECISION), address_of(payment))
    assert "root has already decided this: nothing was done." in told
    assert Refund.objects.count() == len(written()) == ModelLogEntry.objects.count() == 1
    told = what_is_told(superuser, superuser.post(address_of(payment, "resolve"), DECISION), address_of(payment))
    assert "You have already decided this" in told
    told = what_is_told(second, second.get(address_of(payment, "resolve")), address_of(payment))
    assert "does not need a decision any more" in told


def test_what_the_service_refuses_is_told_above_the_form_which_keeps_what_was_written(superuser: Client) -> None:
    payment = a_payment()
    Refund.objects.create(payment=payment, amount=100, state="uncertain")
    soup = soup_of(superuser.post(address_of(payment, "resolve"), DECISION))
    assert "no outcome yet" in words(soup.select_one(".payparts-action [role=alert]"))
    assert words(soup.select_one("textarea[name=note]")) == "Банк підтвердив"
    assert not written()


def test_a_note_is_written_and_logged(superuser: Client) -> None:
    payment = a_payment()
    told = what_is_told(
        superuser, superuser.post(address_of(payment, "note"), {"note": "Дзвонили"}), address_of(payment)
    )
    assert "The note is written" in told
    superuser.post(address_of(payment, "note"), {"note": "Дзвонили"})
    assert [event.message for event in written()] == ["Дзвонили"]
    assert {entry.action for entry in ModelLogEntry.objects.all()} == {log.NOTED}


def test_signals_are_delivered_again(superuser: Client, django_capture_on_commit_callbacks: Any) -> None:
    payment, shop = a_payment(attention="delivery_failing"), Shop()
    with connected(payment_succeeded, shop=shop), django_capture_on_commit_callbacks(execute=True):
        response = superuser.post(address_of(payment, "deliver"))
    assert "being delivered again" in what_is_told(superuser, response, address_of(payment))
    assert len(shop.heard) == 1
    payment.refresh_from_db()
    assert payment.attention == ""
    assert ModelLogEntry.objects.get().action == log.DELIVERED


@pytest.mark.parametrize("method", ["get", "post"])
def test_where_nothing_failed_it_says_so(superuser: Client, method: str) -> None:
    payment = make_payment(state="SUCCESS")
    told = what_is_told(superuser, getattr(superuser, method)(address_of(payment, "deliver")), address_of(payment))
    assert "nothing was done" in told
    assert not ModelLogEntry.objects.exists()


# Where it leads afterwards, and what is left of it


@pytest.mark.parametrize("action", ACTIONS)
def test_it_goes_back_to_where_the_person_came_from(superuser: Client, action: str) -> None:
    payment = a_payment(store="gone")
    back = f"{PAYMENTS}attention/?code={CONFLICT}"
    soup = soup_of(superuser.get(address_of(payment, action), {"next": back}))
    hidden = soup.select_one(".payparts-action input[name=next]")
    assert hidden is not None
    response = superuser.post(address_of(payment, action), ACTIONS[action][2] | {"next": hidden["value"]})
    assert response["Location"] == back


@pytest.mark.parametrize("address", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_it_leads_to_no_other_site(superuser: Client, address: str) -> None:
    payment = a_payment()
    response = superuser.post(address_of(payment, "note"), {"note": "Дзвонили", "next": address})
    assert response["Location"] == address_of(payment)
    assert address not in superuser.get(address_of(payment, "note"), {"next": address}).content.decode()


@pytest.mark.parametrize("action", ACTIONS)
def test_a_log_that_cannot_be_written_undoes_nothing(
    superuser: Client, created: Payment, monkeypatch: pytest.MonkeyPatch, action: str, caplog: Any
) -> None:
    payment = created if action == "ask" else a_payment()

    def broken(*args: Any, **kwargs: Any) -> None:
        """What the database refuses, so that the transaction around it is of no use any more."""
        Refund.objects.create(payment=payment, amount=-1)

    monkeypatch.setattr(log, "log", broken)
    cache.clear()
    response = superuser.post(address_of(payment, action), ACTIONS[action][2])
    assert response.status_code == 302
    assert len(written()) == 1
    assert "could not be logged" in caplog.text


@pytest.mark.parametrize("action", ACTIONS)
def test_no_action_runs_inside_a_transaction_of_the_whole_request(action: str) -> None:
    from django.urls import resolve

    assert resolve(address_of(a_payment(), action)).func._non_atomic_requests == {"default"}  # type: ignore[attr-defined]


def test_all_that_is_logged_is_registered() -> None:
    from wagtail.log_actions import registry

    for action in (log.ASKED, log.DELIVERED, log.RESOLVED, log.NOTED):
        assert registry.action_exists(action)


def test_what_is_logged_twice_in_one_request_is_shown_twice() -> None:
    """Wagtail shows one entry for each uuid and action, and gives a whole request the same uuid."""
    with LogContext():
        for payment in (a_payment(), a_payment()):
            write_log(payment, log.NOTED)
    assert len(set(ModelLogEntry.objects.values_list("uuid", flat=True))) == 2


# The buttons


def _buttons(client: Client, payment: Payment) -> set[str]:
    soup = soup_of(client.get(address_of(payment)))
    here = f"{PAYMENTS}{payment.pk}/"
    return {link["href"].removeprefix(here) for link in soup.select(".payparts-page a.button")}


@pytest.mark.parametrize(
    ("permissions", "offered"),
    [
        ((), set()),
        (("ask_payment",), {"ask/", "note/"}),
        (("resolve_payment",), {"deliver/", "note/", f"resolve/{CONFLICT}/"}),
        (("ask_payment", "resolve_payment"), {"ask/", "note/", "deliver/", f"resolve/{CONFLICT}/"}),
        (("hold_payment", "export_payment"), set()),
        (("refund_payment",), {"refund/"}),
    ],
)
def test_buttons_are_for_those_who_may(
    staff: Callable[..., Client], permissions: tuple[str, ...], offered: set[str]
) -> None:
    assert _buttons(staff("view_payment", *permissions), a_payment()) == offered


def test_a_button_that_would_do_nothing_is_not_there(superuser: Client) -> None:
    assert _buttons(superuser, make_payment(state="CANCELED")) == {"ask/", "note/"}


def test_a_code_that_no_address_could_hold_is_shown_without_a_button(superuser: Client) -> None:
    payment = make_payment(attention="<b>/x late_success")
    assert _buttons(superuser, payment) == {"ask/", "note/", "resolve/late_success/"}
    assert EventType.RESOLVED not in payment.events.values_list("type", flat=True)

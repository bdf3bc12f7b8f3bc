"""Holds and refunds as staff press them: what is asked, what is told, what is written down, and when."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import requests
from django.contrib.auth import get_user_model
from django.test import Client
from wagtail.models import ModelLogEntry

from tests.dashboard.acting import address_of, fill_in, is_sent_home, refund, sent_by, what_is_told
from tests.dashboard.reading import soup_of, words
from wagtail_payparts.dashboard import log
from wagtail_payparts.models import Payment, PaymentEvent, Refund
from wagtail_payparts.services import sync_payment
from wagtail_payparts.simulator import Simulator


pytestmark = pytest.mark.django_db

HOLDS = {"confirm": ("confirm the hold", log.CONFIRMED_HOLD), "cancel": ("cancel the hold", log.CANCELED_HOLD)}
PERMISSION = {"confirm": "hold_payment", "cancel": "hold_payment", "refund": "refund_payment"}
NOTE = {"note": "є на складі"}


def _address(payment: Payment, action: str) -> str:
    return f"{address_of(payment)}{action}/"


def _press(client: Client, payment: Payment, action: str) -> str:
    return what_is_told(client, client.post(_address(payment, action), NOTE), address_of(payment))


def _told_the_bank(bank: Simulator) -> list[str]:
    return [seen.endpoint for seen in bank.requests if seen.endpoint in {"confirm", "cancel", "decline"}]


def _facts(soup: Any) -> dict[str, str]:
    return {words(row.dt): words(row.dd) for row in soup.select(".payparts-action .payparts-facts > div")}


def _log() -> list[tuple[str, str]]:
    return [(entry.action, entry.message.replace("\xa0", " ")) for entry in ModelLogEntry.objects.order_by("pk")]


# Who may


@pytest.mark.parametrize("permission", ["ask_payment", "resolve_payment", "hold_payment", "refund_payment"])
@pytest.mark.parametrize("action", PERMISSION)
def test_each_needs_its_own_permission_beside_that_to_see_the_payment(
    staff: Callable[..., Client], held: Payment, paid: Payment, bank: Simulator, action: str, permission: str
) -> None:
    payment = paid if action == "refund" else held
    data = {"amount": "2400", "confirmed": "2400.00", "seen": "SUCCESS|2400.00||", **NOTE}
    may = permission == PERMISSION[action]
    for client, allowed in ((staff(permission), False), (staff("view_payment", permission), may)):
        assert is_sent_home(client.get(_address(payment, action))) != allowed
        assert is_sent_home(client.post(_address(payment, action), data)) != allowed
    assert len(_told_the_bank(bank)) == len(_log()) == may


@pytest.mark.parametrize("action", PERMISSION)
def test_a_form_from_another_site_moves_no_money(held: Payment, paid: Payment, bank: Simulator, action: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(get_user_model().objects.create_superuser("root"))
    payment = paid if action == "refund" else held
    data = {"amount": "2400", "confirmed": "2400.00", "seen": "SUCCESS|2400.00||", **NOTE}
    assert client.post(_address(payment, action), data).status_code == 403
    assert not _told_the_bank(bank)


@pytest.mark.parametrize("action", PERMISSION)
def test_none_runs_inside_a_transaction_of_the_whole_request(held: Payment, action: str) -> None:
    from django.urls import resolve

    assert resolve(_address(held, action)).func._non_atomic_requests == {"default"}  # type: ignore[attr-defined]


def test_buttons_are_there_while_they_make_sense(superuser: Client, held: Payment, paid: Payment) -> None:
    def offered(payment: Payment) -> set[str]:
        soup = soup_of(superuser.get(address_of(payment)))
        found = {link["href"].removeprefix(address_of(payment)) for link in soup.select(".payparts-buttons a")}
        return found & {"confirm/", "cancel/", "refund/"}

    assert offered(held) == {"confirm/", "cancel/"}
    assert offered(paid) == {"refund/"}
    Payment.objects.filter(pk=held.pk).update(pending_action="cancel")
    assert offered(held) == set()
    Refund.objects.create(payment=paid, amount=1, state="uncertain")
    assert offered(paid) == set()
    Refund.objects.update(state="accepted", amount=2400)
    assert offered(paid) == set()


# Holds


@pytest.mark.parametrize("action", HOLDS)
def test_the_page_of_a_hold_repeats_the_facts_and_does_nothing(
    superuser: Client, held: Payment, bank: Simulator, action: str
) -> None:
    soup = soup_of(superuser.get(_address(held, action)))
    assert _facts(soup)["Amount"] == "UAH 2,400.00"
    assert "days left" in _facts(soup)["The hold ends"]
    assert "cannot be taken back" in words(soup.select_one(".payparts-action__consequences"))
    assert not _told_the_bank(bank)
    assert not _log()


def test_a_hold_is_confirmed(superuser: Client, held: Payment, bank: Simulator) -> None:
    assert "The hold is confirmed" in _press(superuser, held, "confirm")
    assert bank.payment(held.order_id).state == "SUCCESS"
    assert _log() == [(log.CONFIRMED_HOLD, "The bank was told to confirm the hold")]
    begun = held.events.filter(type="action").order_by("pk")[0]
    assert (begun.user.username, begun.message) == ("root", "є на складі")


def test_a_hold_is_cancelled(superuser: Client, held: Payment, bank: Simulator) -> None:
    assert "The hold is cancelled" in _press(superuser, held, "cancel")
    assert bank.payment(held.order_id).state == "CANCELED"
    assert _log() == [(log.CANCELED_HOLD, "The bank was told to cancel the hold")]


@pytest.mark.parametrize("action", HOLDS)
@pytest.mark.parametrize("note", ["", "  ", "\u202e"])
def test_without_a_reason_a_hold_stays_as_it_is(
    superuser: Client, held: Payment, bank: Simulator, action: str, note: str
) -> None:
    soup = soup_of(superuser.post(_address(held, action), {"note": note}))
    assert words(soup.select_one(".error-message"))
    assert not _told_the_bank(bank)


@pytest.mark.parametrize("action", HOLDS)
def test_it_is_told_that_the_bank_refused_and_still_holds_the_money(
    superuser: Client, held: Payment, bank: Simulator, action: str
) -> None:
    bank.fault("fail_verified", endpoint=action)
    told = _press(superuser, held, action)
    assert "The bank has refused, and still holds the money. The bank says: “" in told
    held.refresh_from_db()
    assert held.pending_action == ""


@pytest.mark.parametrize("action", HOLDS)
def test_it_is_told_that_nobody_knows_where_the_bank_cannot_be_reached(
    superuser: Client, held: Payment, bank: Simulator, action: str
) -> None:
    bank.fault("timeout_before", endpoint="any", times=None, seconds=0.01)
    assert "it is not known whether it has acted" in _press(superuser, held, action)
    assert _log()[0][0] == HOLDS[action][1]
    page = words(soup_of(superuser.get(address_of(held))).select_one(".payparts-page"))
    assert "Under way since" in page


def test_it_is_told_that_the_bank_has_not_decided_yet(superuser: Client, held: Payment, bank: Simulator) -> None:
    bank.fault("timeout_before", endpoint="state", times=None, seconds=0.01)
    assert "has not decided yet: the money is still held" in _press(superuser, held, "confirm")
    bank.clear_faults()
    assert sync_payment(held).is_paid


def test_it_is_told_where_the_bank_did_something_else(superuser: Client, held: Payment, bank: Simulator) -> None:
    bank.cancel_hold(held.order_id)
    told = _press(superuser, held, "confirm")
    assert "not as you wanted: the bank says that the payment is “Cancelled”" in told


# Refunds


def test_the_first_page_is_filled_with_what_is_left_and_does_nothing(
    superuser: Client, paid: Payment, bank: Simulator
) -> None:
    assert fill_in(superuser, paid) == {"amount": "2400.00", "note": "", "seen": "SUCCESS|2400.00||"}
    Refund.objects.create(payment=paid, amount=Decimal("100.50"), state="accepted")
    Payment.objects.update(refunded_amount=Decimal("100.50"))
    soup = soup_of(superuser.get(_address(paid, "refund")))
    assert soup.select_one("input[name=amount]")["value"] == "2299.50"  # type: ignore[index]
    assert _facts(soup)["Left to refund"] == "UAH 2,299.50"
    assert not _told_the_bank(bank)


def test_the_second_page_repeats_the_amount_in_full_and_nothing_is_done_before_it_is_sent(
    superuser: Client, paid: Payment, bank: Simulator
) -> None:
    response = superuser.post(_address(paid, "refund"), fill_in(superuser, paid, amount="1 500,5", note="Скол\nна дні"))
    soup = soup_of(response)
    assert words(soup.select_one(".payparts-action__question")) == "Give UAH 1,500.50 back to the buyer?"
    facts = _facts(soup)
    assert facts["Goes back to the buyer"] == "UAH 1,500.50"
    assert facts["Left to refund afterwards"] == "UAH 899.50"
    assert facts["Reason"] == "Скол на дні"
    assert words(soup.select_one(".payparts-action button.serious")) == "Refund UAH 1,500.50"
    assert not _told_the_bank(bank)
    assert not _log()
    assert not Refund.objects.exists()
    sent = sent_by(soup.select_one(".payparts-action form"))
    told = what_is_told(superuser, superuser.post(_address(paid, "refund"), sent), address_of(paid))
    assert "The bank has accepted the refund: UAH 1,500.50 goes back to the buyer." in told
    made = Refund.objects.get()
    assert (made.amount, made.state, made.reason) == (Decimal("1500.50"), "accepted", "Скол\nна дні")
    assert made.requested_by is not None
    assert made.requested_by.username == "root"
    assert bank.payment(paid.order_id).refunded == Decimal("1500.50")
    assert _log() == [(log.REFUNDED, "The bank was told to refund UAH 1,500.50")]


def test_the_second_page_leads_back_to_the_first_with_all_that_was_typed(
    superuser: Client, paid: Payment, bank: Simulator
) -> None:
    asked = superuser.post(_address(paid, "refund"), fill_in(superuser, paid, amount="1 500,5", note="скол"))
    sent = sent_by(soup_of(asked).select_one(".payparts-action form")) | {"change": "1"}
    soup = soup_of(superuser.post(_address(paid, "refund"), sent))
    assert soup.select_one("input[name=amount][type=text]")["value"] == "1 500,5"  # type: ignore[index]
    assert words(soup.select_one("textarea[name=note]")) == "скол"
    assert not soup.select_one("[name=confirmed]")
    assert not _told_the_bank(bank)


def test_another_amount_than_was_repeated_is_asked_about_again(
    superuser: Client, paid: Payment, bank: Simulator
) -> None:
    sent = fill_in(superuser, paid, amount="2000", note="скол") | {"confirmed": "200.00"}
    soup = soup_of(superuser.post(_address(paid, "refund"), sent))
    assert _facts(soup)["Goes back to the buyer"] == "UAH 2,000.00"
    assert not _told_the_bank(bank)


def test_where_the_store_refunds_no_parts_the_amount_is_fixed(
    superuser: Client, paid: Payment, bank: Simulator, settings: Any
) -> None:
    settings.PAYPARTS_STORES["default"]["PARTIAL_REFUNDS"] = False
    soup = soup_of(superuser.get(_address(paid, "refund")))
    field = soup.select_one("input[name=amount]")
    assert field is not None
    assert field.has_attr("disabled")
    assert field["value"] == "2400.00"
    assert "does not allow refunds of a part" in words(soup.select_one(".payparts-action"))
    told = what_is_told(superuser, refund(superuser, paid, amount="100"), address_of(paid))
    assert "UAH 2,400.00 goes back to the buyer" in told
    assert bank.payment(paid.order_id).refunded == 2400


def test_it_is_told_that_the_bank_refused_with_its_words(superuser: Client, paid: Payment, bank: Simulator) -> None:
    bank.fault("fail_verified", endpoint="decline")
    told = what_is_told(superuser, refund(superuser, paid), address_of(paid))
    assert "The bank has refused to refund UAH 2,400.00: nothing went back. The bank says: “" in told
    made = Refund.objects.get()
    assert made.state == "rejected"
    assert made.bank_message
    page = words(soup_of(superuser.get(address_of(paid))).select_one("#refunds-section, [id^=panel-refunds]"))
    assert made.bank_message in page


def test_it_is_told_that_the_outcome_is_unknown_and_what_to_do(
    superuser: Client, paid: Payment, bank: Simulator
) -> None:
    bank.fault("timeout_before", endpoint="any", times=None, seconds=0.01)
    told = what_is_told(superuser, refund(superuser, paid), address_of(paid))
    assert "It is not known whether the bank has refunded UAH 2,400.00. Do not repeat it." in told
    assert Refund.objects.get().state == "uncertain"
    assert Refund.objects.get().bank_message == "", "our own words for the log are not the bank's"


@pytest.mark.parametrize("action", PERMISSION)
def test_it_is_logged_before_the_bank_is_told_so_that_a_process_that_dies_leaves_a_trace(
    superuser: Client, held: Payment, paid: Payment, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    class Died(BaseException):
        """As a SIGKILL would have it: nothing after it runs."""

    def die(*args: Any, **kwargs: Any) -> None:
        raise Died

    press = (lambda: refund(superuser, paid)) if action == "refund" else (lambda: _press(superuser, held, action))
    monkeypatch.setattr(requests.Session, "send", die)
    with pytest.raises(Died):
        press()
    ((logged, _message),) = _log()
    assert logged in {log.CONFIRMED_HOLD, log.CANCELED_HOLD, log.REFUNDED}
    assert PaymentEvent.objects.filter(source="staff").count() == 1, "begun, and nothing of what came of it"


def test_all_that_is_logged_is_registered() -> None:
    from wagtail.log_actions import registry

    for name in (log.CONFIRMED_HOLD, log.CANCELED_HOLD, log.REFUNDED):
        assert registry.action_exists(name)


# The payment's page


def test_a_payment_shows_how_long_its_hold_lasts(superuser: Client, held: Payment, settings: Any) -> None:
    page = words(soup_of(superuser.get(address_of(held))).select_one(".payparts-page"))
    assert "The hold ends on" in page
    assert "28 days left" in page
    settings.PAYPARTS_HOLD_FOR = None
    page = words(soup_of(superuser.get(address_of(held))).select_one(".payparts-page"))
    assert "The money is held, and not yet paid." in page
    assert "The hold ends" not in page


def test_a_payment_lists_its_refunds_and_what_is_left(superuser: Client, paid: Payment) -> None:
    refund(superuser, paid, amount="400", note="скол на кришці")
    text = words(soup_of(superuser.get(address_of(paid))).select_one(".payparts-page"))
    assert "Left to refund UAH 2,000.00" in text
    assert "UAH 400.00 Accepted скол на кришці" in text
    assert "root" in text


def test_what_is_left_says_what_it_leaves_out(superuser: Client, paid: Payment) -> None:
    Refund.objects.create(payment=paid, amount=Decimal("150.25"), state="uncertain")
    Refund.objects.create(payment=paid, amount=Decimal(400), state="rejected")
    text = words(soup_of(superuser.get(address_of(paid))).select_one(".payparts-page"))
    assert "Left to refund UAH 2,249.75 without UAH 150.25 of refunds that have no outcome yet" in text

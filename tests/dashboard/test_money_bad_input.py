"""Refunds and holds pressed wrongly, twice, by two people, too late: it is told clearly, and nothing is done twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from wagtail.models import ModelLogEntry

from tests.dashboard.acting import address_of, fill_in, refund, sent_by, what_is_told
from tests.dashboard.reading import soup_of, words
from tests.factories import make_payment
from tests.together import together
from wagtail_payparts.models import Payment, Refund
from wagtail_payparts.services import refund_payment
from wagtail_payparts.services.refunds import settle_refund
from wagtail_payparts.simulator import Simulator


pytestmark = pytest.mark.django_db

NOTE = {"note": "є на складі"}
UK = {"accept-language": "uk"}


def _refunds(bank: Simulator) -> int:
    return sum(seen.endpoint == "decline" for seen in bank.requests)


def _acted(bank: Simulator) -> list[str]:
    return [seen.endpoint for seen in bank.requests if seen.endpoint in {"confirm", "cancel", "decline"}]


def _asking(client: Client, payment: Payment, **typed: str) -> dict[str, str]:
    """The second page of a refund, open and not yet sent."""
    response = client.post(f"{address_of(payment)}refund/", fill_in(client, payment, **NOTE | typed))
    return sent_by(soup_of(response).select_one(".payparts-action form"))


def _send(client: Client, payment: Payment, page: dict[str, str], action: str = "refund", **extra: Any) -> Any:
    return client.post(f"{address_of(payment)}{action}/", page, **extra)


def _alert(response: Any) -> str:
    return words(soup_of(response).select_one(".payparts-action [role=alert]"))


# Amounts that cannot be refunded


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "This field is required."),
        ("   ", "This field is required."),
        ("\u202e", "This is not an amount"),
        ("багато", "This is not an amount. Write it in digits, as in 1500.50."),
        ("1,500", "“1,500” can be read in two ways: if these are thousands, write 1500."),
        ("1500,505", "An amount has two decimals at most."),
        ("0", "A refund is at least one kopeck."),
        ("-100", "A refund is at least one kopeck."),
        ("2400,01", "At most UAH 2,400.00 can be refunded."),
        ("9" * 39, "At most UAH 2,400.00 can be refunded."),
        ("9" * 41, "at most 40 characters"),
    ],
)
def test_a_wrong_amount_is_told_beside_it_and_all_that_was_typed_is_kept(
    superuser: Client, paid: Payment, bank: Simulator, typed: str, said: str
) -> None:
    response = _send(superuser, paid, fill_in(superuser, paid, amount=typed, note="скол"))
    soup = soup_of(response)
    assert said in words(soup.select_one(".error-message"))
    field = soup.select_one("input[name=amount]")
    assert field is not None
    assert field["value"].strip() == typed.strip() if field.has_attr("value") else not typed.strip()  # type: ignore[union-attr]
    assert words(soup.select_one("textarea[name=note]")) == "скол"
    assert not soup.select("[name=confirmed]")
    assert not _refunds(bank)
    assert not Refund.objects.exists()
    assert not ModelLogEntry.objects.exists()


def test_without_a_reason_the_amount_is_kept(superuser: Client, paid: Payment, bank: Simulator) -> None:
    soup = soup_of(_send(superuser, paid, fill_in(superuser, paid, amount="1 500,5", note=" ")))
    assert words(soup.select_one(".error-message"))
    assert soup.select_one("input[name=amount]")["value"] == "1 500,5"  # type: ignore[index]
    assert not _refunds(bank)


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"confirmed": "2400.00"},
        {"amount": "2400", "note": "скол", "confirmed": "2400.00"},
        {"amount": "2400", "note": "скол", "confirmed": "2400.00", "seen": ""},
        {"amount": "2400", "note": "скол", "confirmed": "2400.00", "seen": "x" * 5000},
        {"amount": "2400", "note": "скол", "seen": "SUCCESS|2400.00||", "confirmed": "yes"},
        {"amount": "24\x0000", "note": "ск\x00ол", "seen": "\x00", "confirmed": "\x00"},
    ],
)
def test_a_second_page_that_was_never_shown_refunds_nothing(
    superuser: Client, paid: Payment, bank: Simulator, sent: dict[str, str]
) -> None:
    assert _send(superuser, paid, sent).status_code == 200
    assert not _refunds(bank)


# Twice, from two tabs, by two people


def test_the_same_refund_from_two_tabs_is_made_once(superuser: Client, paid: Payment, bank: Simulator) -> None:
    tabs = [_asking(superuser, paid, amount="400") for _tab in range(2)]
    assert _send(superuser, paid, tabs[0]).status_code == 302
    response = _send(superuser, paid, tabs[1])
    assert "has changed meanwhile, so nothing was done: look at it again" in _alert(response)
    soup = soup_of(response)
    assert soup.select_one("input[name=amount][type=text]")["value"] == "400"  # type: ignore[index]
    assert "Left to refund UAH 2,000.00" in words(soup.select_one(".payparts-facts"))
    assert _refunds(bank) == Refund.objects.count() == ModelLogEntry.objects.count() == 1
    # Who has looked again may mean it.
    asking = _send(superuser, paid, sent_by(soup.select_one(".payparts-action form")))
    again = sent_by(soup_of(asking).select_one(".payparts-action form"))
    assert "goes back to the buyer" in what_is_told(superuser, _send(superuser, paid, again), address_of(paid))
    assert _refunds(bank) == 2


def test_a_first_page_from_before_another_refund_asks_to_look_again(
    superuser: Client, paid: Payment, bank: Simulator
) -> None:
    page = fill_in(superuser, paid, amount="400", note="скол")
    refund(superuser, paid, amount="400")
    assert "has changed meanwhile" in _alert(_send(superuser, paid, page))
    assert _refunds(bank) == 1


def test_all_of_it_from_two_tabs_goes_back_once(superuser: Client, paid: Payment, bank: Simulator) -> None:
    tabs = [_asking(superuser, paid) for _tab in range(2)]
    _send(superuser, paid, tabs[0])
    told = what_is_told(superuser, _send(superuser, paid, tabs[1]), address_of(paid))
    assert "Nothing is left to refund." in told
    assert _refunds(bank) == Refund.objects.count() == ModelLogEntry.objects.count() == 1


def test_the_same_page_sent_again_after_its_refund_was_refused_is_a_new_refund(
    superuser: Client, paid: Payment, bank: Simulator
) -> None:
    page = _asking(superuser, paid)
    bank.fault("fail_verified", endpoint="decline")
    _send(superuser, paid, page)
    assert "goes back to the buyer" in what_is_told(superuser, _send(superuser, paid, page), address_of(paid))
    assert sorted(Refund.objects.values_list("state", flat=True)) == ["accepted", "rejected"]


@pytest.mark.threads
@pytest.mark.django_db(transaction=True)
def test_two_people_refund_at_the_same_moment_and_one_of_them_does_not(
    staff: Callable[..., Client], paid: Payment, bank: Simulator
) -> None:
    people = [staff("view_payment", "refund_payment"), staff("view_payment", "refund_payment", "ask_payment")]
    pages = [_asking(person, paid) for person in people]
    answers = together(
        lambda: _send(people[0], paid, pages[0]),
        lambda: _send(people[1], paid, pages[1]),
    )
    assert {answer.status_code for answer in answers} <= {200, 302}
    assert _refunds(bank) == Refund.objects.count() == ModelLogEntry.objects.count() == 1
    assert bank.payment(paid.order_id).refunded == 2400


@pytest.mark.threads
@pytest.mark.django_db(transaction=True)
def test_one_confirms_and_another_cancels_the_same_hold_at_the_same_moment(
    staff: Callable[..., Client], held: Payment, bank: Simulator
) -> None:
    first, second = staff("view_payment", "hold_payment"), staff("view_payment", "hold_payment", "ask_payment")
    answers = together(
        lambda: _send(first, held, NOTE, "confirm"),
        lambda: _send(second, held, NOTE, "cancel"),
    )
    assert [answer.status_code for answer in answers] == [302, 302]
    assert len(_acted(bank)) == ModelLogEntry.objects.count() == 1


@pytest.mark.parametrize("actions", [("confirm", "cancel"), ("cancel", "confirm"), ("confirm", "confirm")])
def test_the_second_to_decide_about_a_hold_is_told_that_it_is_over(
    superuser: Client, staff: Callable[..., Client], held: Payment, bank: Simulator, actions: tuple[str, str]
) -> None:
    _send(superuser, held, NOTE, actions[0])
    second = staff("view_payment", "hold_payment")
    told = what_is_told(second, _send(second, held, NOTE, actions[1]), address_of(held))
    assert "Nothing is held any more: this payment is “" in told
    assert _acted(bank) == [actions[0]]
    assert ModelLogEntry.objects.count() == 1
    for action in ("confirm", "cancel"):
        response = second.get(f"{address_of(held)}{action}/")
        assert "Nothing is held any more" in what_is_told(second, response, address_of(held))


@pytest.mark.parametrize("method", ["get", "post"])
def test_while_the_bank_is_still_at_it_nobody_else_begins(
    superuser: Client, held: Payment, bank: Simulator, method: str
) -> None:
    bank.fault("timeout_before", endpoint="any", times=None, seconds=0.01)
    _send(superuser, held, NOTE, "confirm")
    for action in ("confirm", "cancel"):
        response = getattr(superuser, method)(f"{address_of(held)}{action}/", NOTE)
        told = what_is_told(superuser, response, address_of(held))
        assert "Another action on this payment is under way: “Confirming the hold”." in told
    assert _acted(bank) == ["confirm"]


# Too late, or not to be done


@pytest.mark.parametrize("method", ["get", "post"])
def test_while_a_refund_is_uncertain_no_other_begins(
    superuser: Client, paid: Payment, bank: Simulator, method: str
) -> None:
    page = _asking(superuser, paid)
    bank.fault("timeout_before", endpoint="any", times=None, seconds=0.01)
    _send(superuser, paid, page)
    response = getattr(superuser, method)(f"{address_of(paid)}refund/", page)
    told = what_is_told(superuser, response, address_of(paid))
    assert "A refund of this payment is not settled yet. Find out in the bank’s cabinet" in told
    assert _refunds(bank) == 1
    bank.clear_faults()
    chief = get_user_model().objects.get(username="root")
    settle_refund(Refund.objects.get(), was_made=False, reason="немає в кабінеті", by=chief)
    assert "goes back to the buyer" in what_is_told(superuser, refund(superuser, paid), address_of(paid))


@pytest.mark.parametrize(
    ("action", "state", "said"),
    [
        ("confirm", "SUCCESS", "Nothing is held any more: this payment is “Paid” now."),
        ("confirm", "CANCELED", "Nothing is held any more: this payment is “Cancelled” now."),
        ("cancel", "SUCCESS", "Nothing is held any more: this payment is “Paid” now."),
        ("refund", "LOCKED", "Only a paid payment can be refunded"),
        ("refund", "CANCELED", "Only a paid payment can be refunded"),
    ],
)
def test_a_payment_that_moved_while_the_page_was_open_is_left_alone(
    superuser: Client, paid: Payment, held: Payment, bank: Simulator, action: str, state: str, said: str
) -> None:
    payment = paid if action == "refund" else held
    page = _asking(superuser, payment) if action == "refund" else NOTE
    Payment.objects.filter(pk=payment.pk).update(state=state)
    told = what_is_told(superuser, _send(superuser, payment, page, action), address_of(payment))
    assert said in told
    assert not _acted(bank)
    assert not ModelLogEntry.objects.exists()


def test_a_refund_made_in_the_banks_cabinet_while_the_page_was_open_is_seen(
    superuser: Client, paid: Payment, bank: Simulator
) -> None:
    page = _asking(superuser, paid, amount="400")
    Refund.objects.create(payment=paid, amount=Decimal(2300), state="external")
    Payment.objects.filter(pk=paid.pk).update(refunded_amount=2300)
    soup = soup_of(_send(superuser, paid, page))
    assert "At most UAH 100.00 can be refunded." in words(soup.select_one(".error-message"))
    assert not _refunds(bank)


def test_a_payment_that_the_bank_does_not_know_is_not_refunded(
    superuser: Client, parts_allowed: None, bank: Simulator
) -> None:
    payment = make_payment(state="SUCCESS", amount="500.00")
    told = what_is_told(superuser, refund(superuser, payment), address_of(payment))
    made = Refund.objects.get()
    if made.state == "rejected":
        assert "The bank has refused to refund UAH 500.00: nothing went back." in told
        assert "Платеж не найден" in told
    else:
        assert "It is not known whether the bank has refunded" in told
    payment.refresh_from_db()
    assert payment.refunded_amount == 0


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("action", ["confirm", "cancel", "refund"])
def test_where_the_store_lost_its_settings_it_says_so(superuser: Client, action: str, method: str) -> None:
    payment = make_payment(state="SUCCESS" if action == "refund" else "LOCKED", store="gone")
    response = getattr(superuser, method)(f"{address_of(payment)}{action}/", NOTE)
    assert "The bank cannot be told: the settings of the store “gone” are missing or wrong." in what_is_told(
        superuser, response, address_of(payment)
    )
    payment.refresh_from_db()
    assert payment.pending_action == ""
    assert superuser.get(address_of(payment)).status_code == 200


def test_where_a_part_has_gone_back_and_the_store_refunds_no_parts_it_leads_to_the_cabinet(
    superuser: Client, paid: Payment, settings: Any
) -> None:
    refund_payment(paid, Decimal(400), reason="скол")
    settings.PAYPARTS_STORES["default"]["PARTIAL_REFUNDS"] = False
    response = superuser.get(f"{address_of(paid)}refund/")
    assert "Refund the rest in the bank’s cabinet." in what_is_told(superuser, response, address_of(paid))


# In the person's language


def _told_in_ukrainian(client: Client, response: Any) -> str:
    message = soup_of(client.get(response["Location"], headers=UK)).select_one(".messages li")
    assert message is not None
    for link in message.select("a, button"):
        # Wagtail's own, to the first error of a form.
        link.decompose()
    text = words(message)
    assert re.search("[а-яіїєґ]{4,}", text), text
    assert not re.search("[A-Za-z]{3,}", text), text
    return text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("багато", "Це не сума. Напишіть її цифрами, наприклад 1500,50."),
        ("1,500", "«1,500» можна прочитати двояко: якщо це тисячі, пишіть 1500."),
        ("1500,505", "У сумі щонайбільше два знаки після коми."),
        ("0", "Найменше повернення — одна копійка."),
        ("2400,01", "Повернути можна щонайбільше 2 400,00 грн."),
    ],
)
def test_a_wrong_amount_is_told_in_ukrainian(superuser: Client, paid: Payment, typed: str, said: str) -> None:
    page = fill_in(superuser, paid, amount=typed, note="скол")
    soup = soup_of(_send(superuser, paid, page, headers=UK))
    assert said in words(soup.select_one(".error-message"))


def test_what_became_of_a_refund_is_told_in_ukrainian(superuser: Client, paid: Payment, bank: Simulator) -> None:
    page = _asking(superuser, paid)
    bank.fault("timeout_before", endpoint="any", times=None, seconds=0.01)
    for _time in range(2):
        response = _send(superuser, paid, page, headers=UK)
        _told_in_ukrainian(superuser, response)


@pytest.mark.parametrize("action", ["confirm", "cancel"])
def test_what_became_of_a_hold_is_told_in_ukrainian(
    superuser: Client, held: Payment, bank: Simulator, action: str
) -> None:
    bank.fault("timeout_before", endpoint="any", times=None, seconds=0.01)
    for _time in range(2):
        response = _send(superuser, held, NOTE, action, headers=UK)
        _told_in_ukrainian(superuser, response)


def test_the_pages_that_move_money_are_ukrainian(superuser: Client, held: Payment, paid: Payment) -> None:
    asking = _send(superuser, paid, fill_in(superuser, paid, note="скол"), headers=UK)
    pages = [superuser.get(f"{address_of(held)}{action}/", headers=UK) for action in ("confirm", "cancel")]
    pages += [superuser.get(f"{address_of(paid)}refund/", headers=UK), asking]
    for page in pages:
        text = words(soup_of(page).select_one(".payparts-action"))
        assert not re.search("[A-Za-z]{3,}", re.sub(f"{paid.order_id}|{held.order_id}", "", text)), text

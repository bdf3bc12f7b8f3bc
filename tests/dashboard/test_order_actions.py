"""Handing over, taking back and writing a note, on the page of an order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from wagtail.models import ModelLogEntry

from tests.dashboard.conftest import ORDERS
from tests.dashboard.reading import soup_of, words
from tests.factories import make_order, make_payment
from wagtail_payparts.models import Order, OrderStatus
from wagtail_payparts.services.orders import hand_over, note_version


pytestmark = pytest.mark.django_db

BUYER = {"buyer_name": "Олена Петренко", "buyer_phone": "+380671234567"}


@pytest.fixture
def cashier(staff: Callable[..., Client]) -> Client:
    return staff("view_payment", "view_order", "viewbuyer_payment", "handover_order")


def _page(order: Order) -> str:
    return f"{ORDERS}{order.pk}/"


def _said(client: Client, address: str) -> str:
    """What Wagtail tells a person on top of the next page."""
    return words(soup_of(client.get(address)).select_one(".messages"))


def test_an_order_is_handed_over_by_a_link_a_question_and_a_press(cashier: Client) -> None:
    order = make_order(status="paid", paid_amount="12500.00", offer_title="Чайник", **BUYER)
    link = soup_of(cashier.get(_page(order))).select_one("#handing-over-content a.button")
    assert link is not None
    question = soup_of(cashier.get(str(link["href"]))).select_one(".payparts-page")
    assert question is not None
    for fact in (order.number, "Paid", "UAH 12,500.00", "Чайник", *BUYER.values()):
        assert fact in words(question)
    assert not question.select(".help-warning")
    assert not Order.objects.get(pk=order.pk).handed_over_at
    form = question.select_one("form")
    assert form is not None
    fields = {str(field["name"]): str(field.get("value", "")) for field in form.select("input")}
    response = cashier.post(str(form["action"]), fields)
    assert response["Location"] == _page(order)
    assert "marked as handed over" in _said(cashier, _page(order))
    stored = Order.objects.get(pk=order.pk)
    assert stored.handed_over_at
    assert stored.handed_over_by.username.startswith("staff-")  # type: ignore[union-attr]
    page = soup_of(cashier.get(_page(order)))
    assert f"by {stored.handed_over_by}" in words(page.select_one("#handing-over-content"))
    assert "Handed over to the buyer" in words(page.select_one("#deeds-content"))


@pytest.mark.parametrize(
    ("status", "warning"),
    [
        (OrderStatus.NEW, "This order is not paid."),
        (OrderStatus.AWAITING_PAYMENT, "This order is not paid."),
        (OrderStatus.CANCELED, "This order is not paid."),
        (OrderStatus.ON_HOLD, "The money is only held"),
        (OrderStatus.PARTIALLY_REFUNDED, "a part of the money went back"),
        (OrderStatus.REFUNDED, "all of the money went back"),
        (OrderStatus.PAID, ""),
    ],
)
def test_a_person_is_warned_before_goods_leave_for_which_no_money_is_there(
    cashier: Client, status: OrderStatus, warning: str
) -> None:
    order = make_order(status=status)
    for address in (_page(order), f"{_page(order)}hand-over/"):
        warnings = [words(element) for element in soup_of(cashier.get(address)).select(".help-warning")]
        assert any(warning in text for text in warnings) if warning else not warnings


def test_a_person_is_warned_of_a_payment_that_needs_a_decision(cashier: Client) -> None:
    order = make_order(status="paid")
    make_payment(buyer_order=order, state="SUCCESS", attention="late_success")
    assert "needs attention" in words(soup_of(cashier.get(f"{_page(order)}hand-over/")).select_one(".help-warning"))


def test_of_two_people_the_second_is_told_who_did_it(cashier: Client) -> None:
    order = make_order(status="paid")
    first = get_user_model().objects.create_superuser("iryna")
    hand_over(order, by=first)
    response = cashier.post(f"{_page(order)}hand-over/", {"seen_status": "paid"})
    assert response["Location"] == _page(order)
    assert "iryna has already handed this order over" in _said(cashier, _page(order))
    assert Order.objects.get(pk=order.pk).handed_over_by == first
    assert ModelLogEntry.objects.filter(action="wagtail_payparts.hand_over").count() == 1


def test_whoever_opens_the_question_too_late_is_not_asked(cashier: Client) -> None:
    order = make_order(status="paid")
    hand_over(order, by=get_user_model().objects.create_superuser("iryna"))
    soup = soup_of(cashier.get(f"{_page(order)}hand-over/"))
    assert "has already been handed over" in words(soup)
    assert not soup.select(".payparts-page form")
    assert not soup_of(cashier.get(f"{ORDERS}{make_order().pk}/take-back/")).select(".payparts-page form")


def test_an_order_whose_status_has_changed_is_looked_at_again(cashier: Client) -> None:
    order = make_order(status="refunded")
    response = cashier.post(f"{_page(order)}hand-over/", {"seen_status": "paid"})
    assert response["Location"] == f"{_page(order)}hand-over/"
    assert "has changed meanwhile" in _said(cashier, f"{_page(order)}hand-over/")
    assert not Order.objects.get(pk=order.pk).handed_over_at


def test_the_mark_is_taken_back(cashier: Client) -> None:
    order = make_order(status="refunded")
    hand_over(order, by=get_user_model().objects.create_superuser("iryna"))
    link = soup_of(cashier.get(_page(order))).select_one("#handing-over-content a.button")
    assert link is not None
    assert "iryna" in words(soup_of(cashier.get(str(link["href"]))).select_one(".payparts-facts"))
    assert cashier.post(str(link["href"]))["Location"] == _page(order)
    assert not Order.objects.get(pk=order.pk).handed_over_at
    deeds = soup_of(cashier.get(_page(order))).select("#deeds-content li")
    assert ["Handed over" in words(deeds[0]), "taken back" in words(deeds[1])] == [True, True]
    cashier.post(str(link["href"]))
    assert "nothing was done" in _said(cashier, _page(order))


def test_a_name_of_a_colleague_is_text(cashier: Client) -> None:
    order = make_order(status="paid")
    hand_over(order, by=get_user_model().objects.create_superuser("<b>iryna</b>"))
    cashier.post(f"{_page(order)}hand-over/")
    assert "<b>iryna</b>" not in cashier.get(_page(order)).content.decode()


def test_a_note_is_written_and_read(cashier: Client, viewer: Client) -> None:
    order = make_order()
    form = soup_of(cashier.get(_page(order))).select_one(".payparts-note-form")
    assert form is not None
    seen = str(form.select_one("[name=seen]")["value"])  # type: ignore[index]
    response = cashier.post(str(form["action"]), {"note": "Подзвонити\r\nпісля 18:00", "seen": seen})
    assert response["Location"] == _page(order)
    assert Order.objects.get(pk=order.pk).staff_note == "Подзвонити\nпісля 18:00"
    reader = soup_of(viewer.get(_page(order)))
    assert "Подзвонити після 18:00" in words(reader.select_one("#note-content"))
    assert not reader.select("textarea")


def test_a_note_that_cannot_be_kept_is_not_lost(cashier: Client) -> None:
    order = make_order(staff_note="Стара")
    text = "довго " * 2000
    response = cashier.post(f"{_page(order)}note/", {"note": text, "seen": note_version("Стара")})
    soup = soup_of(response)
    assert soup.select_one("textarea").get_text().strip() == text.strip()  # type: ignore[union-attr]
    assert "5000" in words(soup.select_one(".payparts-note-form"))
    assert Order.objects.get(pk=order.pk).staff_note == "Стара"


def test_of_two_notes_the_second_is_shown_the_first_and_keeps_its_own(cashier: Client) -> None:
    order = make_order(staff_note="Перша <script>")
    response = cashier.post(f"{_page(order)}note/", {"note": "Моя", "seen": note_version("")})
    assert response.status_code == 409
    content = response.content.decode()
    assert "<script>\n" not in content
    assert "Перша &lt;script&gt;" in content
    assert Order.objects.get(pk=order.pk).staff_note == "Перша <script>"
    form = response.context["note_form"]
    assert form.initial["note"] == "Моя"
    cashier.post(f"{_page(order)}note/", form.initial)
    assert Order.objects.get(pk=order.pk).staff_note == "Моя"


@pytest.mark.parametrize("note", ["\x00", "a\x00b"])
def test_a_note_with_characters_that_cannot_be_kept_is_refused(cashier: Client, note: str) -> None:
    order = make_order()
    assert cashier.post(f"{_page(order)}note/", {"note": note, "seen": note_version("")}).status_code == 200
    assert Order.objects.get(pk=order.pk).staff_note == ""


def test_without_the_permission_there_is_no_button_and_no_form(viewer: Client) -> None:
    order = make_order(status="paid")
    soup = soup_of(viewer.get(_page(order)))
    assert not soup.select(".payparts-page a.button, .payparts-page form, .payparts-page button[type=submit]")
    assert "Not yet handed over" in words(soup.select_one("#handing-over-content"))


@pytest.mark.parametrize("action", ["hand-over", "take-back", "note"])
def test_an_order_that_does_not_exist_is_not_found(cashier: Client, action: str) -> None:
    for number in ("4040404", "9" * 30):
        for method in (cashier.get, cashier.post):
            assert method(f"{ORDERS}{number}/{action}/").status_code == 404


@pytest.mark.parametrize("action", ["hand-over", "take-back", "note"])
def test_a_press_needs_its_token(action: str, cashier: Client) -> None:
    order = make_order()
    strict: Any = Client(enforce_csrf_checks=True)
    strict.cookies = cashier.cookies
    assert strict.post(f"{_page(order)}{action}/").status_code == 403
    assert not Order.objects.get(pk=order.pk).handed_over_at

"""The listing of orders and the page of one."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.dashboard.conftest import ORDERS, PAYMENTS
from tests.dashboard.reading import listed, made_at, soup_of, words
from tests.factories import make_order, make_payment
from wagtail_payparts.models import OrderStatus


pytestmark = pytest.mark.django_db

BUYER = {"buyer_name": "Олена Петренко", "buyer_phone": "+380671234567", "buyer_email": "olena@example.com"}


def test_a_row_says_what_was_ordered_and_by_whom_to_those_who_may_know(accountant: Client, viewer: Client) -> None:
    order = make_order(**BUYER, status=OrderStatus.PAID, paid_amount=Decimal("12500.00"), offer_title="Чайник")
    for_accountant, for_viewer = (
        words(soup_of(client.get(ORDERS)).select_one(".listing tbody")) for client in (accountant, viewer)
    )
    for text in (order.number, "Paid", "UAH 12,500.00", "Чайник"):
        assert text in for_viewer
    for detail in BUYER.values():
        assert detail in for_accountant
        assert detail not in for_viewer


@pytest.mark.parametrize("status", list(OrderStatus))
def test_every_status_is_said_in_words(viewer: Client, status: OrderStatus) -> None:
    order = make_order(status=status)
    assert words(soup_of(viewer.get(ORDERS)).select_one(".payparts-tag")) == str(status.label)
    assert words(soup_of(viewer.get(f"{ORDERS}{order.pk}/")).select_one(".payparts-tag")) == str(status.label)


def test_filters(viewer: Client) -> None:
    paid, new = make_order(status="paid", amount="400.00"), make_order(amount="300.00")
    made_at(paid, datetime(2026, 3, 1, 23, 59, tzinfo=ZoneInfo("Europe/Kyiv")))
    assert listed(viewer, ORDERS, status="paid") == [paid.number]
    assert listed(viewer, ORDERS, amount_max="399.99") == [new.number]
    assert listed(viewer, ORDERS, created_at_to="2026-03-01") == [paid.number]
    assert listed(viewer, ORDERS, ordering="created_at") == [paid.number, new.number]


def test_a_filter_that_cannot_be_read_shows_nothing(viewer: Client) -> None:
    make_order()
    soup = soup_of(viewer.get(ORDERS, {"status": "BOGUS"}))
    assert not soup.select("table.listing")
    assert "BOGUS" in words(soup.select_one("[role=alert]"))


def test_search_by_number_and_for_some_by_buyer(accountant: Client, viewer: Client) -> None:
    order = make_order(number="AB12-CD34", **BUYER)
    make_order(number="XX99")
    for number in ("AB12-CD34", "AB12", "ab12-cd"):
        assert listed(viewer, ORDERS, q=number) == [order.number]
    for detail in ("067 123 45 67", "olena@example.com"):
        assert listed(accountant, ORDERS, q=detail) == [order.number]
        assert listed(viewer, ORDERS, q=detail) == []


def test_the_page_of_an_order(accountant: Client) -> None:
    order = make_order(**BUYER, comment="Після 18:00")
    first = make_payment(buyer_order=order, state="FAIL")
    second = make_payment(buyer_order=order, state="SUCCESS", attention="double_payment")
    soup = soup_of(accountant.get(f"{ORDERS}{order.pk}/")).select_one(".payparts-page")
    assert soup is not None
    for text in (order.number, *BUYER.values(), "Після 18:00", "Чайник «Світанок» 1 UAH 12,500.00 UAH 12,500.00"):
        assert text in words(soup)
    attempts = soup.select("#payments-content li")
    assert [attempt.a["href"] for attempt in attempts] == [f"{PAYMENTS}{second.pk}/", f"{PAYMENTS}{first.pk}/"]  # type: ignore[index]
    assert "Paid Needs attention" in words(attempts[0])
    assert "Refused" in words(attempts[1])


def test_the_buyer_of_an_order_is_shown_only_to_those_who_may_see_them(viewer: Client) -> None:
    text = words(soup_of(viewer.get(f"{ORDERS}{make_order(**BUYER, comment='Після 18:00').pk}/")))
    assert not any(detail in text for detail in (*BUYER.values(), "Після 18:00"))


def test_payments_are_no_links_for_those_who_may_not_see_them(staff: Any) -> None:
    payment = make_payment(buyer_order=make_order())
    soup = soup_of(staff("view_order").get(f"{ORDERS}{payment.buyer_order_id}/"))
    assert payment.order_id in words(soup)
    assert not soup.select(f'a[href^="{PAYMENTS}"]')


def test_no_number_of_orders_or_attempts_costs_more_queries(
    accountant: Client, django_assert_max_num_queries: Any
) -> None:
    order = make_order(**BUYER)
    for _number in range(20):
        make_payment(buyer_order=make_order(**BUYER))
        make_payment(buyer_order=order, state="SUCCESS")
    accountant.get(ORDERS)
    accountant.get(f"{ORDERS}{order.pk}/")
    with django_assert_max_num_queries(12):
        accountant.get(ORDERS)
    with django_assert_max_num_queries(13):
        accountant.get(f"{ORDERS}{order.pk}/")


@pytest.mark.parametrize("spreadsheet_format", ["csv", "xlsx"])
@pytest.mark.parametrize("address", [ORDERS, f"{ORDERS}results/"])
def test_orders_are_not_exported_and_no_row_is_loaded(
    accountant: Client, address: str, spreadsheet_format: str
) -> None:
    order = make_order(**BUYER)
    accountant.get(address)
    with CaptureQueriesContext(connection) as queries:
        response = accountant.get(address, {"export": spreadsheet_format})
    assert response.status_code == 400
    assert "Orders are not exported" in response.content.decode()
    assert order.number not in response.content.decode()
    assert not any("wagtail_payparts_order" in query["sql"] for query in queries)

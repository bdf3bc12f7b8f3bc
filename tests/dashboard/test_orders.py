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
from django.utils import timezone
from wagtail.models import Site

from tests.dashboard.conftest import ORDERS, PAYMENTS
from tests.dashboard.reading import listed, made_at, soup_of, words
from tests.factories import make_offer, make_order, make_payment
from wagtail_payparts.dashboard import order_search
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


def test_orders_are_filtered_by_whether_they_are_handed_over(viewer: Client) -> None:
    done, waiting = make_order(handed_over_at=timezone.now()), make_order()
    assert listed(viewer, ORDERS, handed_over="yes") == [done.number]
    assert listed(viewer, ORDERS, handed_over="no") == [waiting.number]
    for order, words_of_it in ((done, "Yes"), (waiting, "Not yet")):
        row = soup_of(viewer.get(ORDERS, {"q": order.number})).select_one(".listing tbody tr")
        assert words_of_it in words(row)


def test_orders_are_filtered_by_several_statuses(viewer: Client) -> None:
    orders = {status: make_order(status=status) for status in OrderStatus}
    found = listed(viewer, f"{ORDERS}?status=paid&status=refunded")
    assert set(found) == {orders[OrderStatus.PAID].number, orders[OrderStatus.REFUNDED].number}


def test_orders_are_filtered_by_site_where_there_are_several(viewer: Client) -> None:
    first = Site.objects.get()
    Site.clear_site_root_paths_cache()
    assert "id_site" not in viewer.get(ORDERS).content.decode()
    second = Site.objects.create(hostname="second.example", root_page=first.root_page)
    try:
        here, there = make_order(site=first), make_order(site=second)
        assert "id_site" in viewer.get(ORDERS).content.decode()
        assert listed(viewer, ORDERS, site=second.pk) == [there.number]
        assert listed(viewer, ORDERS, site=first.pk) == [here.number]
        soup = soup_of(viewer.get(ORDERS, {"site": "999999"}))
        assert not soup.select("table.listing")
        assert "Site" in words(soup.select_one("[role=alert]"))
    finally:
        Site.clear_site_root_paths_cache()


@pytest.mark.parametrize(
    "query",
    [
        {"created_at_from": "2026-03-02", "created_at_to": "2026-03-01"},
        {"amount_min": "9" * 40},
        {"amount_max": "abc"},
        {"handed_over": "BOGUS"},
        {"created_at_from": "вчора"},
    ],
)
def test_filter_nonsense_is_named_and_shows_nothing(viewer: Client, query: dict[str, str]) -> None:
    make_order()
    soup = soup_of(viewer.get(ORDERS, query))
    assert not soup.select("table.listing")
    assert words(soup.select_one("[role=alert]"))


@pytest.mark.parametrize("page", ["0", "-1", "999999999999999999999", "abc", ""])
def test_a_page_that_does_not_exist_is_no_error(viewer: Client, page: str) -> None:
    order = make_order()
    assert listed(viewer, ORDERS, p=page) == [order.number]


def test_a_filter_that_cannot_be_read_shows_nothing(viewer: Client) -> None:
    make_order()
    soup = soup_of(viewer.get(ORDERS, {"status": "BOGUS"}))
    assert not soup.select("table.listing")
    assert "BOGUS" in words(soup.select_one("[role=alert]"))


def test_search_by_number_and_for_some_by_buyer(accountant: Client, viewer: Client) -> None:
    order = make_order(number="AB12-CD34", **BUYER)
    make_order(number="XX99", buyer_phone="+380501112233", buyer_email="taras@example.com")
    for number in ("AB12-CD34", "AB12", "ab12-cd", "ab12cd3", " AB12 "):
        assert listed(viewer, ORDERS, q=number) == [order.number], number
    for detail in ("067 123 45 67", "+38067123", "067123", "olena@example.com", "Olena@", "olena"):
        assert listed(accountant, ORDERS, q=detail) == [order.number], detail
        assert listed(viewer, ORDERS, q=detail) == [], detail


@pytest.mark.parametrize(
    "words_of_nonsense", ["%", "_", "%%%", "\\", "'", "\U0010ffff", "😀", "a" * 500, "+", "---", "12"]
)
def test_search_for_nonsense_finds_nothing(accountant: Client, words_of_nonsense: str) -> None:
    make_order(number="AB12-CD34", **BUYER)
    assert listed(accountant, ORDERS, q=words_of_nonsense) == []


def test_a_search_looks_in_each_column_by_its_index(accountant: Client) -> None:
    make_order(**BUYER)
    with CaptureQueriesContext(connection) as queries:
        accountant.get(ORDERS, {"q": "067 123 45 67"})
    lookups = [query["sql"] for query in queries if "LIKE" in query["sql"]]
    assert lookups
    assert not any(" OR " in sql for sql in lookups)


def test_a_search_that_finds_too_much_says_so(accountant: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_search, "MOST_FOUND", 2)
    for number in ("AB01", "AB02"):
        make_order(number=number)
    said = "More orders match than can be shown"
    assert said not in accountant.get(ORDERS, {"q": "AB"}).content.decode()
    make_order(number="AB03")
    assert said in accountant.get(ORDERS, {"q": "AB"}).content.decode()


def test_search_and_filters_go_together(viewer: Client) -> None:
    paid, _new = make_order(number="AB12", status="paid"), make_order(number="AB13")
    assert listed(viewer, ORDERS, q="AB1", status="paid") == [paid.number]


def test_a_row_is_marked_where_there_is_a_note_and_where_a_payment_needs_attention(viewer: Client) -> None:
    plain, marked = make_order(number="PLAIN"), make_order(number="MARKED", staff_note="Подзвонити")
    make_payment(buyer_order=plain)
    make_payment(buyer_order=marked, state="FAIL")
    make_payment(buyer_order=marked, state="SUCCESS", attention="late_success")
    rows = {row.select_one(".title-wrapper").get_text(strip=True): words(row) for row in _rows(viewer)}  # type: ignore[union-attr]
    for text in ("has a note", "Needs attention", "2 payments"):
        assert text in rows["MARKED"]
        assert text not in rows["PLAIN"]


def _rows(client: Client) -> Any:
    return soup_of(client.get(ORDERS)).select("table.listing tbody tr")


def test_the_page_of_an_order(accountant: Client) -> None:
    order = make_order(**BUYER, comment="Після 18:00")
    first = make_payment(buyer_order=order, state="FAIL")
    second = make_payment(buyer_order=order, state="SUCCESS", attention="double_payment")
    soup = soup_of(accountant.get(f"{ORDERS}{order.pk}/")).select_one(".payparts-page")
    assert soup is not None
    for text in (order.number, *BUYER.values(), "Після 18:00", "Чайник «Світанок» 1 UAH 12,500.00 UAH 12,500.00"):
        assert text in words(soup)
    attempts = soup.select("#payments-content .payparts-attempts > li")
    assert [attempt.a["href"] for attempt in attempts] == [f"{PAYMENTS}{second.pk}/", f"{PAYMENTS}{first.pk}/"]  # type: ignore[index]
    assert "Paid Needs attention" in words(attempts[0])
    assert "Refused" in words(attempts[1])


def test_the_page_says_what_was_paid_what_went_back_and_what_is_left(viewer: Client) -> None:
    order = make_order(status="partially_refunded", paid_amount="11900.00")
    paid = make_payment(buyer_order=order, state="SUCCESS", refunded_amount="600.00")
    make_payment(buyer_order=order, state="FAIL")
    paid.refunds.create(amount="600.00", state="accepted", reason="не було на складі")
    paid.refunds.create(amount="100.00", state="rejected")
    soup = soup_of(viewer.get(f"{ORDERS}{order.pk}/"))
    facts = words(soup.select_one("#summary-content"))
    assert "Paid UAH 12,500.00 Refunded UAH 600.00 Paid less refunds UAH 11,900.00" in facts
    attempts = words(soup.select_one("#payments-content"))
    assert "Refund of UAH 600.00: Accepted" in attempts
    assert "не було на складі" in attempts
    assert "Refund of UAH 100.00: Rejected" in attempts


def test_what_strangers_wrote_does_no_harm(accountant: Client) -> None:
    hostile = "<script>alert(1)</script>\u202e" + "довго " * 20_000
    order = make_order(
        buyer_name="<script>alert(1)</script>", comment=hostile, offer_title="<b>x</b>", staff_note=hostile
    )
    for address in (ORDERS, f"{ORDERS}{order.pk}/"):
        content = accountant.get(address).content.decode()
        assert "<script>alert(1)" not in content
        assert "<b>x</b>" not in content


def test_a_deleted_offer_leaves_its_orders_and_payments_readable(accountant: Client) -> None:
    offer = make_offer(title="Чайник")
    order = make_order(offer=offer, offer_title=offer.title)
    payment = make_payment(buyer_order=order, offer=offer, offer_title=offer.title)
    offer.delete()
    for address in (ORDERS, PAYMENTS, f"{ORDERS}{order.pk}/", f"{PAYMENTS}{payment.pk}/"):
        assert "Чайник" in words(soup_of(accountant.get(address)))


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

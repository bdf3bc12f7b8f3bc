"""Pages of the listing: numbered as far as is counted, then older and newer from a row; and the way back to them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from tests.dashboard.conftest import PAYMENTS
from tests.dashboard.reading import listed, soup_of, words
from tests.factories import make_order, make_payment
from wagtail_payparts.dashboard.paging import BoundedPaginator, LedgerPage, back_to
from wagtail_payparts.models import Payment


pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)


def make_many(count: int, *, first: int = 0, **fields: Any) -> list[str]:
    """Payments P00000, P00001 …, all of one moment and one amount; returns their order ids."""
    ids = [f"P{number:05}" for number in range(first, first + count)]
    defaults = {"amount": Decimal("500.00"), "parts_count": 4, "merchant_type": "II"} | fields
    Payment.objects.bulk_create([Payment(order_id=order_id, **defaults) for order_id in ids], batch_size=500)
    Payment.objects.update(created_at=NOON)
    return ids


def pages(ordering: tuple[str, str], *, per_page: int = 5, limit: int = 10) -> BoundedPaginator:
    return BoundedPaginator(Payment.objects.order_by(*ordering), per_page, first_key=ordering[0], limit=limit)


def walk(ordering: tuple[str, str], start: str = "1", direction: str = "after") -> Iterator[LedgerPage]:
    address = start
    while address:
        page = pages(ordering).get_page(address)
        yield page
        following = str(page.number + 1) if page.has_next() and page.is_numbered else page.after
        address = following if direction == "after" else page.before


def names(page: LedgerPage) -> list[str]:
    return [payment.order_id for payment in page.object_list]


ORDERINGS = [("-created_at", "-pk"), ("created_at", "pk"), ("-amount", "-pk"), ("amount", "pk")]


@pytest.mark.parametrize("ordering", ORDERINGS)
def test_going_on_meets_each_row_exactly_once_though_all_are_equal(ordering: tuple[str, str]) -> None:
    ids = make_many(38)
    met = [name for page in walk(ordering) for name in names(page)]
    assert met == (ids[::-1] if ordering[0].startswith("-") else ids)


@pytest.mark.parametrize("ordering", ORDERINGS)
def test_going_back_meets_the_same_rows_and_ends_at_the_first_page(ordering: tuple[str, str]) -> None:
    make_many(38)
    there = list(walk(ordering))
    back = list(walk(ordering, there[-1].before, "before"))
    assert back[-1].number == 1
    assert [names(page) for page in back[:-1]] == [names(page) for page in there[-2 : -len(back) - 1 : -1]]


def test_payments_made_in_the_meantime_neither_repeat_nor_hide_a_row() -> None:
    ids = make_many(38)
    met = []
    for number, page in enumerate(walk(("-created_at", "-pk"), start="2")):
        met += names(page)
        make_many(3, first=100 * (number + 1))
    assert met == ids[::-1][5:]


def test_rows_of_different_moments_and_amounts_are_walked_by_what_they_are_sorted_by() -> None:
    ids = make_many(33)
    for number, row in enumerate(Payment.objects.order_by("pk")):
        moment, amount = NOON + timedelta(microseconds=number % 4), Decimal("500.00") + Decimal(number % 3) / 100
        Payment.objects.filter(pk=row.pk).update(created_at=moment, amount=amount)
    for ordering in ORDERINGS:
        expected = list(Payment.objects.order_by(*ordering).values_list("order_id", flat=True))
        assert len(expected) == len(ids)
        assert [name for page in walk(ordering) for name in names(page)] == expected


def test_pages_have_numbers_only_as_far_as_rows_are_counted() -> None:
    make_many(38)
    last = pages(("-created_at", "-pk")).get_page("2")
    assert (last.paginator.count, last.paginator.num_pages, last.paginator.count_label) == (10, 2, "10+")
    assert not last.has_next()
    assert last.after.startswith("after-")
    assert not pages(("-created_at", "-pk")).get_page("1").after


def test_what_is_not_more_than_that_is_counted_as_it_is() -> None:
    make_many(10)
    page = pages(("-created_at", "-pk")).get_page("2")
    assert (page.paginator.count, page.paginator.count_label, page.after, len(page)) == (10, "10", "", 5)


@pytest.mark.parametrize(
    ("asked", "number", "note"),
    [
        (None, 1, ""),
        ("", 1, ""),
        ("1", 1, ""),
        ("2", 2, ""),
        ("3", 2, "no page with that number"),
        ("999999999999999999999999", 2, "no page with that number"),
        ("0", 1, "no such page"),
        ("-1", 1, "no such page"),
        ("x", 1, "no such page"),
        ("1.5", 1, "no such page"),
        ("1" * 5000, 1, "no such page"),
        ("\0", 1, "no such page"),
        ("after-", 1, "no such page"),
        ("after-1-1-1", 1, "no such page"),
        ("after-999999999999999999-1", 1, "nothing further"),
        ("before-999999999999999999-1", 1, "nothing further"),
        ("after-0-0", 1, "nothing further"),
        ("sideways-1-1", 1, "no such page"),
        ("after-1٣-1", 1, "no such page"),
    ],
)
@pytest.mark.parametrize("ordering", ORDERINGS)
def test_an_address_that_leads_nowhere_leads_to_the_nearest_page_and_says_so(
    ordering: tuple[str, str], asked: str | None, number: int, note: str
) -> None:
    make_many(8)
    page = pages(ordering).get_page(asked)
    if asked == "after-0-0" and not ordering[0].startswith("-"):
        # Everything comes after the beginning of time, and after no hryvnia.
        assert len(page) == 5
        return
    assert page.number == number
    assert note in page.note
    assert bool(page.note) == bool(note)


def test_an_empty_listing_is_one_empty_page() -> None:
    page = pages(("-created_at", "-pk")).get_page("1")
    assert (len(page), page.number, page.paginator.count, page.note) == (0, 1, 0, "")


@pytest.mark.parametrize("address", [PAYMENTS, f"{PAYMENTS}results/"])
@pytest.mark.parametrize("asked", ["0", "-5", "abc", "7", "1" * 4000, f"after-{'9' * 18}-{'9' * 18}", "after-\0"])
@pytest.mark.parametrize("ordering", ["amount", "BOGUS"])
def test_nonsense_in_the_page_is_a_message_above_the_rows(
    viewer: Client, address: str, asked: str, ordering: str
) -> None:
    make_payment(order_id="ONLY")
    soup = soup_of(viewer.get(address, {"p": asked, "ordering": ordering}))
    assert words(soup.select_one("table.listing tbody")).startswith("ONLY")
    assert "page" in words(soup.select_one("[role=status] .help-block"))


def test_beyond_the_numbers_staff_go_on_to_older_and_back_to_newer(viewer: Client) -> None:
    make_many(1060, state="SUCCESS")
    query = {"state": "SUCCESS", "merchant_type": "II"}
    first = soup_of(viewer.get(PAYMENTS, query))
    assert "Matches: 1,000+" in words(first)
    assert "Page 1 of 20" in words(first.select_one("nav.pagination"))
    assert "Total: 1,000+" in words(first.select_one("nav.pagination"))
    assert not first.select(".payparts-walk")
    met = listed(viewer, PAYMENTS, **query, p=20)
    assert len(met) == 50
    older = soup_of(viewer.get(PAYMENTS, query | {"p": 20})).select_one(".payparts-walk a[rel=next]")
    assert words(older) == "Older"
    there = soup_of(viewer.get(older["href"]))  # type: ignore[index]
    assert parse_qs(urlsplit(str(older["href"])).query)["state"] == ["SUCCESS"]  # type: ignore[index]
    rows = [words(row) for row in there.select("table.listing tbody .title-wrapper")]
    assert rows == [f"P{number:05}" for number in range(59, 9, -1)]
    assert not there.select("nav.pagination .pagination__page-number")
    assert words(there.select_one(".payparts-walk a[rel=prev]")) == "Newer"
    last = soup_of(viewer.get(there.select_one(".payparts-walk a[rel=next]")["href"]))  # type: ignore[index]
    assert len(last.select("table.listing tbody tr")) == 10
    assert not last.select(".payparts-walk a[rel=next]")
    newer = soup_of(viewer.get(last.select_one(".payparts-walk a[rel=prev]")["href"]))  # type: ignore[index]
    assert [words(row) for row in newer.select("table.listing tbody .title-wrapper")] == rows


def test_a_filter_taken_away_and_another_sort_begin_at_the_first_page(viewer: Client) -> None:
    make_payment(state="SUCCESS")
    asked = {"state": "SUCCESS", "p": "after-99999999999999-1"}
    soup = soup_of(viewer.get(PAYMENTS, asked | {"ordering": "created_at"}))
    links = [link["href"] for link in soup.select("table.listing thead a")]
    links += [button["data-w-swap-src-value"] for button in soup.select(".w-pill__remove")]
    assert len(links) == 3
    assert not any("after-" in str(link) for link in links)


def payment_statements(queries: CaptureQueriesContext) -> list[str]:
    return [query["sql"] for query in queries if "wagtail_payparts_payment" in query["sql"]]


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"p": "2"},
        {"p": "999"},
        {"p": "after-1772323200000000-30"},
        {"p": "before-1772323200000000-3"},
        {"ordering": "-amount"},
        {"state": ["SUCCESS", "NEW"], "created_at_period": "today"},
        {"attention": "needed"},
        {"refunds": "some"},
    ],
)
def test_nothing_is_counted_without_a_limit(viewer: Client, query: dict[str, Any]) -> None:
    make_many(60)
    with CaptureQueriesContext(connection) as queries:
        viewer.get(PAYMENTS, query)
    statements = payment_statements(queries)
    assert statements
    for sql in statements:
        for counted in re.finditer(r"COUNT\(\*\)", sql):
            assert re.search(r"LIMIT 10001\b|LIMIT 10001\)", sql[counted.start() :]), sql


@pytest.mark.parametrize(
    "query", [{}, {"p": "2"}, {"q": "P0"}, {"state": "SUCCESS"}, {"site": "1"}, {"p": "after-2000000000000000-30"}]
)
def test_no_page_costs_more_than_ten_queries(accountant: Client, query: dict[str, Any], settings: Any) -> None:
    settings.PAYPARTS_STORES = {"default": {}, "second": {}}
    for number in range(60):
        make_payment(order_id=f"P{number:03}", buyer_order=make_order(buyer_name="Олена"), state="SUCCESS")
    accountant.get(PAYMENTS)
    with CaptureQueriesContext(connection) as queries:
        accountant.get(PAYMENTS, query)
    assert len(queries) <= 10


def test_a_row_remembers_the_listing_and_its_page_leads_back_to_it(viewer: Client, rf: RequestFactory) -> None:
    payment = make_payment(state="SUCCESS", order_id="A1")
    query = {"state": ["SUCCESS", "NEW"], "q": "A", "p": "1", "ordering": "amount"}
    for address in (PAYMENTS, f"{PAYMENTS}results/"):
        soup = soup_of(viewer.get(address, query | {"_w_filter_fragment": "1"}))
        link = str(soup.select_one("table.listing .title-wrapper a")["href"])  # type: ignore[index]
        assert link.startswith(f"{PAYMENTS}{payment.pk}/?from=")
        assert viewer.get(link).status_code == 200
        address_back = urlsplit(back_to(rf.get(link), "payparts_payments:index"))
        assert address_back.path == PAYMENTS
        assert parse_qs(address_back.query) == {
            "state": ["SUCCESS", "NEW"],
            "q": ["A"],
            "p": ["1"],
            "ordering": ["amount"],
        }


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", PAYMENTS),
        ("//evil.example.com", f"{PAYMENTS}?%2F%2Fevil.example.com="),
        ("https://evil.example.com/?a=1", f"{PAYMENTS}?https%3A%2F%2Fevil.example.com%2F%3Fa=1"),
        ("export=csv&state=NEW", f"{PAYMENTS}?state=NEW"),
        ('"><script>', f"{PAYMENTS}?%22%3E%3Cscript%3E="),
        ("a=" + "x" * 3000, PAYMENTS),
        ("\r\nSet-Cookie: a=b", f"{PAYMENTS}?%0D%0ASet-Cookie%3A+a=b"),
    ],
)
def test_the_way_back_leads_nowhere_but_to_the_listing(rf: RequestFactory, said: str, expected: str) -> None:
    assert back_to(rf.get("/", {"from": said}), "payparts_payments:index") == expected

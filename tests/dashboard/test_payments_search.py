"""What the search box of the payments finds, for whom, and by which of the database's indexes."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.dashboard.conftest import PAYMENTS
from tests.dashboard.reading import listed, soup_of, words
from tests.factories import make_order, make_payment
from wagtail_payparts.dashboard.searching import MOST_FOUND, phone_beginning, search_payments
from wagtail_payparts.models import Payment


pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("words_typed", ["01ABC", "01ABCDEF", "01abcdef", " 01ABCDEF ", "SHOP-1", "SHOP-17"])
def test_search_finds_by_order_id_and_reference_or_their_beginning(viewer: Client, words_typed: str) -> None:
    make_payment(order_id="01ABCDEF", reference="SHOP-17")
    make_payment(order_id="9901ABCDEF", reference="X-SHOP-17", offer_title="01ABC", bank_message="SHOP-1")
    assert listed(viewer, PAYMENTS, q=words_typed) == ["01ABCDEF"]


@pytest.mark.parametrize("words_typed", ["%", "_", "01ABC%", "ABC", "чайник"])
def test_search_finds_nothing_else(viewer: Client, words_typed: str) -> None:
    make_payment(order_id="01ABCDEF", offer_title="чайник")
    assert listed(viewer, PAYMENTS, q=words_typed) == []


@pytest.mark.parametrize("phone", ["+380671234567", "067 123 45 67", "(067) 123-45-67", "380671234567"])
def test_a_phone_finds_payments_for_those_who_may_see_the_buyer(accountant: Client, viewer: Client, phone: str) -> None:
    make_payment(order_id="A", buyer_order=make_order(buyer_phone="+380671234567"))
    make_payment(order_id="B", buyer_order=make_order(buyer_phone="+380671234568"))
    assert listed(accountant, PAYMENTS, q=phone) == ["A"]
    assert listed(viewer, PAYMENTS, q=phone) == []


def test_search_and_filters_go_together(viewer: Client) -> None:
    make_payment(order_id="A1", state="SUCCESS")
    make_payment(order_id="A2", state="FAIL")
    make_payment(order_id="B1", state="SUCCESS")
    assert listed(viewer, PAYMENTS, q="A", state="SUCCESS") == ["A1"]


@pytest.mark.parametrize("words_typed", ["ORD7", "ord7", "ORD77", "ord77"])
def test_an_orders_number_or_its_beginning_finds_all_its_payments(viewer: Client, words_typed: str) -> None:
    order = make_order(number="ORD77")
    for order_id in ("A1", "A2"):
        make_payment(order_id=order_id, buyer_order=order)
    make_payment(order_id="B1", buyer_order=make_order(number="XORD77"))
    assert listed(viewer, PAYMENTS, q=words_typed) == ["A2", "A1"]


@pytest.mark.parametrize("words_typed", ["olena@example.com", "Olena@Example.com", "olena", "OLENA@"])
def test_an_email_or_its_beginning_finds_payments_for_those_who_may_see_the_buyer(
    accountant: Client, viewer: Client, words_typed: str
) -> None:
    make_payment(order_id="A", buyer_order=make_order(buyer_email="olena@example.com"))
    make_payment(order_id="B", buyer_order=make_order(buyer_email="xolena@example.com"))
    assert listed(accountant, PAYMENTS, q=words_typed) == ["A"]
    assert listed(viewer, PAYMENTS, q=words_typed) == []


@pytest.mark.parametrize("words_typed", ["067 123", "0671", "(067) 12", "+38067123", "38067123", "+380 67-1"])
def test_the_beginning_of_a_phone_finds_payments_too(accountant: Client, viewer: Client, words_typed: str) -> None:
    make_payment(order_id="A", buyer_order=make_order(buyer_phone="+380671234567"))
    make_payment(order_id="B", buyer_order=make_order(buyer_phone="+380502671234"))
    assert listed(accountant, PAYMENTS, q=words_typed) == ["A"]
    assert listed(viewer, PAYMENTS, q=words_typed) == []


@pytest.mark.parametrize("words_typed", ["06", "67", "67123", "order 067", "0671234567890123456789", "٠٦٧١", "+", ""])
def test_what_is_no_beginning_of_a_phone_is_not_taken_for_one(words_typed: str) -> None:
    assert phone_beginning(words_typed) == ""


def test_a_payment_that_is_found_twice_is_listed_once(accountant: Client) -> None:
    order = make_order(number="0671", buyer_phone="+380671234567", buyer_email="0671@example.com")
    make_payment(order_id="0671A", reference="0671", buyer_order=order)
    soup = soup_of(accountant.get(PAYMENTS, {"q": "0671"}))
    assert len(soup.select("table.listing tbody tr")) == 1
    assert "There is 1 match" in words(soup)


def test_a_search_that_finds_too_many_says_that_there_may_be_more(viewer: Client) -> None:
    Payment.objects.bulk_create(
        Payment(order_id=f"P{number:05}", amount=500, parts_count=2) for number in range(MOST_FOUND * 3 + 1)
    )
    everything = soup_of(viewer.get(PAYMENTS, {"q": "P"}))
    assert "there may be more than are shown" in words(everything.select_one(".payparts-refusal[role=status]"))
    few = soup_of(viewer.get(PAYMENTS, {"q": "P0000"}))
    assert not few.select(".payparts-refusal")
    assert len(few.select("table.listing tbody tr")) == 10


def test_found_rows_are_paged_and_sorted_like_any_others(viewer: Client) -> None:
    ids = [make_payment(order_id=f"P{number:02}", amount=str(900 - number)).order_id for number in range(60)]
    assert listed(viewer, PAYMENTS, q="P") == ids[:9:-1]
    assert listed(viewer, PAYMENTS, q="P", p=2) == ids[9::-1]
    assert listed(viewer, PAYMENTS, q="P", ordering="-amount") == ids[:50]
    assert listed(viewer, PAYMENTS, q="P", ordering="-amount", p=2) == ids[50:]


@pytest.mark.parametrize(
    "words_typed", ["%", "_", "'", '"', "\\", "\U0001f600", "x" * 5000, " ", "@", "0" * 30, "\u202e01"]
)
def test_nothing_that_can_be_typed_breaks_the_search(accountant: Client, words_typed: str) -> None:
    make_payment(order_id="01ABC", buyer_order=make_order(buyer_phone="+380671234567", buyer_email="a@example.com"))
    assert accountant.get(PAYMENTS, {"q": words_typed}).status_code == 200
    assert accountant.get(f"{PAYMENTS}results/", {"q": words_typed}).status_code == 200


def test_no_two_columns_are_searched_by_one_condition(accountant: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        accountant.get(PAYMENTS, {"q": "067abc@"})
    sql = next(query["sql"] for query in queries if "payparts_among" in query["sql"])
    assert " OR " not in sql


@pytest.mark.skipif(
    connection.vendor != "postgresql", reason="only PostgreSQL needs a class of operators for it; its run looks at it"
)
@pytest.mark.parametrize(
    ("model", "column"),
    [
        ("payment", "order_id"),
        ("payment", "reference"),
        ("order", "number"),
        ("order", "buyer_phone"),
        ("order", "buyer_email"),
    ],
)
def test_each_column_that_is_searched_has_an_index_for_beginnings(model: str, column: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename = %s", [f"wagtail_payparts_{model}"])
        definitions = [row[0] for row in cursor.fetchall()]
    assert any(f"({column} varchar_pattern_ops)" in definition for definition in definitions)


def test_the_search_of_an_export_is_that_of_the_listing() -> None:
    make_payment(order_id="A1", state="SUCCESS")
    make_payment(order_id="A2", state="FAIL")
    queryset: Any = Payment.objects.filter(state="SUCCESS").order_by("-created_at", "-pk")
    assert [row.order_id for row in search_payments(queryset, "A", with_buyer=False)] == ["A1"]

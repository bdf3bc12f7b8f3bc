"""Each filter of the payments: what it leaves, what it says above the listing, and how it is taken away."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils.formats import date_format
from django.utils.timezone import localdate
from wagtail.models import Site

from tests.dashboard.conftest import PAYMENTS
from tests.dashboard.reading import listed, made_at, soup_of, words
from tests.factories import make_payment
from wagtail_payparts.dashboard.periods import Days, Period, days_of
from wagtail_payparts.states import OPEN, PaymentState


pytestmark = pytest.mark.django_db

KYIV = ZoneInfo("Europe/Kyiv")


def test_a_payment_is_open_or_decided(viewer: Client) -> None:
    for state in PaymentState:
        make_payment(order_id=state.value.replace("_", "-"), state=state)
    everything = {state.value.replace("_", "-") for state in PaymentState}
    is_open = {state.value.replace("_", "-") for state in OPEN}
    assert set(listed(viewer, PAYMENTS, progress="open")) == is_open
    assert set(listed(viewer, PAYMENTS, progress="decided")) == everything - is_open
    assert listed(viewer, PAYMENTS, progress="open", state="LOCKED") == []


def test_payments_with_refunds_and_without(viewer: Client) -> None:
    make_payment(order_id="A", refunded_amount=Decimal("0.01"))
    make_payment(order_id="B")
    assert listed(viewer, PAYMENTS, refunds="some") == ["A"]
    assert listed(viewer, PAYMENTS, refunds="none") == ["B"]


def test_numbers_of_parts_are_filtered_with_both_ends(viewer: Client) -> None:
    for parts in (2, 4, 6):
        make_payment(order_id=f"P{parts}", parts_count=parts)
    assert set(listed(viewer, PAYMENTS, parts_count_min=4)) == {"P4", "P6"}
    assert set(listed(viewer, PAYMENTS, parts_count_max=4)) == {"P2", "P4"}
    assert listed(viewer, PAYMENTS, parts_count_min=4, parts_count_max=4) == ["P4"]
    assert set(listed(viewer, PAYMENTS, parts_count_min=2, parts_count_max=4)) == {"P2", "P4"}


def test_the_store_can_be_chosen_only_where_there_are_several(viewer: Client, settings: Any) -> None:
    make_payment(order_id="A", store="default")
    make_payment(order_id="B", store="second")
    assert not soup_of(viewer.get(PAYMENTS)).select("input[name=store]")
    settings.PAYPARTS_STORES = {"default": {}, "second": {}}
    assert len(soup_of(viewer.get(PAYMENTS)).select("input[name=store]")) == 2
    assert listed(viewer, PAYMENTS, store="second") == ["B"]
    assert set(listed(viewer, PAYMENTS, store=["default", "second"])) == {"A", "B"}


def test_the_site_can_be_chosen_only_where_there_are_several(viewer: Client) -> None:
    cache.clear()
    first = Site.objects.get()
    make_payment(order_id="A", site=first)
    assert not soup_of(viewer.get(PAYMENTS)).select("input[name=site]")
    second = Site.objects.create(hostname="outlet.example.com", root_page_id=first.root_page_id)
    make_payment(order_id="B", site=second)
    soup = soup_of(viewer.get(PAYMENTS, {"site": second.pk}))
    assert [words(row) for row in soup.select(".title-wrapper")] == ["B"]
    assert words(soup.select_one(".w-pill__content")) == "Site: outlet.example.com"
    cache.clear()


@pytest.mark.parametrize("name", ["store", "site"])
def test_a_choice_that_is_not_offered_is_refused_and_not_overlooked(viewer: Client, name: str) -> None:
    make_payment(order_id="A")
    soup = soup_of(viewer.get(PAYMENTS, {name: "elsewhere"}))
    assert not soup.select("table.listing tbody tr")
    assert "elsewhere is not one of the available choices" in words(soup.select_one(".payparts-refusal[role=alert]"))


@pytest.mark.parametrize(
    ("today", "period", "first", "last"),
    [
        ("2026-03-01", "today", "2026-03-01", "2026-03-01"),
        ("2026-03-01", "yesterday", "2026-02-28", "2026-02-28"),
        ("2026-03-01", "this_week", "2026-02-23", "2026-03-01"),
        ("2026-03-02", "this_week", "2026-03-02", "2026-03-02"),
        ("2026-03-01", "this_month", "2026-03-01", "2026-03-01"),
        ("2026-03-31", "this_month", "2026-03-01", "2026-03-31"),
        ("2026-03-31", "last_month", "2026-02-01", "2026-02-28"),
        ("2028-03-01", "last_month", "2028-02-01", "2028-02-29"),
        ("2026-01-01", "last_month", "2025-12-01", "2025-12-31"),
        ("2026-01-01", "yesterday", "2025-12-31", "2025-12-31"),
    ],
)
def test_a_period_is_that_of_the_calendar(today: str, period: str, first: str, last: str) -> None:
    expected = Days(date.fromisoformat(first), date.fromisoformat(last), period)
    assert days_of(period, date.fromisoformat(today)) == expected


@pytest.mark.parametrize("period", list(Period))
def test_a_period_leaves_what_its_days_leave(viewer: Client, period: Period) -> None:
    today = localdate(timezone=KYIV)
    for back in range(70):
        day = today - timedelta(days=back)
        made_at(make_payment(order_id=f"D{back:02}"), datetime(day.year, day.month, day.day, 0, 30, tzinfo=KYIV))
    days = days_of(period)
    found = set(listed(viewer, PAYMENTS, created_at_period=period.value))
    assert found
    assert found == set(listed(viewer, PAYMENTS, created_at_from=days.first, created_at_to=days.last))


@pytest.mark.parametrize("days", [{"created_at_from": "2026-03-01"}, {"created_at_to": "2026-03-01"}])
def test_a_period_and_days_of_ones_own_are_never_both_guessed_at(viewer: Client, days: dict[str, str]) -> None:
    make_payment()
    soup = soup_of(viewer.get(PAYMENTS, days | {"created_at_period": "today"}))
    assert not soup.select("table.listing tbody tr")
    refusal = words(soup.select_one(".payparts-refusal[role=alert]"))
    assert "Choose either a period or days of your own, not both." in refusal


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"progress": "BOGUS"}, "BOGUS is not one of the available choices"),
        ({"refunds": "BOGUS"}, "BOGUS is not one of the available choices"),
        ({"created_at_period": "next_year"}, "next_year is not one of the available choices"),
        ({"created_at_period": "\0"}, "not one of the available choices"),
        ({"parts_count_min": "x"}, "Enter a whole number."),
        ({"parts_count_min": "1e9"}, "Enter a whole number."),
        ({"parts_count_max": "9" * 30}, "less than or equal to 999"),
        ({"parts_count_max": "9" * 5000}, "whole number"),
        ({"parts_count_min": "-1"}, "greater than or equal to 0"),
        ({"parts_count_min": "5", "parts_count_max": "3"}, "The lowest number is above the highest."),
        ({"state": "\0"}, "not one of the available choices"),
        ({"site": "9" * 40}, "not one of the available choices"),
        ({"amount_min": "9" * 300}, "no more than"),
    ],
)
@pytest.mark.parametrize("address", [PAYMENTS, f"{PAYMENTS}results/"])
def test_a_filter_that_cannot_be_read_shows_nothing_and_says_why(
    viewer: Client, address: str, query: dict[str, Any], reason: str
) -> None:
    make_payment()
    soup = soup_of(viewer.get(address, query))
    assert not soup.select("table.listing tbody tr")
    assert reason in words(soup.select_one(".payparts-refusal[role=alert]"))


@pytest.mark.parametrize(
    ("query", "pills"),
    [
        ({"state": ["SUCCESS", "NEW"]}, ["State: Paid", "State: New"]),
        ({"progress": "open"}, ["Progress: Open: the buyer may still pay"]),
        ({"attention": "needed"}, ["Attention: Needs attention"]),
        ({"refunds": "some"}, ["Refunds: With refunds"]),
        ({"is_test": "real"}, ["Real or test: Real payments"]),
        ({"merchant_type": "PP"}, ["Service: Pay in parts"]),
        ({"parts_count_min": 2, "parts_count_max": 6}, ["Number of parts: 2 – 6"]),
        ({"parts_count_min": 6, "parts_count_max": 6}, ["Number of parts: 6"]),
        ({"parts_count_min": 0}, ["Number of parts: from 0"]),
        ({"amount_min": 300}, ["Amount, UAH: from UAH 300.00"]),
        ({"amount_max": 300}, ["Amount, UAH: up to UAH 300.00"]),
        ({"created_at_from": "2026-03-01", "created_at_to": "2026-03-05"}, ["Created: March 1, 2026 – March 5, 2026"]),
        ({"created_at_to": "2026-03-05"}, ["Created: up to March 5, 2026"]),
    ],
)
def test_a_filter_in_force_is_written_above_the_listing_and_its_cross_takes_it_away(
    viewer: Client, query: dict[str, Any], pills: list[str]
) -> None:
    soup = soup_of(viewer.get(PAYMENTS, query | {"q": "A"}))
    assert [words(pill) for pill in soup.select(".w-pill__content")] == pills
    for cross in soup.select(".w-pill__remove"):
        left = parse_qs(urlsplit(str(cross["data-w-swap-src-value"])).query)
        values = sum(len(value) for name, value in left.items() if name in query)
        assert left["q"] == ["A"]
        assert values == len(pills) - 1


def test_a_period_in_force_says_which_days_it_is(viewer: Client) -> None:
    soup = soup_of(viewer.get(PAYMENTS, {"created_at_period": "today"}))
    day = date_format(localdate(timezone=KYIV))
    assert words(soup.select_one(".w-pill__content")) == f"Created: Today ({day})"
    left = parse_qs(urlsplit(str(soup.select_one(".w-pill__remove")["data-w-swap-src-value"])).query)  # type: ignore[index]
    assert "created_at_period" not in left


def test_what_was_chosen_is_still_chosen_in_the_form(viewer: Client) -> None:
    soup = soup_of(viewer.get(PAYMENTS, {"created_at_period": "last_month", "parts_count_min": "3"}))
    assert [radio["value"] for radio in soup.select("input[name=created_at_period][checked]")] == ["last_month"]
    assert soup.select_one("input[name=parts_count_min]")["value"] == "3"  # type: ignore[index]
    soup = soup_of(viewer.get(PAYMENTS, {"created_at_from": "2026-03-01"}))
    assert [radio["value"] for radio in soup.select("input[name=created_at_period][checked]")] == [""]
    assert soup.select_one("input[name=created_at_from]")["value"] == "2026-03-01"  # type: ignore[index]


def test_filters_narrow_each_other_down(viewer: Client) -> None:
    make_payment(order_id="A", state="SUCCESS", parts_count=4, refunded_amount=1, attention="late_success")
    make_payment(order_id="B", state="SUCCESS", parts_count=4, refunded_amount=1)
    make_payment(order_id="C", state="FAIL", parts_count=4, attention="late_success")
    query = {"state": ["SUCCESS"], "parts_count_min": 4, "refunds": "some", "created_at_period": "today"}
    assert set(listed(viewer, PAYMENTS, **query)) == {"A", "B"}
    assert listed(viewer, PAYMENTS, **query, attention="needed", amount_max="12500", is_test="real") == ["A"]

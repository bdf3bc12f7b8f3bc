"""Money on the public pages: exact to the kopeck, and written the same whatever the settings."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.template import Context, Template
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from wagtail_payparts.formats import format_hryvnias
from wagtail_payparts.instalments import schedule


def rendered(amount: Any) -> str:
    return Template("{% load payparts %}{{ amount|hryvnias }}").render(Context({"amount": amount}))


@pytest.mark.parametrize(
    ("language", "amount", "written"),
    [
        ("uk", "12500", "12\xa0500,00\xa0грн"),
        ("uk", "1234567.8", "1\xa0234\xa0567,80\xa0грн"),
        ("uk", "300", "300,00\xa0грн"),
        ("uk", "-500.5", "−500,50\xa0грн"),
        ("uk", "0", "0,00\xa0грн"),
        ("uk", "-0.004", "0,00\xa0грн"),
        ("ru", "12500", "12\xa0500,00\xa0грн"),
        ("en", "12500", "UAH\xa012,500.00"),
        ("en-gb", "-500.5", "−UAH\xa0500.50"),
        ("de", "12500", "UAH\xa012,500.00"),
    ],
)
@pytest.mark.parametrize("separators", [True, False])
def test_hryvnias_are_written_as_people_do(
    settings: Any, language: str, amount: str, written: str, separators: bool
) -> None:
    settings.USE_THOUSAND_SEPARATOR = separators
    with translation.override(language):
        assert rendered(Decimal(amount)) == written


def test_hryvnias_are_written_without_any_language() -> None:
    with translation.override(None):
        assert format_hryvnias(Decimal("12500")) == "UAH\xa012,500.00"


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_amount_is_written_as_nothing(nothing: Any) -> None:
    assert rendered(nothing) == ""


def test_a_sum_with_the_decimals_of_sqlite_is_rounded_to_kopecks() -> None:
    with translation.override("uk"):
        assert rendered(Decimal("12500.00500000")) == "12\xa0500,01\xa0грн"


amounts = st.decimals(min_value="0.01", max_value="300000", places=2)
parts = st.integers(min_value=2, max_value=25)
SHARE = Decimal("0.019")


@given(amount=amounts, parts_count=parts)
def test_the_parts_add_up_to_the_price(amount: Decimal, parts_count: int) -> None:
    plan = schedule(amount, parts_count, Decimal(0))
    assert sum(plan.payments) == amount
    assert plan.cost == 0


@given(amount=amounts, parts_count=parts)
def test_the_first_payment_is_the_largest_and_the_others_are_equal(amount: Decimal, parts_count: int) -> None:
    plan = schedule(amount, parts_count, SHARE)
    assert len(plan.payments) == parts_count
    assert set(plan.payments[1:]) == {plan.monthly}
    assert plan.first >= plan.monthly
    assert plan.first - plan.monthly < Decimal("0.01") * parts_count


@given(amount=amounts, parts_count=st.integers(min_value=2, max_value=24))
def test_more_parts_never_make_a_payment_larger(amount: Decimal, parts_count: int) -> None:
    assert schedule(amount, parts_count + 1, SHARE).monthly <= schedule(amount, parts_count, SHARE).monthly


@given(amount=amounts, dearer=amounts, parts_count=parts)
def test_a_higher_price_never_makes_a_payment_smaller(amount: Decimal, dearer: Decimal, parts_count: int) -> None:
    low, high = sorted([amount, dearer])
    assert schedule(low, parts_count, Decimal(0)).monthly <= schedule(high, parts_count, Decimal(0)).monthly

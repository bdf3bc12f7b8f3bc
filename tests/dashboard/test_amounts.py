"""Amounts as people type them: read to the kopeck, or refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from wagtail_payparts.dashboard.amounts import read_hryvnias, write_plainly


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("1500", "1500"),
        ("1500,5", "1500.50"),
        ("1500.50", "1500.50"),
        ("1 500,50", "1500.50"),
        ("1\u00a0500,50", "1500.50"),
        ("1\u202f500,50", "1500.50"),
        ("1\u2009500.5", "1500.50"),
        ("1’500,50", "1500.50"),
        ("1,500.50", "1500.50"),
        ("1.500,50", "1500.50"),
        ("1 234 567,89", "1234567.89"),
        ("1,234,567", "1234567"),
        ("1.234.567,8", "1234567.80"),
        ("  1500,50 грн ", "1500.50"),
        ("1 500,50\u00a0грн.", "1500.50"),
        ("1500 ГРН", "1500"),
        ("1500,50₴", "1500.50"),
        ("UAH\u00a01,500.50", "1500.50"),
        ("1500 UAH", "1500"),
        ("1500 гривень", "1500"),
        ("1500,", "1500"),
        ("007", "7"),
        ("0,01", "0.01"),
        ("-5", "-5"),
        ("\u22125,5", "-5.50"),
        ("\u200e1500,50\u202c", "1500.50"),
    ],
)
def test_an_amount_is_read_as_people_type_it(typed: str, meant: str) -> None:
    assert read_hryvnias(typed) == Decimal(meant)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("1,500", "ambiguous"),
        ("1.500", "ambiguous"),
        ("100.005", "ambiguous"),
        ("0.005", "decimals"),
        ("1500,505", "decimals"),
        ("1 500,505", "decimals"),
        ("1,500.505", "decimals"),
        *(
            (typed, "invalid")
            for typed in (
                *("", "грн", "багато", "1e3", "NaN", "Infinity", "1 50", "1 5000", "15,00,50", "1.5.0", "5²", "½"),
                *("٥٠٠", "１５００", "0x10", "1_500", "10-5", "--5", "5%", "1500 USD", "1500 грн 50", ",50", "1,,5"),
            )
        ),
    ],
)
def test_what_is_no_amount_or_could_be_two_is_refused(typed: str, code: str) -> None:
    with pytest.raises(ValidationError) as raised:
        read_hryvnias(typed)
    assert raised.value.code == code


@given(kopecks=st.integers(min_value=1, max_value=30_000_000), language=st.sampled_from(["uk", "en", "ru"]))
def test_what_we_write_is_read_back_to_the_kopeck(kopecks: int, language: str) -> None:
    amount = Decimal(kopecks) / 100
    with translation.override(language):
        assert read_hryvnias(write_plainly(amount)) == amount


@given(st.text(max_size=40))
def test_nothing_that_can_be_typed_is_an_error_of_ours(text: str) -> None:
    try:
        amount = read_hryvnias(text)
    except ValidationError:
        return
    # Not by quantize(), which has no room for more than 28 digits.
    exponent = amount.as_tuple().exponent
    assert isinstance(exponent, int)
    assert exponent >= -2

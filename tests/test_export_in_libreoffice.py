"""The files opened in LibreOffice and read back cell by cell."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.utils import translation

from tests.factories import make_order, make_payment
from wagtail_payparts.models import Payment
from wagtail_payparts.resources import CsvFile, PaymentResource, Table, XlsxFile
from wagtail_payparts.resources.cells import clean, neutralise_parts


pytestmark = pytest.mark.django_db

TEXTS = [
    "Чайник «Світанок»",
    "a;b,c",
    'with "quotes"',
    "two\nlines",
    "=1+1",
    '=HYPERLINK("http://x.example")',
    "@SUM(1)",
    "-1+1",
    "\t=1+1",
    "+380671234567",
    "\u202e=1+1",
    "<b>&amp;</b>",
    "_x0041_",
    "x" * 5000,
]


@pytest.fixture
def payments() -> list[Payment]:
    for number, text in enumerate(TEXTS):
        order = make_order(buyer_name="Олена", buyer_phone="+380671234567", buyer_email="olena@example.com")
        make_payment(
            reference=f"SHOP-{number}",
            offer_title=text[:255],
            page_url=text,
            buyer_order=order if number % 2 else None,
            lines=[{"name": text[:50], "count": 2, "price": "1.00"}],
            state="SUCCESS" if number % 3 else "FAIL",
            amount=Decimal("12500.50") + number,
            refunded_amount=Decimal(number),
            fee=Decimal("1.10"),
            attention="late_success double_payment" if number % 4 else "",
        )
    return list(Payment.objects.all())


def _expected(payments: list[Payment]) -> tuple[list[str], list[list[Any]]]:
    resource = PaymentResource(with_buyer=True)
    return resource.get_export_headers(), [resource.export_resource(payment) for payment in payments]


def test_a_workbook_read_by_libreoffice(payments: list[Payment], libreoffice: Callable[..., Any]) -> None:
    with translation.override("uk"):
        content = b"".join(XlsxFile(Table(PaymentResource(with_buyer=True), Payment.objects.all())).pieces())
        headings, rows = _expected(payments)
        read = libreoffice(content, "payments.xlsx")
    assert [cell.value for cell in read[0]] == headings
    for cells, row in zip(read[1:-1], rows, strict=True):
        for heading, cell, value in zip(headings, cells, row, strict=True):
            where = f"{heading}: {value!r}"
            assert cell.data_type != "f", where
            if isinstance(value, Decimal):
                assert cell.value == pytest.approx(float(value)), where
                assert "0.00" in cell.number_format, where
            elif isinstance(value, datetime):
                assert cell.is_date, where
                assert cell.value == value, where
            elif isinstance(value, str):
                assert (cell.value or "") == clean(value), where
            else:
                assert cell.value == value, where
    assert read[-1][list(PaymentResource.fields).index("amount")].value == pytest.approx(
        float(sum(payment.amount for payment in payments))
    )


@pytest.mark.parametrize("delimiter", [";", ","])
def test_csv_read_by_libreoffice(payments: list[Payment], libreoffice: Callable[..., Any], delimiter: str) -> None:
    table = Table(PaymentResource(with_buyer=True), Payment.objects.all())
    content = b"".join(CsvFile(table, delimiter=delimiter).pieces())
    headings, rows = _expected(payments)
    read = libreoffice(content, "payments.csv", delimiter=delimiter)
    assert [cell.value for cell in read[0]] == headings
    assert len(read) == len(rows) + 1
    for cells, row in zip(read[1:], rows, strict=True):
        for heading, cell, value in zip(headings, cells, row, strict=True):
            where = f"{heading}: {value!r}"
            assert cell.data_type != "f", where
            if isinstance(value, Decimal):
                assert cell.value == pytest.approx(float(value)), where
            elif isinstance(value, datetime):
                assert cell.value == value, where
            elif value == "+380671234567":
                # CSV says of no cell that it is text: the number is whole, its sign is for XLSX only.
                assert str(cell.value).removeprefix("+") == "380671234567", where
            elif isinstance(value, str):
                assert str(cell.value or "") == neutralise_parts(value), where
            else:
                assert cell.value == value, where

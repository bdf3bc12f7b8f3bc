"""CSV that is opened with another delimiter than it was written with: no part of a text becomes a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.factories import make_order, make_payment
from wagtail_payparts.models import Payment
from wagtail_payparts.resources import CsvFile, PaymentResource, Table
from wagtail_payparts.resources.cells import neutralise_parts


pytestmark = pytest.mark.django_db

#: What a program may take for a formula; an apostrophe before it says that it is none.
FORMULA = re.compile('[\\s"]*[=+\\-@\uff1d\uff0b\uff0d\uff20]')
DELIMITERS = [";", ",", "\t"]
HARMFUL = [
    "x,=1+1",
    "x;=1+1",
    "x\t=1+1",
    "x, =1+1",
    "x;\n=1+1",
    "x\n=1+1",
    "x\r\n@SUM(1)",
    'x,"=1+1',
    'x,""=1+1',
    'x;";=1+1',
    'x,",=1+1"',
    "x,;=1+1",
    "x,'=1+1",
    "x,+380671234567=1",
    "+380671234567,=1",
    "x,\uff1d1",
    "Лампа, -1+1",
]


def exported(delimiter: str) -> bytes:
    table = Table(PaymentResource(with_buyer=True), Payment.objects.order_by("pk"))
    return b"".join(CsvFile(table, delimiter=delimiter).pieces())


@pytest.mark.parametrize("text", HARMFUL)
@pytest.mark.parametrize("written", [";", ","])
def test_no_delimiter_makes_a_formula_of_a_part_of_a_text(written: str, text: str) -> None:
    for place in ("reference", "offer_title", "page_title"):
        make_payment(**{place: text}, lines=[{"name": text, "count": 1, "price": "1.00"}])
    make_payment(buyer_order=make_order(buyer_name=text, buyer_email=text))
    content = exported(written).decode("utf-8-sig")
    for delimiter in DELIMITERS:
        cells = [cell for row in csv.reader(io.StringIO(content, newline=""), delimiter=delimiter) for cell in row]
        assert len(cells) >= 5
        assert not [cell for cell in cells if FORMULA.match(cell)]


@pytest.mark.parametrize(
    "text",
    ["Чайник, 2 л; білий", "a,b;c", "x,+380671234567", "x, +380 67 123 45 67;y", "1,50", "a-b, c=d", "x, ", ";"],
)
def test_harmless_parts_stay_as_they_are(text: str) -> None:
    assert neutralise_parts(text) == text


@pytest.mark.parametrize(("written", "opened"), [(";", ","), (",", ";"), (";", "\t")])
def test_libreoffice_finds_no_formula_with_another_delimiter(
    libreoffice: Callable[..., Any], written: str, opened: str
) -> None:
    for text in HARMFUL:
        make_payment(reference=text, offer_title=text)
    read = libreoffice(exported(written), "payments.csv", delimiter=opened)
    cells = [cell for row in read for cell in row]
    assert len(cells) > len(HARMFUL)
    assert not [cell.value for cell in cells if cell.data_type == "f"]

"""The filtered list as a file: opened and compared cell by cell."""

from __future__ import annotations

import csv
import io
import logging
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from import_export.fields import Field
from openpyxl import load_workbook
from wagtail.models import ModelLogEntry

from tests.factories import make_order, make_payment
from wagtail_payparts.dashboard import exports
from wagtail_payparts.models import Payment
from wagtail_payparts.resources import PaymentResource
from wagtail_payparts.resources.cells import neutralise


pytestmark = pytest.mark.django_db

PAYMENTS = "/admin/payparts/payments/"


@pytest.fixture
def clerk() -> Callable[..., Client]:
    """Somebody who sees and exports payments, and has the other permissions named."""

    def enter(*codenames: str) -> Client:
        user = get_user_model().objects.create_user(f"clerk-{'-'.join(codenames)}")
        wanted = ["access_admin", "view_payment", "export_payment", *codenames]
        user.user_permissions.set(Permission.objects.filter(codename__in=wanted))
        client = Client()
        client.force_login(user)
        return client

    return enter


def read_csv(client: Client, delimiter: str = ",", **query: Any) -> list[dict[str, str]]:
    response = client.get(PAYMENTS, {"export": "csv", **query})
    assert response.status_code == 200
    content = b"".join(response.streaming_content)  # type: ignore[attr-defined]
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=delimiter))


def download_xlsx(client: Client, **query: Any) -> bytes:
    response = client.get(PAYMENTS, {"export": "xlsx", **query})
    assert response.status_code == 200
    # Not closed by us: that would end the request, and the test's transaction with it.
    return b"".join(response.streaming_content)  # type: ignore[attr-defined]


def read_xlsx(client: Client, **query: Any) -> list[dict[str, Any]]:
    sheet = load_workbook(io.BytesIO(download_xlsx(client, **query))).active
    assert sheet is not None
    headings, *rows = sheet.iter_rows()
    # The last row is that of the totals.
    rows = rows[:-1]
    return [{str(heading.value): cell for heading, cell in zip(headings, row, strict=True)} for row in rows]


@pytest.fixture
def payment() -> Payment:
    order = make_order(
        number="AB12-CD34",
        buyer_name="Олена Петренко",
        buyer_phone="+380671234567",
        buyer_email="olena@example.com",
    )
    made = make_payment(
        order_id="ORDER1",
        reference="SHOP-7",
        buyer_order=order,
        state="SUCCESS",
        attention="late_success double_payment",
        amount="12500.50",
        refunded_amount=Decimal("500.00"),
        fee=Decimal("250.01"),
        merchant_type="PP",
        lines=[{"name": "Чайник «Світанок»", "count": 2, "price": "6250.25"}],
        offer_title="Чайник",
        page_title="Каталог",
        page_url="https://shop.example/catalog/",
        bank_state="SUCCESS",
    )
    moments = {
        # A quarter of an hour into the last Sunday of October, before the clocks go back.
        "created_at": datetime(2026, 10, 25, 0, 15, 30, 999, tzinfo=timezone.utc),
        "state_changed_at": datetime(2026, 3, 1, 22, 30, tzinfo=timezone.utc),
    }
    Payment.objects.filter(pk=made.pk).update(**moments)
    return made


def test_csv_has_every_column_as_an_accountant_reads_it(payment: Payment, clerk: Callable[..., Client]) -> None:
    (row,) = read_csv(clerk("viewbuyer_payment"))
    assert row == {
        "Order id at the bank": "ORDER1",
        "Reference": "SHOP-7",
        "Order": "AB12-CD34",
        "State": "Paid",
        "Needs attention": "Paid after it had ended; The order was paid twice",
        "Amount, UAH": "12500.50",
        "Refunded, UAH": "500.00",
        "Paid less refunds, UAH": "12000.50",
        "Fee of the shop, UAH": "250.01",
        "Left after the fee, UAH": "11750.49",
        "Number of parts": "4",
        "Service": "Pay in parts",
        "What was sold": "Чайник «Світанок» × 2",
        "Offer": "Чайник",
        "Page": "Каталог",
        "Page address": "https://shop.example/catalog/",
        "Buyer": "Олена Петренко",
        "Phone": "+380671234567",
        "E-mail": "olena@example.com",
        "Created": "2026-10-25 03:15:30",
        "Created, UTC": "2026-10-25T00:15:30Z",
        "Changed": "2026-03-02 00:30:00",
        "Changed, UTC": "2026-03-01T22:30:00Z",
        "The bank's last word": "SUCCESS",
        "Store": "default",
        "Test": "No",
    }


def test_xlsx_has_numbers_as_numbers_and_dates_as_dates(payment: Payment, clerk: Callable[..., Client]) -> None:
    client = clerk("viewbuyer_payment")
    (row,) = read_xlsx(client)
    (same,) = read_csv(client)
    assert list(row) == list(same)
    assert row["Amount, UAH"].value == 12500.5
    assert row["Amount, UAH"].number_format == "#,##0.00"
    assert row["Number of parts"].value == 4
    assert row["Created"].value == datetime(2026, 10, 25, 3, 15, 30)  # noqa: DTZ001
    assert row["Created"].is_date
    assert row["Created, UTC"].value == "2026-10-25T00:15:30Z"
    assert row["Phone"].value == "+380671234567"
    assert row["Phone"].data_type == "s"
    assert row["State"].value == "Paid"


def test_who_buys_is_left_out_for_those_who_may_not_know(payment: Payment, clerk: Callable[..., Client]) -> None:
    client = clerk()
    for rows in (read_csv(client), read_xlsx(client)):
        assert not {"Buyer", "Phone", "E-mail"} & set(rows[0])
    content = client.get(PAYMENTS, {"export": "csv"}).getvalue().decode()
    assert not any(text in content for text in ("Олена", "+380671234567", "olena@example.com"))


@pytest.mark.parametrize("language", ["uk", "ru"])
def test_csv_is_what_excel_expects_where_decimals_have_a_comma(
    payment: Payment, clerk: Callable[..., Client], settings: Any, language: str
) -> None:
    settings.LANGUAGE_CODE = language
    settings.USE_THOUSAND_SEPARATOR = True
    response = clerk().get(PAYMENTS, {"export": "csv"})
    _heading, row = list(csv.reader(io.StringIO(response.getvalue().decode("utf-8-sig")), delimiter=";"))
    assert "12500,50" in row
    assert "4" in row
    assert "2026-10-25 03:15:30" in row


HOSTILE = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "+1+1",
    "-1+1",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "'=1+1",
    '"=1+1',
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM",
    "+38067;=1+1",
    "\u202e=1+1",
    "\x00=1+1",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_a_formula(clerk: Callable[..., Client], text: str) -> None:
    make_payment(offer_title=text.replace("\x00", "\x01"))
    client = clerk()
    (row,) = read_csv(client)
    assert row["Offer"].startswith("'")
    (cells,) = read_xlsx(client)
    assert cells["Offer"].data_type == "s"
    assert cells["Offer"].quotePrefix
    assert b"<f>" not in zipfile.ZipFile(io.BytesIO(download_xlsx(client))).read("xl/worksheets/sheet1.xml")


@pytest.mark.parametrize(
    "text",
    ["+380671234567", "+380 67 123 45 67", "Чайник", "12500", "a=b", "5-6", "e@mail.example", "", "два\nрядки"],
)
def test_harmless_text_stays_as_it_is(clerk: Callable[..., Client], text: str) -> None:
    make_payment(offer_title=text)
    client = clerk()
    assert read_csv(client)[0]["Offer"] == text
    assert (read_xlsx(client)[0]["Offer"].value or "") == text


@pytest.mark.parametrize(
    "character", [chr(code) for code in (1, 7, 8, 11, 12, 14, 31, 127, 133, 0x202E, 0x2066, 0xFFFE)]
)
def test_control_characters_are_dropped(clerk: Callable[..., Client], character: str) -> None:
    make_payment(offer_title=f"Чай{character}ник")
    client = clerk()
    assert read_csv(client)[0]["Offer"] == "Чайник"
    assert read_xlsx(client)[0]["Offer"].value == "Чайник"


def test_line_breaks_are_of_one_kind() -> None:
    assert neutralise("a\r\nb\rc") == "a\nb\nc"


def test_the_export_has_the_rows_of_the_listing_in_its_order(clerk: Callable[..., Client]) -> None:
    for order_id, amount, state in [("A", "300", "SUCCESS"), ("B", "500", "SUCCESS"), ("C", "400", "FAIL")]:
        make_payment(order_id=order_id, amount=amount, state=state)
    client = clerk()
    for read in (read_csv, read_xlsx):
        rows: list[dict[str, Any]] = read(client, state="SUCCESS", ordering="-amount")
        ids = [row["Order id at the bank"] for row in rows]
        assert [getattr(cell, "value", cell) for cell in ids] == ["B", "A"]
    assert [row["Order id at the bank"] for row in read_csv(client, q="C")] == ["C"]


def test_the_export_is_not_paged(clerk: Callable[..., Client]) -> None:
    for number in range(60):
        make_payment(order_id=f"P{number}")
    assert len(read_csv(clerk(), p="2")) == 60


@pytest.mark.parametrize("spreadsheet_format", ["csv", "xlsx"])
@pytest.mark.parametrize(
    "query", [{"state": "BOGUS"}, {"created_at_from": "garbage"}, {"amount_min": "x"}, {"q": "\0"}]
)
def test_an_export_with_a_filter_that_cannot_be_read_is_refused(
    clerk: Callable[..., Client], spreadsheet_format: str, query: dict[str, str]
) -> None:
    make_payment(order_id="SECRET")
    response = clerk().get(PAYMENTS, {"export": spreadsheet_format, **query})
    assert response.status_code == 400
    assert response["Content-Type"].startswith("text/plain")
    assert "a filter cannot be read" in response.content.decode()
    assert "SECRET" not in response.content.decode()
    assert not ModelLogEntry.objects.filter(action=exports.EXPORTED).exists()


def test_an_unknown_format_is_the_listing(clerk: Callable[..., Client]) -> None:
    response = clerk().get(PAYMENTS, {"export": "pdf"})
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/html")


def test_no_number_of_rows_costs_more_queries(clerk: Callable[..., Client], django_assert_max_num_queries: Any) -> None:
    for _number in range(30):
        make_payment(buyer_order=make_order(), attention="late_success")
    client = clerk("viewbuyer_payment")
    read_csv(client)
    # Session, person, two for permissions, profile, content type, log entry, a bounded count, payments.
    with django_assert_max_num_queries(10):
        assert len(read_csv(client)) == 30


def test_the_first_piece_comes_before_the_first_row_is_read(
    clerk: Callable[..., Client], django_assert_num_queries: Any
) -> None:
    for _number in range(300):
        make_payment()
    response = clerk().get(PAYMENTS, {"export": "csv"})
    pieces: Iterator[bytes] = iter(response.streaming_content)  # type: ignore[attr-defined]
    with django_assert_num_queries(0):
        assert next(pieces).count(b"\n") == 1
    with django_assert_num_queries(1):
        assert next(pieces).count(b"\n") == 200
    with django_assert_num_queries(1):
        assert next(pieces).count(b"\n") == 100
        assert next(pieces, None) is None
    assert response["X-Accel-Buffering"] == "no"
    assert re.fullmatch(r'attachment; filename="payments-\d{4}-\d\d-\d\d\.csv"', response["Content-Disposition"])


def test_words_are_in_the_language_of_the_person_though_the_request_is_over(
    clerk: Callable[..., Client], settings: Any
) -> None:
    settings.LANGUAGE_CODE = "uk"
    make_payment(is_test=True)
    response = clerk().get(PAYMENTS, {"export": "csv"})
    settings.LANGUAGE_CODE = "en"
    (row,) = list(csv.reader(io.StringIO(response.getvalue().decode("utf-8-sig")), delimiter=";"))[1:]
    assert "Так" in row


def test_more_rows_than_a_workbook_holds_are_refused_with_a_way_out(
    clerk: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "MAX_XLSX_ROWS", 1)
    make_payment()
    client = clerk()
    assert len(read_xlsx(client)) == 1
    make_payment()
    response = client.get(PAYMENTS, {"export": "xlsx"})
    assert response.status_code == 400
    assert "take CSV" in response.content.decode()
    assert len(read_csv(client)) == 2


def test_an_empty_list_is_a_file_with_headings(clerk: Callable[..., Client]) -> None:
    client = clerk()
    assert read_csv(client) == []
    assert read_xlsx(client) == []


def test_each_export_is_in_wagtail_s_log_before_its_first_row(
    clerk: Callable[..., Client], superuser_client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="wagtail_payparts")
    client = clerk()
    client.get(PAYMENTS, {"export": "csv", "state": "SUCCESS"})
    download_xlsx(client)
    first, second = ModelLogEntry.objects.filter(action=exports.EXPORTED).order_by("pk")
    columns = first.data.pop("columns")
    assert first.data == {"format": "csv", "preset": "all", "filters": "state=SUCCESS", "buyer": False, "rows": 0}
    assert columns[:2] == ["order_id", "reference"]
    assert "buyer_name" not in columns
    assert second.data["format"] == "xlsx"
    assert first.user.username == "clerk-"
    assert first.uuid != second.uuid
    assert "exports payments as csv" in caplog.text
    history = superuser_client.get("/admin/reports/site-history/").content.decode()
    assert history.count("Payments were exported") == 2


@pytest.fixture
def superuser_client() -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root"))
    return client


class ShopResource(PaymentResource):
    """What a project writes to have its own columns."""

    buyer_columns = (*PaymentResource.buyer_columns, "buyer_initial")

    fee = None
    site_name = Field("site__site_name", "Shop")
    buyer_initial = Field(column_name="Initial")
    shouted = Field("reference", "Shouted")

    def dehydrate_buyer_initial(self, payment: Payment) -> str:
        return payment.buyer_order.buyer_name[:1] if payment.buyer_order else ""

    def dehydrate_shouted(self, payment: Payment) -> str:
        return f"={payment.reference.upper()}"

    def filter_export(self, queryset: Any, **kwargs: Any) -> Any:
        return queryset.filter(is_test=False)


def test_a_project_brings_its_own_resource(
    payment: Payment, clerk: Callable[..., Client], settings: Any, django_assert_max_num_queries: Any
) -> None:
    settings.PAYPARTS_EXPORT_RESOURCE = "tests.test_export.ShopResource"
    make_payment(is_test=True)
    client = clerk("viewbuyer_payment")
    read_csv(client)
    # One more, for the instances of which a column needs something.
    with django_assert_max_num_queries(11):
        (row,) = read_csv(client)
    assert row["Initial"] == "О"
    assert row["Shop"] == ""
    assert row["Shouted"] == "'=SHOP-7"
    assert "Initial" not in read_csv(clerk())[0]

"""An export while it is on its way: what comes first, who goes away, what breaks off."""

from __future__ import annotations

import csv
import io
import logging
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db import OperationalError, connection
from django.test import AsyncClient, Client, RequestFactory
from wagtail.models import ModelLogEntry

from tests.factories import make_payment
from wagtail_payparts.dashboard.exports import EXPORTED, ExportOptions, export_response
from wagtail_payparts.models import Payment
from wagtail_payparts.resources import CsvFile, Table, XlsxFile, table
from wagtail_payparts.resources.payments import PaymentResource


pytestmark = pytest.mark.django_db

PAYMENTS = "/admin/payparts/payments/"


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "FIRST_PAGE", 2)
    monkeypatch.setattr(table, "PAGE", 3)


@pytest.fixture
def ten_payments() -> list[str]:
    """Their order ids, newest first."""
    return [make_payment(order_id=f"P{number}").order_id for number in range(10)][::-1]


def rows_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))[1:]


def pieces_of(response: Any) -> Iterator[bytes]:
    return iter(response.streaming_content)


def after_pages(pages: int, error: Exception) -> Callable[..., Any]:
    """Lets the database answer so many pages, and raises for the next."""
    asked = 0

    def execute(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal asked
        asked += "export_0" in sql
        if asked > pages:
            raise error
        return execute(sql, params, many, context)

    return execute


def test_a_login_that_ends_on_the_way_does_not_cut_the_file(
    accountant: Client, ten_payments: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    pieces = pieces_of(accountant.get(PAYMENTS, {"export": "csv"}))
    received = next(pieces) + next(pieces)
    accountant.logout()
    get_user_model().objects.all().delete()
    received += b"".join(pieces)
    assert [row[0] for row in rows_of(received)] == ten_payments
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_csv_that_breaks_off_says_so_and_the_transfer_is_aborted(
    accountant: Client, ten_payments: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    pieces = pieces_of(accountant.get(PAYMENTS, {"export": "csv"}))
    got: list[bytes] = []
    with connection.execute_wrapper(after_pages(2, OperationalError("gone"))), pytest.raises(OperationalError):
        got.extend(pieces)
    received = b"".join(got)
    rows = rows_of(received)
    assert [row[0] for row in rows[:-1]] == ten_payments[:5]
    assert rows[-1] == ["THE EXPORT BROKE OFF HERE: this file is not complete. Export again."]
    assert "broke off" in caplog.text


def test_a_workbook_that_breaks_off_cannot_be_opened(
    accountant: Client, ten_payments: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    pieces = pieces_of(accountant.get(PAYMENTS, {"export": "xlsx"}))
    got: list[bytes] = []
    with connection.execute_wrapper(after_pages(2, OperationalError("gone"))), pytest.raises(OperationalError):
        got.extend(pieces)
    received = b"".join(got)
    assert received.startswith(b"PK")
    assert not zipfile.is_zipfile(io.BytesIO(received))
    assert "broke off" in caplog.text


@pytest.mark.parametrize("file", [CsvFile, XlsxFile])
def test_whoever_goes_away_stops_the_work(ten_payments: list[str], file: Any, django_assert_num_queries: Any) -> None:
    pieces = file(Table(PaymentResource(), Payment.objects.all())).pieces()
    assert next(pieces)
    assert next(pieces)
    with django_assert_num_queries(0):
        pieces.close()
        assert list(pieces) == []


def test_a_workbook_comes_in_pieces_too(
    accountant: Client, ten_payments: list[str], django_assert_num_queries: Any
) -> None:
    pieces = pieces_of(accountant.get(PAYMENTS, {"export": "xlsx"}))
    with django_assert_num_queries(0):
        assert next(pieces).startswith(b"PK")
    with django_assert_num_queries(4):
        b"".join(pieces)


@pytest.mark.parametrize("spreadsheet_format", ["csv", "xlsx"])
def test_under_asgi_it_streams_as_well(ten_payments: list[str], spreadsheet_format: str) -> None:
    """Django collects an ordinary iterator there before it sends anything."""
    root = get_user_model().objects.create_superuser("root")

    async def download() -> tuple[bytes, int, bytes]:
        client = AsyncClient()
        await client.aforce_login(root)
        response = await client.get(PAYMENTS, {"export": spreadsheet_format})
        assert response.is_async
        asked = []

        def count(execute: Any, sql: str, *arguments: Any) -> Any:
            asked.append(sql)
            return execute(sql, *arguments)

        with connection.execute_wrapper(count):
            pieces = aiter_of(response)
            first = await anext_of(pieces)
            asked_first = len(asked)
            rest = b"".join([piece async for piece in pieces])
        return first, asked_first, first + rest

    first, asked, whole = async_to_sync(download)()
    assert first
    assert asked == 0
    if spreadsheet_format == "csv":
        assert [row[0] for row in rows_of(whole)] == ten_payments
    else:
        assert zipfile.ZipFile(io.BytesIO(whole)).testzip() is None


def aiter_of(response: Any) -> Any:
    return response.streaming_content.__aiter__()


async def anext_of(pieces: Any) -> Any:
    return await pieces.__anext__()


def test_it_is_logged_before_anything_leaves_and_refused_without_permission(ten_payments: list[str]) -> None:
    request = RequestFactory().get("/")
    request.user = get_user_model().objects.create_user("nobody")
    with pytest.raises(PermissionDenied):
        export_response(request, Payment.objects.all(), options=ExportOptions(), described={})
    assert not ModelLogEntry.objects.exists()
    request.user = get_user_model().objects.create_superuser("root")
    export_response(request, Payment.objects.all(), options=ExportOptions(), described={"why": "a test"})
    entry = ModelLogEntry.objects.get(action=EXPORTED)
    assert entry.data["why"] == "a test"
    assert entry.data["rows"] == 10


def test_no_transaction_stays_open_between_pages(ten_payments: list[str]) -> None:
    """A slow reader would hold up whoever cleans the tables, and under ASGI share it with others."""
    depth = len(connection.savepoint_ids)
    for _piece in CsvFile(Table(PaymentResource(), Payment.objects.all())).pieces():
        assert len(connection.savepoint_ids) == depth

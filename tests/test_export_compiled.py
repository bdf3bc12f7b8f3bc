"""What the database writes is what Python would have written, byte for byte: each column, language and odd value."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import F, QuerySet
from django.utils import translation
from django.utils.formats import get_format
from import_export import widgets
from import_export.fields import Field
from import_export.resources import Resource
from openpyxl import load_workbook
from wagtail.log_actions import log
from wagtail.models import ModelLogEntry

from tests.factories import make_order, make_payment
from wagtail_payparts.models import Payment
from wagtail_payparts.resources import (
    AsIs,
    CsvFile,
    PaymentResource,
    SiteMoment,
    Table,
    UtcMoment,
    Words,
    XlsxFile,
    YesNo,
    table,
)
from wagtail_payparts.resources.cells import clean, neutralise_parts
from wagtail_payparts.resources.columns import Kind


pytestmark = pytest.mark.django_db

LANGUAGES = ["uk", "en", "ru"]
ODD_TEXTS = [
    "",
    " ",
    "plain",
    "Чайник «Світанок»",
    "a;b",
    "a,b",
    'with "quotes"',
    "two\nlines",
    "two\r\nlines",
    "one\rreturn",
    "\ttab",
    "tab\tinside",
    "bell\x07",
    "\x1e\x1f",
    "next\x85line",
    "no\u00a0break",
    "\u202eright to left",
    "\u2028",
    "zero\u200bwidth",
    "=1+1",
    " =1+1",
    "'=1+1",
    '"=1+1',
    "＝1+1",
    "-5",
    "-",
    "+380671234567",
    "+380 67 123 45 67",
    "+380671234567=1",
    "@x",
    "x,=1+1",
    "x;\t-1",
    "+380671234567,x",
    "x;+380671234567,x",
    "<script>alert(1)</script>&amp;",
    "_x0041_",
    "😀",
    "e\u0301",
    "x" * 40_000,
    "None",
    "0",
    "1.50",
    "\\N",
    "\ufffd",
]
#: The clocks go forward and back in Kyiv, and other moments on the edge of something.
ODD_MOMENTS = [
    datetime(2026, 3, 29, 0, 59, 59, 999_999, tzinfo=timezone.utc),
    datetime(2026, 3, 29, 1, 0, tzinfo=timezone.utc),
    datetime(2026, 10, 25, 0, 59, 59, 1, tzinfo=timezone.utc),
    datetime(2026, 10, 25, 1, 0, 0, tzinfo=timezone.utc),
    datetime(2025, 12, 31, 21, 59, 59, 500_000, tzinfo=timezone.utc),
    datetime(2025, 12, 31, 22, 0, tzinfo=timezone.utc),
    datetime(2000, 1, 1, 12, 0, 0, 10, tzinfo=timezone.utc),
]
ZONES = ["Europe/Kyiv", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC", "America/St_Johns"]


@pytest.fixture
def odd_payments(monkeypatch: pytest.MonkeyPatch) -> QuerySet[Payment]:
    """Each odd text in each place of text, over several pages, in which harmless rows lie too."""
    monkeypatch.setattr(table, "FIRST_PAGE", 3)
    monkeypatch.setattr(table, "PAGE", 7)
    for number, text in enumerate(ODD_TEXTS):
        fits = text[:100]
        order = make_order(buyer_name=fits, buyer_phone=text[:30], buyer_email=fits) if number % 3 else None
        made = make_payment(
            reference=fits,
            offer_title=text[:255],
            page_title=text[:200][::-1],
            page_url=text,
            bank_state=text[:64],
            store=text[:50] or "default",
            buyer_order=order,
            lines=[{"name": text, "count": number, "price": "1.00"}] * (number % 3),
            state=["SUCCESS", "FAIL", "EXPIRED"][number % 3],
            attention=["", "late_success", "late_success double_payment", "nobody_knows"][number % 4],
            amount=Decimal(30_001 + number * 1_234_567) / 100,
            refunded_amount=Decimal(number) / 10,
            fee=Decimal("0.29") * number if number else Decimal("99999.99"),
            is_test=number % 5 == 0,
        )
        moment = ODD_MOMENTS[number % len(ODD_MOMENTS)]
        Payment.objects.filter(pk=made.pk).update(created_at=moment, state_changed_at=moment + timedelta(hours=number))
    return Payment.objects.all()


def cell_by_cell(resource: Resource, queryset: QuerySet[Any], delimiter: str, decimal: str) -> bytes:
    """The slow way: django-import-export's own cells of each instance, by ``csv.writer``."""

    def written(value: Any) -> Any:
        if isinstance(value, Decimal):
            return f"{value:f}".replace(".", decimal)
        return value if value is None or isinstance(value, (bool, int, float, date)) else neutralise_parts(str(value))

    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow([neutralise_parts(heading) for heading in resource.get_export_headers()])
    for instance in queryset:
        writer.writerow([written(value) for value in resource.export_resource(instance)])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def compiled(resource: Resource, queryset: QuerySet[Any], delimiter: str = "") -> bytes:
    return b"".join(CsvFile(Table(resource, queryset), delimiter=delimiter).pieces())


def is_fast(resource: Resource, queryset: QuerySet[Any]) -> bool:
    return all(column.ask is not None and column.kind is not Kind.ANY for column in Table(resource, queryset).columns)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_compiled_export_is_byte_for_byte_that_of_the_instances(
    odd_payments: QuerySet[Payment], settings: Any, language: str, zone: str
) -> None:
    settings.TIME_ZONE = zone
    with translation.override(language):
        decimal = get_format("DECIMAL_SEPARATOR")
        resource = PaymentResource(with_buyer=True)
        assert is_fast(resource, odd_payments)
        expected = cell_by_cell(resource, odd_payments, ";" if decimal == "," else ",", decimal)
        assert compiled(resource, odd_payments) == expected
        assert compiled(resource, odd_payments, ",") == cell_by_cell(resource, odd_payments, ",", ".")
        assert compiled(resource, odd_payments, ";") == cell_by_cell(resource, odd_payments, ";", decimal)


def test_harmless_rows_are_those_of_the_stock_export_to_the_byte() -> None:
    for number in range(5):
        make_payment(reference=f"SHOP-{number}", buyer_order=make_order(), state="SUCCESS", fee=Decimal("1.10"))
    resource = PaymentResource(with_buyer=True)
    stock = resource.export(Payment.objects.all()).csv
    assert compiled(resource, Payment.objects.all()) == b"\xef\xbb\xbf" + stock.encode()


@pytest.mark.parametrize("name", list(PaymentResource(with_buyer=True).fields))
def test_a_column_by_itself_is_the_same_as_among_others(odd_payments: QuerySet[Payment], name: str) -> None:
    resource = PaymentResource(with_buyer=True)
    resource.fields = {name: resource.fields[name]}
    assert compiled(resource, odd_payments) == cell_by_cell(resource, odd_payments, ",", ".")


def test_a_workbook_has_the_cells_of_the_instances(odd_payments: QuerySet[Payment]) -> None:
    resource = PaymentResource(with_buyer=True)
    file = io.BytesIO(b"".join(XlsxFile(Table(resource, odd_payments)).pieces()))
    sheet = load_workbook(file).active
    assert sheet is not None
    headings, *rows, totals = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert headings == resource.get_export_headers()
    instances = [resource.export_resource(payment) for payment in odd_payments]
    assert len(rows) == len(instances)
    is_test = headings.index("Test")
    for row, instance in zip(rows, instances, strict=True):
        assert row == [_in_a_workbook(value) for value in instance]
    for number, heading in enumerate(headings):
        amounts = [row[number] for row in instances if isinstance(row[number], Decimal) and row[is_test] == "No"]
        if amounts:
            assert totals[number] == pytest.approx(float(sum(amounts))), heading


def _in_a_workbook(value: Any) -> Any:
    if isinstance(value, Decimal):
        return pytest.approx(float(value))
    if isinstance(value, str):
        text = clean(value)[:32_767].replace("_x0041_", "_x005F_x0041_")
        return text or None
    return value


class EverythingResource(Resource):
    """Of a model that is none of ours: every kind of value, and widgets that are none of ours."""

    pk = Field("pk", "pk", AsIs())
    number = Field("id", "id", AsIs())
    uuid = Field("uuid", "uuid", AsIs())
    stock_uuid = Field("uuid", "stock uuid", widgets.CharWidget())
    is_deleted = Field("deleted", "deleted", AsIs())
    changed = Field("content_changed", "changed", YesNo())
    user = Field("user_id", "user id", AsIs())
    username = Field("user__username", "username", AsIs())
    joined = Field("user__date_joined", "joined", SiteMoment())
    joined_utc = Field("user__date_joined", "joined, UTC", UtcMoment())
    joined_as_is = Field("user__date_joined", "joined, as it is", AsIs())
    last_login = Field("user__last_login", "login", SiteMoment())
    person = Field("user", "user", widgets.CharWidget())
    data = Field("data", "data", AsIs())
    inside = Field("data__inside", "inside", AsIs())
    label = Field("label", "label", Words({"known": "Known; indeed"}))
    moment = Field("timestamp", "moment", widgets.DateTimeWidget("%d.%m.%Y"))
    called = Field("user_display_name", "called", AsIs())
    nothing = Field(None, "nothing", AsIs())
    dehydrated = Field("label", "dehydrated", AsIs())

    def dehydrate_dehydrated(self, entry: ModelLogEntry) -> str:
        return f"={entry.label}"


@pytest.fixture
def entries(monkeypatch: pytest.MonkeyPatch) -> QuerySet[Any]:
    monkeypatch.setattr(table, "FIRST_PAGE", 2)
    monkeypatch.setattr(table, "PAGE", 3)
    people = [
        None,
        get_user_model().objects.create_user("=olena", last_login=ODD_MOMENTS[0]),
    ]
    for number in range(9):
        log(
            Payment(pk=number),
            "wagtail_payparts.export",
            user=people[number % 2],
            title=["known", "unknown;", "", "known unknown"][number % 4],
            data={"inside": number, "text": "=1"},
            content_changed=number % 2 == 0,
        )
    return ModelLogEntry.objects.order_by("-timestamp")


@pytest.mark.parametrize("language", LANGUAGES)
def test_values_of_every_kind_are_those_of_the_instances(entries: QuerySet[Any], language: str) -> None:
    with translation.override(language):
        resource = EverythingResource()
        decimal = get_format("DECIMAL_SEPARATOR")
        expected = cell_by_cell(resource, entries.select_related("user"), ";" if decimal == "," else ",", decimal)
        assert compiled(resource, entries) == expected


def test_only_what_needs_an_instance_gets_one(entries: QuerySet[Any], django_assert_num_queries: Any) -> None:
    columns = Table(EverythingResource(), entries).columns
    by_instance = {str(column.field.column_name) for column in columns if column.ask is None}
    assert by_instance == {"pk", "user", "inside", "called", "nothing", "dehydrated"}
    resource = EverythingResource()
    for name in ("pk", "person", "inside", "called", "nothing", "dehydrated"):
        del resource.fields[name]
    # Nine rows in pages of two and of three: no query for instances.
    with django_assert_num_queries(4):
        compiled(resource, entries)


class StrangeField(Field):
    def get_value(self, instance: Any) -> str:
        return f"<{super().get_value(instance)}>"


class StrangeWidget(AsIs):
    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return f"-{value}-"


class StrangeResource(PaymentResource):
    strange = StrangeField("reference", "Strange", AsIs())
    also_strange = Field("amount", "Also strange", StrangeWidget())
    by_a_callable = Field("reference", "Called", AsIs(), dehydrate_method=lambda payment: payment.reference * 2)
    by_name = Field("reference", "By name", AsIs(), dehydrate_method="shout")

    def shout(self, payment: Payment) -> str:
        return payment.reference.upper()


class OwnRow(PaymentResource):
    def export_resource(self, instance: Any, selected_fields: Any = None, **kwargs: Any) -> list[Any]:
        return [f"{cell}!" for cell in super().export_resource(instance, selected_fields, **kwargs)]


class OwnCell(PaymentResource):
    def export_field(self, field: Field, instance: Any, **kwargs: Any) -> Any:
        return f"{super().export_field(field, instance, **kwargs)}?"


@pytest.mark.parametrize("resource_class", [StrangeResource, OwnRow, OwnCell])
def test_a_resource_that_does_it_its_own_way_is_followed(
    odd_payments: QuerySet[Payment], resource_class: type[PaymentResource]
) -> None:
    resource = resource_class(with_buyer=True)
    expected = cell_by_cell(resource, odd_payments.select_related("buyer_order"), ",", ".")
    assert compiled(resource, odd_payments) == expected


ORDERS: list[Sequence[Any]] = [
    ("-created_at", "-pk"),
    ("created_at", "pk"),
    ("amount", "-pk"),
    ("-amount", "pk"),
    ("-amount",),
    ("state", "-created_at"),
    ("store", "parts_count", "-id"),
    (F("created_at").desc(), "pk"),
    ("pk",),
    # What cannot be gone on from.
    ("settled_at", "pk"),
    ("-buyer_order__number", "pk"),
    (F("settled_at").asc(nulls_last=True), "pk"),
]


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_no_row_comes_twice_or_is_lost_in_any_order(odd_payments: QuerySet[Payment], order: Sequence[Any]) -> None:
    expected = [payment.order_id for payment in odd_payments.order_by(*order, "pk")]
    assert sorted(_ids(odd_payments.order_by(*order))) == sorted(expected)
    assert _ids(odd_payments.order_by(*order, "pk")) == expected


def _ids(queryset: QuerySet[Payment]) -> list[str]:
    content = compiled(PaymentResource(), queryset).decode("utf-8-sig")
    return [row[0] for row in csv.reader(io.StringIO(content, newline=""))][1:]


def test_any_queryset_can_be_exported(odd_payments: QuerySet[Payment]) -> None:
    everything = _ids(odd_payments)
    assert _ids(odd_payments[5:25]) == everything[5:25]
    assert _ids(odd_payments.reverse()) == everything[::-1]
    assert sorted(_ids(odd_payments.distinct())) == sorted(everything)
    some = odd_payments.filter(state="SUCCESS")
    assert sorted(_ids(some.order_by().union(odd_payments.filter(state="FAIL").order_by()))) == sorted(
        _ids(odd_payments.filter(state__in=["SUCCESS", "FAIL"]))
    )
    resource = StrangeResource()
    assert compiled(resource, odd_payments[5:25]) == cell_by_cell(resource, odd_payments[5:25], ",", ".")
    assert _ids(odd_payments.none()) == []


def test_rows_that_are_costly_to_find_are_found_once(
    odd_payments: QuerySet[Payment], django_assert_num_queries: Any
) -> None:
    table = Table(PaymentResource(with_buyer=True), odd_payments, is_costly_to_find=True)
    pieces = CsvFile(table).pieces()
    # One for the keys; a page of three, the others of seven.
    with django_assert_num_queries(1 + 1 + -(-(len(ODD_TEXTS) - 3) // 7)):
        received = b"".join(pieces)
    assert received == compiled(PaymentResource(with_buyer=True), odd_payments)


def test_rows_that_come_and_go_meanwhile_disturb_no_other(odd_payments: QuerySet[Payment]) -> None:
    before = _ids(odd_payments)
    pieces = CsvFile(Table(PaymentResource(), odd_payments)).pieces()
    received = next(pieces) + next(pieces)
    late = make_payment()
    Payment.objects.filter(order_id=before[2]).delete()
    Payment.objects.filter(order_id=before[20]).delete()
    received += b"".join(pieces)
    rows = [row[0] for row in csv.reader(io.StringIO(received.decode("utf-8-sig"), newline=""))][1:]
    assert rows == [order_id for order_id in before if order_id != before[20]]
    assert late.order_id not in rows


def test_moments_that_another_program_wrote_into_sqlite_are_paged_too(odd_payments: QuerySet[Payment]) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("Only SQLite keeps moments as text; the run on SQLite looks at it.")
    with connection.cursor() as cursor:
        # Django would write no fraction here.
        cursor.execute("UPDATE wagtail_payparts_payment SET created_at = '2026-10-25 00:15:30.000000'")
    assert _ids(odd_payments) == [payment.order_id for payment in odd_payments.order_by("-pk")]

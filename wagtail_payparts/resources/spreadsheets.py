"""Write what a Resource exports row by row, so that the first row comes at once and memory stays flat."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from io import StringIO
from itertools import islice
from typing import IO, Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import ForeignKey, Model, QuerySet
from django.utils.formats import get_format
from django.utils.timezone import is_aware, make_naive
from django.utils.translation import get_language, gettext, override
from import_export.resources import Resource
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from wagtail_payparts.resources.cells import clean, looks_like_formula, neutralise


#: Excel's own limit, less the row of headings.
MAX_XLSX_ROWS = 1_048_575
FETCHED_AT_ONCE = 2000
SENT_AT_ONCE = 200


def to_export(resource: Resource, queryset: QuerySet[Any]) -> QuerySet[Any]:
    """The rows that a Resource exports, with the tables that its columns reach into loaded along."""
    resource.before_export(queryset)
    chosen: QuerySet[Any] = resource.filter_export(queryset)
    related = {path for field in resource.fields.values() if (path := _related(chosen.model, field.attribute or ""))}
    return chosen.select_related(*sorted(related)) if related else chosen


def stream_csv(resource: Resource, queryset: QuerySet[Any]) -> Iterator[bytes]:
    """CSV in pieces, as Excel and LibreOffice open it: UTF-8 with a BOM.

    Where the language writes decimals with a comma (Ukrainian, Russian), so do the numbers, and a semicolon stands
    between the cells: what Excel expects there. Elsewhere it is a point and a comma.
    """
    # The response is sent after the request is over, and its language with it.
    language = get_language()
    decimal = get_format("DECIMAL_SEPARATOR")
    text = StringIO()
    writer = csv.writer(text, delimiter=";" if decimal == "," else ",")
    writer.writerow([neutralise(heading) for heading in resource.get_export_headers()])
    return _pieces(resource, queryset, writer, text, language=language, decimal=decimal)


def _pieces(
    resource: Resource, queryset: QuerySet[Any], writer: Any, text: StringIO, *, language: str | None, decimal: str
) -> Iterator[bytes]:
    yield b"\xef\xbb\xbf" + _take(text)
    rows = queryset.iterator(chunk_size=FETCHED_AT_ONCE)
    while batch := list(islice(rows, SENT_AT_ONCE)):
        with override(language):
            for row in batch:
                writer.writerow([_csv_cell(value, decimal) for value in resource.export_resource(row)])
        yield _take(text)


def _take(text: StringIO) -> bytes:
    piece = text.getvalue().encode("utf-8", "replace")
    text.seek(0)
    text.truncate()
    return piece


def _csv_cell(value: Any, decimal: str) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}".replace(".", decimal)
    if value is None or isinstance(value, (bool, int, float, date)):
        return value
    return neutralise(str(value))


def write_xlsx(resource: Resource, queryset: QuerySet[Any], file: IO[bytes]) -> None:
    """Write a workbook of one sheet. Amounts and moments are numbers and dates; text is text, whatever it says."""
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet(title=gettext("Payments")[:31])
    sheet.freeze_panes = "A2"
    headings = [clean(heading) for heading in resource.get_export_headers()]
    for number, heading in enumerate(headings, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = min(max(len(heading) + 3, 14), 30)
    sheet.append([_xlsx_cell(sheet, heading, font=Font(bold=True)) for heading in headings])
    for row in queryset.iterator(chunk_size=FETCHED_AT_ONCE):
        sheet.append([_xlsx_cell(sheet, value) for value in resource.export_resource(row)])
    workbook.save(file)
    file.seek(0)


def _xlsx_cell(sheet: Any, value: Any, font: Font | None = None) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Decimal):
        return _styled(sheet, value, number_format="#,##0.00")
    if isinstance(value, datetime):
        return _styled(sheet, make_naive(value) if is_aware(value) else value, number_format="yyyy-mm-dd hh:mm:ss")
    if isinstance(value, date):
        return _styled(sheet, value, number_format="yyyy-mm-dd")
    text = clean(str(value))
    if font is not None:
        return _styled(sheet, text, font=font, data_type="s")
    if looks_like_formula(text):
        # The apostrophe that Excel shows only while the cell is edited: it stays text then, too.
        return _styled(sheet, text, data_type="s", quotePrefix=True)
    return text


def _styled(sheet: Any, value: Any, **style: Any) -> Any:
    cell = WriteOnlyCell(sheet, value)
    for name, setting in style.items():
        setattr(cell, name, setting)
    return cell


def _related(model: type[Model], attribute: str) -> str:
    """The relations that an attribute such as ``buyer_order__number`` goes through, for ``select_related``."""
    path: list[str] = []
    for name in attribute.split("__")[:-1]:
        try:
            field = model._meta.get_field(name)
        except FieldDoesNotExist:
            break
        if not isinstance(field, ForeignKey):
            break
        path.append(name)
        model = field.related_model
    return "__".join(path)

"""A table as a workbook of one sheet, in pieces. Amounts are numbers, moments are dates, text is text.

openpyxl makes the workbook; the rows of its sheet are written here, a column at a time: a cell by openpyxl costs more
than everything else in an export together, and it sends nothing before the workbook is complete.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

from django.utils.translation import gettext, ngettext
from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from wagtail_payparts.resources.cells import clean
from wagtail_payparts.resources.columns import Cells, Kind
from wagtail_payparts.resources.sheet_cells import SheetCells, Styles
from wagtail_payparts.resources.table import Table


#: Excel's own limit, less the row of headings and the row of totals.
MAX_XLSX_ROWS = 1_048_574
SHEET = "xl/worksheets/sheet1.xml"
#: More cells than these may be more than 2 GB; such an archive is of another kind, which not every program reads.
LARGE = 8_000_000
PAGE_OF_XML = 1000


class XlsxFile:
    """``rows``: about how many there will be."""

    def __init__(self, table: Table, *, rows: int = 0) -> None:
        self.table = table
        # In its XML a cell is many times as long as in CSV.
        table.page = min(table.page, PAGE_OF_XML)
        self.rows = rows
        self.letters = [get_column_letter(number) for number in range(1, len(table.columns) + 1)]
        self.totals: list[Decimal | None] = [Decimal(0) if c.kind is Kind.DECIMAL else None for c in table.columns]

    def pieces(self) -> Iterator[bytes]:
        title = getattr(self.table.resource, "sheet_title", gettext("Payments"))
        skeleton = _make_skeleton(self.table.headings, title=str(title))
        self.cells = SheetCells(skeleton.styles)
        out = _Out()
        with ZipFile(out, "w", ZIP_DEFLATED, compresslevel=1) as archive:
            for name, content in skeleton.parts.items():
                archive.writestr(name, content)
            is_large = self.rows * len(self.letters) > LARGE
            with archive.open(SHEET, "w", force_zip64=is_large) as sheet:
                for piece in self._sheet(*skeleton.sheet):
                    sheet.write(piece.encode("utf-8", "replace"))
                    # The compressor keeps what is little; an empty piece would end some transfers.
                    if taken := out.take():
                        yield taken
        yield out.take()

    def _sheet(self, head: str, tail: str) -> Iterator[str]:
        headings = [[self.cells.heading(clean(heading))] for heading in self.table.headings]
        yield f"{head}<sheetData>{self._rows(headings, 1)}"
        row, left_out = 2, 0
        for page, is_left_out in self._pages():
            for number, cells in enumerate(page):
                self._add(number, _without(cells, is_left_out) if any(is_left_out) else cells)
            kinds = [column.kind for column in self.table.columns]
            yield self._rows([self.cells.write(kind, cells) for kind, cells in zip(kinds, page, strict=True)], row)
            row += len(page[0])
            left_out += sum(map(bool, is_left_out))
        with self.table.in_its_language():
            totals = self._total_row(row - 2, left_out)
        # Sorting and filtering leave the totals alone.
        yield f'{totals}</sheetData><autoFilter ref="A1:{self.letters[-1]}{row - 1}"/>{tail}'

    def _pages(self) -> Iterator[tuple[list[Cells], Cells]]:
        """Each page, and which of its rows are no part of the totals."""
        field = getattr(self.table.resource, "left_out_of_totals", "")
        return self.table.pages_with(field) if field else ((page, ()) for page in self.table.pages())

    def _rows(self, columns: Sequence[Sequence[str]], first: int) -> str:
        """Each cell comes without its beginning, or as nothing."""
        numbers = range(first, first + len(columns[0]))
        placed = [
            [f'<c r="{letter}{number}"{cell}' if cell else "" for number, cell in zip(numbers, cells, strict=True)]
            for letter, cells in zip(self.letters, columns, strict=True)
        ]
        rows = map("".join, zip(*placed, strict=True))
        return "".join([f'<row r="{number}">{row}</row>' for number, row in zip(numbers, rows, strict=True)])

    def _add(self, number: int, cells: Cells) -> None:
        kind = self.table.columns[number].kind
        amounts: list[Decimal] = []
        if kind is Kind.DECIMAL:
            amounts = [Decimal(cell) for cell in cells if cell]
        elif kind is Kind.ANY:
            amounts = [cell for cell in cells if isinstance(cell, Decimal) and cell.is_finite()]
        if amounts:
            self.totals[number] = sum(amounts, self.totals[number] or Decimal(0))

    def _total_row(self, count: int, left_out: int) -> str:
        if not count or all(total is None for total in self.totals):
            return ""
        cells = ["" if total is None else self.cells.total(total) for total in self.totals]
        if "" in cells:
            label = getattr(self.table.resource, "total_label", label_total_of_payments)
            cells[cells.index("")] = self.cells.heading(label(count - left_out, is_all=not left_out))
        return self._rows([[cell] for cell in cells], count + 2)


def _without(cells: Cells, is_left_out: Cells) -> Cells:
    return [cell for cell, is_out in zip(cells, is_left_out, strict=True) if not is_out]


def label_total_of_payments(count: int, *, is_all: bool) -> str:
    if is_all:
        label = ngettext(
            "Total: %(count)s payment, whatever its state", "Total: %(count)s payments, whatever their state", count
        )
    else:
        label = ngettext(
            "Total without test payments: %(count)s payment, whatever its state",
            "Total without test payments: %(count)s payments, whatever their state",
            count,
        )
    return label % {"count": count}


@dataclass(frozen=True)
class _Skeleton:
    """A workbook without its sheet; what comes before the sheet's rows, and after them."""

    parts: dict[str, bytes]
    sheet: tuple[str, str]
    styles: Styles


def _make_skeleton(headings: Sequence[str], *, title: str) -> _Skeleton:
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None  # noqa: S101 - a new workbook has a sheet; for the type checker
    sheet.title = title[:31]
    sheet.freeze_panes = "A2"
    for number, heading in enumerate(headings, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = min(max(len(heading) + 3, 14), 30)

    def style(*, number_format: str = "General", bold: bool = False, quoted: bool = False) -> int:
        # Each in a cell of its own, which are all thrown away: openpyxl knows styles by their cells only.
        cell = sheet.cell(row=sheet.max_row + 1, column=1)
        cell.number_format, cell.font, cell.quotePrefix = number_format, Font(bold=bold), quoted
        return int(cell.style_id)

    styles = Styles(
        heading=style(bold=True),
        money=style(number_format="#,##0.00"),
        total=style(number_format="#,##0.00", bold=True),
        moment=style(number_format="yyyy-mm-dd hh:mm:ss"),
        day=style(number_format="yyyy-mm-dd"),
        quoted=style(quoted=True),
    )
    file = BytesIO()
    workbook.save(file)
    with ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    whole = re.sub("<dimension [^>]*>", "", parts.pop(SHEET).decode())
    head, _rows, tail = re.split("(<sheetData.*</sheetData>)", whole, flags=re.DOTALL)
    return _Skeleton(parts, (head, tail), styles)


class _Out:
    """Where an archive is written that nobody can go back in: what was written is taken away piece by piece."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, piece: bytes, /) -> int:
        self.pieces.append(piece)
        return len(piece)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nor kept."""

    def take(self) -> bytes:
        taken = b"".join(self.pieces)
        self.pieces.clear()
        return taken

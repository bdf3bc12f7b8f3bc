"""A table as CSV, in pieces: as Excel and LibreOffice open it, UTF-8 with a BOM."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.formats import get_format

from wagtail_payparts.resources.cells import neutralise_parts
from wagtail_payparts.resources.columns import Cells, Kind
from wagtail_payparts.resources.table import Table


BOM = "\ufeff"
#: What stands between cells: that of the language, where a person has not chosen.
DELIMITERS = (";", ",")


class CsvFile:
    """Writes cells down; what is asked of ``csv.writer`` cell by cell is asked here of a column at once.

    Where the language writes decimals with a comma (Ukrainian, Russian), so do the numbers, and a semicolon stands
    between the cells: what Excel expects there. Elsewhere it is a point and a comma. A comma that a person chose
    means a point in the numbers.
    """

    def __init__(self, table: Table, *, delimiter: str = "") -> None:
        comma = get_format("DECIMAL_SEPARATOR") == ","
        self.table = table
        self.delimiter = delimiter or (";" if comma else ",")
        self.decimal = "," if comma and self.delimiter != "," else "."
        # A cell that begins as a formula might, unless it is a phone number and nothing else. Or what would be one if
        # the file were opened with the other delimiter. One expression with a choice of both is slower than two.
        end = re.escape(self.delimiter)
        formula = f"(?!\\+[0-9]{{5,15}}(?:{end}|$))[ ']*[=+\\-@\uff1d\uff0b\uff0d\uff20]"
        self.suspicious = [re.compile(re.escape(each) + formula) for each in {*DELIMITERS, self.delimiter}]
        self.to_quote = re.compile(f'[{end}"\r\n]')

    def pieces(self) -> Iterator[bytes]:
        yield (BOM + self._lines([[self._cell(heading)] for heading in self.table.headings])).encode()
        kinds = [column.kind for column in self.table.columns]
        for page in self.table.pages():
            columns = [self._write(kind, cells) for kind, cells in zip(kinds, page, strict=True)]
            page.clear()
            yield self._lines(columns).encode("utf-8", "replace")

    def line(self, text: str) -> bytes:
        return self._lines([[self._cell(text)]]).encode()

    def _lines(self, columns: list[Cells]) -> str:
        if len(columns) == 1:
            # Without the quotes nobody could tell it from a line that is no row.
            return "\r\n".join(cell or '""' for cell in columns[0]) + "\r\n"
        return "\r\n".join(map(self.delimiter.join, zip(*columns, strict=True))) + "\r\n"

    def _write(self, kind: Kind, cells: Cells) -> Cells:
        if kind is Kind.TEXT:
            return self._texts(cells)
        if kind is Kind.DECIMAL and self.decimal != ".":
            return "\n".join(cells).replace(".", self.decimal).split("\n")
        return [self._cell(cell) for cell in cells] if kind is Kind.ANY else cells

    def _texts(self, cells: Cells) -> Cells:
        # Most columns say the same few things again and again.
        different = set(cells)
        if self._are_harmless(different):
            return cells
        made = {text: self._cell(text) for text in different}
        return [made[text] for text in cells]

    def _are_harmless(self, texts: set[str]) -> bool:
        """Whether all of them can stand in the file as they are."""
        joined = self.delimiter + self.delimiter.join(texts)
        return (
            joined.count(self.delimiter) == len(texts)
            and '"' not in joined
            and joined.isprintable()
            and not any(suspicious.search(joined) for suspicious in self.suspicious)
        )

    def _cell(self, value: Any) -> str:
        if isinstance(value, Decimal):
            text = f"{value:f}".replace(".", self.decimal)
        elif value is None:
            return ""
        elif isinstance(value, (bool, int, float, date)):
            text = str(value)
        else:
            text = neutralise_parts(str(value))
        return self._quoted(text)

    def _quoted(self, text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if self.to_quote.search(text) else text

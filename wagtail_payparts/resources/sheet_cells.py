"""Cells of a sheet in the XML of a workbook, each without its beginning ``<c r="A1"``; an empty one is nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from typing import Any
from xml.sax.saxutils import escape

from django.utils.timezone import is_aware, make_naive

from wagtail_payparts.resources.cells import clean, looks_like_formula
from wagtail_payparts.resources.columns import Cells, Kind


#: So much text Excel takes in one cell.
MAX_TEXT = 32_767
#: Before it Excel counts a day that never was.
EARLIEST = "1900-03-01"

_BEFORE_FIRST_DAY = date(1899, 12, 30).toordinal()
#: An escape that workbooks have of their own, so that text which only looks like one is escaped.
_LOOKS_ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
_SUSPICIOUS = re.compile(r"[&<>]|_x|;(?!\+[0-9]{5,15}(?:;|$))[ '\"]*[=+\-@\uff1d\uff0b\uff0d\uff20]")


@dataclass(frozen=True)
class Styles:
    """Numbers of the workbook's styles. ``quoted`` has the apostrophe that Excel shows only while a cell is edited:
    it stays text then, too."""

    heading: int
    money: int
    total: int
    moment: int
    day: int
    quoted: int


class SheetCells:
    def __init__(self, styles: Styles) -> None:
        self.styles = styles
        self.days = _Days()

    def write(self, kind: Kind, cells: Cells) -> Sequence[str]:
        """A whole column of one kind."""
        if kind in {Kind.TEXT, Kind.PLAIN} and _is_harmless(cells):
            return [f' t="inlineStr"><is><t xml:space="preserve">{cell}</t></is></c>' if cell else "" for cell in cells]
        if kind is Kind.INTEGER:
            return [f"><v>{cell}</v></c>" if cell else "" for cell in cells]
        if kind is Kind.DECIMAL:
            start = f' s="{self.styles.money}"><v>'
            return [f"{start}{cell}</v></c>" if cell else "" for cell in cells]
        if kind is Kind.MOMENT:
            return [self._moment(cell) if cell else "" for cell in cells]
        return [self.cell(cell) for cell in cells]

    def cell(self, value: Any) -> str:
        """Whatever Python has."""
        if value is None or value == "":
            return ""
        if isinstance(value, bool):
            return f' t="b"><v>{value:d}</v></c>'
        if isinstance(value, Decimal) and value.is_finite():
            return f' s="{self.styles.money}"><v>{value:f}</v></c>'
        if isinstance(value, int) or (isinstance(value, float) and isfinite(value)):
            return f"><v>{value!r}</v></c>"
        if isinstance(value, datetime):
            naive = make_naive(value) if is_aware(value) else value
            return self._moment(naive.isoformat(" ", "seconds"))
        if isinstance(value, date):
            return self._day(value.isoformat())
        return self.text(str(value))

    def text(self, value: str) -> str:
        text = clean(value)[:MAX_TEXT]
        return _text(text, self.styles.quoted if looks_like_formula(text) else None)

    def heading(self, value: str) -> str:
        return _text(value[:MAX_TEXT], self.styles.heading)

    def total(self, amount: Decimal) -> str:
        return f' s="{self.styles.total}"><v>{amount:f}</v></c>'

    def _moment(self, moment: str) -> str:
        """``2026-10-25 03:15:30`` as days since Excel's first."""
        if moment < EARLIEST:
            return _text(moment)
        seconds = int(moment[11:13]) * 3600 + int(moment[14:16]) * 60 + int(moment[17:19])
        return f' s="{self.styles.moment}"><v>{self.days[moment[:10]] + seconds / 86400!r}</v></c>'

    def _day(self, day: str) -> str:
        return _text(day) if day < EARLIEST else f' s="{self.styles.day}"><v>{self.days[day]}</v></c>'


class _Days(dict[str, int]):
    """``2026-10-25`` to the number that Excel has for that day."""

    def __missing__(self, day: str) -> int:
        self[day] = number = date.fromisoformat(day).toordinal() - _BEFORE_FIRST_DAY
        return number


def _is_harmless(cells: Cells) -> bool:
    joined = ";" + ";".join(cells)
    return joined.isprintable() and not _SUSPICIOUS.search(joined) and max(map(len, cells)) <= MAX_TEXT


def _text(text: str, style: int | None = None) -> str:
    if not text:
        return ""
    written = escape(_LOOKS_ESCAPED.sub("_x005F_", text))
    shown = f' s="{style}"' if style is not None else ""
    return f'{shown} t="inlineStr"><is><t xml:space="preserve">{written}</t></is></c>'

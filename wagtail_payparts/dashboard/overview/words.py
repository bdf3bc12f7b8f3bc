"""Counts, shares, changes and days, as people write them."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from wagtail_payparts.dashboard.overview.periods import Period, Step


DASH = "—"
MINUS = "\N{MINUS SIGN}"


def write_count(count: int) -> str:
    return str(number_format(count, 0, force_grouping=True))


def write_share(part: Decimal | int, whole: Decimal | int) -> str:
    """``38 %``, or a dash where there is no whole."""
    return write_percent(Decimal(part) * 100 / whole) if whole else DASH


def write_percent(percent: Decimal) -> str:
    """Whole from ten on, else with one place where that says more."""
    return pgettext("a share", "%(number)s%%") % {"number": _short(percent)}


def write_change(now: Decimal | int | None, before: Decimal | int | None) -> str:
    """``+12 %`` of what was before; a dash where there was nothing, or less than nothing, to compare with."""
    if now is None or before is None or before <= 0:
        return DASH
    change = _rounded(Decimal(now - before) * 100 / before)
    return _signed(write_percent(abs(change)), change)


def write_points(now: Decimal | None, before: Decimal | None) -> str:
    """How far one share is from another: ``−3.5 pp``."""
    if now is None or before is None:
        return DASH
    change = _rounded((now - before) * 100)
    return _signed(_("%(number)s pp") % {"number": _short(abs(change))}, change)


def _signed(size: str, change: Decimal) -> str:
    if not change:
        return _("no change")
    return f"{'+' if change > 0 else MINUS}{size}"


def _short(number: Decimal) -> str:
    rounded = _rounded(number)
    places = 0 if rounded == rounded.to_integral_value() else 1
    return str(number_format(rounded, places, force_grouping=True))


def _rounded(number: Decimal) -> Decimal:
    return number.quantize(Decimal(1 if abs(number) >= 10 else "0.1"), rounding=ROUND_HALF_UP)


def write_day(day: date, *, with_year: bool = False) -> str:
    """``12 November``, in the case that dates take."""
    return str(date_format(day, "j E Y" if with_year else "j E"))


def write_period(period: Period) -> str:
    """``1 November 2026``, ``1–20 November 2026`` or ``28 October – 3 November 2026``."""
    first, last = period.first, period.last
    if first == last:
        return write_day(last, with_year=True)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{write_day(last, with_year=True)}"
    return f"{write_day(first, with_year=first.year != last.year)} – {write_day(last, with_year=True)}"


def write_column(period: Period, step: Step, *, with_year: bool) -> str:
    """The name of a column of a chart, in a sentence and in a table."""
    if step is Step.MONTH:
        return str(date_format(period.last, "F Y"))
    if period.first == period.last:
        return write_day(period.first, with_year=with_year)
    if period.first.month == period.last.month:
        return f"{period.first.day}–{write_day(period.last, with_year=with_year)}"
    return f"{write_day(period.first)} – {write_day(period.last, with_year=with_year)}"


def write_tick(period: Period, step: Step) -> str:
    """The same where there is little room: ``12 Nov``."""
    return str(date_format(period.first, "M Y" if step is Step.MONTH else "j M"))

"""How the filters that are in force are written above a listing, each with a cross that takes it away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from wagtail.admin.active_filters import ActiveFilter, BaseFilterAdapter, register_filter_adapter_class

from wagtail_payparts.dashboard.periods import Days, Period, PeriodFilter
from wagtail_payparts.dashboard.ranges import AmountFilter, CountFilter, DayRangeFilter
from wagtail_payparts.formats import format_hryvnias


class RangePill(BaseFilterAdapter):
    """``UAH 300.00 – UAH 500.00``, ``from UAH 300.00``, ``up to UAH 500.00``, or one value alone."""

    def write(self, value: Any) -> str:
        return str(value)

    def words(self) -> str:
        return self.write_range(self.value.start, self.value.stop)

    def write_range(self, first: Any, last: Any) -> str:
        if first is None:
            return self.up_to(self.write(last))
        if last is None:
            return self.since(self.write(first))
        return self.write(first) if first == last else f"{self.write(first)} – {self.write(last)}"

    def since(self, value: str) -> str:
        return _("from %(value)s") % {"value": value}

    def up_to(self, value: str) -> str:
        return _("up to %(value)s") % {"value": value}

    def get_active_filters(self) -> Iterator[ActiveFilter]:
        widget = self.filter.field.widget
        parameters = [widget.suffixed(self.name, suffix) for suffix in widget.suffixes]
        without = self.get_url_without_filter_param(parameters)
        yield ActiveFilter(self.bound_field.auto_id, self.filter.label, self.words(), without)


class AmountPill(RangePill):
    def write(self, value: Any) -> str:
        return format_hryvnias(value)


class DaysPill(RangePill):
    def write(self, value: Any) -> str:
        return date_format(value)

    def since(self, value: str) -> str:
        return pgettext("days", "from %(value)s") % {"value": value}

    def up_to(self, value: str) -> str:
        return pgettext("days", "up to %(value)s") % {"value": value}


class PeriodPill(DaysPill):
    """``This month (1 Nov 2026 – 24 Nov 2026)``."""

    def words(self) -> str:
        days: Days = self.value
        written = self.write_range(days.first, days.last)
        if not days.period:
            return written
        return _("%(period)s (%(days)s)") % {"period": Period(days.period).label, "days": written}


def register_pills() -> None:
    """Tell Wagtail, which would write the values as Python does."""
    for filter_class, pill in {
        AmountFilter: AmountPill,
        CountFilter: RangePill,
        DayRangeFilter: DaysPill,
        PeriodFilter: PeriodPill,
    }.items():
        register_filter_adapter_class(filter_class, pill)

"""A filter by days: one of the usual periods, or days of one's own; never both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet, TextChoices
from django.utils.timezone import get_default_timezone, localdate
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from wagtail_payparts.dashboard.ranges import DayRangeField, RangeWidget, day_field, day_input, within_days


class Period(TextChoices):
    TODAY = "today", _("Today")
    YESTERDAY = "yesterday", _("Yesterday")
    THIS_WEEK = "this_week", _("This week")
    THIS_MONTH = "this_month", _("This month")
    LAST_MONTH = "last_month", _("Last month")


@dataclass(frozen=True)
class Days:
    """Whole days, both included; open where there is ``None``. ``period`` is empty for days of one's own."""

    first: date | None
    last: date | None
    period: str = ""


def days_of(period: str, today: date | None = None) -> Days:
    """The days of a period as the calendar of the site has them. A week begins on Monday, for everybody."""
    today = today or localdate(timezone=get_default_timezone())
    month = today.replace(day=1)
    if period == Period.TODAY:
        return Days(today, today, period)
    if period == Period.YESTERDAY:
        return Days(today - timedelta(days=1), today - timedelta(days=1), period)
    if period == Period.THIS_WEEK:
        return Days(today - timedelta(days=today.weekday()), today, period)
    if period == Period.THIS_MONTH:
        return Days(month, today, period)
    last_of_before = month - timedelta(days=1)
    return Days(last_of_before.replace(day=1), last_of_before, Period(period).value)


class PeriodWidget(RangeWidget):
    template_name = "wagtail_payparts/admin/period.html"
    suffixes = ["period", "from", "to"]
    labels = ("", pgettext_lazy("days", "From"), pgettext_lazy("days", "To"))

    def __init__(self) -> None:
        super().__init__([forms.RadioSelect(choices=_period_choices()), day_input(), day_input()])

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        radios = context["widget"]["subwidgets"][0]
        for _group, options, _index in radios["optgroups"]:
            for option in options:
                # The suffix reaches the widget and not what it is made of.
                option["name"] = radios["name"]
        return context

    def decompress(self, value: Days | None) -> list[Any]:  # type: ignore[override]
        if value is None:
            return ["", None, None]
        return [value.period, None, None] if value.period else ["", value.first, value.last]


class PeriodField(DayRangeField):
    widget = PeriodWidget

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        fields = (forms.ChoiceField(choices=_period_choices()), day_field(), day_field())
        # Not the initialiser of two days.
        super(django_filters.fields.RangeField, self).__init__(fields, *args, **kwargs)

    def compress(self, data_list: list[Any]) -> Days | None:  # type: ignore[override]
        period, first, last = data_list or ("", None, None)
        if period and (first or last):
            raise ValidationError(_("Choose either a period or days of your own, not both."))
        if period:
            return days_of(period)
        super().compress([first, last])
        return Days(first, last) if first or last else None


class PeriodFilter(django_filters.Filter):
    """``?created_at_period=this_month``, or ``?created_at_from=…&created_at_to=…``."""

    field_class = PeriodField

    def filter(self, qs: QuerySet[Any], value: Days | None) -> QuerySet[Any]:
        return qs.filter(**within_days(self.field_name, value.first, value.last)) if value else qs


def _period_choices() -> list[tuple[str, Any]]:
    return [("", _("Any time, or the days below")), *Period.choices]

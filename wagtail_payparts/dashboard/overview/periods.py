"""Which days the overview is about, which it compares them with, and how they are cut into columns of a chart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from itertools import pairwise
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.timezone import get_default_timezone, localdate
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from wagtail_payparts.dashboard.ranges import FIRST_DAY, LAST_DAY, start_of


#: Two years, one of them a leap year.
MAX_DAYS = 731
#: Up to so many days a column is a day, then a week, then a month.
MAX_DAILY, MAX_WEEKLY = 62, 366
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Period:
    """Whole days of the site, both ends included."""

    first: date
    last: date

    @property
    def start(self) -> datetime:
        return start_of(self.first)

    @property
    def end(self) -> datetime:
        """The first moment that does not belong to it."""
        return start_of(self.last + DAY)

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def before(self) -> Period:
        """The months before whole months, else as many days directly before."""
        day_before = self.first - DAY
        if self.first.day == 1 and (self.last + DAY).day == 1:
            months = (self.last.year - self.first.year) * 12 + self.last.month - self.first.month + 1
            return Period(_months_earlier(self.first, months), day_before)
        return Period(self.first - timedelta(days=self.days), day_before)


class Step(Enum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


def step_of(period: Period) -> Step:
    if period.days <= MAX_DAILY:
        return Step.DAY
    return Step.WEEK if period.days <= MAX_WEEKLY else Step.MONTH


def cut(period: Period) -> list[Period]:
    """The days, weeks (from Monday) or months of a period; the first and the last may be parts of one."""
    step = step_of(period)
    starts = [day for day in _days(period) if day == period.first or _begins(step, day)]
    return [Period(first, after - DAY) for first, after in pairwise([*starts, period.last + DAY])]


def _days(period: Period) -> Iterator[date]:
    return (period.first + timedelta(days=number) for number in range(period.days))


def _begins(step: Step, day: date) -> bool:
    if step is Step.DAY:
        return True
    return day.weekday() == 0 if step is Step.WEEK else day.day == 1


def _months_earlier(day: date, months: int) -> date:
    """The same day of an earlier month, or that month's last day where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return min(date(year, month + 1, 1) + timedelta(days=day.day - 1), following - DAY)


@dataclass(frozen=True)
class Preset:
    label: Any
    days: Callable[[date], Period]
    #: What it is compared with where that is not ``Period.before``.
    months_earlier: int = 0


PRESETS: dict[str, Preset] = {
    "today": Preset(_("Today"), lambda today: Period(today, today)),
    "yesterday": Preset(_("Yesterday"), lambda today: Period(today - DAY, today - DAY)),
    "last_7_days": Preset(_("Last 7 days"), lambda today: Period(today - 6 * DAY, today)),
    "this_month": Preset(_("This month"), lambda today: Period(today.replace(day=1), today), months_earlier=1),
    "last_month": Preset(
        _("Last month"), lambda today: Period((today.replace(day=1) - DAY).replace(day=1), today.replace(day=1) - DAY)
    ),
    "last_30_days": Preset(_("Last 30 days"), lambda today: Period(today - 29 * DAY, today)),
    "this_year": Preset(_("This year"), lambda today: Period(today.replace(month=1, day=1), today), months_earlier=12),
}
DEFAULT = "this_month"


def _day_field(label: Any) -> forms.DateField:
    """Both are needed, which the two say in our words: an asterisk at each would only be noise."""
    native = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, widget=native, required=False)


class PeriodForm(forms.Form):
    """Two days of one's own."""

    first = _day_field(pgettext_lazy("days", "From"))
    last = _day_field(pgettext_lazy("days", "To"))

    def clean_first(self) -> date:
        return self._within_reason("first")

    def clean_last(self) -> date:
        return self._within_reason("last")

    def _within_reason(self, name: str) -> date:
        day: date | None = self.cleaned_data[name]
        if day is None:
            raise ValidationError(_("Choose this day, too."))
        if not FIRST_DAY <= day <= LAST_DAY:
            raise ValidationError(_("Choose a day of our time: there are no payments of that year."))
        return day

    def clean(self) -> dict[str, Any]:
        chosen: dict[str, Any] = super().clean() or {}
        if self.errors:
            return chosen
        if chosen["first"] > chosen["last"]:
            self.add_error("last", _("The first day comes after the last."))
        elif Period(**chosen).days > MAX_DAYS:
            self.add_error("last", _("This is longer than two years. Choose fewer days."))
        return chosen


@dataclass(frozen=True)
class Choice:
    """What was asked for: ``period`` and ``previous``, or an error and neither."""

    form: PeriodForm
    preset: str = ""
    period: Period | None = None
    previous: Period | None = None
    error: Any = ""


def choose(query: Any, today: date | None = None) -> Choice:
    """Read ``?period=last_month``, or ``?first=2026-11-01&last=2026-11-20``; with neither, this month."""
    if "first" in query or "last" in query:
        return _own_days(PeriodForm(query))
    code = query.get("period", DEFAULT)
    if code not in PRESETS:
        return Choice(PeriodForm(), error=_("There is no such period. Choose one of these, or two days of your own."))
    period = PRESETS[code].days(today or localdate(timezone=get_default_timezone()))
    return Choice(PeriodForm(initial=vars(period)), code, period, _previous(code, period))


def _own_days(form: PeriodForm) -> Choice:
    if not form.is_valid():
        return Choice(form, error=_("No figures are shown, since the days cannot be used."))
    period = Period(**form.cleaned_data)
    return Choice(form, "", period, period.before())


def _previous(code: str, period: Period) -> Period:
    months = PRESETS[code].months_earlier
    if not months:
        return period.before()
    return Period(_months_earlier(period.first, months), _months_earlier(period.last, months))

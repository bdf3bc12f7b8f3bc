"""Filters by a range: days, amounts, numbers of parts. Two native inputs each, and an error where they are reversed."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import QuerySet
from django.utils.timezone import get_default_timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django_filters.fields import RangeField
from django_filters.widgets import SuffixedMultiWidget


#: No payment is older, and a day after 9999 could not be reckoned with.
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2999, 12, 31)


def start_of(day: date) -> datetime:
    """The first moment of a day in the site's time zone."""
    return datetime.combine(day, time.min, tzinfo=get_default_timezone())


def within_days(field_name: str, first: date | None, last: date | None) -> dict[str, datetime]:
    """The lookups of whole days: from the start of the first to the start of the day after the last."""
    lookups = {}
    if first:
        lookups[f"{field_name}__gte"] = start_of(first)
    if last:
        lookups[f"{field_name}__lt"] = start_of(last + timedelta(days=1))
    return lookups


class RangeWidget(SuffixedMultiWidget):
    """Two native inputs. Wagtail's own date picker writes a script into the page, which a strict CSP refuses."""

    template_name = "wagtail_payparts/admin/range.html"
    labels: tuple[Any, ...]

    def decompress(self, value: slice | None) -> list[Any]:
        return [value.start, value.stop] if value else [None, None]

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        for subwidget, label in zip(context["widget"]["subwidgets"], self.labels, strict=True):
            subwidget["label"] = label
        return context


def day_input() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


def day_field() -> forms.DateField:
    return forms.DateField(validators=[MinValueValidator(FIRST_DAY), MaxValueValidator(LAST_DAY)])


class DayRangeWidget(RangeWidget):
    suffixes = ["from", "to"]
    labels = (pgettext_lazy("days", "From"), pgettext_lazy("days", "To"))

    def __init__(self) -> None:
        super().__init__([day_input(), day_input()])


class NumberRangeWidget(RangeWidget):
    suffixes = ["min", "max"]
    labels = (_("At least"), _("At most"))

    def __init__(self, *, step: str = "1") -> None:
        super().__init__([forms.NumberInput(attrs={"min": "0", "step": step}) for _label in self.labels])


class OrderedRangeField(RangeField):
    """A range whose end does not come before its start."""

    wrong_order: Any = ""

    def compress(self, data_list: list[Any]) -> slice | None:
        found: slice | None = super().compress(data_list)
        if found and found.start is not None and found.stop is not None and found.start > found.stop:
            raise ValidationError(self.wrong_order)
        return found


class DayRangeField(OrderedRangeField):
    widget = DayRangeWidget
    wrong_order = _("The first day comes after the last.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__((day_field(), day_field()), *args, **kwargs)


class AmountRangeField(OrderedRangeField):
    wrong_order = _("The lowest amount is above the highest.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        limits: dict[str, Any] = {"min_value": Decimal(0), "max_digits": 12, "decimal_places": 2}
        kwargs["widget"] = NumberRangeWidget(step="0.01")
        super().__init__((forms.DecimalField(**limits), forms.DecimalField(**limits)), *args, **kwargs)


class CountRangeField(OrderedRangeField):
    wrong_order = _("The lowest number is above the highest.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        limits: dict[str, Any] = {"min_value": 0, "max_value": 999}
        kwargs["widget"] = NumberRangeWidget()
        super().__init__((forms.IntegerField(**limits), forms.IntegerField(**limits)), *args, **kwargs)


class DayRangeFilter(django_filters.DateFromToRangeFilter):
    """Whole days of the site."""

    field_class = DayRangeField

    def filter(self, qs: QuerySet[Any], value: slice | None) -> QuerySet[Any]:
        return qs.filter(**within_days(self.field_name, value.start, value.stop)) if value else qs


class AmountFilter(django_filters.RangeFilter):
    field_class = AmountRangeField


class CountFilter(django_filters.RangeFilter):
    """Whole numbers, both ends included. One number is an equality, by which an index keeps its order."""

    field_class = CountRangeField

    def filter(self, qs: QuerySet[Any], value: slice | None) -> QuerySet[Any]:
        if value and value.start == value.stop:
            return qs.filter(**{self.field_name: value.start})
        return super().filter(qs, value)  # type: ignore[no-any-return]

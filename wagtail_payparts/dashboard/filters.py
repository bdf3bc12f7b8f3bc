"""Filters of the listings. What cannot be read is an error to show, never a filter that lets everything through."""

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
from wagtail.admin.filters import WagtailFilterSet

from wagtail_payparts.models import MerchantType, Payment
from wagtail_payparts.states import PaymentState


#: No payment is older, and a day after 9999 could not be reckoned with.
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2999, 12, 31)


class RangeWidget(SuffixedMultiWidget):
    """Two native inputs. Wagtail's own date picker writes a script into the page, which a strict CSP refuses."""

    template_name = "wagtail_payparts/admin/range.html"
    labels: tuple[Any, Any]

    def decompress(self, value: slice | None) -> list[Any]:
        return [value.start, value.stop] if value else [None, None]

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        for subwidget, label in zip(context["widget"]["subwidgets"], self.labels, strict=True):
            subwidget["label"] = label
        return context


class DayRangeWidget(RangeWidget):
    suffixes = ["from", "to"]
    labels = (pgettext_lazy("days", "From"), pgettext_lazy("days", "To"))

    def __init__(self) -> None:
        super().__init__([forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d") for _label in self.labels])


class AmountRangeWidget(RangeWidget):
    suffixes = ["min", "max"]
    labels = (_("At least"), _("At most"))

    def __init__(self) -> None:
        super().__init__([forms.NumberInput(attrs={"min": "0", "step": "0.01"}) for _label in self.labels])


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
        limits = [MinValueValidator(FIRST_DAY), MaxValueValidator(LAST_DAY)]
        days = (forms.DateField(validators=limits), forms.DateField(validators=limits))
        super().__init__(days, *args, **kwargs)


class AmountRangeField(OrderedRangeField):
    widget = AmountRangeWidget
    wrong_order = _("The lowest amount is above the highest.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        limits: dict[str, Any] = {"min_value": Decimal(0), "max_digits": 12, "decimal_places": 2}
        super().__init__((forms.DecimalField(**limits), forms.DecimalField(**limits)), *args, **kwargs)


class DayRangeFilter(django_filters.DateFromToRangeFilter):
    """Whole days of the site: from the start of the first to the start of the day after the last."""

    field_class = DayRangeField

    def filter(self, qs: QuerySet[Any], value: slice | None) -> QuerySet[Any]:
        if value and value.start:
            qs = qs.filter(**{f"{self.field_name}__gte": start_of(value.start)})
        if value and value.stop:
            qs = qs.filter(**{f"{self.field_name}__lt": start_of(value.stop + timedelta(days=1))})
        return qs


class AmountFilter(django_filters.RangeFilter):
    field_class = AmountRangeField


class CodesFilter(django_filters.MultipleChoiceFilter):
    """Any of the ticked codes, as one ``IN``; without the DISTINCT that the filter would add to every query."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(distinct=False, widget=forms.CheckboxSelectMultiple, **kwargs)

    def filter(self, qs: QuerySet[Any], value: list[str]) -> QuerySet[Any]:
        return qs.filter(**{f"{self.field_name}__in": value}) if value else qs


class EitherFilter(django_filters.ChoiceFilter):
    """Everything, or one of two sides; ``sides`` maps each choice to the lookup that it means."""

    def __init__(self, *, sides: dict[str, tuple[Any, dict[str, Any]]], **kwargs: Any) -> None:
        self.lookups = {code: lookup for code, (_label, lookup) in sides.items()}
        choices = [(code, label) for code, (label, _lookup) in sides.items()]
        super().__init__(choices=choices, widget=forms.RadioSelect, empty_label=_("All"), **kwargs)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        return qs.filter(**self.lookups[value]) if value else qs


def start_of(day: date) -> datetime:
    """The first moment of a day in the site's time zone."""
    return datetime.combine(day, time.min, tzinfo=get_default_timezone())


class PaymentFilterSet(WagtailFilterSet):
    state = CodesFilter(label=_("State"), choices=PaymentState.choices)
    merchant_type = CodesFilter(label=_("Service"), choices=MerchantType.choices)
    created_at = DayRangeFilter(label=_("Created"))
    amount = AmountFilter(label=_("Amount, UAH"))
    attention = EitherFilter(
        label=_("Attention"),
        sides={
            "needed": (_("Needs attention"), {"attention__gt": ""}),
            "none": (_("Nothing to decide"), {"attention": ""}),
        },
    )
    is_test = EitherFilter(
        label=_("Test payments"),
        sides={"real": (_("Real payments"), {"is_test": False}), "test": (_("Test payments"), {"is_test": True})},
    )

    class Meta:
        model = Payment
        fields: list[str] = []

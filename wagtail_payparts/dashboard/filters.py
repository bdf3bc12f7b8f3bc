"""Filters of the listings. What cannot be read is an error to show, never a filter that lets everything through."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import django_filters
from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from wagtail.admin.filters import WagtailFilterSet
from wagtail.models import Site

from wagtail_payparts import conf
from wagtail_payparts.dashboard.periods import PeriodFilter
from wagtail_payparts.dashboard.pills import register_pills
from wagtail_payparts.dashboard.ranges import AmountFilter, CountFilter
from wagtail_payparts.models import MerchantType, Payment, Refund, RefundState
from wagtail_payparts.states import OPEN, PaymentState


register_pills()

#: Filters of payments whose index goes on by the day.
BY_DAY = frozenset({"state", "progress", "attention", "merchant_type", "parts_count", "store", "site", "is_test"})


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


def _states(*, is_open: bool) -> dict[str, Any]:
    return {"state__in": [state.value for state in PaymentState if (state in OPEN) is is_open]}


def _stores() -> list[tuple[str, str]]:
    return [(alias, alias) for alias in conf.store_aliases()]


def _sites() -> list[tuple[str, str]]:
    """The sites of the project by their addresses. Wagtail keeps these in the cache: no query."""
    hosts = {str(path.site_id): urlsplit(path.root_url).netloc for path in Site.get_site_root_paths()}
    return sorted(hosts.items(), key=lambda item: item[1])


class UsefulFilterSet(WagtailFilterSet):
    """Without those filters that would offer one choice only."""

    useful_with: dict[str, Any] = {"store": _stores, "site": _sites}

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(data, *args, **kwargs)
        for name, choices in self.useful_with.items():
            # Kept where an address names it: a filter that is not read would let everything through.
            if name in self.filters and len(choices()) < 2 and name not in (data or {}):
                del self.filters[name]


class PaymentFilterSet(UsefulFilterSet):
    state = CodesFilter(label=_("State"), choices=PaymentState.choices)
    progress = EitherFilter(
        label=_("Progress"),
        sides={
            "open": (_("Open: the buyer may still pay"), _states(is_open=True)),
            "decided": (_("Decided"), _states(is_open=False)),
        },
    )
    attention = EitherFilter(
        label=_("Attention"),
        sides={
            "needed": (_("Needs attention"), {"attention__gt": ""}),
            "none": (_("Nothing to decide"), {"attention": ""}),
        },
    )
    refunds = EitherFilter(
        label=_("Refunds"),
        sides={
            "some": (_("With refunds"), {"refunded_amount__gt": 0}),
            "none": (_("Without refunds"), {"refunded_amount": 0}),
        },
    )
    created_at = PeriodFilter(label=_("Created"))
    amount = AmountFilter(label=_("Amount, UAH"))
    merchant_type = CodesFilter(label=_("Service"), choices=MerchantType.choices)
    parts_count = CountFilter(label=_("Number of parts"))
    store = CodesFilter(label=_("Store"), choices=_stores)
    site = CodesFilter(label=_("Site"), choices=_sites)
    is_test = EitherFilter(
        label=_("Real or test"),
        sides={"real": (_("Real payments"), {"is_test": False}), "test": (_("Test payments"), {"is_test": True})},
    )

    class Meta:
        model = Payment
        fields: list[str] = []


class RefundFilterSet(UsefulFilterSet):
    state = CodesFilter(label=_("State"), choices=RefundState.choices)
    created_at = PeriodFilter(label=_("Created"))
    amount = AmountFilter(label=_("Amount, UAH"))
    store = CodesFilter(label=_("Store"), field_name="payment__store", choices=_stores)
    is_test = EitherFilter(
        label=_("Real or test"),
        sides={
            "real": (_("Real payments"), {"payment__is_test": False}),
            "test": (_("Test payments"), {"payment__is_test": True}),
        },
    )

    class Meta:
        model = Refund
        fields: list[str] = []

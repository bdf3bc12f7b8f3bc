"""The listing of orders: its columns and filters."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from wagtail.admin.filters import WagtailFilterSet
from wagtail.admin.ui.tables import Column, TitleColumn
from wagtail.models import Site

from wagtail_payparts.dashboard.columns import WAITING, BuyerColumn, MomentsColumn, Styled
from wagtail_payparts.dashboard.exports import refuse
from wagtail_payparts.dashboard.filters import CodesFilter, EitherFilter
from wagtail_payparts.dashboard.listings import LedgerIndexView
from wagtail_payparts.dashboard.moments import write_moment
from wagtail_payparts.dashboard.order_search import FoundOrders
from wagtail_payparts.dashboard.ranges import AmountFilter, DayRangeFilter
from wagtail_payparts.models import Order, OrderStatus, Payment


STATUS_KINDS: dict[str, str] = {
    OrderStatus.PAID: "good",
    OrderStatus.ON_HOLD: "held",
    OrderStatus.CANCELED: "over",
    OrderStatus.PARTIALLY_REFUNDED: "held",
    OrderStatus.REFUNDED: "over",
}


def status_kind(status: str) -> str:
    return STATUS_KINDS.get(status, WAITING)


class OrderStyled(Styled):
    """Brings the stylesheet of the orders' own cells into the listing."""

    class Media:
        css = {"all": ["wagtail_payparts/css/orders.css"]}


class NumberColumn(OrderStyled, TitleColumn):
    """The number, which leads to the order's page, and whether staff have written a note."""

    cell_template_name = "wagtail_payparts/admin/cells/order_number.html"


class StatusColumn(Styled, Column):
    """Status, and whether a payment needs a decision, in words."""

    cell_template_name = "wagtail_payparts/admin/cells/state.html"

    def get_cell_context_data(self, instance: Order, parent_context: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_cell_context_data(instance, parent_context)
        return context | {
            "label": instance.get_status_display(),
            "kind": status_kind(instance.status),
            "needs_attention": any(payment.attention for payment in instance.payments.all()),
        }


class OrderMoneyColumn(OrderStyled, Column):
    """The amount, how much of it is paid, and in how many attempts."""

    cell_template_name = "wagtail_payparts/admin/cells/order_money.html"

    def __init__(self, name: str, **kwargs: Any) -> None:
        super().__init__(name, classname="payparts-number", **kwargs)

    def get_cell_context_data(self, instance: Order, parent_context: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_cell_context_data(instance, parent_context)
        return context | {"attempts": len(instance.payments.all())}


class HandedOverColumn(OrderStyled, Column):
    """Whether the goods were handed over, and when."""

    cell_template_name = "wagtail_payparts/admin/cells/handed_over.html"

    def get_cell_context_data(self, instance: Order, parent_context: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_cell_context_data(instance, parent_context)
        return context | {"at": write_moment(instance.handed_over_at)}


def order_columns(*, with_buyer: bool) -> list[Column]:
    columns = [
        NumberColumn("number", label=pgettext_lazy("an order", "Number"), url_name="payparts_orders:inspect"),
        StatusColumn("status", label=gettext_lazy("Status")),
        OrderMoneyColumn("amount", label=gettext_lazy("Amount and paid")),
        HandedOverColumn("handed_over_at", label=pgettext_lazy("an order", "Handed over")),
        Column("offer_title", label=gettext_lazy("Offer")),
        MomentsColumn("created_at", changed="status_changed_at", label=gettext_lazy("Created and changed")),
    ]
    if with_buyer:
        columns.insert(2, BuyerColumn("buyer_name", label=gettext_lazy("Buyer")))
    return columns


class OrderFilterSet(WagtailFilterSet):
    status = CodesFilter(label=gettext_lazy("Status"), choices=OrderStatus.choices)
    handed_over = EitherFilter(
        label=pgettext_lazy("an order", "Handed over"),
        sides={
            "yes": (pgettext_lazy("an order", "Handed over"), {"handed_over_at__isnull": False}),
            "no": (pgettext_lazy("an order", "Not yet handed over"), {"handed_over_at__isnull": True}),
        },
    )
    created_at = DayRangeFilter(label=gettext_lazy("Created"))
    amount = AmountFilter(label=gettext_lazy("Amount, UAH"))
    site = django_filters.ModelChoiceFilter(label=gettext_lazy("Site"), queryset=Site.objects.all())

    class Meta:
        model = Order
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Kept where an address names it: a filter that is not read would let everything through.
        if not has_several_sites() and "site" not in (self.data or {}):
            del self.filters["site"]


def has_several_sites() -> bool:
    """By what Wagtail keeps in its cache."""
    return len({root.site_id for root in Site.get_site_root_paths()}) > 1


class OrderIndexView(LedgerIndexView):
    filterset_class = OrderFilterSet
    results_template_name = "wagtail_payparts/admin/order_results.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if self.is_export:
            # Wagtail would make one of every column, the buyer's too.
            return refuse(_("Orders are not exported. Export their payments."))
        listing: HttpResponseBase = super().get(request, *args, **kwargs)
        return listing

    @cached_property
    def columns(self) -> list[Column]:
        return order_columns(with_buyer=self.with_buyer)

    def get_base_queryset(self) -> QuerySet[Order]:
        attempts = Prefetch("payments", Payment.objects.only("buyer_order", "attention"))
        return Order.objects.defer("lines", "comment").prefetch_related(attempts)

    def search_queryset(self, queryset: QuerySet[Order]) -> QuerySet[Order]:
        return self.found.among(queryset) if self.is_searching else queryset

    @cached_property
    def found(self) -> FoundOrders:
        return FoundOrders(self.search_query, with_buyer=self.with_buyer)

"""The listing of refunds. Each leads to its payment's page: a refund has none of its own."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from wagtail.admin.ui.tables import Column
from wagtail.admin.utils import get_user_display_name

from wagtail_payparts.dashboard.columns import (
    IdentityColumn,
    MomentsColumn,
    MoneyColumn,
    PaymentBuyerColumn,
    StateColumn,
    Styled,
    refund_kind,
)
from wagtail_payparts.dashboard.export_page import RefundExportView
from wagtail_payparts.dashboard.filters import RefundFilterSet
from wagtail_payparts.dashboard.ledger import LedgerViewSet
from wagtail_payparts.dashboard.listings import NOT_LISTED, NOT_LISTED_OF_ORDER, ExportedIndexView
from wagtail_payparts.dashboard.permissions import payment_policy
from wagtail_payparts.dashboard.texts import clip
from wagtail_payparts.models import Refund
from wagtail_payparts.resources import clean


class OfPayment:
    """Mixin of a column: its cell is about the refund's payment."""

    def get_cell_context_data(self, instance: Refund, parent_context: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_cell_context_data(instance, parent_context)  # type: ignore[misc]
        return context | {"instance": instance.payment}


class RefundedPaymentColumn(OfPayment, IdentityColumn):
    pass


class RefundBuyerColumn(OfPayment, PaymentBuyerColumn):
    pass


class RefundStateColumn(Styled, Column):
    cell_template_name = StateColumn.cell_template_name

    def get_cell_context_data(self, instance: Refund, parent_context: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_cell_context_data(instance, parent_context)
        return context | {
            "label": instance.get_state_display(),
            "kind": refund_kind(instance.state),
            "is_test": instance.payment.is_test,
        }


class ReasonColumn(Styled, Column):
    """Why, and by whom."""

    cell_template_name = "wagtail_payparts/admin/cells/reason.html"

    def get_cell_context_data(self, instance: Refund, parent_context: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_cell_context_data(instance, parent_context)
        by = instance.requested_by
        return context | {
            "reason": clip(instance.reason).short,
            "who": clean(str(get_user_display_name(by))) if by else "",
        }


def refund_columns(*, with_buyer: bool) -> list[Column]:
    columns = [
        RefundedPaymentColumn(
            "order_id", label=gettext_lazy("Payment"), accessor="payment.order_id", get_url=payment_url
        ),
        RefundStateColumn("state", label=gettext_lazy("State")),
        MoneyColumn("amount", label=gettext_lazy("Amount"), sort_key="amount"),
        ReasonColumn("reason", label=gettext_lazy("Reason")),
        MomentsColumn("created_at", changed="state_changed_at", label=gettext_lazy("Created and changed")),
    ]
    if with_buyer:
        columns.insert(3, RefundBuyerColumn("buyer", label=pgettext_lazy("a person", "Buyer"), accessor="pk"))
    return columns


def payment_url(refund: Refund) -> str:
    return reverse("payparts_payments:inspect", args=[refund.payment_id])


class RefundIndexView(ExportedIndexView):
    filterset_class = RefundFilterSet
    through_to_payment = "payment__"
    export_url_name = "payparts_refunds:export"
    by_day = frozenset({"state"})

    @cached_property
    def columns(self) -> list[Column]:
        return refund_columns(with_buyer=self.with_buyer)

    def get_base_queryset(self) -> QuerySet[Refund]:
        far = (f"payment__{name}" for name in (*NOT_LISTED, *NOT_LISTED_OF_ORDER))
        related = ("payment__buyer_order", "requested_by__wagtail_userprofile")
        return Refund.objects.select_related(*related).defer("bank_message", *far)

    def too_many_found(self) -> str:
        return _("Many refunds match this search, and there may be more than are shown. Type more of it.")


class RefundViewSet(LedgerViewSet):
    """Seen and exported by those who may see and export payments."""

    model = Refund
    name = "payparts_refunds"
    url_prefix = "payparts/refunds"
    icon = "payparts-refund"
    menu_name = "payparts-refunds"
    permission_policy = payment_policy
    index_view_class = RefundIndexView
    inspect_view_enabled = False

    def get_urlpatterns(self) -> list[URLPattern]:
        export = self.construct_view(RefundExportView, **self.get_common_view_kwargs())
        return [*self.get_index_patterns(), path("export/", export, name="export")]

    def page_of(self, row: Refund) -> str:
        return payment_url(row)

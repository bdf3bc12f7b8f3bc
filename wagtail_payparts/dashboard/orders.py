"""Orders in the admin: where they are found, and the page of one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy
from wagtail.admin.utils import get_user_display_name
from wagtail.log_actions import registry as logs

from wagtail_payparts.dashboard.columns import state_kind
from wagtail_payparts.dashboard.ledger import LedgerViewSet
from wagtail_payparts.dashboard.moments import write_moment
from wagtail_payparts.dashboard.order_actions import (
    HandOverView,
    NoteForm,
    NoteView,
    TakeBackView,
    handing_over_warnings,
)
from wagtail_payparts.dashboard.order_listing import OrderIndexView, status_kind
from wagtail_payparts.dashboard.pages import LedgerPageView, readable_lines
from wagtail_payparts.dashboard.permissions import order_policy, payment_policy
from wagtail_payparts.models import Order, Payment
from wagtail_payparts.resources import clean


#: The newest so many are shown; most orders have one or two.
MAX_ATTEMPTS = 100
MAX_DEEDS = 50


class OrderPageView(LedgerPageView):
    page_title = pgettext_lazy("a purchase", "Order")
    template_name = "wagtail_payparts/admin/order.html"
    related = ("offer", "site", "handed_over_by__wagtail_userprofile")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        order: Order = self.object
        user = self.request.user
        attempts = list(order.payments.prefetch_related("refunds").order_by("-created_at", "-pk")[:MAX_ATTEMPTS])
        may_hand_over = order_policy.user_has_permission(user, "handover")
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {
            "order": order,
            "buyer_erased_at": write_moment(order.erased_at),
            "status_kind": status_kind(order.status),
            "with_buyer": self.with_buyer,
            "lines": readable_lines(order.lines_with_totals()),
            "offer_url": self.offer_url(),
            "moments": {
                name: write_moment(getattr(order, name))
                for name in ("created_at", "status_changed_at", "handed_over_at")
            },
            "money": _money(attempts),
            "payments": _attempts(attempts, with_links=payment_policy.user_has_permission(user, "view")),
            "handed_over_by": get_user_display_name(order.handed_over_by) if order.handed_over_by else "",
            "warnings": handing_over_warnings(order, attempts),
            "may_hand_over": may_hand_over,
            "note_form": NoteForm.for_order(order) if may_hand_over else None,
            "note": clean(order.staff_note),
            "deeds": _deeds(order),
        }


def _money(attempts: list[Payment]) -> dict[str, Decimal]:
    """What was paid, went back, and is left, by all payments of an order."""
    paid = [payment for payment in attempts if payment.is_paid]
    return {
        "paid": sum((payment.amount for payment in paid), Decimal(0)),
        "refunded": sum((payment.refunded_amount for payment in paid), Decimal(0)),
        "net": sum((payment.net_amount for payment in paid), Decimal(0)),
    }


def _attempts(attempts: list[Payment], *, with_links: bool) -> list[dict[str, Any]]:
    return [
        {
            "payment": payment,
            "kind": state_kind(payment.state),
            "created": write_moment(payment.created_at),
            "changed": write_moment(payment.state_changed_at),
            "url": reverse("payparts_payments:inspect", args=[payment.pk]) if with_links else None,
            "refunds": [
                {"refund": refund, "at": write_moment(refund.created_at)}
                for refund in sorted(payment.refunds.all(), key=lambda refund: refund.pk)
            ],
        }
        for payment in attempts
    ]


def _deeds(order: Order) -> list[dict[str, str]]:
    """What staff did with an order, oldest first, by Wagtail's log."""
    entries = logs.get_logs_for_instance(order).select_related("user__wagtail_userprofile")[:MAX_DEEDS]
    return [
        {
            "at": write_moment(entry.timestamp),
            "who": _who(entry),
            "what": str(entry.message),
        }
        for entry in reversed(entries)
    ]


def _who(entry: Any) -> str:
    """Of a deleted account Wagtail's log keeps the key; a command has none."""
    if entry.user:
        return str(get_user_display_name(entry.user))
    return _("somebody whose account is gone") if entry.user_id else _("by command")


class OrderViewSet(LedgerViewSet):
    model = Order
    name = "payparts_orders"
    url_prefix = "payparts/orders"
    icon = "payparts-order"
    menu_name = "payparts-orders"
    permission_policy = order_policy
    index_view_class = OrderIndexView
    inspect_view_class = OrderPageView

    def get_urlpatterns(self) -> list[URLPattern]:
        return [
            *super().get_urlpatterns(),
            path("<int:pk>/hand-over/", self.construct_view(HandOverView), name="hand_over"),
            path("<int:pk>/take-back/", self.construct_view(TakeBackView), name="take_back"),
            path("<int:pk>/note/", self.construct_view(NoteView), name="note"),
        ]

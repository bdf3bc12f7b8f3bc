"""The page of one payment."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Prefetch
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.admin_url_finder import AdminURLFinder
from wagtail.admin.utils import get_user_display_name
from wagtail.admin.views import generic

from wagtail_payparts.dashboard.columns import instalments, refund_kind, state_kind
from wagtail_payparts.dashboard.exchanges import refund_message
from wagtail_payparts.dashboard.holds import hold_ends
from wagtail_payparts.dashboard.moments import write_moment
from wagtail_payparts.dashboard.paging import back_to
from wagtail_payparts.dashboard.payment_actions import buttons, open_questions
from wagtail_payparts.dashboard.permissions import VIEW_BUYER, order_policy
from wagtail_payparts.dashboard.texts import bank_text
from wagtail_payparts.dashboard.timeline import build_timeline
from wagtail_payparts.models import Payment, Refund
from wagtail_payparts.models.refunds import UNSETTLED
from wagtail_payparts.resources import clean
from wagtail_payparts.services import desk
from wagtail_payparts.services.addresses import is_web_address
from wagtail_payparts.services.refunds import refundable
from wagtail_payparts.states import PaymentState, from_bank


_RECEIPT = {
    "card_mask": gettext_lazy("Card"),
    "owner_name": gettext_lazy("Owner of the card"),
    "bank_name": gettext_lazy("Bank of the card"),
    "payment_system": gettext_lazy("Payment system"),
    "auth_code": gettext_lazy("Authorisation code"),
    "rrn": gettext_lazy("RRN"),
    "terminal": gettext_lazy("Terminal"),
    "acquirer": gettext_lazy("Acquirer"),
}
#: What the receipt says of the buyer.
_PERSONAL = {"card_mask", "owner_name"}


class LedgerPageView(generic.InspectView):
    """A page of its own instead of a list of fields."""

    any_permission_required = ["view"]
    related: tuple[str, ...] = ()

    @property
    def with_buyer(self) -> bool:
        return bool(self.request.user.has_perm(VIEW_BUYER))

    def get_object(self, queryset: Any = None) -> Any:
        return get_object_or_404(self.model.objects.select_related(*self.related), pk=self.pk)

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        """The way back leads to the listing as it was filtered."""
        index = reverse(self.index_url_name)
        items: list[dict[str, Any]] = super().get_breadcrumbs_items()
        back = back_to(self.request, self.index_url_name)
        return [item | {"url": back} if item.get("url") == index else item for item in items]

    def get_fields(self) -> list[str]:
        return []

    def offer_url(self) -> str | None:
        """Where the offer is edited, for those who may edit it."""
        offer = self.object.offer
        return AdminURLFinder(self.request.user).get_edit_url(offer) if offer else None


class PaymentPageView(LedgerPageView):
    page_title = gettext_lazy("Payment")
    template_name = "wagtail_payparts/admin/payment.html"
    related = ("buyer_order", "offer", "site")

    def get_object(self, queryset: Any = None) -> Payment:
        refunds = Refund.objects.select_related("requested_by__wagtail_userprofile").order_by("pk")
        payments = Payment.objects.select_related(*self.related).prefetch_related(Prefetch("refunds", refunds))
        found = payments.annotate(has_failed=Exists(desk.failed_results(OuterRef("pk"))))
        payment: Payment = get_object_or_404(found, pk=self.pk)
        return payment

    def get_page_subtitle(self) -> str:
        return clean(str(self.object))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        payment: Payment = self.object
        order = payment.buyer_order
        sees_order = order is not None and order_policy.user_has_permission(self.request.user, "view")
        timeline = build_timeline(payment, with_buyer=self.with_buyer, before=self._before())
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {
            "payment": payment,
            "state_kind": state_kind(payment.state),
            "with_buyer": self.with_buyer,
            "paid": payment.amount if payment.is_paid else None,
            "instalments": instalments(payment),
            "buttons": buttons(payment, self.request.user),
            "attention": open_questions(payment, self.request.user),
            "lines": readable_lines(payment.lines_with_totals()),
            "order": order,
            "buyer_erased_at": write_moment(order.erased_at) if order else "",
            "order_url": reverse("payparts_orders:inspect", args=[order.pk]) if order and sees_order else None,
            "offer_url": self.offer_url(),
            "page_url": payment.page_url if is_web_address(payment.page_url) else "",
            "receipt": self._receipt(payment),
            "refunds": [self._refund(refund) for refund in payment.refunds.all()],
            "left_to_refund": refundable(payment),
            "unsettled": sum(refund.amount for refund in payment.refunds.all() if refund.state in UNSETTLED),
            "hold_ends": hold_ends(payment),
            "bank_word": _bank_word(payment.bank_state),
            "bank_message": bank_text(payment.bank_message, payment.state, with_buyer=self.with_buyer),
            "claim_word": _bank_word(payment.claim_state),
            "moments": {
                name: write_moment(getattr(payment, name))
                for name in (
                    "created_at",
                    "state_changed_at",
                    "settled_at",
                    "claim_at",
                    "next_poll_at",
                    "erased_at",
                    "pending_since",
                )
            },
            "timeline": timeline,
        }

    def _before(self) -> int | None:
        """The event before which the timeline ends; what is no number shows the newest."""
        before = self.request.GET.get("before", "")
        return int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None

    def _refund(self, refund: Refund) -> dict[str, Any]:
        made, changed = write_moment(refund.created_at), write_moment(refund.state_changed_at)
        return {
            "amount": refund.amount,
            "state": refund.get_state_display(),
            "kind": refund_kind(refund.state),
            "reason": clean(refund.reason),
            "at": made,
            "changed": changed if changed != made else "",
            "who": clean(str(get_user_display_name(refund.requested_by))) if refund.requested_by else "",
            "message": refund_message(refund, with_buyer=self.with_buyer),
        }

    def _receipt(self, payment: Payment) -> list[tuple[str, str]]:
        return [
            (str(label), clean(str(payment.receipt[name])))
            for name, label in _RECEIPT.items()
            if payment.receipt.get(name) and (self.with_buyer or name not in _PERSONAL)
        ]


def readable_lines(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line | {"name": clean(str(line["name"]))} for line in lines]


def _bank_word(word: str) -> dict[str, str]:
    """The bank's word as it came, and what it means if we know."""
    known = from_bank(word)
    return {
        "word": clean(word),
        "label": str(PaymentState(known).label) if known else (_("unknown word") if word else ""),
    }

"""What staff may do on the page of an order. GET shows a page that repeats the facts, POST does it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin import messages
from wagtail.admin.utils import get_user_display_name
from wagtail.admin.views.generic.base import BaseOperationView, WagtailAdminTemplateMixin
from wagtail.admin.views.generic.permissions import PermissionCheckedMixin

from wagtail_payparts.dashboard.moments import write_moment
from wagtail_payparts.dashboard.order_listing import status_kind
from wagtail_payparts.dashboard.permissions import VIEW_BUYER, order_policy
from wagtail_payparts.exceptions import AlreadyResolved, NotAllowed
from wagtail_payparts.forms import validate_unicode
from wagtail_payparts.models import Order, OrderStatus, Payment
from wagtail_payparts.resources import clean
from wagtail_payparts.services import orders
from wagtail_payparts.services.retention import BUYER_ERASED


LONGEST_NOTE = 5000

_NOT_PAID = {
    OrderStatus.ON_HOLD: gettext_lazy("The money is only held: it is not paid before the hold is confirmed."),
    OrderStatus.PARTIALLY_REFUNDED: gettext_lazy("The order was paid, and a part of the money went back to the buyer."),
    OrderStatus.REFUNDED: gettext_lazy("The order was paid, and all of the money went back to the buyer."),
}


def handing_over_warnings(order: Order, payments: Iterable[Payment]) -> list[str]:
    """What a person should know before the goods leave the shop; empty for an order that is simply paid."""
    warnings = []
    if order.status != OrderStatus.PAID:
        warnings.append(str(_NOT_PAID.get(OrderStatus(order.status), _("This order is not paid."))))
    if any(payment.attention for payment in payments):
        warnings.append(_("A payment of this order needs attention."))
    return warnings


def register_order_actions(actions: Any) -> None:
    """Tell Wagtail's log what our words in it mean."""
    actions.register_action(orders.HANDED_OVER, gettext_lazy("Hand over"), gettext_lazy("Handed over to the buyer"))
    actions.register_action(orders.TAKEN_BACK, gettext_lazy("Take back"), gettext_lazy("“Handed over” taken back"))
    erased = gettext_lazy("The buyer’s details were erased")
    actions.register_action(BUYER_ERASED, gettext_lazy("Erase a buyer"), erased)
    actions.register_action(orders.NOTE_WRITTEN, gettext_lazy("Staff note"), gettext_lazy("The staff note was changed"))


class OrderActionView(PermissionCheckedMixin, WagtailAdminTemplateMixin, BaseOperationView):
    """An action on one order, for those who may see orders and do this."""

    model = Order
    any_permission_required = ["view"]
    permission_required = "handover"
    permission_policy = order_policy
    success_url_name = "payparts_orders:inspect"
    header_icon = "payparts-order"
    template_name = "wagtail_payparts/admin/order_confirm.html"

    def get_page_subtitle(self) -> str:
        return str(self.object)

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        return [
            *self.breadcrumbs_items,
            {"url": reverse("payparts_orders:index"), "label": _("Orders")},
            {"url": reverse("payparts_orders:inspect", args=[self.object.pk]), "label": str(self.object)},
            {"url": "", "label": self.get_page_title()},
        ]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        page: HttpResponseBase = self.render_to_response(self.get_context_data())
        return page

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            self.perform_operation()
        except AlreadyResolved as refusal:
            messages.warning(request, refusal.user_message)
        except NotAllowed as refusal:
            messages.error(request, refusal.user_message)
            return redirect(request.path)
        else:
            self.add_success_message()
        return redirect(self.get_success_url())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        order: Order = self.object
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {
            "order": order,
            "buyer_erased_at": write_moment(order.erased_at),
            "status_kind": status_kind(order.status),
            "action_url": self.request.path,
            "order_url": reverse("payparts_orders:inspect", args=[order.pk]),
            "with_buyer": self.request.user.has_perm(VIEW_BUYER),
        }


class HandOverView(OrderActionView):
    page_title = gettext_lazy("Hand over the order")
    success_message = gettext_lazy("The order is marked as handed over.")

    def perform_operation(self) -> None:
        seen = self.request.POST.get("seen_status")
        orders.hand_over(self.object, by=self.request.user, seen_status=seen)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        order: Order = self.object
        return super().get_context_data(**kwargs) | {
            "warnings": handing_over_warnings(order, order.payments.only("buyer_order", "attention")),
            "question": _("Are the goods of this order now with the buyer?"),
            "submit_label": _("Yes, they are handed over"),
            "is_done": bool(order.handed_over_at),
            "done": _("This order has already been handed over."),
        }


class TakeBackView(OrderActionView):
    page_title = gettext_lazy("Take the mark back")
    success_message = gettext_lazy("The order is no longer marked as handed over.")

    def perform_operation(self) -> None:
        orders.take_back(self.object, by=self.request.user)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        order: Order = self.object
        return super().get_context_data(**kwargs) | {
            "handed_over_at": write_moment(order.handed_over_at),
            "handed_over_by": get_user_display_name(order.handed_over_by) if order.handed_over_by else "",
            "question": _("Are the goods of this order still, or again, in the shop? No money moves by this."),
            "submit_label": _("Yes, take the mark back"),
            "is_done": not order.handed_over_at,
            "done": _("This order is not marked as handed over."),
        }


class NoteForm(forms.Form):
    """``seen`` tells which text of the note stood on the page."""

    note = forms.CharField(
        label=gettext_lazy("Staff note"),
        required=False,
        max_length=LONGEST_NOTE,
        validators=[validate_unicode],
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("For those who work here; the buyer does not see it."),
    )
    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    @classmethod
    def for_order(cls, order: Order) -> NoteForm:
        return cls(initial={"note": order.staff_note, "seen": orders.note_version(order.staff_note)})


class NoteView(OrderActionView):
    """What was typed is kept where it cannot be saved: too long, or somebody else has changed the note meanwhile."""

    page_title = gettext_lazy("Staff note")
    success_message = gettext_lazy("The note is saved.")
    template_name = "wagtail_payparts/admin/order_note.html"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        form = NoteForm(request.POST)
        if not form.is_valid():
            return self._again(form)
        text = form.cleaned_data["note"]
        try:
            orders.write_note(self.object, text, seen=form.cleaned_data["seen"], by=request.user)
        except AlreadyResolved as refusal:
            self.object.refresh_from_db()
            # Whoever saves the page that shows the other text has read it.
            seen = orders.note_version(self.object.staff_note)
            return self._again(NoteForm(initial={"note": text, "seen": seen}), conflict=refusal.user_message)
        self.add_success_message()
        return redirect(self.get_success_url())

    def _again(self, form: NoteForm, conflict: str = "") -> HttpResponseBase:
        context = self.get_context_data(note_form=form, conflict=conflict)
        page: HttpResponseBase = self.render_to_response(context, status=409 if conflict else 200)
        return page

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        order: Order = self.object
        context = super().get_context_data(**kwargs) | {"note": clean(order.staff_note)}
        context.setdefault("note_form", NoteForm.for_order(order))
        return context

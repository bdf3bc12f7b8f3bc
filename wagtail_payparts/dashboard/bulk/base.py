"""What every bulk action on payments has in common: permission, selection, confirmation."""

from __future__ import annotations

from abc import abstractmethod
from decimal import Decimal
from typing import Any

from django.core.exceptions import PermissionDenied, TooManyFieldsSent
from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from wagtail import hooks
from wagtail.admin import messages
from wagtail.admin.views.bulk_action import BulkAction

from wagtail_payparts.dashboard.attention import explain
from wagtail_payparts.dashboard.bulk.selection import SHOWN, SelectionRefused, read_selection, too_many
from wagtail_payparts.dashboard.columns import state_kind
from wagtail_payparts.dashboard.permissions import payment_policy
from wagtail_payparts.models import Payment
from wagtail_payparts.resources import clean


#: A confirmation lists so many payments and counts the rest.
MAX_LISTED = 50


class PaymentBulkAction(BulkAction):
    """An action on chosen payments, for those who may see payments and have ``permission`` as well.

    Wagtail would let anybody act, take "all in listing" for every row there is, and act within one transaction for
    all: here the selection is read through the listing, and ``act`` runs outside a transaction.
    """

    models = [Payment]
    http_method_names = ["get", "head", "post", "options"]
    permission: str
    template_name = "wagtail_payparts/admin/bulk/confirm.html"
    next_url: str
    question: Any
    submit_label: Any
    missing = 0

    def __init__(self, request: HttpRequest, model: type[Payment]) -> None:
        self.has_too_many_fields = False
        try:
            super().__init__(request, model)
        except TooManyFieldsSent:
            # Django answers that with a bare page: say what it means here.
            request.GET = QueryDict()
            self.has_too_many_fields = True
            super().__init__(request, model)
        if self.next_url == request.path:
            self.next_url = reverse("payparts_payments:index")
        self.payments: list[Payment] = []

    @classmethod
    def is_allowed(cls, user: Any) -> bool:
        """Whether a person is offered the action, and may run it."""
        return all(payment_policy.user_has_permission(user, action) for action in ("view", cls.permission))

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not self.is_allowed(request.user):
            raise PermissionDenied
        try:
            if self.has_too_many_fields:
                raise SelectionRefused(too_many())
            return self.answer(request, *args, **kwargs)
        except SelectionRefused as refusal:
            for line in refusal.lines:
                messages.error(request, line)
            return redirect(self.next_url)

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        selection = read_selection(request)
        self.payments, self.missing = selection.payments, selection.missing
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    def get_actionable_objects(self) -> tuple[list[Payment], dict[str, list[Payment]]]:
        return self.payments, {"items_with_no_access": []}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        listed = self.payments[:MAX_LISTED]
        return context | {
            "question": self.question,
            "submit_label": self.submit_label,
            "rows": [_row(payment) for payment in listed],
            "count": len(self.payments),
            "left_out": len(self.payments) - len(listed),
            "missing": self.missing,
            "total": sum((payment.amount for payment in self.payments), Decimal(0)),
            "shown_name": SHOWN,
            "shown": " ".join(str(payment.pk) for payment in self.payments),
            "can_act": self.can_act(),
        }

    def can_act(self) -> bool:
        """Whether there is anything to confirm."""
        return True


class ConfirmedBulkAction(PaymentBulkAction):
    """Done when a person has confirmed it."""

    def form_valid(self, form: Any) -> HttpResponseBase:
        return (
            self._ask_hooks("before_bulk_action")
            or self.act(form)
            or self._ask_hooks("after_bulk_action")
            or redirect(self.next_url)
        )

    @abstractmethod
    def act(self, form: Any) -> HttpResponseBase | None:
        """Do it, and say what was done in messages."""

    def _ask_hooks(self, name: str) -> HttpResponseBase | None:
        """Wagtail's hooks around a bulk action, which may answer instead."""
        for hook in hooks.get_hooks(name):
            response = hook(self.request, self.action_type, self.payments, self)
            if isinstance(response, HttpResponseBase):
                return response
        return None


def _row(payment: Payment) -> dict[str, Any]:
    return {
        "payment": payment,
        "url": reverse("payparts_payments:inspect", args=[payment.pk]),
        "kind": state_kind(payment.state),
        "reference": clean(payment.reference),
        "attention": [clean(explain(code).label) for code in payment.attention_codes],
    }

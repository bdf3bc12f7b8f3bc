"""The pattern of what staff do to one payment: a page that says what will happen, and a button that does it.

To add an action: subclass ``PaymentAction``, say who may do it (``any_permission_required``), when it makes sense
(``is_sensible``), what will happen (``consequences``), and do it by a service (``do``), which checks the permission
again and raises ``NotAllowed`` with a message for people. Then list it in ``payment_actions.PAYMENT_ACTIONS``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin import messages
from wagtail.admin.views.generic.base import BaseOperationView, WagtailAdminTemplateMixin
from wagtail.admin.views.generic.permissions import PermissionCheckedMixin
from wagtail.admin.widgets.button import Button

from wagtail_payparts.dashboard.log import write_log
from wagtail_payparts.dashboard.permissions import VIEW_BUYER, payment_policy
from wagtail_payparts.exceptions import AlreadyResolved, NotAllowed
from wagtail_payparts.formats import format_hryvnias
from wagtail_payparts.models import Payment
from wagtail_payparts.resources import clean


NAMESPACE = "payparts_payments"


class NoteForm(forms.Form):
    """Why, in a person's own words."""

    note = forms.CharField(
        label=gettext_lazy("Note"),
        help_text=gettext_lazy("Others will read it in the payment’s history."),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def clean_note(self) -> str:
        note = clean(self.cleaned_data["note"]).strip()
        if not note:
            # Only of characters that nobody sees.
            raise ValidationError(_("Say why, in a few words: others will read it here."), code="required")
        return note


# Not in a transaction of the whole request: the bank is asked, and what was done stays done.
@method_decorator(transaction.non_atomic_requests, name="dispatch")
class StaffAction(ABC, PermissionCheckedMixin, WagtailAdminTemplateMixin, BaseOperationView):
    """GET says what will happen and changes nothing; POST does it, once, and goes back with a message.

    What has become senseless meanwhile (somebody was quicker) is told by a message, and nothing is done. What the
    service refuses for another reason is told above the form, which keeps what was written.
    """

    http_method_names = ["get", "post"]
    permission_policy = payment_policy
    permission_required = "view"
    #: One of these is needed beside ``view``.
    any_permission_required: list[str] = []
    template_name = "wagtail_payparts/admin/action.html"
    index_url_name = ""
    form_class: type[forms.Form] = forms.Form
    #: On the buttons that lead here and that do it.
    label: Any = ""
    icon_name = ""
    log_action = ""
    #: For what cannot be taken back.
    is_serious = False

    @classmethod
    def is_allowed(cls, user: Any) -> bool:
        """Whether a person may do this at all."""
        return all(
            payment_policy.user_has_any_permission(user, wanted)
            for wanted in ([cls.permission_required], cls.any_permission_required)
        )

    def get_form(self, data: Any = None) -> forms.Form:
        return self.form_class(data)

    @abstractmethod
    def facts(self) -> list[tuple[str, str]]:
        """What it is about: labels and values."""

    @abstractmethod
    def consequences(self) -> list[str]:
        """What exactly will happen, in sentences."""

    def why_not(self) -> str:
        """Why there is nothing to be done (any more), for people; empty where there is. On POST the service knows."""
        return ""

    @abstractmethod
    def do(self, data: dict[str, Any]) -> None:
        """Do it by a service, and say so by ``self.tell``. ``data`` is what the form holds."""

    def log_data(self, data: dict[str, Any]) -> dict[str, Any] | None:
        """What to write into Wagtail's log, or ``None`` for no entry."""
        return {}

    def tell(self, level: str, message: str) -> None:
        """``level`` is ``success``, ``warning`` or ``error``."""
        getattr(messages, level)(self.request, message)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if reason := self.why_not():
            return self._back_with(reason)
        return self._ask(self.get_form())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        form = self.get_form(request.POST)
        if not form.is_valid():
            return self._ask(form)
        try:
            self.do(form.cleaned_data)
        except AlreadyResolved as error:
            return self._back_with(error.user_message)
        except NotAllowed as error:
            form.add_error(None, error.user_message or _("This is not allowed."))
            return self._ask(form)
        data = self.log_data(form.cleaned_data)
        if data is not None:
            write_log(self.object, self.log_action, **data)
        return redirect(self.get_success_url())

    def _back_with(self, reason: str) -> HttpResponse:
        self.tell("warning", reason)
        return redirect(self.get_success_url())

    def _ask(self, form: forms.Form) -> HttpResponse:
        response: HttpResponse = self.render_to_response(self.get_context_data(form=form))
        return response

    def get_page_title(self) -> str:
        return str(self.label)

    def get_page_subtitle(self) -> str:
        return clean(str(self.object))

    def get_header_icon(self) -> str:
        return self.icon_name

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {
            "facts": self.facts(),
            "consequences": self.consequences(),
            "next": self.next_url,
            "back_url": self.get_success_url(),
        }


class PaymentAction(StaffAction):
    """An action at ``payparts/payments/<pk>/<name>/``."""

    model = Payment
    success_url_name = f"{NAMESPACE}:inspect"
    #: Of the address.
    name = ""
    #: What follows the name in the address.
    route = ""

    @classmethod
    def is_sensible(cls, payment: Payment) -> bool:
        """Whether the payment's page should offer it."""
        return True

    @classmethod
    def url(cls, payment: Payment, *arguments: str, back_to: str = "") -> str:
        address = reverse(f"{NAMESPACE}:{cls.name}", args=[payment.pk, *arguments])
        return f"{address}?{urlencode({'next': back_to})}" if back_to else address

    @classmethod
    def button(cls, payment: Payment, *arguments: str, back_to: str = "") -> Button:
        """What leads to the page that asks. It does nothing by itself."""
        return Button(
            str(cls.label),
            url=cls.url(payment, *arguments, back_to=back_to),
            icon_name=cls.icon_name,
            classname="button button-small button-secondary payparts-button",
        )

    @classmethod
    def pattern(cls, viewset: Any) -> URLPattern:
        pattern: URLPattern = path(f"<int:pk>/{cls.name}/{cls.route}", viewset.construct_view(cls), name=cls.name)
        return pattern

    def get_base_object_queryset(self) -> Any:
        return Payment.objects.select_related("buyer_order")

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        payment_url = reverse(self.success_url_name, args=[self.object.pk])
        return [
            *self.breadcrumbs_items,
            {"url": reverse(self.index_url_name), "label": _("Payments")},
            {"url": payment_url, "label": self.get_page_subtitle()},
            {"url": "", "label": self.get_page_title()},
        ]

    def facts(self) -> list[tuple[str, str]]:
        payment = self.object
        facts = [
            (_("Order id at the bank"), clean(payment.order_id)),
            (_("Amount"), format_hryvnias(payment.amount)),
            (_("State"), str(payment.get_state_display())),
        ]
        if payment.refunded_amount:
            facts.append((_("Refunded"), format_hryvnias(payment.refunded_amount)))
        if payment.reference:
            facts.append((_("Reference"), clean(payment.reference)))
        order = payment.buyer_order
        if order and self.request.user.has_perm(VIEW_BUYER):
            buyer = ", ".join(filter(None, [order.buyer_name, order.buyer_phone, order.buyer_email]))
            facts.append((_("Buyer"), clean(buyer) or "—"))
        if payment.is_test:
            facts.append((_("Test"), _("no real money is at stake")))
        return facts

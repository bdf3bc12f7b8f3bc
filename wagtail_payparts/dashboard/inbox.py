"""Needs attention: what waits for a person, the most money first, and callbacks for orders that nobody knows."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import F, Q, QuerySet
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.filters import WagtailFilterSet
from wagtail.admin.menu import MenuItem
from wagtail.admin.views.generic.base import BaseListingView
from wagtail.admin.views.generic.permissions import PermissionCheckedMixin
from wagtail.admin.viewsets.base import ViewSet

from wagtail_payparts.dashboard.actions import NAMESPACE, NoteForm, StaffAction
from wagtail_payparts.dashboard.attention import explain
from wagtail_payparts.dashboard.columns import state_kind
from wagtail_payparts.dashboard.log import RESOLVED
from wagtail_payparts.dashboard.moments import write_moment
from wagtail_payparts.dashboard.payment_actions import open_questions
from wagtail_payparts.dashboard.permissions import VIEW_BUYER, payment_policy
from wagtail_payparts.dashboard.texts import bank_text
from wagtail_payparts.models import AttentionCode, EventType, Payment, PaymentEvent, Verdict
from wagtail_payparts.resources import clean
from wagtail_payparts.services import desk


#: Nobody works through more; and counting them must not cost more than the page.
MOST_PAYMENTS = 1000
MOST_CALLBACKS = 100
#: What the inbox does not show and can be long.
NOT_SHOWN = ("bank_message", "lines", "metadata", "receipt", "response_url", "return_url")


def payments_waiting(code: str = "") -> QuerySet[Payment]:
    """Payments with something that a person has to decide, or with one ``code``."""
    # Not ``exclude(attention="")``: no index serves "is not".
    waiting = Payment.objects.filter(attention__gt="")
    if code:
        alone, first, last, between = code, f"{code} ", f" {code}", f" {code} "
        waiting = waiting.filter(
            Q(attention=alone)
            | Q(attention__startswith=first)
            | Q(attention__endswith=last)
            | Q(attention__contains=between)
        )
    return waiting


class InboxFilterSet(WagtailFilterSet):
    code = django_filters.ChoiceFilter(
        label=gettext_lazy("What needs attention"), method="having", choices=AttentionCode.choices
    )

    class Meta:
        model = Payment
        fields: list[str] = []

    def having(self, queryset: QuerySet[Payment], name: str, code: str) -> QuerySet[Payment]:
        return queryset.filter(pk__in=payments_waiting(code).values("pk"))


class InboxView(PermissionCheckedMixin, BaseListingView):
    model = Payment
    permission_policy = payment_policy
    any_permission_required = ["view"]
    page_title = gettext_lazy("Needs attention")
    header_icon = "warning"
    index_url_name = f"{NAMESPACE}:attention"
    index_results_url_name = f"{NAMESPACE}:attention_results"
    template_name = "wagtail_payparts/admin/inbox.html"
    results_template_name = "wagtail_payparts/admin/inbox_results.html"
    filterset_class = InboxFilterSet
    is_searchable = False
    paginate_by = 25
    columns: list[Any] = []

    @property
    def code(self) -> str:
        """The code that is asked for; empty for all."""
        return str(self.request.GET.get("code", ""))

    @cached_property
    def filter_errors(self) -> list[str]:
        return [
            f"{self.filters.form.fields[name].label}: {' '.join(e)}" for name, e in self.filters.form.errors.items()
        ]

    def get_queryset(self) -> QuerySet[Payment]:
        if self.filter_errors:
            return Payment.objects.none()
        at_risk = payments_waiting(self.code).annotate(at_risk=F("amount") - F("refunded_amount"))
        # Money of a test store is none.
        ordered = at_risk.select_related("buyer_order").defer(*NOT_SHOWN).order_by("is_test", "-at_risk", "pk")
        return ordered[:MOST_PAYMENTS]

    def get_context_data(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(*args, **kwargs)
        callbacks = self._callbacks()
        return context | {
            "entries": [self._entry(payment) for payment in context["object_list"]],
            "callbacks": callbacks[:MOST_CALLBACKS],
            "more_callbacks": len(callbacks) > MOST_CALLBACKS,
            "more_payments": context["items_count"] == MOST_PAYMENTS,
            "callback_advice": explain(AttentionCode.UNKNOWN_ORDER).advice,
        }

    @property
    def _here(self) -> str:
        """Where a person comes back to after deciding: never the fragment that a script has loaded."""
        query = self.request.GET.copy()
        query.pop("_w_filter_fragment", None)
        return f"{self.index_url}?{query.urlencode()}" if query else str(self.index_url)

    def _entry(self, payment: Any) -> dict[str, Any]:
        order = payment.buyer_order
        return {
            "payment": payment,
            "url": reverse(f"{NAMESPACE}:inspect", args=[payment.pk]),
            "kind": state_kind(payment.state),
            "at_risk": payment.remainder,
            "created": write_moment(payment.created_at),
            "numbers": list(
                dict.fromkeys(filter(None, [clean(payment.reference), clean(order.number) if order else ""]))
            ),
            "questions": open_questions(payment, self.request.user, back_to=self._here),
        }

    def _callbacks(self) -> list[dict[str, Any]]:
        if self.filter_errors or self.code not in {"", AttentionCode.UNKNOWN_ORDER}:
            return []
        may_dismiss = DismissCallback.is_allowed(self.request.user)
        return [
            {
                "event": event,
                "order_id": clean(event.order_id),
                "store_id": clean(event.store_id),
                "word": clean(event.get_state_display()),
                "at": write_moment(event.created_at),
                "url": DismissCallback.url(event) if may_dismiss else "",
            }
            for event in desk.unknown_callbacks().defer("payload", "message")[: MOST_CALLBACKS + 1]
        ]


class DismissCallback(StaffAction):
    """Put aside a callback for an order that we do not know."""

    model = PaymentEvent
    index_url_name = f"{NAMESPACE}:attention"
    any_permission_required = ["resolve"]
    form_class = NoteForm
    label = gettext_lazy("Put aside")
    icon_name = "check"
    log_action = RESOLVED

    @classmethod
    def url(cls, event: PaymentEvent) -> str:
        return reverse(f"{NAMESPACE}:dismiss_callback", args=[event.pk])

    def get_base_object_queryset(self) -> QuerySet[PaymentEvent]:
        return PaymentEvent.objects.filter(type=EventType.CALLBACK)

    def get_success_url(self) -> str:
        return str(self.next_url or reverse(f"{NAMESPACE}:attention"))

    def get_page_subtitle(self) -> str:
        return clean(self.object.order_id)

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        return [
            *self.breadcrumbs_items,
            {"url": reverse(f"{NAMESPACE}:attention"), "label": _("Needs attention")},
            {"url": "", "label": self.get_page_title(), "sublabel": self.get_page_subtitle()},
        ]

    def why_not(self) -> str:
        if self.object.verdict == Verdict.UNKNOWN_ORDER and self.object.payment_id is None:
            return ""
        return _("This callback is not waiting any more: it was put aside, or its payment has appeared.")

    def facts(self) -> list[tuple[str, str]]:
        event = self.object
        message = bank_text(event.message, event.state, with_buyer=self.request.user.has_perm(VIEW_BUYER))
        facts = [
            (_("Order id at the bank"), clean(event.order_id)),
            (_("Store id"), clean(event.store_id)),
            (_("What it says"), clean(event.get_state_display())),
            (_("Came"), write_moment(event.created_at)),
        ]
        if event.repeats:
            facts.append((_("Came again"), str(event.repeats)))
        return [*facts, (_("Its message"), message.short)] if message.short else facts

    def consequences(self) -> list[str]:
        return [
            _("The callback leaves “Needs attention”. It stays in the log, with your note."),
            _("If its payment appears later, the bank is asked about it as about any other."),
        ]

    def do(self, data: dict[str, Any]) -> None:
        desk.dismiss_callback(self.object, note=data["note"], by=self.request.user)
        self.tell("success", _("The callback is put aside."))

    def log_data(self, data: dict[str, Any]) -> dict[str, Any]:
        return {"code": AttentionCode.UNKNOWN_ORDER.value, "accepted": False}


def inbox_patterns(viewset: Any) -> list[URLPattern]:
    """For the viewset of payments."""
    return [
        path("attention/", InboxView.as_view(), name="attention"),
        path("attention/results/", InboxView.as_view(results_only=True), name="attention_results"),
        path("attention/callbacks/<int:pk>/dismiss/", DismissCallback.as_view(), name="dismiss_callback"),
    ]


class InboxMenuItem(MenuItem):
    def is_shown(self, request: Any) -> bool:
        return bool(payment_policy.user_has_permission(request.user, "view"))


class InboxViewSet(ViewSet):
    """Only an entry of the menu: the addresses are among those of payments."""

    name = "payparts_inbox"
    menu_name = "payparts-attention"
    menu_label = gettext_lazy("Needs attention")
    menu_icon = "warning"
    menu_item_class = InboxMenuItem

    @cached_property
    def menu_url(self) -> str:
        return reverse(f"{NAMESPACE}:attention")

"""The panel on Wagtail's home page: what waits for a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, DecimalField, F, QuerySet, Sum, Value
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import ngettext
from wagtail.admin.ui.components import Component

from wagtail_payparts.dashboard.overview.sections import listing_url
from wagtail_payparts.dashboard.permissions import payment_policy
from wagtail_payparts.formats import format_hryvnias
from wagtail_payparts.models import Payment
from wagtail_payparts.services.desk import unknown_callbacks
from wagtail_payparts.states import PaymentState


@dataclass(frozen=True)
class Waiting:
    """Something that waits: how many, how much money is in it, and where it is dealt with."""

    text: str
    url: str
    amount: str = ""


class WaitingPanel(Component):
    """Always there for those who see payments: that nothing waits is worth knowing, and takes one line."""

    name = "payparts_waiting"
    order = 200
    template_name = "wagtail_payparts/admin/home_panel.html"

    class Media:
        css = {"all": ["wagtail_payparts/css/admin.css", "wagtail_payparts/css/overview.css"]}

    def get_context_data(self, parent_context: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return {"waiting": what_waits(), "overview_url": reverse("payparts_overview:index")}


def add_panel(request: HttpRequest, panels: list[Any]) -> None:
    if payment_policy.user_has_permission(request.user, "view"):
        panels.append(WaitingPanel())


def what_waits() -> list[Waiting]:
    """What somebody has to decide, the most pressing first; empty when all is well. One query."""
    found = {kind: (count, amount) for kind, count, amount in _counted()}
    written: dict[str, Callable[[int, Decimal | None], Waiting]] = {
        "attention": _attention,
        "callbacks": _callbacks,
        "holds": _holds,
    }
    return [write(*found[kind]) for kind, write in written.items() if found[kind][0]]


def _attention(count: int, amount: Decimal | None) -> Waiting:
    text = ngettext("%(count)s payment needs attention", "%(count)s payments need attention", count)
    return Waiting(text % {"count": count}, attention_url(), _at_risk(amount))


def _callbacks(count: int, _amount: Decimal | None) -> Waiting:
    text = ngettext(
        "%(count)s callback of an order that is not known here",
        "%(count)s callbacks of orders that are not known here",
        count,
    )
    return Waiting(text % {"count": count}, attention_url())


def _holds(count: int, amount: Decimal | None) -> Waiting:
    text = ngettext("%(count)s hold to confirm or cancel", "%(count)s holds to confirm or cancel", count)
    return Waiting(text % {"count": count}, listing_url(state=PaymentState.LOCKED), _at_risk(amount))


def attention_url() -> str:
    """The inbox, or the listing of the same payments where there is no inbox."""
    try:
        return reverse("payparts_payments:attention")
    except NoReverseMatch:
        return listing_url(attention="needed")


def _counted() -> Any:
    """Kind, count and UAH of what waits, each found by an index."""
    real = Payment.objects.real()
    # Not exclude(attention=""): only what is "greater" is looked up in the index.
    attention = _summed(real.filter(attention__gt=""), "attention")
    holds = _summed(real.filter(state=PaymentState.LOCKED), "holds")
    callbacks = unknown_callbacks().order_by().values_list(Value("callbacks"))
    nothing = Value(None, output_field=DecimalField())
    # order_by(): Django 6.1 gives what is united the model's own order again, by a column that is not there.
    return attention.union(holds, callbacks.annotate(count=Count("pk"), money=nothing), all=True).order_by()


def _summed(payments: QuerySet[Payment], kind: str) -> Any:
    remainder = Sum(F("amount") - F("refunded_amount"))
    return payments.order_by().values_list(Value(kind)).annotate(count=Count("pk"), money=remainder)


def _at_risk(amount: Decimal | None) -> str:
    return format_hryvnias(amount) if amount else ""

"""Columns of the listings that Wagtail does not bring."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.forms import MediaDefiningClass
from django.utils.translation import gettext_lazy as _
from wagtail.admin.ui.tables import Column, TitleColumn

from wagtail_payparts import conf
from wagtail_payparts.dashboard.moments import write_moment
from wagtail_payparts.instalments import Schedule, schedule
from wagtail_payparts.models import Payment, RefundState
from wagtail_payparts.states import PaymentState


#: The kinds of tag; the words in a tag say it all, the colour only helps.
STATE_KINDS: dict[str, str] = {
    PaymentState.SUCCESS: "good",
    PaymentState.LOCKED: "held",
    PaymentState.FAIL: "bad",
    PaymentState.CANCELED: "over",
    PaymentState.EXPIRED: "over",
}
REFUND_KINDS: dict[str, str] = {
    RefundState.ACCEPTED: "good",
    RefundState.EXTERNAL: "good",
    RefundState.REJECTED: "bad",
    RefundState.UNCERTAIN: "alarm",
    RefundState.WITHDRAWN: "over",
}
WAITING = "waiting"


def state_kind(state: str) -> str:
    return STATE_KINDS.get(state, WAITING)


def refund_kind(state: str) -> str:
    return REFUND_KINDS.get(state, WAITING)


def instalments(payment: Payment) -> Schedule:
    """What the buyer pays each month, by today's tariff."""
    rates = conf.rates(payment.merchant_type)
    return schedule(payment.amount, max(payment.parts_count, 1), rates.buyer_monthly)


class Styled(metaclass=MediaDefiningClass):
    """Brings the stylesheet of our cells into a listing."""

    class Media:
        css = {"all": ["wagtail_payparts/css/admin.css", "wagtail_payparts/css/listing.css"]}


class IdentityColumn(Styled, TitleColumn):
    """The order id, which leads to the payment's page, and the shop's own number beneath it."""

    cell_template_name = "wagtail_payparts/admin/cells/identity.html"

    def get_title_id(self, instance: Any, parent_context: Any) -> str:
        """What the box for bulk actions in the same row is described by."""
        return f"{instance._meta.model_name}_{instance.pk}_title"


class StateColumn(Styled, Column):
    """State, and whether a person has to decide something, in words."""

    cell_template_name = "wagtail_payparts/admin/cells/state.html"

    def get_cell_context_data(self, instance: Any, parent_context: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_cell_context_data(instance, parent_context)
        context["label"] = instance.get_state_display()
        context["kind"] = state_kind(instance.state)
        context["needs_attention"] = bool(instance.attention)
        context["is_test"] = instance.is_test
        return context


class MoneyColumn(Styled, Column):
    """An amount of UAH, to the right."""

    cell_template_name = "wagtail_payparts/admin/cells/money.html"

    def __init__(self, name: str, **kwargs: Any) -> None:
        super().__init__(name, classname="payparts-number", **kwargs)


class InstalmentsColumn(Styled, Column):
    """``4 × 250,00 грн`` and the service beneath it."""

    cell_template_name = "wagtail_payparts/admin/cells/instalments.html"

    def get_cell_context_data(self, instance: Any, parent_context: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_cell_context_data(instance, parent_context)
        return context | {"monthly": instalments(instance).monthly}


class OriginColumn(Styled, Column):
    """What was sold, and on which page."""

    cell_template_name = "wagtail_payparts/admin/cells/origin.html"


class MomentsColumn(Styled, Column):
    """When it was made, and when it last changed (``changed`` names the attribute)."""

    cell_template_name = "wagtail_payparts/admin/cells/moments.html"

    def __init__(self, name: str, *, changed: str, **kwargs: Any) -> None:
        super().__init__(name, sort_key=name, **kwargs)
        self.changed = changed

    def get_cell_context_data(self, instance: Any, parent_context: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_cell_context_data(instance, parent_context)
        made, changed = write_moment(self.get_value(instance)), write_moment(getattr(instance, self.changed))
        # On the same day the hour is enough.
        day = made.rpartition(" ")[0] + " "
        return context | {"made": made, "changed": changed.removeprefix(day) if changed != made else ""}


class BuyerColumn(Styled, Column):
    """Only in listings of those who may see the buyer."""

    cell_template_name = "wagtail_payparts/admin/cells/buyer.html"


class PaymentBuyerColumn(Styled, Column):
    """Name and phone of the payment's order. Only for those who may see the buyer."""

    cell_template_name = "wagtail_payparts/admin/cells/payment_buyer.html"


def payment_columns(*, with_buyer: bool, get_url: Callable[[Payment], str]) -> list[Column]:
    columns = [
        IdentityColumn("order_id", label=_("Order id"), get_url=get_url, get_title_id=title_id),
        StateColumn("state", label=_("State")),
        MoneyColumn("amount", label=_("Amount"), sort_key="amount"),
        InstalmentsColumn("parts_count", label=_("Instalments")),
        OriginColumn("offer_title", label=_("Offer and page")),
        MomentsColumn("created_at", changed="state_changed_at", label=_("Created and changed")),
    ]
    if with_buyer:
        columns.insert(4, PaymentBuyerColumn("buyer_order", label=_("Buyer")))
    return columns


def title_id(payment: Payment) -> str:
    """Of the element that names the payment; what a checkbox of the row refers to."""
    return f"payment_{payment.pk}_title"

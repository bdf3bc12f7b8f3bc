"""The columns of an export of refunds."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Case, DecimalField, F, Value, When
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy
from import_export.fields import Field

from wagtail_payparts.models import RefundState
from wagtail_payparts.models.refunds import DONE
from wagtail_payparts.resources.fields import ComputedField, ExportResource
from wagtail_payparts.resources.widgets import AsIs, SiteMoment, UtcMoment, Words, YesNo


NOTHING = Decimal("0.00")


class RefundResource(ExportResource):
    """One row for each refund, whatever became of it; amounts are ``Decimal``, in UAH.

    The buyer, and what the bank said (which may name the buyer), are for those who may see who it is.
    """

    left_out_of_totals = "payment__is_test"
    sheet_title = _("Refunds")
    buyer_columns: tuple[str, ...] = ("buyer_name", "buyer_phone", "buyer_email")
    for_those_who_see_buyers = (*buyer_columns, "bank_message")
    column_groups: tuple[tuple[Any, tuple[str, ...]], ...] = (
        (_("Refund"), ("state", "amount", "gone_back", "reason", "requested_by", "bank_message")),
        (_("Payment"), ("order_id", "reference", "order_number", "store", "is_test")),
        (_("Dates"), ("created", "created_utc", "changed", "changed_utc")),
        (pgettext_lazy("a person", "Buyer"), buyer_columns),
    )
    presets: Mapping[str, tuple[Any, tuple[str, ...]]] = {
        "accountant": (
            _("For the accountant"),
            (
                *("order_id", "reference", "order_number", "created", "changed", "state", "amount", "gone_back"),
                *("reason", "requested_by", "is_test"),
            ),
        )
    }

    order_id = Field("payment__order_id", _("Order id at the bank"), AsIs())
    reference = Field("payment__reference", _("Reference"), AsIs())
    order_number = Field("payment__buyer_order__number", pgettext_lazy("a purchase", "Order"), AsIs())
    state = Field("state", _("State"), Words(dict(RefundState.choices)))
    amount = Field("amount", _("Amount, UAH"), AsIs())
    gone_back = ComputedField(
        lambda refund: refund.amount if refund.state in DONE else NOTHING,
        _("Went back to the buyer, UAH"),
        AsIs(),
        expression=Case(
            When(state__in=sorted(DONE), then=F("amount")),
            default=Value(NOTHING),
            output_field=DecimalField(max_digits=12, decimal_places=2),
        ),
    )
    reason = Field("reason", _("Reason"), AsIs())
    requested_by = Field("requested_by__username", _("Requested by"), AsIs())
    bank_message = Field("bank_message", _("The bank’s message"), AsIs())
    buyer_name = Field("payment__buyer_order__buyer_name", _("Buyer"), AsIs())
    buyer_phone = Field("payment__buyer_order__buyer_phone", _("Phone"), AsIs())
    buyer_email = Field("payment__buyer_order__buyer_email", _("E-mail"), AsIs())
    created = Field("created_at", _("Created"), SiteMoment())
    created_utc = Field("created_at", _("Created, UTC"), UtcMoment())
    changed = Field("state_changed_at", _("Changed"), SiteMoment())
    changed_utc = Field("state_changed_at", _("Changed, UTC"), UtcMoment())
    store = Field("payment__store", _("Store"), AsIs())
    is_test = Field("payment__is_test", _("Test"), YesNo())

    def __init__(self, *, with_buyer: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # A project's own user model may call it otherwise.
        self.fields["requested_by"].attribute = f"requested_by__{get_user_model().USERNAME_FIELD}"
        if not with_buyer:
            for name in self.for_those_who_see_buyers:
                del self.fields[name]

    def total_label(self, count: int, *, is_all: bool) -> str:
        if is_all:
            label = ngettext(
                "Total: %(count)s refund, whatever its state", "Total: %(count)s refunds, whatever their state", count
            )
        else:
            label = ngettext(
                "Total without test payments: %(count)s refund, whatever its state",
                "Total without test payments: %(count)s refunds, whatever their state",
                count,
            )
        return label % {"count": count}

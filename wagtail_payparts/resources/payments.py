"""The columns of an export of payments. A project brings its own by ``PAYPARTS_EXPORT_RESOURCE``."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db.models import Case, DecimalField, F, Value, When
from django.db.models.expressions import Combinable
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from import_export.fields import Field

from wagtail_payparts.models import AttentionCode, MerchantType, Payment
from wagtail_payparts.resources.fields import ComputedField, ExportResource
from wagtail_payparts.resources.widgets import AsIs, Lines, SiteMoment, UtcMoment, Words, YesNo
from wagtail_payparts.states import PaymentState


NOTHING = Decimal("0.00")


def _where_paid(expression: Combinable) -> Combinable:
    """``expression`` of what is paid, and nothing of the rest."""
    return Case(
        When(state=PaymentState.SUCCESS, then=expression),
        default=Value(NOTHING),
        output_field=DecimalField(max_digits=12, decimal_places=2),
    )


def _fee(payment: Payment) -> Decimal:
    return payment.fee if payment.is_paid else NOTHING


class PaymentResource(ExportResource):
    """One row for each payment; amounts are ``Decimal``, in UAH.

    A subclass adds, changes and removes columns as django-import-export documents it. It is made with
    ``with_buyer=True`` for those who may see the buyer's details (permission ``viewbuyer``); for all others the
    columns named in ``buyer_columns`` are left out. Rows are streamed, so ``before_export`` and ``filter_export``
    are called and ``after_export``, which is about a whole dataset, is not.

    It is fast where a column is a field of the model (also through foreign keys) with a widget of
    ``wagtail_payparts.resources``, or a ``ComputedField``; other widgets cost a call for each cell, and a column with
    a ``dehydrate_`` method or an attribute that is no field costs an instance for each row.
    """

    left_out_of_totals = "is_test"
    buyer_columns: tuple[str, ...] = ("buyer_name", "buyer_phone", "buyer_email")
    #: In which groups people choose columns; those of a subclass that are in none come last.
    column_groups: tuple[tuple[Any, tuple[str, ...]], ...] = (
        (
            _("Payment"),
            ("order_id", "reference", "order_number", "state", "attention", "bank_state", "store", "is_test"),
        ),
        (_("Money"), ("amount", "refunded_amount", "net_amount", "fee", "left_amount", "parts_count", "merchant_type")),
        (_("Dates"), ("created", "created_utc", "changed", "changed_utc")),
        (_("What was sold"), ("lines", "offer_title", "page_title", "page_url")),
        (pgettext_lazy("a person", "Buyer"), buyer_columns),
    )
    #: Ready choices of columns, by name; "all" is always there.
    presets: Mapping[str, tuple[Any, tuple[str, ...]]] = {
        "accountant": (
            _("For the accountant"),
            (
                "order_id",
                "reference",
                "order_number",
                "created",
                "changed",
                "state",
                "amount",
                "refunded_amount",
                "net_amount",
                "fee",
                "left_amount",
                "merchant_type",
                "parts_count",
                "is_test",
            ),
        )
    }

    order_id = Field("order_id", _("Order id at the bank"), AsIs())
    reference = Field("reference", _("Reference"), AsIs())
    order_number = Field("buyer_order__number", pgettext_lazy("a purchase", "Order"), AsIs())
    state = Field("state", _("State"), Words(dict(PaymentState.choices)))
    attention = Field("attention", _("Needs attention"), Words(dict(AttentionCode.choices)))
    amount = Field("amount", _("Amount, UAH"), AsIs())
    refunded_amount = Field("refunded_amount", _("Refunded, UAH"), AsIs())
    net_amount = ComputedField(
        lambda payment: payment.net_amount,
        _("Paid less refunds, UAH"),
        AsIs(),
        expression=_where_paid(F("amount") - F("refunded_amount")),
    )
    # By its tariff; what is not paid costs nothing.
    fee = ComputedField(_fee, _("Fee of the shop, UAH"), AsIs(), expression=_where_paid(F("fee")))
    left_amount = ComputedField(
        lambda payment: payment.net_amount - _fee(payment),
        _("Left after the fee, UAH"),
        AsIs(),
        expression=_where_paid(F("amount") - F("refunded_amount") - F("fee")),
    )
    parts_count = Field("parts_count", _("Number of parts"), AsIs())
    merchant_type = Field("merchant_type", _("Service"), Words(dict(MerchantType.choices)))
    lines = Field("lines", _("What was sold"), Lines())
    offer_title = Field("offer_title", _("Offer"), AsIs())
    page_title = Field("page_title", _("Page"), AsIs())
    page_url = Field("page_url", _("Page address"), AsIs())
    buyer_name = Field("buyer_order__buyer_name", _("Buyer"), AsIs())
    buyer_phone = Field("buyer_order__buyer_phone", _("Phone"), AsIs())
    buyer_email = Field("buyer_order__buyer_email", _("E-mail"), AsIs())
    created = Field("created_at", _("Created"), SiteMoment())
    created_utc = Field("created_at", _("Created, UTC"), UtcMoment())
    changed = Field("state_changed_at", _("Changed"), SiteMoment())
    changed_utc = Field("state_changed_at", _("Changed, UTC"), UtcMoment())
    bank_state = Field("bank_state", _("The bank's last word"), AsIs())
    store = Field("store", _("Store"), AsIs())
    is_test = Field("is_test", _("Test"), YesNo())

    def __init__(self, *, with_buyer: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not with_buyer:
            for name in self.buyer_columns:
                self.fields.pop(name, None)

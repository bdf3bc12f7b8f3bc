"""The ledger: a payment (one attempt to pay, one order id at the bank) and what must always be true of it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from wagtail_payparts import conf
from wagtail_payparts.bank import PayPartsClient
from wagtail_payparts.models.fields import ExactCharField
from wagtail_payparts.states import DECIDED, OPEN, PaymentState


if TYPE_CHECKING:
    from wagtail_payparts.models.events import PaymentEvent


class MerchantType(models.TextChoices):
    """The bank's services (payparts-api, dispute j). PB and IA are no longer in its newer documents."""

    II = "II", _("Instant instalment")
    PP = "PP", _("Pay in parts")
    PB = "PB", _("Pay in parts, money by instalments")
    IA = "IA", _("Instant instalment, promotional")


class AttentionCode(models.TextChoices):
    """What a person has to decide."""

    UNKNOWN_STATE = "unknown_state", _("The bank used a word that we do not know")
    UNKNOWN_ORDER = "unknown_order", _("The bank spoke of an order that we do not know")
    LATE_SUCCESS = "late_success", _("Paid after it had ended")
    LATE_LOCK = "late_lock", _("Put on hold after it had ended")
    NEGATIVE_AFTER_SUCCESS = "negative_after_success", _("Cancelled or refused after it was paid")
    AMOUNT_MISMATCH = "amount_mismatch", _("The bank names another amount")
    DOUBLE_PAYMENT = "double_payment", _("The order was paid twice")
    CLAIM_OVERDUE = "claim_overdue", _("The bank does not confirm its own callback")
    CLAIM_CONTRADICTED = "claim_contradicted", _("The bank contradicts a callback signed with its password")
    UNEXPECTED_HOLD = "unexpected_hold", _("On hold, though no hold was asked for")
    HOLD_EXPIRING = "hold_expiring", _("A hold is about to end")
    ACTION_STUCK = "action_stuck", _("An action at the bank did not come to an end")
    REFUND_UNCERTAIN = "refund_uncertain", _("A refund whose outcome is unknown")
    EXTERNAL_REFUND = "external_refund", _("A refund that was not made here")
    DELIVERY_FAILING = "delivery_failing", _("A receiver of signals keeps failing")


class Action(models.TextChoices):
    """What the bank was told to do and has not yet been seen to have done."""

    CONFIRM = "confirm", _("Confirming the hold")
    CANCEL = "cancel", _("Cancelling the hold")
    REFUND = "refund", _("Refunding")


class PaymentQuerySet(models.QuerySet["Payment"]):
    def real(self) -> PaymentQuerySet:
        """Without payments of a test store or of the simulator."""
        return self.filter(is_test=False)

    def waiting_for_a_person(self) -> PaymentQuerySet:
        return self.filter(attention__gt="")


class Payment(models.Model):
    """One attempt to pay, one ``orderId`` at the bank. Its state is written by ``services.observations`` alone.

    Amounts are UAH with two places; datetimes are aware.
    """

    # db_index and not Meta.indexes: on PostgreSQL Django adds the index that a search by the beginning needs.
    order_id = ExactCharField(
        _("order id at the bank"),
        max_length=64,
        db_index=True,
        help_text=_("Unique within the store; sent to the bank."),
    )
    store = models.CharField(_("store"), max_length=50, default=conf.DEFAULT_STORE)
    is_test = models.BooleanField(_("test"), default=False)
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2)
    parts_count = models.PositiveSmallIntegerField(_("number of parts"))
    merchant_type = models.CharField(_("service"), max_length=2, choices=MerchantType.choices, default=MerchantType.II)
    hold = models.BooleanField(_("two-stage"), default=False)
    lines = models.JSONField(_("lines"), default=list)
    response_url = models.TextField(_("callback address"), blank=True)
    return_url = models.TextField(_("return address"), blank=True)
    token = models.CharField(_("token"), max_length=255, blank=True)

    state = models.CharField(_("state"), max_length=20, choices=PaymentState.choices, default=PaymentState.NEW)
    state_changed_at = models.DateTimeField(_("changed"), auto_now_add=True)
    furthest_state = models.CharField(
        _("furthest state"), max_length=20, choices=PaymentState.choices, default=PaymentState.NEW, editable=False
    )
    was_negative = models.BooleanField(_("has been cancelled, refused or expired"), default=False)
    bank_state = models.CharField(_("the bank's last word"), max_length=64, blank=True)
    bank_message = models.TextField(_("the bank's message"), blank=True)

    claim_state = models.CharField(_("claimed by a callback"), max_length=32, blank=True)
    claim_at = models.DateTimeField(_("claimed at"), null=True, blank=True)
    claim_event = models.ForeignKey(
        "wagtail_payparts.PaymentEvent",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("callback that claims it"),
    )

    rung_at = models.DateTimeField(_("last callback"), null=True, blank=True, editable=False)
    next_poll_at = models.DateTimeField(_("next question to the bank"), null=True, blank=True)
    poll_leased_until = models.DateTimeField(null=True, blank=True, editable=False)
    poll_count = models.PositiveIntegerField(_("answers of the bank"), default=0)
    poll_failures = models.PositiveIntegerField(_("failed questions in a row"), default=0)
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)
    settled_by = models.CharField(_("settled by"), max_length=20, blank=True, editable=False)
    settles = ExactCharField(_("settles"), max_length=190, null=True, blank=True, unique=True, editable=False)
    pending_action = models.CharField(_("action under way"), max_length=20, choices=Action.choices, blank=True)
    pending_since = models.DateTimeField(_("under way since"), null=True, blank=True, editable=False)
    attention = models.CharField(_("needs attention"), max_length=255, blank=True)

    refunded_amount = models.DecimalField(_("refunded"), max_digits=12, decimal_places=2, default=Decimal("0.00"))
    fee = models.DecimalField(_("fee of the shop"), max_digits=12, decimal_places=2, default=Decimal("0.00"))

    reference = ExactCharField(
        _("reference"), max_length=100, blank=True, db_index=True, help_text=_("The shop's own order number.")
    )
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)
    idempotency_key = ExactCharField(_("idempotency key"), max_length=100, null=True, blank=True, unique=True)

    # Django would name this column order_id if the link were called "order".
    buyer_order = models.ForeignKey(
        "wagtail_payparts.Order",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="payments",
        verbose_name=_("order"),
    )
    offer = models.ForeignKey(
        "wagtail_payparts.Offer",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="payments",
        verbose_name=_("offer"),
    )
    offer_title = models.CharField(_("offer"), max_length=255, blank=True)
    site = models.ForeignKey(
        "wagtailcore.Site",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        db_index=False,  # the listing's index begins with it
        related_name="+",
        verbose_name=_("site"),
    )
    page_id = models.PositiveIntegerField(_("page id"), null=True, blank=True)
    page_title = models.CharField(_("page"), max_length=255, blank=True)
    page_url = models.TextField(_("page address"), blank=True)
    receipt = models.JSONField(_("receipt details"), default=dict, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    next_delivery_at = models.DateTimeField(_("signals due"), null=True, blank=True)
    delivery_leased_until = models.DateTimeField(null=True, blank=True, editable=False)
    lock_version = models.PositiveIntegerField(default=0, editable=False)

    # Since when it may hold what names its buyer; empty once that is erased, until somebody works on it again.
    texts_since = models.DateTimeField(null=True, blank=True, default=timezone.now, editable=False)
    erased_at = models.DateTimeField(_("the bank's messages erased"), null=True, blank=True)

    objects = PaymentQuerySet.as_manager()

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        ordering = ["-created_at", "-pk"]
        default_permissions = ("view",)
        permissions = [
            ("viewbuyer_payment", _("Can see the buyer's details")),
            ("export_payment", _("Can export")),
            ("ask_payment", _("Can ask the bank")),
            ("hold_payment", _("Can confirm and cancel holds")),
            ("refund_payment", _("Can refund")),
            ("resolve_payment", _("Can resolve what needs attention")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["store", "order_id"], name="payparts_payment_order_id"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payparts_payment_amount"),
            models.CheckConstraint(
                condition=Q(refunded_amount__gte=0, refunded_amount__lte=F("amount")),
                name="payparts_payment_refunded",
            ),
            models.CheckConstraint(condition=Q(state__in=PaymentState.values), name="payparts_payment_state"),
            models.CheckConstraint(
                condition=Q(claim_state="") | Q(next_poll_at__isnull=False),
                name="payparts_payment_claim_polled",
            ),
        ]
        indexes = [
            # The listing: newest first, whole or by one filter; with the id in it a count never leaves the index.
            models.Index(fields=["-created_at", "-id"], name="payparts_payment_created"),
            models.Index(fields=["state", "-created_at", "-id"], name="payparts_payment_by_state"),
            models.Index(fields=["merchant_type", "-created_at", "-id"], name="payparts_payment_service"),
            models.Index(fields=["store", "-created_at", "-id"], name="payparts_payment_by_store"),
            models.Index(fields=["site", "-created_at", "-id"], name="payparts_payment_by_site"),
            models.Index(fields=["parts_count", "-created_at", "-id"], name="payparts_payment_by_parts"),
            models.Index(fields=["attention", "-created_at", "-id"], name="payparts_payment_attention"),
            models.Index(fields=["is_test", "-created_at", "-id"], name="payparts_payment_test"),
            models.Index(fields=["refunded_amount", "-id"], name="payparts_payment_refunds"),
            models.Index(fields=["amount", "id"], name="payparts_payment_by_amount"),
            # The callbacks' health, the poller, the deliveries and the purge.
            models.Index(fields=["settled_at", "settled_by"], name="payparts_payment_settled"),
            models.Index(fields=["next_poll_at"], name="payparts_payment_poll"),
            models.Index(fields=["next_delivery_at"], name="payparts_payment_deliver"),
            models.Index(fields=["texts_since", "id"], name="payparts_payment_texts"),
        ]

    def __str__(self) -> str:
        return str(self.order_id)

    @property
    def payment_state(self) -> PaymentState:
        return PaymentState(self.state)

    @property
    def hold_ends_at(self) -> datetime | None:
        """When the bank lets the held money go, by the store's settings; ``None`` where nothing is held."""
        duration = conf.hold_for(self.store)
        return self.state_changed_at + duration if self.state == PaymentState.LOCKED and duration else None

    @property
    def remainder(self) -> Decimal:
        """What could still be given back, in UAH."""
        return self.amount - self.refunded_amount

    @property
    def is_paid(self) -> bool:
        return self.state == PaymentState.SUCCESS

    @property
    def is_open(self) -> bool:
        """The buyer may still pay."""
        return self.payment_state in OPEN

    @property
    def is_decided(self) -> bool:
        return self.payment_state in DECIDED

    @property
    def net_amount(self) -> Decimal:
        """What is paid and was not refunded, in UAH."""
        return self.remainder if self.is_paid else Decimal("0.00")

    @property
    def redirect_url(self) -> str:
        """Where the buyer's browser goes to pay (payparts-api §2.4); empty while there is no token."""
        return PayPartsClient(conf.read_store(self.store)).redirect_url(self.token) if self.token else ""

    @property
    def attention_codes(self) -> list[str]:
        return self.attention.split()

    def events_in_order(self) -> models.QuerySet[PaymentEvent]:
        """All that ever happened to it, oldest first."""
        return self.events.order_by("pk")

    def lines_with_totals(self) -> list[dict[str, Any]]:
        """``name``, ``count``, ``price`` and ``total`` (Decimal, UAH) of each line, as sent to the bank."""
        return lines_with_totals(self.lines)


def lines_with_totals(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Stored lines with prices as ``Decimal`` (UAH) and their totals."""
    return [
        {
            "name": line["name"],
            "count": line["count"],
            "price": Decimal(line["price"]),
            "total": Decimal(line["price"]) * line["count"],
        }
        for line in lines
    ]

"""What happened to payments, and the signals that are owed for it.

Events are never deleted and never rewritten, with one exception: ``services.retention``.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from wagtail_payparts.models.fields import ExactCharField
from wagtail_payparts.models.payments import Payment
from wagtail_payparts.states import PaymentState


class EventType(models.TextChoices):
    """The first two are the old package's log types."""

    PAYMENT_CREATE = "payment_create", _("Creation of payment")
    CALLBACK = "callback", _("Payment callback")
    POLL = "poll", _("Question to the bank")
    EXPIRY = "expiry", _("Expiry")
    ATTENTION = "attention", _("Needs attention")
    ACTION = "action", _("Action at the bank")
    REFUND = "refund", _("Refund")
    RESOLVED = "resolved", _("Decided by staff")
    REDELIVERY = "redelivery", _("Signals are delivered again")
    REOPENED = "reopened", _("Tried again")
    NOTE = "note", _("Note")


class Verdict(models.TextChoices):
    """What became of an event."""

    RECEIVED = "received", _("Received, the bank is to be asked")
    APPLIED = "applied", _("Applied")
    DUPLICATE = "duplicate", _("Nothing new")
    STALE = "stale", _("Out of date")
    CONFLICT = "conflict", _("Contradiction")
    UNKNOWN_STATE = "unknown_state", _("Unknown word")
    UNKNOWN_ORDER = "unknown_order", _("Unknown order")
    REJECTED = "rejected", _("Rejected")
    REFUSED = "refused", _("Refused by the bank")
    UNREACHABLE = "unreachable", _("No answer")
    BAD_ANSWER = "bad_answer", _("Unbelievable answer")
    MISMATCH = "mismatch", _("Another amount")
    ACCEPTED = "accepted", _("Accepted")
    DISMISSED = "dismissed", _("Dismissed")


class Source(models.TextChoices):
    CHECKOUT = "checkout", _("Checkout")
    CALLBACK = "callback", _("Callback")
    POLL = "poll", _("Poll")
    STAFF = "staff", _("Staff")


class PaymentEvent(models.Model):
    """Anything that happened to a payment: our request, a callback, a poll, a staff action.

    Written once: afterwards only the verdict changes, the count of repeats, and what is known of its announcement.
    The one exception is ``services.retention``: after a while it takes away what the bank wrote in ``message`` and
    ``payload``, and deletes callbacks that were rejected. ``payload`` is redacted from the start.
    """

    payment = models.ForeignKey(
        Payment,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="events",
        verbose_name=_("payment"),
    )
    type = models.CharField(_("Log type"), max_length=20, choices=EventType.choices, blank=True)
    state = models.CharField(_("State"), max_length=64, blank=True)
    message = models.TextField(_("Message"), blank=True)
    store_id = models.CharField(_("Store id"), max_length=64, blank=True)
    order_id = ExactCharField(_("Order id"), max_length=64, blank=True)
    token = models.CharField(_("Token"), max_length=255, blank=True)
    verdict = models.CharField(_("verdict"), max_length=20, choices=Verdict.choices, blank=True)
    source = models.CharField(_("source"), max_length=20, choices=Source.choices, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("user"),
    )
    payload = models.JSONField(_("payload"), default=dict, blank=True)
    http_status = models.PositiveSmallIntegerField(_("HTTP status"), null=True, blank=True)
    trace_id = models.CharField(_("trace id"), max_length=128, blank=True)
    duration_ms = models.PositiveIntegerField(_("duration, ms"), null=True, blank=True)
    repeats = models.PositiveIntegerField(_("repeated"), default=0)
    announced_at = models.DateTimeField(_("announced"), null=True, blank=True)
    announcing_until = models.DateTimeField(null=True, blank=True, editable=False)
    fingerprint = models.CharField(max_length=64, null=True, blank=True, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("Log")
        verbose_name_plural = _("Logs")
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["payment", "id"], name="payparts_event_payment"),
            models.Index(fields=["verdict", "created_at"], name="payparts_event_verdict"),
            models.Index(fields=["type", "announced_at"], name="payparts_event_announced"),
            models.Index(fields=["store_id", "type", "-id"], name="payparts_event_store"),
            models.Index(fields=["order_id"], name="payparts_event_order_id"),
        ]

    def __str__(self) -> str:
        if self.order_id and self.state:
            return f"{self.order_id}: {self.get_state_display()}"
        return str(self.pk)

    def get_state_display(self) -> str:
        """The state in words, or the bank's own word where we do not know it."""
        return str(dict(PaymentState.choices).get(self.state, self.state))

    @property
    def is_success(self) -> bool:
        return self.state == PaymentState.SUCCESS

    @property
    def is_fail(self) -> bool:
        return self.state == PaymentState.FAIL

    @property
    def is_canceled(self) -> bool:
        return self.state == PaymentState.CANCELED


class SignalDelivery(models.Model):
    """A signal that is owed to receivers, written in the same transaction as the state that it announces."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="deliveries")
    event = models.ForeignKey(PaymentEvent, on_delete=models.PROTECT, related_name="deliveries")
    signal = models.CharField(_("signal"), max_length=40)
    arguments = models.JSONField(_("arguments"), default=dict)
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("signal delivery")
        verbose_name_plural = _("signal deliveries")
        default_permissions = ("view",)
        indexes = [models.Index(fields=["payment", "done_at", "id"], name="payparts_delivery_open")]

    def __str__(self) -> str:
        return f"{self.signal} #{self.pk}"


class ReceiverResult(models.Model):
    """What one receiver did with one signal."""

    delivery = models.ForeignKey(SignalDelivery, on_delete=models.CASCADE, related_name="results")
    receiver = models.CharField(_("receiver"), max_length=191)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    last_error = models.TextField(_("last error"), blank=True)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    delivered_at = models.DateTimeField(_("delivered"), null=True, blank=True)
    given_up_at = models.DateTimeField(_("given up"), null=True, blank=True)

    class Meta:
        verbose_name = _("result of a receiver")
        verbose_name_plural = _("results of receivers")
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["delivery", "receiver"], name="payparts_result_receiver"),
        ]
        indexes = [models.Index(fields=["delivered_at", "-id"], name="payparts_result_open")]

    def __str__(self) -> str:
        return self.receiver

    @property
    def is_over(self) -> bool:
        return self.delivered_at is not None or self.given_up_at is not None


class Heartbeat(models.Model):
    """When a background process was last seen at work."""

    name = models.CharField(_("name"), max_length=40, primary_key=True)
    beat_at = models.DateTimeField(_("last seen"))

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")
        default_permissions = ()

    def __str__(self) -> str:
        return self.name

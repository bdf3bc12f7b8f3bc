"""Money that went back: a row for each refund, since the bank's state does not tell (payparts-api, dispute f)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from wagtail_payparts.models.payments import Payment


class RefundState(models.TextChoices):
    REQUESTED = "requested", _("Requested")
    SENT = "sent", _("Sent to the bank")
    ACCEPTED = "accepted", _("Accepted")
    REJECTED = "rejected", _("Rejected")
    UNCERTAIN = "uncertain", _("Outcome unknown")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    EXTERNAL = "external", _("Made elsewhere")


#: Money that has gone, may have gone, or is about to go.
LIVE = frozenset(RefundState) - {RefundState.REJECTED, RefundState.WITHDRAWN}
#: Money that has gone.
DONE = frozenset({RefundState.ACCEPTED, RefundState.EXTERNAL})
#: Not known yet: no further refund may begin.
UNSETTLED = LIVE - DONE


class Refund(models.Model):
    """One refund. ``amount`` in UAH."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds", verbose_name=_("payment"))
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2)
    reason = models.TextField(_("reason"), blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("requested by"),
    )
    state = models.CharField(_("state"), max_length=20, choices=RefundState.choices, default=RefundState.REQUESTED)
    bank_message = models.TextField(_("the bank's message"), blank=True)
    state_changed_at = models.DateTimeField(_("changed"), auto_now_add=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        default_permissions = ("view",)
        indexes = [
            # Those that a process has left behind.
            models.Index(fields=["state", "state_changed_at"], name="payparts_refund_by_state"),
            # The listing: newest first, whole or by state; by amount.
            models.Index(fields=["-created_at", "-id"], name="payparts_refund_created"),
            models.Index(fields=["state", "-created_at", "-id"], name="payparts_refund_listed"),
            models.Index(fields=["amount", "id"], name="payparts_refund_by_amount"),
        ]
        constraints = [models.CheckConstraint(condition=models.Q(amount__gt=0), name="payparts_refund_amount")]

    def __str__(self) -> str:
        return f"{self.payment}: {self.amount}"

"""Our own order: what one buyer wants, with the details that the offer asks for. A shop may keep its own instead."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from wagtail_payparts.models.fields import ExactCharField
from wagtail_payparts.models.payments import lines_with_totals


class OrderStatus(models.TextChoices):
    NEW = "new", pgettext_lazy("an order", "New")
    AWAITING_PAYMENT = "awaiting_payment", _("Awaiting payment")
    ON_HOLD = "on_hold", _("On hold")
    PAID = "paid", _("Paid")
    CANCELED = "canceled", _("Cancelled")
    PARTIALLY_REFUNDED = "partially_refunded", _("Partially refunded")
    REFUNDED = "refunded", _("Refunded")


class Order(models.Model):
    """What one buyer wants. Its status follows the money signals, like that of any shop's own order."""

    number = ExactCharField(_("number"), max_length=32, unique=True)
    status = models.CharField(_("status"), max_length=20, choices=OrderStatus.choices, default=OrderStatus.NEW)
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2)
    paid_amount = models.DecimalField(_("paid"), max_digits=12, decimal_places=2, default=Decimal("0.00"))
    lines = models.JSONField(_("lines"), default=list)
    buyer_name = models.CharField(pgettext_lazy("a person", "name"), max_length=150, blank=True)
    buyer_phone = models.CharField(_("phone"), max_length=30, blank=True)
    buyer_email = models.EmailField(_("e-mail"), blank=True)
    comment = models.TextField(_("comment"), blank=True)
    offer = models.ForeignKey(
        "wagtail_payparts.Offer",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="orders",
        verbose_name=_("offer"),
    )
    offer_title = models.CharField(_("offer"), max_length=255, blank=True)
    site = models.ForeignKey(
        "wagtailcore.Site",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("site"),
    )
    staff_note = models.TextField(_("staff note"), blank=True)
    handed_over_at = models.DateTimeField(_("handed over"), null=True, blank=True)
    handed_over_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("handed over by"),
    )
    erased_at = models.DateTimeField(_("the buyer's details erased"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    status_changed_at = models.DateTimeField(_("changed"), auto_now_add=True)

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        ordering = ["-created_at", "-pk"]
        default_permissions = ("view",)
        permissions = [("handover_order", _("Can hand over and write notes"))]
        constraints = [models.CheckConstraint(condition=models.Q(amount__gt=0), name="payparts_order_amount")]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="payparts_order_created"),
            models.Index(fields=["status", "-created_at", "-id"], name="payparts_order_by_status"),
            models.Index(fields=["handed_over_at", "-created_at", "-id"], name="payparts_order_handed_over"),
            models.Index(fields=["amount", "id"], name="payparts_order_by_amount"),
            models.Index(fields=["erased_at", "created_at", "id"], name="payparts_order_erasure"),
            # The class serves a search by the beginning too, whatever the collation; only PostgreSQL knows it.
            models.Index(fields=["buyer_phone"], name="payparts_order_phone", opclasses=["varchar_pattern_ops"]),
            models.Index(fields=["buyer_email"], name="payparts_order_email", opclasses=["varchar_pattern_ops"]),
        ]

    def __str__(self) -> str:
        return str(self.number)

    def lines_with_totals(self) -> list[dict[str, Any]]:
        """``name``, ``count``, ``price`` and ``total`` (Decimal, UAH) of each line."""
        return lines_with_totals(self.lines)

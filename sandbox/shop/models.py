"""The shop's own order: a year of coffee beans."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import models
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _


MONTHS = 12


class Plan(models.TextChoices):
    ESPRESSO = "espresso", _("Espresso: Brazil and Ethiopia, 1 kg a month")
    FILTER = "filter", _("Filter: a new origin each month, 500 g")


#: What a month costs, in UAH.
PRICES = {Plan.ESPRESSO: Decimal("980.00"), Plan.FILTER: Decimal("640.00")}


class OrderStatus(models.TextChoices):
    NEW = "new", _("Waiting for payment")
    PAID = "paid", _("Paid, to be sent")
    CANCELED = "canceled", _("Not paid")
    CHECK = "check", _("To be checked")


def new_number() -> str:
    return "Z-" + get_random_string(8, "23456789ABCDEFGHJKMNPQRSTVWXYZ")


class ShopOrder(models.Model):
    """Follows its payment by the receivers of this app. ``number`` is what the payment carries as its reference."""

    number = models.CharField(_("number"), max_length=20, unique=True, default=new_number)
    plan = models.CharField(_("what is ordered"), max_length=20, choices=Plan.choices)
    amount = models.DecimalField(_("amount, UAH"), max_digits=10, decimal_places=2, editable=False)
    name = models.CharField(_("name"), max_length=100)
    phone = models.CharField(_("phone"), max_length=20)
    status = models.CharField(_("status"), max_length=10, choices=OrderStatus.choices, default=OrderStatus.NEW)
    paid_event = models.BigIntegerField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("order for beans")
        verbose_name_plural = _("orders for beans")
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.number

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.amount is None:
            self.amount = PRICES[Plan(self.plan)] * MONTHS
        super().save(*args, **kwargs)

    def lines(self) -> list[dict[str, Any]]:
        """What the bank is told that the buyer buys."""
        return [{"name": str(self.get_plan_display()), "count": MONTHS, "price": PRICES[Plan(self.plan)]}]

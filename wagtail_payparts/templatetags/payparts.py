"""``{% load payparts %}``: the button as a tag, and money as people write it."""

from __future__ import annotations

from decimal import Decimal

from django import template

from wagtail_payparts.formats import format_hryvnias


register = template.Library()


@register.filter
def hryvnias(amount: Decimal | int | str | None) -> str:
    """``{{ payment.amount|hryvnias }}``: ``12 500,00 грн`` or ``UAH 12,500.00``; empty for nothing."""
    if amount is None or amount == "":
        return ""
    return format_hryvnias(Decimal(amount))

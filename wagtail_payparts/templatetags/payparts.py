"""``{% load payparts %}``: the button as a tag, and money as people write it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import template

from wagtail_payparts.button import make_button
from wagtail_payparts.formats import format_hryvnias
from wagtail_payparts.models import Offer
from wagtail_payparts.resources import clean


register = template.Library()


@register.filter
def hryvnias(amount: Decimal | int | str | None) -> str:
    """``{{ payment.amount|hryvnias }}``: ``12 500,00 грн`` or ``UAH 12,500.00``; empty for nothing."""
    if amount is None or amount == "":
        return ""
    return format_hryvnias(Decimal(amount))


@register.filter
def plain(text: object) -> str:
    """What others wrote, without control characters and those that turn the direction of what follows."""
    return clean(str(text))


@register.inclusion_tag("wagtail_payparts/button.html", takes_context=True)
def payparts_button(
    context: template.Context, offer: Offer | None, parts: int | None = None, text: str = ""
) -> dict[str, Any]:
    """``{% payparts_button offer %}``, or ``{% payparts_button offer parts=6 text="In six payments" %}``."""
    return {
        "button": make_button(
            offer or None,
            text=text,
            preselected_parts=parts,
            page=context.get("page"),
            request=context.get("request"),
        )
    }

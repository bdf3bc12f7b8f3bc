"""What the search box of a listing means: the beginning of a number, and for some people the buyer's phone."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from wagtail_payparts.forms import normalise_phone
from wagtail_payparts.models import Order, Payment


def search_payments(queryset: QuerySet[Payment], words: str, *, with_buyer: bool) -> QuerySet[Payment]:
    """Payments whose order id or reference is, or begins with, ``words``; or those of a buyer's phone."""
    number = words.strip()
    found = _begins("order_id", number) | Q(reference__startswith=number)
    phone = _phone(number) if with_buyer else ""
    if phone:
        found |= Q(buyer_order__in=Order.objects.filter(buyer_phone=phone))
    return queryset.filter(found)


def _begins(field: str, words: str) -> Q:
    """Also in capitals: our own ids are, and people type them otherwise."""
    return Q(**{f"{field}__startswith": words}) | Q(**{f"{field}__startswith": words.upper()})


def _phone(words: str) -> str:
    """The number as orders hold it, or nothing if ``words`` is none."""
    try:
        return normalise_phone(words)
    except ValidationError:
        return ""

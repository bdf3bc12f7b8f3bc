"""Rows for tests, made as the plugin makes them: each call gives one that is valid, and takes what is to differ."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from wagtail_payparts.models import Offer, OfferLine, Order, Payment
from wagtail_payparts.services.order_ids import new_order_id, new_order_number


KETTLE = ("Чайник «Світанок»", 1, "12500.00")


def make_offer(*, lines: Iterable[tuple[str, int, str]] = (KETTLE,), **fields: Any) -> Offer:
    """A live offer of 12 500 UAH in 2 to 6 parts. ``lines`` are tuples of name, count and price."""
    offer = Offer(**{"title": "Чайник «Світанок»", "services": "II,PP", "parts": "2-6", "live": True} | fields)
    for name, count, price in lines:
        offer.lines.add(OfferLine(name=name, count=count, price=Decimal(price)))
    offer.save()
    return offer


def make_order(**fields: Any) -> Order:
    """An order of one kettle."""
    name, count, price = KETTLE
    defaults = {
        "number": new_order_number(),
        "amount": Decimal(price) * count,
        "lines": [{"name": name, "count": count, "price": price}],
    }
    return Order.objects.create(**defaults | fields)


def make_payment(**fields: Any) -> Payment:
    """A payment in the ledger, in any ``state``, of which no bank knows. Its lines follow its ``amount``."""
    amount = Decimal(fields.get("amount", "12500.00"))
    defaults = {
        "order_id": new_order_id(),
        "amount": amount,
        "parts_count": 4,
        "merchant_type": "II",
        "lines": [{"name": KETTLE[0], "count": 1, "price": f"{amount:.2f}"}],
    }
    return Payment.objects.create(**defaults | fields)

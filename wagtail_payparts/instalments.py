"""Arithmetic of instalments: what the buyer pays each month and what the service costs the shop.

Exact to the kopeck: the parts of a price always add up to it, with the remainder in the first part. Formulas are
those of payparts-api §11; the rates are arguments, since the bank changes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal


KOPECK = Decimal("0.01")

#: What a shop pays for PP by number of parts, as shares of the price (payparts-api §11, from 14.11.2025).
PP_SHOP_SHARES: Mapping[int, Decimal] = {
    parts: Decimal(percent) / 100
    for parts, percent in enumerate(
        [
            "2.3",
            "2.5",
            "3.6",
            "5.3",
            "6.5",
            "7.7",
            "8.8",
            "9.9",
            "11.2",
            "12.5",
            "13.7",
            "14.8",
            "16",
            "17",
            "18.1",
            "19.1",
            "20.1",
            "21.1",
            "22.3",
            "23.2",
            "24.3",
            "25.3",
            "26.3",
            "27.3",
        ],
        start=2,
    )
}


@dataclass(frozen=True)
class Rates:
    """A tariff of one service. Shares, not per cent: ``Decimal("0.019")`` is 1.9 %.

    ``buyer_monthly``: added to each payment, as a share of the whole price. ``shop``: what the bank keeps of the
    price, one share for all or one for each number of parts.
    """

    buyer_monthly: Decimal = Decimal(0)
    shop: Decimal | Mapping[int, Decimal] = field(default_factory=lambda: Decimal(0))

    def shop_share(self, parts_count: int) -> Decimal:
        if isinstance(self.shop, Mapping):
            return self.shop.get(parts_count, Decimal(0))
        return self.shop


#: Tariffs known at the time of writing (payparts-api §11). A project's own go into ``PAYPARTS_RATES``.
DEFAULT_RATES: Mapping[str, Rates] = {
    "II": Rates(buyer_monthly=Decimal("0.019"), shop=Decimal("0.02")),
    "PP": Rates(buyer_monthly=Decimal("0.0001"), shop=PP_SHOP_SHARES),
    "PB": Rates(shop=Decimal("0.035")),
    "IA": Rates(buyer_monthly=Decimal("0.0099"), shop=Decimal("0.02")),
}


@dataclass(frozen=True)
class Schedule:
    """The buyer's payments, in UAH with two places. Approximate: the bank has the last word."""

    amount: Decimal
    payments: tuple[Decimal, ...]

    @property
    def first(self) -> Decimal:
        return self.payments[0]

    @property
    def monthly(self) -> Decimal:
        """Every payment after the first."""
        return self.payments[-1]

    @property
    def total(self) -> Decimal:
        return sum(self.payments, Decimal(0))

    @property
    def cost(self) -> Decimal:
        """What the service costs the buyer."""
        return self.total - self.amount


def round_kopecks(amount: Decimal) -> Decimal:
    return amount.quantize(KOPECK, rounding=ROUND_HALF_UP)


def split(amount: Decimal, parts_count: int) -> tuple[Decimal, ...]:
    """``amount`` (UAH) in ``parts_count`` parts which add up to it; the remainder is in the first part."""
    kopecks = int(amount / KOPECK)
    part, remainder = divmod(kopecks, parts_count)
    return (Decimal(part + remainder) * KOPECK, *[Decimal(part) * KOPECK] * (parts_count - 1))


def schedule(amount: Decimal, parts_count: int, rates: Rates) -> Schedule:
    """The payments of a buyer. ``amount`` in UAH with at most two places; ``parts_count`` at least 1.

    Raises ``ValueError`` for an amount with a fraction of a kopeck or fewer than one part.
    """
    if parts_count < 1:
        raise ValueError("a price is paid in one part or more")
    if amount != round_kopecks(amount):
        raise ValueError("an amount has two decimal places at most")
    fee = round_kopecks(amount * rates.buyer_monthly)
    return Schedule(round_kopecks(amount), tuple(part + fee for part in split(amount, parts_count)))


def shop_fee(amount: Decimal, parts_count: int, rates: Rates) -> Decimal:
    """What the service costs the shop, in UAH, by its tariff."""
    return round_kopecks(amount * rates.shop_share(parts_count))

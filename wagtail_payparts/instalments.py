"""Arithmetic of instalments: what the buyer pays each month and what the service costs the shop.

Exact to the kopeck: the parts of a price always add up to it, with the remainder in the first part. Formulas are
those of payparts-api §11; the rates are arguments, since the bank changes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal


KOPECK = Decimal("0.01")


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


def schedule(amount: Decimal, parts_count: int, buyer_monthly: Decimal) -> Schedule:
    """The payments of a buyer. ``amount`` in UAH with at most two places; ``parts_count`` at least 1.

    ``buyer_monthly`` is added to each payment, as a share of the whole price (0.019 is 1.9 %).

    Raises ``ValueError`` for an amount with a fraction of a kopeck or fewer than one part.
    """
    if parts_count < 1:
        raise ValueError("a price is paid in one part or more")
    if amount != round_kopecks(amount):
        raise ValueError("an amount has two decimal places at most")
    fee = round_kopecks(amount * buyer_monthly)
    return Schedule(round_kopecks(amount), tuple(part + fee for part in split(amount, parts_count)))


def shop_fee(amount: Decimal, share: Decimal) -> Decimal:
    """What the service costs the shop, in UAH, when the bank keeps ``share`` of the price."""
    return round_kopecks(amount * share)

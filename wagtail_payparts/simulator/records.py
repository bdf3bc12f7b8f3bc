"""What the bank's books hold: payments, what was done to them, callbacks sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from .wire import hryvnias


CREATED = "CREATED"
CLIENT_WAIT = "CLIENT_WAIT"
OTP_WAITING = "OTP_WAITING"
PP_CREATION = "PP_CREATION"
LOCKED = "LOCKED"
SUCCESS = "SUCCESS"
CANCELED = "CANCELED"
FAIL = "FAIL"
STATES = (CREATED, CLIENT_WAIT, OTP_WAITING, PP_CREATION, LOCKED, SUCCESS, CANCELED, FAIL)
FINAL_STATES = frozenset({SUCCESS, CANCELED, FAIL})

# Who does something to a payment. The cabinet is where a shop's people work at the bank itself.
SHOP, CUSTOMER, BANK, CABINET = "shop", "customer", "bank", "cabinet"
REFUND = "refund"


@dataclass(frozen=True)
class Line:
    """A product of a payment; ``kopecks`` is the price of one."""

    name: str
    count: int
    kopecks: int

    @property
    def total_kopecks(self) -> int:
        return self.count * self.kopecks


@dataclass(frozen=True, kw_only=True)
class NewPayment:
    """What a shop asks the bank to make. ``hold``: in two stages (payparts-api §4)."""

    store_id: str
    order_id: str
    kopecks: int
    parts_count: int
    merchant_type: str
    lines: tuple[Line, ...]
    response_url: str
    redirect_url: str
    hold: bool = False

    @property
    def amount(self) -> Decimal:
        """In hryvnias."""
        return hryvnias(self.kopecks)


@dataclass(frozen=True, kw_only=True)
class Payment(NewPayment):
    """A payment in the books. ``card`` is the number of the customer's test card, once it is known.

    At ``due_at`` (seconds since 1970) it moves by itself: to ``due_state``, or as the card decides.
    """

    id: int
    token: str
    state: str
    message: str
    card: str
    description: str
    refunded_kopecks: int
    due_at: float | None
    due_state: str
    created_at: datetime

    @property
    def refunded(self) -> Decimal:
        """In hryvnias."""
        return hryvnias(self.refunded_kopecks)

    @property
    def left_kopecks(self) -> int:
        """What has not been refunded."""
        return self.kopecks - self.refunded_kopecks

    @property
    def is_final(self) -> bool:
        return self.state in FINAL_STATES

    @property
    def has_passed_the_customer(self) -> bool:
        """Whether there is nothing left for the customer to do."""
        return self.is_final or (self.hold and self.state == LOCKED)


@dataclass(frozen=True)
class Act:
    """Something that somebody (``by``) did to a payment, and the state that it had then."""

    by: str
    name: str
    state: str
    message: str
    kopecks: int | None
    at: datetime

    @property
    def amount(self) -> Decimal | None:
        """In hryvnias, where it was about money."""
        return None if self.kopecks is None else hryvnias(self.kopecks)


@dataclass(frozen=True)
class Attempt:
    """A callback sent, or kept back. ``http_status`` is ``None`` where the shop gave no answer."""

    state: str
    note: str
    at: datetime
    http_status: int | None
    answer: str

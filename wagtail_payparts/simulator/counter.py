"""For whoever plays the customer, or the shop's people in the bank's cabinet."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from .contract import CARD_CVV, CARD_EXPIRY, CARDS, OTP_CODE
from .customer import Customer
from .ledger import Ledger
from .moves import Moves
from .records import CABINET, Payment
from .refunds import Refunds
from .wire import kopecks


class Counter:
    """Wherever an order id is asked for, a token will do as well; ``LookupError`` where it is neither.

    ``NotNow`` is raised where the payment is at another step, ``Refused`` where the bank gives nothing back.
    """

    def __init__(self, *, ledger: Ledger, customer: Customer, moves: Moves, refunds: Refunds) -> None:
        self._ledger = ledger
        self._customer = customer
        self._moves = moves
        self._refunds = refunds

    def payment(self, order_id: str, *, store_id: str | None = None) -> Payment:
        payment = self._ledger.by_order(order_id, store_id=store_id) or self._ledger.by_token(order_id)
        if payment is None:
            raise LookupError(f"the bank knows no payment {order_id!r}")
        return payment

    def open(self, order_id: str) -> Payment:
        return self._customer.open(self.payment(order_id).token)

    def pay(self, order_id: str, *, card: Literal["success", "refusal"] = "success") -> Payment:
        token = self.open(order_id).token
        self._customer.enter_card(token, number=CARDS[card], expiry=CARD_EXPIRY, cvv=CARD_CVV)
        return self._customer.enter_otp(token, OTP_CODE)

    def give_up(self, order_id: str) -> Payment:
        return self._customer.give_up(self.open(order_id).token)

    def confirm(self, order_id: str) -> Payment:
        return self._moves.confirm(self.payment(order_id), by=CABINET)

    def cancel_hold(self, order_id: str) -> Payment:
        return self._moves.cancel_hold(self.payment(order_id), by=CABINET)

    def end_hold(self, order_id: str) -> Payment:
        return self._moves.end_hold(self.payment(order_id))

    def refund(self, order_id: str, amount: Decimal | int | str | None = None) -> Payment:
        """Hryvnias, or (``None``) all that is left. Raises ``ValueError`` for what is no money."""
        given = None if amount is None else kopecks(amount)
        return self._refunds.refund(self.payment(order_id), given, by=CABINET)

    def set_state(self, order_id: str, state: str, message: str = "") -> Payment:
        return self._moves.set_state(self.payment(order_id), state, message)

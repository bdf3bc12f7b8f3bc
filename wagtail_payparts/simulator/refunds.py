"""Money that goes back, by decline or in the bank's cabinet, and what is said of it (payparts-api §5, §6, f)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from . import signatures
from .habits import Habits
from .incoming import UNKNOWN_PAYMENT, Refused, read_ids, read_money
from .ledger import Ledger
from .records import SHOP, SUCCESS, Act, Payment
from .stores import Stores
from .wire import hryvnias


NOT_PAID = "bad value: Payment is not paid"
NOT_WHOLE = "bad value: amount must be the sum of the purchase"
TOO_MUCH = "bad value: amount is more than is left"
TOO_LITTLE = "bad value: amount must be at least 0.01"


class Refunds:
    def __init__(self, *, ledger: Ledger, stores: Stores, habits: Habits, announce: Callable[[Payment], None]) -> None:
        self._ledger = ledger
        self._stores = stores
        self._habits = habits
        self._announce = announce

    def decline(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """payparts-api §5. Raises ``Unreadable`` or ``Refused``. Two equal requests are two refunds."""
        store_id, order_id = read_ids(body)
        sent = read_money(body, "amount")
        self._stores.check_signature(body, signatures.decline_request, store_id)
        with self._ledger.transaction():
            payment = self._ledger.by_order(order_id, store_id=store_id)
            if payment is None:
                raise Refused(UNKNOWN_PAYMENT)
            self.refund(payment, self._meant(payment, sent), by=SHOP)
        return {"state": "SUCCESS", "storeId": store_id, "orderId": order_id}

    def refund(self, payment: Payment, kopecks: int | None, *, by: str) -> Payment:
        """Give back so much, or (``None``) all that is left. Raises ``Refused``."""
        with self._ledger.transaction():
            payment = self._ledger.get(payment.id)
            if payment.state != SUCCESS:
                raise Refused(NOT_PAID)
            kopecks = payment.left_kopecks if kopecks is None else kopecks
            if kopecks > payment.left_kopecks or not payment.left_kopecks:
                raise Refused(TOO_MUCH)
            if kopecks < 1:
                raise Refused(TOO_LITTLE)
            refunded = self._ledger.refund(payment, kopecks, by=by)
        if self._habits["refund_callback"] == "always":
            self._announce(refunded)
        return refunded

    def amount(self, payment: Payment) -> Decimal:
        """What ``showAmount`` shows."""
        return hryvnias(payment.left_kopecks) if self._habits["amount_after_refund"] == "rest" else payment.amount

    def shown(self, payment: Payment) -> dict[str, Any]:
        """What ``showRefund`` adds to a state reply."""
        return SHAPES[self._habits["refunds_shown"]](payment, self._ledger.refunds(payment))

    def _meant(self, payment: Payment, sent: int) -> int:
        meaning = self._habits["decline_amount"]
        if meaning == "whole" and sent != payment.kopecks:
            raise Refused(NOT_WHOLE)
        if meaning == "rest" and sent != payment.left_kopecks:
            if sent > payment.left_kopecks:
                raise Refused(TOO_MUCH)
            return payment.left_kopecks - sent
        return sent


def told_state(payment: Payment, habits: Habits) -> str:
    """The word that the shop is told for a payment's state."""
    is_refunded = payment.state == SUCCESS and not payment.left_kopecks
    return habits["state_after_refund"] if is_refunded else payment.state


def _list(payment: Payment, refunds: list[Act]) -> dict[str, Any]:
    return {"refunds": [{"amount": one.amount, "date": f"{one.at:%Y-%m-%d %H:%M:%S}"} for one in refunds]}


def _texts(payment: Payment, refunds: list[Act]) -> dict[str, Any]:
    return {"refundList": [{"refundAmount": f"{one.amount:.2f}", "refundDate": one.at.isoformat()} for one in refunds]}


def _one(payment: Payment, refunds: list[Act]) -> dict[str, Any]:
    return {"refund": _list(payment, refunds)["refunds"][-1]} if refunds else {}


def _total(payment: Payment, refunds: list[Act]) -> dict[str, Any]:
    return {"refundAmount": payment.refunded}


def _kopecks(payment: Payment, refunds: list[Act]) -> dict[str, Any]:
    return {"refunds": [{"sum": one.kopecks} for one in refunds]}


def _too_much(payment: Payment, refunds: list[Act]) -> dict[str, Any]:
    return {"refunds": [{"amount": payment.amount + 1}]}


def _odd(payment: Payment, refunds: list[Act]) -> dict[str, Any]:
    return {"refunds": [None, "much", {"amount": None}, {"amount": [1]}, {"amount": -1}, {"amount": True}, {}, []]}


def _text(payment: Payment, refunds: list[Act]) -> dict[str, Any]:
    return {"refunds": f"Повернено {payment.refunded:.2f} UAH" if refunds else ""}


SHAPES: dict[str, Callable[[Payment, list[Act]], dict[str, Any]]] = {
    "list": _list,
    "texts": _texts,
    "one": _one,
    "total": _total,
    "kopecks": _kopecks,
    "too_much": _too_much,
    "odd": _odd,
    "text": _text,
    "nothing": lambda payment, refunds: {},
}

"""What a shop may ask about its payments: create, hold, confirm, cancel, state, description (payparts-api §2–§7)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from . import contract, signatures
from .habits import Habits
from .incoming import UNKNOWN_PAYMENT, Refused, check_payment, is_true, read_ids, read_payment, read_word
from .ledger import Ledger
from .moves import Moves, NotNow
from .records import SHOP, Payment
from .refunds import Refunds, told_state
from .stores import Recipe, Stores


ALREADY_EXISTS = "bad value: Payment with sent orderId already exists"
NOT_HELD = "bad value: Payment is not LOCKED"
DESCRIBED = "description successfully updated"


class Bank:
    """Replies are fields without a signature. Each method raises ``Unreadable`` or ``Refused``."""

    def __init__(self, *, ledger: Ledger, stores: Stores, moves: Moves, refunds: Refunds, habits: Habits) -> None:
        self._ledger = ledger
        self._stores = stores
        self._moves = moves
        self._refunds = refunds
        self._habits = habits

    def create(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """payparts-api §2, one stage."""
        return self._add(body, hold=False)

    def hold(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """payparts-api §2, two stages."""
        return self._add(body, hold=True)

    def confirm(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """payparts-api §4."""
        return self._end_hold(body, self._moves.confirm)

    def cancel(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """payparts-api §4."""
        return self._end_hold(body, self._moves.cancel_hold)

    def state(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """payparts-api §6."""
        payment = self._payment(body, signatures.order_request)
        reply = _reply(payment) | {"paymentState": told_state(payment, self._habits)}
        optional = {"message": payment.message, "description": payment.description}
        reply |= {name: text for name, text in optional.items() if text}
        if is_true(body.get("showAmount")):
            reply["amount"] = self._refunds.amount(payment)
        if is_true(body.get("showRefund")):
            reply |= self._refunds.shown(payment)
        if is_true(body.get("showInfo")) and payment.card:
            receipt = contract.receipt(payment)
            reply |= {"info": receipt} if self._habits["info"] == "nested" else receipt
        return reply

    def describe(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """payparts-api §7."""
        description = read_word(body, "description")
        payment = self._payment(body, signatures.description_request)
        self._ledger.describe(payment, description, by=SHOP)
        return _reply(payment) | {"message": DESCRIBED}

    def _add(self, body: Mapping[str, Any], *, hold: bool) -> dict[str, Any]:
        new = read_payment(body, hold=hold)
        self._stores.check_signature(body, signatures.create_request, new.store_id)
        check_payment(new)
        try:
            payment = self._ledger.add(new, by=SHOP, act="hold" if hold else "create")
        except LookupError as err:
            raise Refused(ALREADY_EXISTS) from err
        return _reply(payment) | {"token": payment.token} | _pushed(body)

    def _end_hold(self, body: Mapping[str, Any], end: Callable[..., Payment]) -> dict[str, Any]:
        payment = self._payment(body, signatures.order_request)
        try:
            end(payment, by=SHOP)
        except NotNow as err:
            raise Refused(NOT_HELD) from err
        return _reply(payment)

    def _payment(self, body: Mapping[str, Any], recipe: Recipe) -> Payment:
        store_id, order_id = read_ids(body)
        self._stores.check_signature(body, recipe, store_id)
        payment = self._ledger.by_order(order_id, store_id=store_id)
        if payment is None:
            raise Refused(UNKNOWN_PAYMENT)
        return payment


def _pushed(body: Mapping[str, Any]) -> dict[str, Any]:
    """What became of the push into the customer's phone, if one was wanted (payparts-api §2.3)."""
    if "sendPhone" not in body:
        return {}
    phone = body["sendPhone"]
    if not phone:
        return {"sendPhone": "FAIL", "message": "sendPhone cannot be empty"}
    if not isinstance(phone, str) or not re.fullmatch(r"\+380\d{9}", phone):
        return {"sendPhone": "FAIL", "message": "invalid phone"}
    return {"sendPhone": "SUCCESS"}


def _reply(payment: Payment) -> dict[str, Any]:
    return {"state": "SUCCESS", "storeId": payment.store_id, "orderId": payment.order_id}

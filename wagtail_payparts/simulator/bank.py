"""The bank's rules: what may be created, what the customer may do, how it ends (payparts-api §2, §3, §6)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from . import contract, signatures
from .incoming import Refused, Unreadable, check_payment, is_true, read_ids, read_payment
from .later import Later
from .ledger import (
    CANCELED,
    CLIENT_WAIT,
    CREATED,
    FAIL,
    OTP_WAITING,
    PP_CREATION,
    SUCCESS,
    Ledger,
    Payment,
)
from .wire import hryvnias


TEST_STORE = ("4AAD1369CF734B64B70F", "75bef16bfdce4d0e9c0ad5a19b9940df")
CARDS = {"success": "0000111122223333", "refusal": "0000111122224444"}
CARD_EXPIRY, CARD_CVV = "10/20", "123"
OTP_CODE = "1111"

ALREADY_EXISTS = "bad value: Payment with sent orderId already exists"
WRONG_SIGNATURE = "bad value: Wrong signature. Read the FAQ on the generation of signatures."
UNKNOWN_STORE = "bad value: Unknown identifier. Store not found."
UNKNOWN_PAYMENT = "Платеж не найден"
NOT_FINISHED = "Клиент не завершил оплату"
NOT_APPROVED = "Відмова: кредитного ліміту картки недостатньо"


class NotNow(Exception):
    """The payment is at another step."""


class WrongEntry(Exception):
    """What the customer typed is wrong; ``errors`` has a text for each field at fault."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(", ".join(errors))
        self.errors = errors


class Bank:
    """Replies to the shop are fields without a signature. ``delay``: how many seconds a decision takes."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        stores: Mapping[str, str],
        later: Later,
        announce: Callable[[Payment], None],
        delay: float,
        announced_states: Collection[str],
    ) -> None:
        self._ledger = ledger
        self._stores = stores
        self._later = later
        self._announce = announce
        self._delay = delay
        self._announced_states = announced_states

    def password(self, store_id: str) -> str:
        """Raises ``Unreadable`` for a store that the bank does not know."""
        try:
            return self._stores[store_id]
        except KeyError:
            raise Unreadable(UNKNOWN_STORE) from None

    # For the shop

    def create(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """payparts-api §2. Raises ``Unreadable`` or ``Refused``."""
        new = read_payment(body)
        self._check_signature(body, signatures.create_request, new.store_id)
        check_payment(new)
        try:
            payment = self._ledger.add(new)
        except LookupError as err:
            raise Refused(ALREADY_EXISTS) from err
        return _reply(payment) | {"token": payment.token}

    def state(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """payparts-api §6. Raises ``Unreadable`` or ``Refused``."""
        store_id, order_id = read_ids(body)
        self._check_signature(body, signatures.order_request, store_id)
        payment = self._ledger.by_order(order_id, store_id=store_id)
        if payment is None:
            raise Refused(UNKNOWN_PAYMENT)
        reply = _reply(payment) | {"paymentState": payment.state}
        if payment.message:
            reply["message"] = payment.message
        if is_true(body.get("showAmount")):
            reply["amount"] = hryvnias(payment.kopecks)
        if is_true(body.get("showInfo")) and payment.card:
            reply |= contract.receipt(payment)
        return reply

    # For the customer

    def find(self, token: str) -> Payment:
        """Raises ``LookupError``."""
        payment = self._ledger.by_token(token)
        if payment is None:
            raise LookupError("no payment has this token")
        return payment

    def open(self, token: str) -> Payment:
        """The customer has come to the page."""
        with self._ledger.transaction():
            payment = self.find(token)
            return self._move(payment, CLIENT_WAIT) if payment.state == CREATED else payment

    def enter_card(self, token: str, *, number: str, expiry: str, cvv: str) -> Payment:
        """Raises ``NotNow`` and ``WrongEntry``."""
        number = re.sub(r"[\s-]", "", number)
        errors = {}
        if number not in CARDS.values():
            errors["number"] = "Приймаються лише тестові картки, названі вище"
        if expiry.replace(" ", "") != CARD_EXPIRY:
            errors["expiry"] = f"Строк дії тестових карток — {CARD_EXPIRY}"
        if cvv.strip() != CARD_CVV:
            errors["cvv"] = f"CVV тестових карток — {CARD_CVV}"
        with self._ledger.transaction():
            payment = self._at(token, CLIENT_WAIT)
            if errors:
                raise WrongEntry(errors)
            return self._move(payment, OTP_WAITING, card=number)

    def enter_otp(self, token: str, code: str) -> Payment:
        """Raises ``NotNow`` and ``WrongEntry``. Without a delay the decision is made at once."""
        with self._ledger.transaction():
            payment = self._at(token, OTP_WAITING)
            if code.strip() != OTP_CODE:
                raise WrongEntry({"code": f"Код неправильний. У симуляторі він завжди {OTP_CODE}"})
            payment = self._move(payment, PP_CREATION, decide_at=time.time() + self._delay)
            return self._decide_in_time(payment)

    def cancel(self, token: str) -> Payment:
        """The customer gives up. Raises ``NotNow`` once the bank is deciding, or has."""
        with self._ledger.transaction():
            return self._move(self._at(token, CREATED, CLIENT_WAIT, OTP_WAITING), CANCELED, NOT_FINISHED)

    # For whoever plays the bank

    def set_state(self, payment: Payment, state: str, message: str = "") -> Payment:
        """Any word, whatever the rules say; no callback."""
        if state == SUCCESS and not message:
            message = contract.text(payment)
        return self._ledger.move(payment, state, message)

    def resume(self) -> None:
        """Take up the decisions that were pending when the books were closed."""
        for payment in self._ledger.waiting():
            self._decide_in_time(payment)

    def _decide_in_time(self, payment: Payment) -> Payment:
        seconds = (payment.decide_at or 0) - time.time()
        if seconds <= 0:
            return self._decide(payment)
        self._later.call(seconds, lambda: self._decide(payment))
        return payment

    def _decide(self, payment: Payment) -> Payment:
        with self._ledger.transaction():
            payment = self._ledger.get(payment.id)
            if payment.state != PP_CREATION:
                return payment
            if payment.card == CARDS["success"]:
                return self._move(payment, SUCCESS, contract.text(payment))
            return self._move(payment, FAIL, NOT_APPROVED)

    def _move(
        self,
        payment: Payment,
        state: str,
        message: str = "",
        *,
        card: str = "",
        decide_at: float | None = None,
    ) -> Payment:
        moved = self._ledger.move(payment, state, message, card=card, decide_at=decide_at)
        if state in self._announced_states:
            self._announce(moved)
        return moved

    def _at(self, token: str, *states: str) -> Payment:
        payment = self.find(token)
        if payment.state not in states:
            raise NotNow(payment.state)
        return payment

    def _check_signature(
        self, body: Mapping[str, Any], recipe: Callable[[Mapping[str, Any], str], str], store_id: str
    ) -> None:
        try:
            expected = recipe(body, self.password(store_id))
        except UnicodeEncodeError as err:
            raise Unreadable("bad value: text is not Unicode") from err
        if not signatures.same(body.get("signature"), expected):
            raise Unreadable(WRONG_SIGNATURE)


def _reply(payment: Payment) -> dict[str, Any]:
    return {"state": "SUCCESS", "storeId": payment.store_id, "orderId": payment.order_id}

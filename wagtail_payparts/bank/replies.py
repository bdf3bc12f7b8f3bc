"""The bank's replies, from JSON to ours: verified as each recipe allows, or refused by a named error."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ..exceptions import BadAnswer, BankRefused
from . import signature
from .messages import ActionReply, CreateReply, Exchange, StateReply
from .signature import to_wire_amount, verify, verify_any
from .stores import Store
from .wire import MAX_TEXT, clean_text


_SUCCESS = "SUCCESS"
_FAIL = "FAIL"
#: The only text of the bank that anything is decided by (payparts-api §12).
_ALREADY_EXISTS = "already exists"
_MAX_TOKEN = 255
_MAX_STATE = 64
_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?")
_RECEIPT = {
    "cardMask": "card_mask",
    "bankName": "bank_name",
    "authCode": "auth_code",
    "rrn": "rrn",
    "paymentSystem": "payment_system",
    "ownerName": "owner_name",
    "terminal": "terminal",
    "acquirer": "acquirer",
}
_MAX_RECEIPT_TEXT = 200
_PNG = b"\x89PNG\r\n\x1a\n"
_NO_REASON = "refused without a reason"


@dataclass(frozen=True)
class Answer:
    """A JSON object that the bank sent about one order, not yet believed."""

    store: Store
    order_id: str
    payload: dict[str, Any] = field(repr=False)
    exchange: Exchange

    def text(self, name: str) -> str:
        """A field's text, ``""`` where absent. Raises ``BadAnswer`` for anything but text."""
        value = self.payload.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.bad(f"{name} is not text")
        return value

    def bad(self, reason: str) -> BadAnswer:
        """An error that carries the record of this exchange."""
        return BadAnswer(reason, **self.details())

    def details(self) -> dict[str, Any]:
        """What every ``BankError`` carries."""
        return vars(self.exchange).copy()

    def signed(self, payment_state: str, message: str) -> str:
        """The recipe of refusals, states and refunds, with our own ids: payparts-api §2.2, §5, §6."""
        return signature.state_reply(
            self.store.password,
            state=self.text("state"),
            store_id=self.store.store_id,
            order_id=self.order_id,
            payment_state=payment_state,
            message=message,
        )

    def is_signed(self, expected: Iterable[str]) -> bool:
        """Tell whether the reply carries one of the expected signatures."""
        return verify_any(expected, self.payload.get("signature"))


def read_create(answer: Answer) -> CreateReply:
    """Read a reply to create or hold. SUCCESS must verify (payparts-api §2.1, disputes d and d2)."""
    _expect_success(answer, lambda message: [answer.signed("", message)])
    _expect_ids(answer)
    token, message = answer.text("token"), answer.text("message")
    if not token or len(token) > _MAX_TOKEN or not token.isprintable():
        raise answer.bad("a created payment needs a token")
    expected = signature.create_reply(
        answer.store.password,
        state=_SUCCESS,
        store_id=answer.store.store_id,
        order_id=answer.order_id,
        token=token,
        message=message,
    )
    if not answer.is_signed(expected):
        raise answer.bad("the signature is not the bank's")
    return CreateReply(
        token=str(token),
        message=clean_text(message),
        send_phone=clean_text(answer.text("sendPhone")),
        exchange=answer.exchange,
    )


def read_state(answer: Answer) -> StateReply:
    """Read a reply to a state query; it must verify (payparts-api §6).

    ``state`` is about the query, ``paymentState`` about the payment: without the latter nothing is known.
    """
    _expect_success(answer, lambda message: [answer.signed(answer.text("paymentState"), message)])
    _expect_ids(answer)
    payment_state, message = answer.text("paymentState"), answer.text("message")
    if not answer.is_signed([answer.signed(payment_state, message)]):
        raise answer.bad("the signature is not the bank's")
    if not payment_state or len(payment_state) > _MAX_STATE:
        raise answer.bad("the reply does not say the payment's state")
    return StateReply(
        payment_state=clean_text(payment_state),
        amount=_read_amount(answer.payload.get("amount")),
        message=clean_text(message),
        description=clean_text(answer.text("description")),
        receipt=_read_receipt(answer.payload),
        refunds=next((value for key, value in answer.payload.items() if "refund" in key.casefold()), None),
        exchange=answer.exchange,
    )


def read_action(answer: Answer) -> ActionReply:
    """Read a reply to confirm, cancel or decline (payparts-api §4, §5).

    The documented signature of confirm and cancel is the request's own: it covers no outcome, so a reply that
    carries it counts as unverified (dispute e).
    """
    return _read_action(answer, lambda message: [answer.signed(answer.text("paymentState"), message)])


def read_description(answer: Answer) -> ActionReply:
    """Read a reply to description (payparts-api §7), signed as documented or as a refusal is (dispute e)."""

    def expected(message: str) -> list[str]:
        documented = signature.description_reply(
            answer.store.password,
            store_id=answer.store.store_id,
            order_id=answer.order_id,
            state=answer.text("state"),
            message=message,
        )
        return [documented, answer.signed("", message)]

    return _read_action(answer, expected)


def read_qr(payload: dict[str, Any], exchange: Exchange) -> bytes:
    """Read the PNG of a QR code (payparts-api §8). The reply is unsigned and names no order."""
    state, message = payload.get("state"), payload.get("errorMessage") or payload.get("message")
    if state == _FAIL:
        text = clean_text(message)[:MAX_TEXT] if isinstance(message, str) else ""
        raise BankRefused(text or _NO_REASON, verified=False, **vars(exchange))
    encoded = payload.get("qr")
    try:
        image = base64.b64decode(encoded, validate=True) if isinstance(encoded, str) else b""
    except ValueError:
        image = b""
    if state != _SUCCESS or not image.startswith(_PNG):
        raise BadAnswer("the reply is no QR code", **vars(exchange))
    return image


def covers_no_outcome(answer: Answer) -> bool:
    """Tell whether the reply carries the documented signature of confirm and cancel, and no better one."""
    expected = signature.state(answer.store.password, store_id=answer.store.store_id, order_id=answer.order_id)
    return verify(expected, answer.payload.get("signature"))


def _read_action(answer: Answer, expected: Callable[[str], list[str]]) -> ActionReply:
    _expect_success(answer, expected)
    message = answer.text("message")
    return ActionReply(
        state=_SUCCESS,
        message=clean_text(message),
        verified=answer.is_signed(expected(message)),
        exchange=answer.exchange,
    )


def _expect_success(answer: Answer, expected: Callable[[str], list[str]]) -> None:
    """Raise ``BankRefused`` for FAIL, ``BadAnswer`` for what is no outcome or another order's.

    ``expected`` gives the signatures that prove a refusal with this message.
    """
    ours = {"storeId": answer.store.store_id, "orderId": answer.order_id}
    if any(answer.text(name) not in ("", value) for name, value in ours.items()):
        raise answer.bad("the reply is about another order")
    state = answer.text("state")
    if state == _FAIL:
        message = answer.text("message") or answer.text("errorMessage")
        raise BankRefused(
            clean_text(message)[:MAX_TEXT] or _NO_REASON,
            verified=answer.is_signed(expected(message)),
            already_exists=_ALREADY_EXISTS in message.casefold(),
            **answer.details(),
        )
    if state != _SUCCESS:
        raise answer.bad("the reply is neither SUCCESS nor FAIL")
    if answer.exchange.http_status >= 500:
        raise answer.bad("a success with the HTTP status of an error")


def _expect_ids(answer: Answer) -> None:
    """Absent ids, unlike others' ids, pass ``_expect_success``; a success must name what it is about."""
    if not answer.text("storeId") or not answer.text("orderId"):
        raise answer.bad("the reply does not name its order")


def _read_amount(value: Any) -> Decimal | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = Decimal(value)
    try:
        return Decimal(to_wire_amount(value))
    except (TypeError, ValueError):
        return None


def _read_receipt(payload: dict[str, Any]) -> dict[str, str]:
    """Read what ``showInfo`` adds, flat or under ``info`` (payparts-api §6: which, is unknown)."""
    info = payload.get("info")
    found = payload | (info if isinstance(info, dict) else {})
    return {
        name: clean_text(str(value))[:_MAX_RECEIPT_TEXT]
        for key, name in _RECEIPT.items()
        if isinstance(value := found.get(key), (str, int)) and not isinstance(value, bool) and value != ""
    }

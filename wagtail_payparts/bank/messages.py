"""What the bank is told and what it answers, as frozen dataclasses in our words.

The bank's own words (``storeId``) stand here, and in ``replies`` and ``callbacks`` that read them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ..exceptions import InvalidPayment
from . import signature
from .callbacks import MAX_CALLBACK_BYTES, Callback, parse_callback, signature_hint
from .stores import TEST_STORE_ID, Store
from .wire import clean_text, redact


__all__ = [
    "MAX_CALLBACK_BYTES",
    "STATE_WORDS",
    "TEST_STORE_ID",
    "ActionReply",
    "Callback",
    "CreateReply",
    "CreateRequest",
    "Exchange",
    "Line",
    "StateReply",
    "Store",
    "clean_text",
    "decline_fields",
    "description_fields",
    "is_safe_order_id",
    "order_fields",
    "parse_callback",
    "redact",
    "signature_hint",
    "state_fields",
]

#: The words that a payment's state has been seen to be (payparts-api §3.1).
STATE_WORDS = (
    "CREATED",
    "CLIENT_WAIT",
    "OTP_WAITING",
    "PP_CREATION",
    "LOCKED",
    "SUCCESS",
    "CANCELED",
    "FAIL",
    "REJECTED",
)
_ORDER_ID = re.compile(r"[A-Za-z0-9_-]{1,50}")
#: Before any description: no callback can begin its state so (payparts-api, dangers e).
_DESCRIPTION_PREFIX = "# "


def is_safe_order_id(order_id: str) -> bool:
    """Tell whether an order may be created under this id.

    1 to 50 of ``[A-Za-z0-9_-]``, and no state word within: whatever is signed for an order ``1SUCCESS``
    would be a valid callback for the order ``1`` (payparts-api, dangers e).
    """
    return bool(_ORDER_ID.fullmatch(order_id)) and not any(word in order_id for word in STATE_WORDS)


@dataclass(frozen=True)
class Line:
    """One product: ``price`` is for one piece, in hryvnias. Raises ``InvalidPayment`` (payparts-api §2)."""

    name: str
    count: int
    price: Decimal

    def __post_init__(self) -> None:
        if not self.name:
            raise InvalidPayment("a product needs a name", field="name")
        if self.count < 1:
            raise InvalidPayment("a product is sold at least once", field="count")
        if _whole_kopecks(self.price, field="price") <= 0:
            raise InvalidPayment("a product costs at least one kopeck", field="price")

    @property
    def total(self) -> Decimal:
        """The price of all pieces, in hryvnias."""
        return self.price * self.count


@dataclass(frozen=True)
class CreateRequest:
    """An order to be paid in parts (payparts-api §2). ``amount`` is in hryvnias.

    Raises ``InvalidPayment`` for what cannot be said to the bank truthfully or safely: an order id that is
    not ``is_safe_order_id``, no lines, or lines that do not add up to the amount (dispute h). The bank's
    limits are left to the bank.
    """

    order_id: str
    amount: Decimal
    parts_count: int
    merchant_type: str
    lines: tuple[Line, ...]
    response_url: str = ""
    redirect_url: str = ""
    send_phone: str = field(default="", repr=False)
    recipient_id: str = ""
    scheme: int | None = None

    def __post_init__(self) -> None:
        if not is_safe_order_id(self.order_id):
            raise InvalidPayment("this order id could be mistaken for a state", field="order_id")
        _whole_kopecks(self.amount, field="amount")
        if not self.lines:
            raise InvalidPayment("there is nothing to pay for", field="lines")
        if sum(line.total for line in self.lines) != self.amount:
            raise InvalidPayment("the lines do not add up to the amount", field="amount")

    def to_wire(self, store: Store) -> dict[str, Any]:
        """The signed body; amounts are still ``Decimal``, as ``wire.write_object`` takes them."""
        signed = signature.create(
            store.password,
            store_id=store.store_id,
            order_id=self.order_id,
            amount=self.amount,
            parts_count=self.parts_count,
            merchant_type=self.merchant_type,
            products=[(line.name, line.count, line.price) for line in self.lines],
            response_url=self.response_url,
            redirect_url=self.redirect_url,
        )
        # Never a currency: stores differ in whether it is signed (dispute k).
        fields = {
            "storeId": store.store_id,
            "orderId": self.order_id,
            "amount": self.amount,
            "partsCount": self.parts_count,
            "merchantType": self.merchant_type,
            "products": [{"name": line.name, "count": line.count, "price": line.price} for line in self.lines],
            "signature": signed,
        }
        optional = {
            "scheme": self.scheme,
            "responseUrl": self.response_url,
            "redirectUrl": self.redirect_url,
            "sendPhone": self.send_phone,
            "recipientId": self.recipient_id,
        }
        return fields | {name: value for name, value in optional.items() if value not in (None, "")}


def order_fields(store: Store, order_id: str) -> dict[str, Any]:
    """The signed body of confirm and cancel (payparts-api §4)."""
    signed = signature.state(store.password, store_id=store.store_id, order_id=order_id)
    return {"storeId": store.store_id, "orderId": order_id, "signature": signed}


def state_fields(
    store: Store, order_id: str, *, show_amount: bool, show_refund: bool, show_info: bool
) -> dict[str, Any]:
    """The signed body of a state query; what is to be shown is not signed (payparts-api §6)."""
    shown = {"showAmount": show_amount, "showRefund": show_refund, "showInfo": show_info}
    return order_fields(store, order_id) | {name: True for name, wanted in shown.items() if wanted}


def decline_fields(store: Store, order_id: str, amount: Decimal) -> dict[str, Any]:
    """The signed body of a refund of ``amount`` hryvnias (payparts-api §5)."""
    if _whole_kopecks(amount, field="amount") <= 0:
        raise InvalidPayment("a refund is at least one kopeck", field="amount")
    signed = signature.decline(store.password, store_id=store.store_id, order_id=order_id, amount=amount)
    return {"storeId": store.store_id, "orderId": order_id, "amount": amount, "signature": signed}


def description_fields(store: Store, order_id: str, description: str) -> dict[str, Any]:
    """The signed body of a description, which is sent behind ``# `` (payparts-api §7, dangers e)."""
    text = f"{_DESCRIPTION_PREFIX}{description}"
    signed = signature.description(store.password, store_id=store.store_id, order_id=order_id, description=text)
    return {"storeId": store.store_id, "orderId": order_id, "description": text, "signature": signed}


def _whole_kopecks(amount: Decimal, *, field: str) -> Decimal:
    try:
        signature.to_wire_digits(amount)
    except (TypeError, ValueError) as err:
        raise InvalidPayment(str(err), field=field) from err
    return amount


@dataclass(frozen=True)
class Exchange:
    """How a request went: for the record. ``payload`` is the reply, redacted."""

    http_status: int
    payload: dict[str, Any] = field(repr=False)
    duration_ms: int
    trace_id: str


@dataclass(frozen=True)
class CreateReply:
    """The payment exists at the bank (payparts-api §2.1). ``send_phone``: SUCCESS, FAIL or empty (§2.3)."""

    token: str = field(repr=False)
    message: str
    send_phone: str
    exchange: Exchange


@dataclass(frozen=True)
class StateReply:
    """What the bank says when asked (payparts-api §6).

    ``payment_state`` is the bank's word, verbatim. ``amount`` is in hryvnias, ``None`` where absent or
    unreadable. ``receipt`` holds what ``showInfo`` gave, under our names. ``refunds`` is as the bank sent it:
    its shape is not documented.
    """

    payment_state: str
    amount: Decimal | None
    message: str
    description: str
    receipt: dict[str, str] = field(repr=False)
    refunds: Any = field(repr=False)
    exchange: Exchange


@dataclass(frozen=True)
class ActionReply:
    """The bank's SUCCESS to confirm, cancel, decline or description: believe the state query, not this.

    ``verified``: a signature that covers the outcome matched; the documented one of confirm and cancel does
    not cover it (dispute e).
    """

    state: str
    message: str
    verified: bool
    exchange: Exchange

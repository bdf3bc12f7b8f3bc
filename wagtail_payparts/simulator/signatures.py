"""The bank's side of the signatures, written independently of the plugin's (payparts-api §1–§10).

Each function takes the fields of a body by their names on the wire; an absent or null one counts as empty.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from .wire import kopecks


Fields = Mapping[str, Any]


def create_request(fields: Fields, password: str) -> str:
    """payparts-api §2, for create and hold alike."""
    products = [
        _text(product["name"]) + _text(product["count"]) + _digits(product["price"]) for product in fields["products"]
    ]
    return _sign(
        password,
        _text(fields["storeId"]),
        _text(fields["orderId"]),
        _digits(fields["amount"]),
        _text(fields["partsCount"]),
        _text(fields["merchantType"]),
        _text(fields.get("responseUrl")),
        _text(fields.get("redirectUrl")),
        *products,
    )


def create_reply(fields: Fields, password: str, *, both: tuple[str, ...] = ("token",)) -> str:
    """payparts-api §2.1 and §2.2. ``both`` is what is signed of token and message if there are both (dispute d2)."""
    says = both if fields.get("token") and fields.get("message") else ("token", "message")
    return _sign(password, *_pick(fields, "state", "storeId", "orderId", *says))


def order_request(fields: Fields, password: str) -> str:
    """payparts-api §4 and §6: a request about an order that says nothing more."""
    return _sign(password, *_pick(fields, "storeId", "orderId"))


def decline_request(fields: Fields, password: str) -> str:
    """payparts-api §5."""
    return _sign(password, *_pick(fields, "storeId", "orderId"), _digits(fields["amount"]))


def description_request(fields: Fields, password: str) -> str:
    """payparts-api §7."""
    return _sign(password, *_pick(fields, "storeId", "orderId", "description"))


def description_reply(fields: Fields, password: str) -> str:
    """payparts-api §7: the ids of the request, then state and message."""
    return _sign(password, *_pick(fields, "storeId", "orderId", "state", "message"))


def terms_request(fields: Fields, password: str) -> str:
    """payparts-api §9: a store's statement."""
    return _sign(password, *_pick(fields, "storeId", "dateFrom", "dateTo"))


def terms_by_okpo_request(fields: Fields, password: str) -> str:
    """payparts-api §9: the statement of one legal entity."""
    return _sign(password, *_pick(fields, "storeId", "dateFrom", "dateTo", "okpo"))


def terms_by_accounts_request(fields: Fields, password: str) -> str:
    """payparts-api §9: the statement of some accounts."""
    return _sign(password, *_pick(fields, "storeId", "dateFrom", "dateTo"), *map(_text, fields["accounts"]))


def recipient_request(fields: Fields, password: str) -> str:
    """payparts-api §10."""
    return _sign(password, *_pick(fields, "identifier", "okpo", "account"))


def state_reply(fields: Fields, password: str) -> str:
    """payparts-api §5 and §6; also the refusal of §2.2, which has no paymentState."""
    return _sign(password, *_pick(fields, "state", "storeId", "orderId", "paymentState", "message"))


def callback(fields: Fields, password: str) -> str:
    """payparts-api §3."""
    return _sign(password, *_pick(fields, "storeId", "orderId", "paymentState", "message"))


def same(given: object, expected: str) -> bool:
    """Whether a signature received is the one expected, in constant time."""
    return isinstance(given, str) and hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode("ascii"))


def _sign(password: str, *parts: str) -> str:
    joined = "".join((password, *parts, password)).encode("utf-8")
    return base64.b64encode(hashlib.sha1(joined, usedforsecurity=False).digest()).decode("ascii")


def _pick(fields: Fields, *names: str) -> list[str]:
    return [_text(fields.get(name)) for name in names]


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _digits(amount: object) -> str:
    """Kopecks in at least three digits: 301.00 is 30100 and 0.01 is 001 (payparts-api, dispute a)."""
    return f"{kopecks(amount):03d}"

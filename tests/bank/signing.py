"""Signatures by a second hand, so that the tests do not ask the code under test what is right."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any


STORE_ID = "SHOP-1"
PASSWORD = "correct-horse-battery"
ORDER_ID = "01JZX8M3T7Q9V2B4N6P8R0S1T2"


def sign(*fields: str, password: str = PASSWORD) -> str:
    text = "".join((password, *fields, password)).encode()
    return base64.b64encode(hashlib.sha1(text, usedforsecurity=False).digest()).decode()


def created(**changes: Any) -> dict[str, Any]:
    """A successful reply to create."""
    reply = {
        "state": "SUCCESS",
        "storeId": STORE_ID,
        "orderId": ORDER_ID,
        "token": "TOKEN0123456789",
    } | changes
    reply.setdefault("signature", sign("SUCCESS", str(reply["storeId"]), str(reply["orderId"]), str(reply["token"])))
    return reply


def refused(message: str = "bad value: Scheme not found for given store", **changes: Any) -> dict[str, Any]:
    """A signed refusal."""
    reply = {"state": "FAIL", "storeId": STORE_ID, "orderId": ORDER_ID, "message": message}
    return reply | {"signature": sign("FAIL", STORE_ID, ORDER_ID, message)} | changes


def stated(payment_state: str = "SUCCESS", message: str = "", **changes: Any) -> dict[str, Any]:
    """A successful reply to a state query."""
    reply = {"state": "SUCCESS", "paymentState": payment_state, "storeId": STORE_ID, "orderId": ORDER_ID}
    if message:
        reply["message"] = message
    return reply | {"signature": sign("SUCCESS", STORE_ID, ORDER_ID, payment_state, message)} | changes


def called_back(payment_state: str = "SUCCESS", message: str = "ok", **changes: Any) -> dict[str, Any]:
    """A signed callback."""
    callback = {"storeId": STORE_ID, "orderId": ORDER_ID, "paymentState": payment_state, "message": message}
    return callback | {"signature": sign(STORE_ID, ORDER_ID, payment_state, message)} | changes


def as_bytes(payload: Any) -> bytes:
    return json.dumps(payload, ensure_ascii=False).encode()

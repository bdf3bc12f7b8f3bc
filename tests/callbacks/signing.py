"""Callbacks about any order, signed here and not by the code under test (payparts-api §3)."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from typing import Any

from django.conf import settings


def signed(
    order_id: str,
    state: str = "SUCCESS",
    message: str = "",
    *,
    store_id: str = "",
    password: str = "",
    **unsigned: Any,
) -> bytes:
    """A callback of the store of the settings, or of another. ``unsigned`` are fields that the signature leaves out."""
    store_id = store_id or settings.PAYPARTS_API_STORE_ID
    password = password or settings.PAYPARTS_API_PASSWORD
    text = f"{password}{store_id}{order_id}{state}{message}{password}"
    said = {"storeId": store_id, "orderId": order_id, "paymentState": state, "message": message}
    signature = b64encode(hashlib.sha1(text.encode(), usedforsecurity=False).digest()).decode()
    return json.dumps(said | {"signature": signature} | unsigned).encode()

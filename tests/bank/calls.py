"""Every call of the client, for what must hold for all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from wagtail_payparts.bank import CreateRequest, PayPartsClient


Call = Callable[[PayPartsClient, CreateRequest], Any]

ALL_CALLS: dict[str, Call] = {
    "create": lambda client, order: client.create(order),
    "hold": lambda client, order: client.hold(order),
    "confirm": lambda client, order: client.confirm(order.order_id),
    "cancel": lambda client, order: client.cancel(order.order_id),
    "decline": lambda client, order: client.decline(order.order_id, order.amount),
    "state": lambda client, order: client.state(order.order_id),
    "describe": lambda client, order: client.describe(order.order_id, "кава"),
    "qr": lambda client, order: client.qr("TOKEN", order.amount),
}
SIGNED_CALLS = {name: call for name, call in ALL_CALLS.items() if name != "qr"}
every_call = pytest.mark.parametrize("call", ALL_CALLS.values(), ids=ALL_CALLS.keys())
every_signed_call = pytest.mark.parametrize("call", SIGNED_CALLS.values(), ids=SIGNED_CALLS.keys())

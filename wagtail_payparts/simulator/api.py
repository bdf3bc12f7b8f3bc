"""The merchant's endpoints: a body in, a signed reply out, with the fault that is ordered for it."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from werkzeug.wrappers import Request, Response

from . import signatures
from .bank import Bank
from .faults import FORGER, Fault, Faults
from .incoming import Refused, Unreadable
from .later import Later
from .wire import JSON_TYPE, dumps, loads, xml


logger = logging.getLogger(__name__)

REQUESTS_KEPT = 1000
Recipe = Callable[[Mapping[str, Any], str], str]


class Received(NamedTuple):
    """A request of a shop, without its signature; ``order_id`` is empty where there was none to read."""

    endpoint: str
    order_id: str
    body: dict[str, Any]


class NoReply(Exception):
    """The connection is to be closed without an answer."""


class MerchantApi:
    def __init__(self, *, bank: Bank, faults: Faults, later: Later) -> None:
        self._bank = bank
        self._faults = faults
        self._later = later
        self._endpoints: dict[str, tuple[Callable[[Mapping[str, Any]], dict[str, Any]], Recipe]] = {
            "create": (bank.create, signatures.create_reply),
            "state": (bank.state, signatures.state_reply),
        }
        self.received: deque[Received] = deque(maxlen=REQUESTS_KEPT)

    def answer(self, request: Request, endpoint: str) -> Response:
        """Raises ``NoReply`` when a fault says so."""
        body = _read(request.get_data())
        order_id = str(body.get("orderId") or "")
        self.received.append(Received(endpoint, order_id, {name: body[name] for name in body if name != "signature"}))
        fault = self._faults.take(endpoint, order_id)
        if fault is not None:
            logger.info("fault %s for %s of %s", fault.kind, endpoint, order_id)
            spoilt = self._before_acting(fault)
            if spoilt is not None:
                return spoilt
        fields = self._act(endpoint, body, fault)
        if fault is not None and fault.kind == "timeout_after":
            self._later.sleep(fault.seconds)
            raise NoReply
        if "json" in request.headers.get("Accept", ""):
            return Response(dumps(fields), content_type=JSON_TYPE)
        return Response(xml(fields), content_type="application/xml; charset=UTF-8")

    def _before_acting(self, fault: Fault) -> Response | None:
        if fault.kind == "http_500":
            return Response("Internal Server Error", status=500, content_type="text/plain; charset=UTF-8")
        if fault.kind == "html":
            return Response(
                "<!doctype html><title>Технічні роботи</title><h1>Технічні роботи</h1>",
                content_type="text/html; charset=UTF-8",
            )
        if fault.kind == "list":
            return Response('[{"state":"SUCCESS"}]', content_type=JSON_TYPE)
        if fault.kind == "unreachable":
            raise NoReply
        if fault.kind == "timeout_before":
            self._later.sleep(fault.seconds)
            raise NoReply
        return None

    def _act(self, endpoint: str, body: Mapping[str, Any], fault: Fault | None) -> dict[str, Any]:
        act, recipe = self._endpoints[endpoint]
        ids = {name: body[name] for name in ("storeId", "orderId") if name in body}
        try:
            try:
                fields = act(body)
            except Refused as refused:
                fields = {"state": "FAIL", **ids, "message": str(refused)}
            password = self._bank.password(str(fields["storeId"]))
        except Unreadable as unreadable:
            return {"state": "FAIL", "errorMessage": str(unreadable), "locale": "uk"}
        if fault is not None:
            fields = _spoil(fields, fault)
            password = FORGER if fault.kind == "forged" else password
        return fields | {"signature": recipe(fields, password)}


def _read(raw: bytes) -> dict[str, Any]:
    try:
        body = loads(raw)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _spoil(fields: dict[str, Any], fault: Fault) -> dict[str, Any]:
    if fault.kind == "other_order":
        return fields | {"orderId": f"{fields['orderId']}-OTHER"}
    if fault.kind == "amount_differs" and "amount" in fields:
        return fields | {"amount": fields["amount"] + 1}
    if fault.kind == "amount_absent":
        return {name: value for name, value in fields.items() if name != "amount"}
    if fault.kind == "empty_state":
        return fields | {"paymentState": ""}
    if fault.kind == "unknown_state":
        return fields | {"paymentState": "WAIT_LIQPAY"}
    return fields

"""The merchant's endpoints: a body in, a reply out, with the fault that is ordered for it."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from werkzeug.wrappers import Request, Response

from . import signatures
from .bank import Bank
from .faults import FORGER, Fault, Faults
from .habits import Habits
from .incoming import Refused, Unreadable
from .later import Later
from .qr import QrCodes
from .refunds import Refunds
from .statements import Statements
from .stores import Recipe, Stores
from .wire import JSON_TYPE, dumps, loads, xml


logger = logging.getLogger(__name__)

REQUESTS_KEPT = 1000
SECRETS = {"signature", "token"}
BUSY = "Сервіс тимчасово недоступний"


class Received(NamedTuple):
    """A request of a shop, without signature and token; ``order_id`` is empty where there was none to read."""

    endpoint: str
    order_id: str
    body: dict[str, Any]


class NoReply(Exception):
    """The connection is to be closed without an answer; ``reset``: rudely, by an RST."""

    def __init__(self, *, reset: bool = False) -> None:
        super().__init__()
        self.reset = reset


class Endpoint(NamedTuple):
    """``recipe`` signs the reply; without one it is unsigned, and ``says`` is the key of its refusals."""

    act: Callable[[Mapping[str, Any]], dict[str, Any]]
    recipe: Recipe | None = None
    says: str = "message"


class MerchantApi:
    def __init__(
        self,
        *,
        bank: Bank,
        refunds: Refunds,
        statements: Statements,
        qr_codes: QrCodes,
        stores: Stores,
        habits: Habits,
        faults: Faults,
        later: Later,
    ) -> None:
        self._stores = stores
        self._habits = habits
        self._faults = faults
        self._later = later
        self._endpoints = {
            "create": Endpoint(bank.create, self._sign_created),
            "hold": Endpoint(bank.hold, self._sign_created),
            "state": Endpoint(bank.state, signatures.state_reply),
            "confirm": Endpoint(bank.confirm, self._sign_action),
            "cancel": Endpoint(bank.cancel, self._sign_action),
            "decline": Endpoint(refunds.decline, signatures.state_reply),
            "description": Endpoint(bank.describe, self._sign_description),
            "qr": Endpoint(qr_codes.generate, says="errorMessage"),
            "terms": Endpoint(statements.of_store),
            "terms/okpo": Endpoint(statements.by_okpo),
            "terms/accounts": Endpoint(statements.by_accounts),
            "recipient": Endpoint(statements.add_recipient),
        }
        self.received: deque[Received] = deque(maxlen=REQUESTS_KEPT)

    def answer(self, request: Request, endpoint: str) -> Response:
        """Raises ``NoReply`` when a fault says so."""
        body = request.args.to_dict() if request.method == "GET" else _read(request.get_data())
        # The three statements are one call.
        call = endpoint.partition("/")[0]
        order_id = str(body.get("orderId") or "")
        self.received.append(Received(call, order_id, {name: body[name] for name in body if name not in SECRETS}))
        fault = self._faults.take(call, order_id)
        if fault is None:
            return self._reply(request, self._act(endpoint, body, None))
        logger.info("fault %s for %s of %s", fault.kind, call, order_id)
        spoilt = self._before_acting(fault)
        if spoilt is not None:
            return spoilt
        reply = self._reply(request, self._act(endpoint, body, fault))
        return self._after_acting(fault, reply)

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
        if fault.kind in {"unreachable", "reset"}:
            raise NoReply(reset=fault.kind == "reset")
        if fault.kind == "timeout_before":
            self._later.sleep(fault.seconds)
            raise NoReply
        return None

    def _after_acting(self, fault: Fault, reply: Response) -> Response:
        if fault.kind == "http_502_after":
            return Response("<html><h1>502 Bad Gateway</h1></html>", status=502, content_type="text/html")
        if fault.kind == "reset_after":
            raise NoReply(reset=True)
        if fault.kind == "timeout_after":
            self._later.sleep(fault.seconds)
            raise NoReply
        if fault.kind == "slow":
            content = reply.get_data()
            reply.response = self._trickle(content, fault.seconds)
            reply.content_length = len(content)
        return reply

    def _trickle(self, content: bytes, seconds: float) -> Iterator[bytes]:
        """Byte by byte at first, so that something comes all the time; the rest at the end."""
        pieces = min(10, len(content) - 1)
        for place in range(pieces):
            yield content[place : place + 1]
            self._later.sleep(seconds / pieces)
        yield content[pieces:]

    def _act(self, endpoint: str, body: Mapping[str, Any], fault: Fault | None) -> dict[str, Any]:
        act, recipe, says = self._endpoints[endpoint]
        ids = {name: body[name] for name in ("storeId", "orderId") if recipe and name in body}
        try:
            try:
                fields = _busy(ids, fault) or act(body)
            except Refused as refused:
                fields = {"state": "FAIL", **ids, says: str(refused)}
            if recipe is None:
                return fields
            password = self._stores.password(str(fields["storeId"]))
        except Unreadable as unreadable:
            text = str(unreadable)
            return {"state": "FAIL", says: text} if recipe is None else _unsigned(text)
        if fault is not None:
            fields = _spoil(fields, fault)
            password = FORGER if fault.kind == "forged" else password
            recipe = signatures.create_reply if fault.kind == "fail_verified" else recipe
        signature = recipe(fields, password)
        if endpoint == "description":  # this reply does not name its order (payparts-api §7)
            fields = {name: fields[name] for name in fields if name not in {"storeId", "orderId"}}
        return fields | ({"signature": signature} if signature else {})

    def _reply(self, request: Request, fields: Mapping[str, Any]) -> Response:
        status = int(self._habits["refusal_status"]) if fields["state"] == "FAIL" else 200
        if request.method == "GET" or "json" in request.headers.get("Accept", ""):
            return Response(dumps(fields), status, content_type=JSON_TYPE)
        return Response(xml(fields), status, content_type="application/xml; charset=UTF-8")

    def _sign_created(self, fields: Mapping[str, Any], password: str) -> str:
        both = {"token": ("token",), "message_token": ("message", "token"), "token_message": ("token", "message")}
        return signatures.create_reply(fields, password, both=both[self._habits["phone_signature"]])

    def _sign_action(self, fields: Mapping[str, Any], password: str) -> str:
        recipes: dict[str, Recipe] = {
            "documented": signatures.order_request,
            "outcome": signatures.state_reply,
            "absent": lambda fields, password: "",
        }
        return recipes[self._habits["action_signature"]](fields, password)

    def _sign_description(self, fields: Mapping[str, Any], password: str) -> str:
        is_documented = self._habits["description_signature"] == "documented"
        return (signatures.description_reply if is_documented else signatures.state_reply)(fields, password)


def _read(raw: bytes) -> dict[str, Any]:
    try:
        body = loads(raw)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _busy(ids: Mapping[str, Any], fault: Fault | None) -> dict[str, Any] | None:
    """The refusal that a fault has ordered, whatever was asked. Raises ``Unreadable`` for an unsigned one."""
    if fault is not None and fault.kind == "fail_unverified":
        raise Unreadable(BUSY)
    if fault is not None and fault.kind == "fail_verified" and "storeId" in ids:
        return {"state": "FAIL", **ids, "message": BUSY}
    return None


def _unsigned(text: str) -> dict[str, Any]:
    return {"state": "FAIL", "errorMessage": text, "locale": "uk"}


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

"""The control page's JSON twin: for a program that plays the bank from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from werkzeug.exceptions import BadRequest, Conflict, NotFound
from werkzeug.wrappers import Request, Response

from .callbacks import Callbacks
from .counter import Counter
from .faults import Fault, Faults
from .habits import Habits
from .incoming import Refused
from .ledger import Ledger
from .moves import NotNow
from .provenance import refuse_other_sites
from .records import Act, Payment
from .wire import JSON_TYPE, dumps, loads


class ControlApi:
    def __init__(
        self, *, ledger: Ledger, counter: Counter, callbacks: Callbacks, faults: Faults, habits: Habits
    ) -> None:
        self._ledger = ledger
        self._counter = counter
        self._callbacks = callbacks
        self._faults = faults
        self._habits = habits
        self._acts: dict[str, Callable[..., Payment]] = {
            "open": counter.open,
            "pay": counter.pay,
            "refuse": lambda order_id: counter.pay(order_id, card="refusal"),
            "give_up": counter.give_up,
            "confirm": counter.confirm,
            "cancel_hold": counter.cancel_hold,
            "end_hold": counter.end_hold,
            "refund": counter.refund,
            "set_state": counter.set_state,
        }

    def faults(self, request: Request) -> Response:
        """The faults ordered; POST orders one (the fields of ``Fault``), DELETE forgets all."""
        if request.method == "GET":
            return _json([asdict(fault) for fault in self._faults.ordered()])
        refuse_other_sites(request)
        if request.method == "DELETE":
            self._faults.clear()
            return Response(status=204)
        fields = _object(request)
        numbers = {name: float(fields[name]) for name in ("seconds", "chance") if _is_number(fields.get(name))}
        try:
            fault = Fault(**fields | numbers)
        except (ValueError, TypeError) as err:
            raise BadRequest(str(err)) from err
        self._faults.order(fault)
        return _json(asdict(fault), status=201)

    def habits(self, request: Request) -> Response:
        """The choices made; PATCH changes those that it names."""
        if request.method == "PATCH":
            refuse_other_sites(request)
            try:
                self._habits.change(_object(request))
            except (ValueError, TypeError) as err:
                raise BadRequest(str(err)) from err
        return _json(self._habits.chosen())

    def payments(self, request: Request) -> Response:
        """The books, the newest payment first: what a shop may compare its own with."""
        return _json([_payment(payment) for payment in self._ledger.payments()])

    def acts(self, request: Request) -> Response:
        """GET ``?orderId=``: what was done to a payment. POST ``orderId``, ``act`` and its arguments: do it."""
        if request.method == "GET":
            payment = self._payment(request.args.get("orderId"))
            return _json([_act(act) for act in self._ledger.acts(payment)])
        refuse_other_sites(request)
        fields = _object(request)
        payment = self._payment(fields.pop("orderId", None))
        name = fields.pop("act", None)
        if name == "callback":
            return self._send_callback(payment, fields)
        if name not in self._acts:
            raise BadRequest(f"unknown act {name!r}; there are {', '.join(self._acts)} and callback")
        try:
            return _json(_payment(self._acts[name](payment.token, **fields)))
        except (NotNow, Refused) as err:
            raise Conflict(str(err)) from err
        except (ValueError, TypeError) as err:
            raise BadRequest(str(err)) from err

    def _send_callback(self, payment: Payment, fields: Mapping[str, Any]) -> Response:
        """``state`` and ``message`` may differ from the books'; ``password`` may be a wrong one."""
        if not payment.response_url:
            raise Conflict("the shop gave no responseUrl")
        try:
            body = self._callbacks.body(payment, **fields)
        except TypeError as err:
            raise BadRequest(str(err)) from err
        status, answer = self._callbacks.send(
            payment, body, state=fields.get("state") or self._callbacks.word(payment), note="by hand"
        )
        return _json({"httpStatus": status, "answer": answer})

    def _payment(self, order_id: object) -> Payment:
        try:
            return self._counter.payment(str(order_id or ""))
        except LookupError as err:
            raise NotFound(str(err)) from err


def _payment(payment: Payment) -> dict[str, Any]:
    return {
        "storeId": payment.store_id,
        "orderId": payment.order_id,
        "token": payment.token,
        "amount": payment.amount,
        "refunded": payment.refunded,
        "partsCount": payment.parts_count,
        "merchantType": payment.merchant_type,
        "hold": payment.hold,
        "paymentState": payment.state,
        "message": payment.message,
        "description": payment.description,
        "createdAt": payment.created_at.isoformat(),
    }


def _act(act: Act) -> dict[str, Any]:
    return {
        "by": act.by,
        "act": act.name,
        "paymentState": act.state,
        "message": act.message,
        "amount": act.amount,
        "at": act.at.isoformat(),
    }


def _object(request: Request) -> dict[str, Any]:
    try:
        fields = loads(request.get_data())
    except ValueError as err:
        raise BadRequest(str(err)) from err
    if not isinstance(fields, dict):
        raise BadRequest("an object is expected")
    return fields


def _is_number(value: object) -> bool:
    return not isinstance(value, str | bool) and hasattr(value, "__float__")


def _json(value: Any, *, status: int = 200) -> Response:
    return Response(dumps(value), status=status, content_type=JSON_TYPE)

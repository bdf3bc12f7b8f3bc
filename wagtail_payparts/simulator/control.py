"""The control page and its JSON twin: for whoever plays the bank."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from werkzeug.exceptions import BadRequest, Forbidden
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from .bank import Bank
from .callbacks import Callbacks
from .faults import FORGER, KINDS, Fault, Faults
from .ledger import STATES, Ledger, Payment
from .pages import render
from .wire import JSON_TYPE, dumps, loads


PAYMENTS_SHOWN = 50


class Control:
    def __init__(self, *, bank: Bank, ledger: Ledger, callbacks: Callbacks, faults: Faults) -> None:
        self._bank = bank
        self._ledger = ledger
        self._callbacks = callbacks
        self._faults = faults

    def show(self, request: Request) -> Response:
        return self._page(request)

    def act(self, request: Request, name: str) -> Response:
        """One of the page's forms."""
        _refuse_other_sites(request)
        form = request.form
        if name == "clear":
            self._faults.clear()
        elif name == "fault":
            try:
                self._faults.order(_fault_of_form(form))
            except ValueError as err:
                return self._page(request, error=str(err), form=form)
        else:
            payment = self._payment(form.get("token", ""))
            if name == "state":
                payment = self._bank.set_state(payment, _word(form.get("state", "")))
            if name == "callback" or "announce" in form:
                self._send(payment, form)
            return redirect(f"/#p{payment.id}", 303)
        return redirect("/#faults", 303)

    def faults(self, request: Request) -> Response:
        """JSON: the faults ordered; POST orders one (the fields of ``Fault``), DELETE forgets all."""
        if request.method == "GET":
            return _json([asdict(fault) for fault in self._faults.ordered()])
        _refuse_other_sites(request)
        if request.method == "DELETE":
            self._faults.clear()
            return Response(status=204)
        try:
            fields = loads(request.get_data())
            fault = Fault(**fields | ({"seconds": float(fields["seconds"])} if "seconds" in fields else {}))
        except (ValueError, TypeError) as err:
            raise BadRequest(str(err)) from err
        self._faults.order(fault)
        return _json(asdict(fault), status=201)

    def payments(self, request: Request) -> Response:
        """JSON: the payments, the newest first."""
        return _json(
            [
                {
                    "storeId": payment.store_id,
                    "orderId": payment.order_id,
                    "token": payment.token,
                    "amount": payment.amount,
                    "partsCount": payment.parts_count,
                    "merchantType": payment.merchant_type,
                    "paymentState": payment.state,
                    "message": payment.message,
                }
                for payment in self._ledger.payments()
            ]
        )

    def _page(self, request: Request, *, error: str = "", form: Mapping[str, str] | None = None) -> Response:
        payments = self._ledger.payments(limit=PAYMENTS_SHOWN)
        return render(
            "control.html",
            status=400 if error else 200,
            entries=[(one, self._ledger.steps(one), self._ledger.attempts(one)) for one in payments],
            faults=self._faults.ordered(),
            kinds=KINDS,
            states=STATES,
            api_url=f"{request.host_url}ipp/v2/",
            error=error,
            form=form or {},
        )

    def _payment(self, token: str) -> Payment:
        try:
            return self._bank.find(token)
        except LookupError as err:
            raise BadRequest(str(err)) from err

    def _send(self, payment: Payment, form: Mapping[str, str]) -> None:
        if not payment.response_url:
            return
        state = form.get("callback_state") or payment.state
        forged = "forged" in form
        body = self._callbacks.body(payment, state=state, password=FORGER if forged else None)
        self._callbacks.send(payment, body, state=state, note="forged by hand" if forged else "by hand")


def _fault_of_form(form: Mapping[str, str]) -> Fault:
    endpoint, _, kind = form.get("fault", "").partition("/")
    times = form.get("times", "1")
    return Fault(
        kind=kind,
        endpoint=endpoint,
        times=None if times == "always" else int(times),
        order_id=form.get("order_id", "").strip() or None,
        seconds=float(form.get("seconds") or 0),
    )


def _word(state: str) -> str:
    if not state.strip():
        raise BadRequest("a state is a word")
    return state.strip()


def _refuse_other_sites(request: Request) -> None:
    """Another site that is open in the same browser must not play the bank."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden


def _json(value: Any, *, status: int = 200) -> Response:
    return Response(dumps(value), status=status, content_type=JSON_TYPE)

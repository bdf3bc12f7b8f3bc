"""The control page: for whoever plays the bank."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo

from werkzeug.exceptions import BadRequest
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from .callbacks import Callbacks
from .counter import Counter
from .faults import FORGER, KINDS, Fault, Faults
from .habits import CHOICES, TITLES, Habits
from .incoming import Refused
from .ledger import Ledger
from .moves import NotNow
from .pages import render
from .provenance import refuse_other_sites
from .records import STATES, Payment


PAYMENTS_SHOWN = 50
HOLD_ACTS = {"confirm": "Confirm", "cancel_hold": "Cancel", "end_hold": "Let its time run out"}


class Control:
    """Times are told in ``zone``."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        counter: Counter,
        callbacks: Callbacks,
        faults: Faults,
        habits: Habits,
        zone: tzinfo,
    ) -> None:
        self._ledger = ledger
        self._counter = counter
        self._callbacks = callbacks
        self._faults = faults
        self._habits = habits
        self._zone = zone
        self._acts: dict[str, Callable[[str], Payment]] = {
            "confirm": counter.confirm,
            "cancel_hold": counter.cancel_hold,
            "end_hold": counter.end_hold,
        }

    def show(self, request: Request) -> Response:
        return self._page(request)

    def act(self, request: Request, name: str) -> Response:
        """One of the page's forms."""
        refuse_other_sites(request)
        if name in {"fault", "clear", "habits"}:
            return self._change_the_bank(request, name)
        payment = self._payment(request.form.get("token", ""))
        try:
            self._change_payment(payment, name, request.form)
        except (NotNow, Refused, ValueError) as err:
            # The payment moved while the page was open, or the amount is none.
            error = f"{payment.order_id} is now {err}" if isinstance(err, NotNow) else str(err)
            return self._page(request, payment_error=(payment.id, error))
        return redirect(f"/#p{payment.id}", 303)

    def _change_the_bank(self, request: Request, name: str) -> Response:
        try:
            if name == "clear":
                self._faults.clear()
            elif name == "habits":
                self._habits.change(request.form.to_dict())
            else:
                self._faults.order(_fault_of_form(request.form))
        except ValueError as err:
            return self._page(request, error=str(err))
        return redirect("/#habits" if name == "habits" else "/#faults", 303)

    def _change_payment(self, payment: Payment, name: str, form: Mapping[str, str]) -> None:
        if name == "act":
            self._act(payment, form.get("act", ""))
        elif name == "refund":
            typed = form.get("amount", "").strip().replace(",", ".")
            self._counter.refund(payment.token, typed or None)
        elif name == "state":
            payment = self._counter.set_state(payment.token, _word(form.get("state", "")))
        if name == "callback" or "announce" in form:
            self._send(payment, form)

    def _act(self, payment: Payment, name: str) -> None:
        if name not in self._acts:
            raise BadRequest(f"unknown act {name!r}")
        self._acts[name](payment.token)

    def _page(self, request: Request, *, error: str = "", payment_error: tuple[int, str] = (0, "")) -> Response:
        payments = self._ledger.payments(limit=PAYMENTS_SHOWN)
        return render(
            "control.html",
            status=400 if error or payment_error[1] else 200,
            entries=[(one, self._ledger.acts(one), self._ledger.attempts(one)) for one in payments],
            faults=self._faults.ordered(),
            kinds=KINDS,
            habits=self._habits.chosen(),
            choices=CHOICES,
            habit_titles=TITLES,
            states=STATES,
            changed=sum(choice != next(iter(CHOICES[name])) for name, choice in self._habits.chosen().items()),
            hold_acts=HOLD_ACTS,
            api_url=f"{request.host_url}ipp/v2/",
            zone=self._zone,
            now=datetime.now(self._zone),
            error=error,
            payment_error=payment_error,
            form=request.form,
        )

    def _payment(self, token: str) -> Payment:
        try:
            return self._counter.payment(token)
        except LookupError as err:
            raise BadRequest(str(err)) from err

    def _send(self, payment: Payment, form: Mapping[str, str]) -> None:
        if not payment.response_url:
            return
        state = form.get("callback_state") or self._callbacks.word(payment)
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

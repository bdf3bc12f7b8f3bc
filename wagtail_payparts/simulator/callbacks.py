"""What the bank tells the shop when a payment has changed (payparts-api §3)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import requests

from . import signatures
from .faults import FORGER, Faults
from .habits import Habits
from .later import Later
from .ledger import Ledger
from .records import CLIENT_WAIT, Payment
from .refunds import told_state
from .stores import Stores
from .wire import JSON_TYPE, dumps


logger = logging.getLogger(__name__)

TIMEOUT = 10
ANSWER_KEPT = 500


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """A callback on its way. ``seconds`` go before it if it is late, into its body if it is slow."""

    payment: Payment
    state: str
    message: str
    note: str = ""
    seconds: float = 0

    @property
    def is_late(self) -> bool:
        return self.note == "late"


class Callbacks:
    """``manual``: callbacks queue up until ``deliver`` is called. Otherwise they go out by themselves."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        stores: Stores,
        habits: Habits,
        faults: Faults,
        later: Later,
        manual: bool,
    ) -> None:
        self._ledger = ledger
        self._stores = stores
        self._habits = habits
        self._faults = faults
        self._later = later
        self._manual = manual
        self._queue: list[Outgoing] = []
        self._lock = threading.Lock()

    def announce(self, payment: Payment) -> None:
        """Tell the shop the payment's present state, with the fault that is ordered for it."""
        if not payment.response_url:
            return
        outgoing = self._with_fault(payment)
        if self._manual:
            with self._lock:
                self._queue.extend(outgoing)
        elif outgoing:
            wait = outgoing[0].seconds if outgoing[0].is_late else 0
            self._later.call(wait, lambda: [self._send_outgoing(one) for one in outgoing])

    def word(self, payment: Payment) -> str:
        """What the bank calls the payment's present state."""
        return told_state(payment, self._habits)

    def deliver(self, *, late: bool = False) -> list[tuple[int | None, str]]:
        """Send what is queued; what a fault has made late only when asked for."""
        with self._lock:
            due = [one for one in self._queue if late or not one.is_late]
            self._queue = [] if late else [one for one in self._queue if one.is_late]
        return [self._send_outgoing(one) for one in due]

    def body(
        self,
        payment: Payment,
        *,
        state: str | None = None,
        message: str | None = None,
        store_id: str | None = None,
        password: str | None = None,
        overrides: Mapping[str, Any] | None = None,
    ) -> bytes:
        """A signed body. ``overrides`` go in after signing; ``None`` takes the field out."""
        present = self.word(payment)
        said = payment.message if state in (None, present, payment.state) else ""
        fields = {
            "storeId": payment.store_id if store_id is None else store_id,
            "orderId": payment.order_id,
            "paymentState": present if state is None else state,
            "message": said if message is None else message,
        }
        key = self._stores.password(payment.store_id) if password is None else password
        signature = signatures.callback(fields, key)
        changed = fields | {"signature": signature} | dict(overrides or {})
        return dumps({name: value for name, value in changed.items() if value is not None}).encode("utf-8")

    def send(
        self, payment: Payment, body: bytes, *, state: str, note: str, seconds: float = 0
    ) -> tuple[int | None, str]:
        """POST to the shop, write down and return the HTTP status (``None``: no answer) and the text."""
        data = _SlowBody(body, self._later, seconds) if seconds else body
        try:
            with requests.Session() as session:
                # The shop stands beside the simulator: a proxy of the environment would only be in the way.
                session.trust_env = False
                reply = session.post(
                    payment.response_url,
                    data=data,
                    headers={"Content-Type": JSON_TYPE, "Accept": "application/json"},
                    timeout=TIMEOUT,
                    allow_redirects=False,
                )
            status, answer = reply.status_code, reply.text[:ANSWER_KEPT]
        except requests.RequestException as err:
            status, answer = None, type(err).__name__
        self._ledger.add_attempt(payment, state=state, note=note, http_status=status, answer=answer)
        logger.info("callback %s of %s: %s", state, payment.order_id, status or answer)
        return status, answer

    def _with_fault(self, payment: Payment) -> list[Outgoing]:
        plain = Outgoing(payment=payment, state=self.word(payment), message=payment.message)
        fault = self._faults.take("callback", payment.order_id)
        if fault is None:
            return [plain]
        noted = replace(plain, note=fault.kind, seconds=fault.seconds)
        if fault.kind == "never":
            self._ledger.add_attempt(payment, state=plain.state, note=fault.kind, http_status=None, answer="not sent")
            return []
        if fault.kind == "twice":
            return [plain, noted]
        if fault.kind == "out_of_order":
            before = [step.state for step in self._ledger.steps(payment)][:-1]
            return [plain, replace(noted, state=before[-1] if before else CLIENT_WAIT, message="")]
        return [noted]

    def _send_outgoing(self, one: Outgoing) -> tuple[int | None, str]:
        body = self.body(
            one.payment,
            state=one.state,
            message=one.message,
            password=FORGER if one.note == "forged" else None,
        )
        seconds = one.seconds if one.note == "slow" else 0
        return self.send(one.payment, body, state=one.state, note=one.note, seconds=seconds)


class _SlowBody:
    """The first half of a body at once, the second after a pause."""

    def __init__(self, body: bytes, later: Later, seconds: float) -> None:
        self._length = len(body)
        middle = self._length // 2
        self._pieces = [body[:middle], body[middle:]]
        self._later = later
        self._seconds = seconds

    def __len__(self) -> int:
        return self._length

    def read(self, size: int = -1) -> bytes:
        if not self._pieces:
            return b""
        if len(self._pieces) == 1:
            self._later.sleep(self._seconds)
        return self._pieces.pop(0)

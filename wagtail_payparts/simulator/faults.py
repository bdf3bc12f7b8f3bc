"""Faults that can be ordered: what the bank, or the road to it, does wrong next."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace


# A password that no store has: what it signs is a well-formed signature, and wrong.
FORGER = "somebody else's password"

CALLBACK_FAULTS = {
    "twice": "the callback comes twice",
    "late": "the callback comes late",
    "never": "the callback never comes",
    "out_of_order": "an older state comes after the final one",
    "forged": "wrong signature",
    "slow": "the body of the callback trickles in",
}
REPLY_FAULTS = {
    "http_500": "HTTP 500, nothing done",
    "html": "an HTML page instead of JSON, nothing done",
    "list": "a JSON list instead of an object, nothing done",
    "unreachable": "the connection is closed, nothing done",
    "timeout_before": "no reply, nothing done",
    "timeout_after": "no reply, but the bank has acted",
    "forged": "wrong signature",
    "other_order": "a well signed reply about another order",
}
STATE_FAULTS = {
    "amount_differs": "the amount is another one",
    "amount_absent": "the amount is missing",
    "empty_state": "paymentState is empty",
    "unknown_state": "paymentState is a word that nobody documents",
}
KINDS = {
    "create": REPLY_FAULTS,
    "state": REPLY_FAULTS | STATE_FAULTS,
    "callback": CALLBACK_FAULTS,
}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """``times=None``: always; ``order_id=None``: any order. ``seconds`` is for kinds that take time."""

    kind: str
    endpoint: str
    times: int | None = 1
    order_id: str | None = None
    seconds: float = 30

    def __post_init__(self) -> None:
        if self.endpoint not in KINDS:
            raise ValueError(f"unknown endpoint {self.endpoint!r}; there are {', '.join(KINDS)}")
        if self.kind not in KINDS[self.endpoint]:
            raise ValueError(f"unknown fault {self.kind!r}; {self.endpoint} has {', '.join(KINDS[self.endpoint])}")
        if self.times is not None and self.times < 1:
            raise ValueError("times must be at least 1")
        if not 0 <= self.seconds <= 3600:
            raise ValueError("seconds must be from 0 to 3600")

    @property
    def meaning(self) -> str:
        return KINDS[self.endpoint][self.kind]


class Faults:
    """The faults ordered and not used up, the oldest first. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ordered: list[Fault] = []

    def order(self, fault: Fault) -> None:
        with self._lock:
            self._ordered.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._ordered.clear()

    def ordered(self) -> list[Fault]:
        with self._lock:
            return list(self._ordered)

    def take(self, endpoint: str, order_id: str) -> Fault | None:
        """The fault that applies now, counted down; one at a time."""
        with self._lock:
            for place, fault in enumerate(self._ordered):
                if fault.endpoint == endpoint and fault.order_id in (None, order_id):
                    if fault.times == 1:
                        del self._ordered[place]
                    elif fault.times is not None:
                        self._ordered[place] = replace(fault, times=fault.times - 1)
                    return fault
        return None

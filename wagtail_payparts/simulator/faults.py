"""Faults that can be ordered: what the bank, or the road to it, does wrong next."""

from __future__ import annotations

import random
import threading
from collections import Counter
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
# Whatever is asked for.
ROAD_FAULTS = {
    "http_500": "HTTP 500, nothing done",
    "http_502_after": "HTTP 502 of a gateway, but the bank has acted",
    "html": "an HTML page instead of JSON, nothing done",
    "list": "a JSON list instead of an object, nothing done",
    "unreachable": "the connection is closed, nothing done",
    "reset": "the connection is reset, nothing done",
    "reset_after": "the connection is reset, but the bank has acted",
    "timeout_before": "no reply, nothing done",
    "timeout_after": "no reply, but the bank has acted",
    "slow": "the reply trickles in",
    "fail_unverified": "FAIL without a signature, nothing done",
}
SIGNED_FAULTS = ROAD_FAULTS | {
    "fail_verified": "FAIL, signed over state and message, nothing done",
    "forged": "wrong signature",
    "other_order": "a well signed reply about another order",
}
STATE_FAULTS = {
    "amount_differs": "the amount is another one",
    "amount_absent": "the amount is missing",
    "empty_state": "paymentState is empty",
    "unknown_state": "paymentState is a word that nobody documents",
}
# The road to the bank is bad for all that is asked.
ANY = "any"
KINDS = {
    "create": SIGNED_FAULTS,
    "hold": SIGNED_FAULTS,
    "state": SIGNED_FAULTS | STATE_FAULTS,
    "confirm": SIGNED_FAULTS,
    "cancel": SIGNED_FAULTS,
    "decline": SIGNED_FAULTS,
    "description": SIGNED_FAULTS,
    "qr": ROAD_FAULTS,
    "terms": ROAD_FAULTS,
    "recipient": ROAD_FAULTS,
    "callback": CALLBACK_FAULTS,
    ANY: ROAD_FAULTS,
}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """``times=None``: always; ``order_id=None``: any order. ``seconds`` is for kinds that take time.

    ``endpoint="any"`` is every request of a shop, and no callback. ``chance`` is the share of calls that it meets.
    """

    kind: str
    endpoint: str
    times: int | None = 1
    order_id: str | None = None
    seconds: float = 30
    chance: float = 1

    def __post_init__(self) -> None:
        if self.endpoint not in KINDS:
            raise ValueError(f"unknown endpoint {self.endpoint!r}; there are {', '.join(KINDS)}")
        if self.kind not in KINDS[self.endpoint]:
            raise ValueError(f"unknown fault {self.kind!r}; {self.endpoint} has {', '.join(KINDS[self.endpoint])}")
        if self.times is not None and (self.times != int(self.times) or self.times < 1):
            raise ValueError("times must be a whole number, at least 1")
        if not 0 <= self.seconds <= 3600:
            raise ValueError("seconds must be from 0 to 3600")
        if not 0 < self.chance <= 1:
            raise ValueError("chance must be more than 0 and at most 1")

    @property
    def meaning(self) -> str:
        return KINDS[self.endpoint][self.kind]


class Faults:
    """The faults ordered and not used up, the oldest first. Safe to use from several threads.

    Chance follows ``seed``: it depends on how often a call was made for an order, not on which thread was faster.
    """

    def __init__(self, *, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._ordered: list[Fault] = []
        self._seed = seed
        self._calls: Counter[tuple[str, str]] = Counter()
        self._struck: Counter[tuple[str, str]] = Counter()

    def order(self, fault: Fault) -> None:
        with self._lock:
            self._ordered.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._ordered.clear()

    def ordered(self) -> list[Fault]:
        with self._lock:
            return list(self._ordered)

    def struck(self) -> Counter[tuple[str, str]]:
        """How often each has struck so far, by the call that it met and its kind."""
        with self._lock:
            return self._struck.copy()

    def take(self, endpoint: str, order_id: str) -> Fault | None:
        """The fault that applies now, counted down; one at a time."""
        with self._lock:
            self._calls[endpoint, order_id] += 1
            for place, fault in enumerate(self._ordered):
                if _meets(fault, endpoint, order_id) and self._strikes(fault, endpoint, order_id):
                    if fault.times == 1:
                        del self._ordered[place]
                    elif fault.times is not None:
                        self._ordered[place] = replace(fault, times=fault.times - 1)
                    self._struck[endpoint, fault.kind] += 1
                    return fault
        return None

    def _strikes(self, fault: Fault, endpoint: str, order_id: str) -> bool:
        if fault.chance == 1:
            return True
        drawn = f"{self._seed} {fault.kind} {fault.endpoint} {endpoint} {order_id} {self._calls[endpoint, order_id]}"
        # A number that anybody can work out again, not a secret.
        return random.Random(drawn).random() < fault.chance  # noqa: S311


def _meets(fault: Fault, endpoint: str, order_id: str) -> bool:
    is_endpoint = fault.endpoint == endpoint or (fault.endpoint == ANY and endpoint != "callback")
    return is_endpoint and fault.order_id in (None, order_id)

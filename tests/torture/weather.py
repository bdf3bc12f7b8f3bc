"""What goes wrong on the road between the bank and the shop, and at the bank itself."""

from __future__ import annotations

import random
import threading

from wagtail_payparts.simulator import Simulator
from wagtail_payparts.simulator.habits import CHOICES


#: By call: kind, chance of each call, and seconds. The shop waits for a reply for one second.
FAULTS: dict[str, list[tuple[str, float, float]]] = {
    "callback": [
        ("never", 0.12, 0),
        ("twice", 0.08, 0),
        ("late", 0.06, 18),
        ("out_of_order", 0.05, 0),
        ("forged", 0.03, 0),
        ("slow", 0.02, 1),
    ],
    "any": [
        ("http_500", 0.01, 0),
        ("html", 0.006, 0),
        ("list", 0.004, 0),
        ("unreachable", 0.01, 0),
        ("reset", 0.006, 0),
        ("timeout_before", 0.005, 1.5),
        ("timeout_after", 0.005, 1.5),
        ("http_502_after", 0.01, 0),
        ("reset_after", 0.006, 0),
        ("slow", 0.003, 2),
        ("fail_unverified", 0.005, 0),
    ],
    "state": [
        ("slow", 0.01, 0.2),
        ("amount_differs", 0.004, 0),
        ("amount_absent", 0.01, 0),
        ("empty_state", 0.004, 0),
        ("unknown_state", 0.004, 0),
    ],
}
SIGNED = ("create", "hold", "state", "confirm", "cancel", "decline")
LIES = [("fail_verified", 0.006, 0), ("forged", 0.006, 0), ("other_order", 0.004, 0)]
#: Where it matters most whether the bank has acted.
ACTS = ("confirm", "cancel", "decline")
DOUBTS = [
    ("timeout_before", 0.06, 1.5),
    ("timeout_after", 0.06, 1.5),
    ("http_502_after", 0.06, 0),
    ("http_500", 0.06, 0),
]
#: Seconds of good and of bad luck.
UP, DOWN = (40, 90), (4, 9)


def order_faults(bank: Simulator, pace: float) -> None:
    by_call = {call: list(faults) for call, faults in FAULTS.items()}
    for calls, faults in ((SIGNED, LIES), (ACTS, DOUBTS)):
        for call in calls:
            by_call.setdefault(call, []).extend(faults)
    for call, faults in by_call.items():
        for kind, chance, seconds in faults:
            wait = seconds * pace if kind == "late" else seconds
            bank.fault(kind, endpoint=call, times=None, chance=chance, seconds=wait)


def choose_habits(dice: random.Random) -> dict[str, str]:
    """What no document says: another bank for each seed, of those from which the money can be seen."""
    told = {
        "refunds_shown": ["list", "texts", "total"],
        "state_after_refund": ["SUCCESS", "CANCELED"],
        "amount_after_refund": list(CHOICES["amount_after_refund"]),
        "refund_callback": list(CHOICES["refund_callback"]),
        "action_signature": list(CHOICES["action_signature"]),
        "hold_end": list(CHOICES["hold_end"]),
        "info": list(CHOICES["info"]),
        "refusal_status": list(CHOICES["refusal_status"]),
    }
    return {name: dice.choice(choices) for name, choices in told.items()}


class Outages(threading.Thread):
    """From time to time the bank is down altogether."""

    def __init__(self, bank: Simulator, dice: random.Random, pace: float) -> None:
        super().__init__(daemon=True)
        self._bank = bank
        self._dice = dice
        self._pace = pace
        self._over = threading.Event()
        self.count = 0

    def run(self) -> None:
        while not self._over.wait(self._dice.uniform(*UP) * self._pace):
            self.count += 1
            self._bank.fault("unreachable", endpoint="any", times=None)
            self._over.wait(self._dice.uniform(*DOWN) * self._pace)
            self._bank.clear_faults()
            order_faults(self._bank, self._pace)

    def end(self) -> None:
        self._over.set()
        self.join()

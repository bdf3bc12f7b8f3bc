"""How a payment moves: written down, told to the shop, by itself when its time has come."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from . import contract
from .habits import Habits
from .later import Later
from .ledger import Ledger
from .records import BANK, CANCELED, FAIL, LOCKED, PP_CREATION, SUCCESS, Payment


NOT_APPROVED = "Відмова: кредитного ліміту картки недостатньо"
HOLD_ENDED = "Магазин не підтвердив оплату вчасно"
HOLD_CANCELED = "Магазин скасував оплату"


class NotNow(Exception):
    """The payment is at another step."""


class Moves:
    """All in seconds: ``delay`` is how long a decision takes, ``action_delay`` how long after its reply a confirm or
    cancel takes effect, ``hold_seconds`` how long a hold lives (``None``: for ever).
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        later: Later,
        habits: Habits,
        announce: Callable[[Payment], None],
        announced_states: Collection[str],
        delay: float,
        action_delay: float,
        hold_seconds: float | None,
    ) -> None:
        self._ledger = ledger
        self._later = later
        self._habits = habits
        self._announce = announce
        self._announced_states = announced_states
        self._delay = delay
        self._action_delay = action_delay
        self._hold_seconds = hold_seconds

    def move(
        self,
        payment: Payment,
        state: str,
        message: str = "",
        *,
        by: str,
        act: str,
        card: str = "",
        due_at: float | None = None,
        due_state: str = "",
    ) -> Payment:
        moved = self._ledger.move(
            payment, state, message, by=by, act=act, card=card, due_at=due_at, due_state=due_state
        )
        if state in self._announced_states and state != payment.state:
            self._announce(moved)
        if due_at is not None:
            return self._in_time(moved)
        return moved

    def decide(self, payment: Payment, *, by: str, act: str) -> Payment:
        """The customer has done everything: the bank decides after its delay."""
        return self.move(payment, PP_CREATION, by=by, act=act, due_at=time.time() + self._delay)

    def set_state(self, payment: Payment, state: str, message: str = "") -> Payment:
        """Any word, whatever the rules say; no callback."""
        if state == SUCCESS and not message:
            message = contract.text(payment)
        return self._ledger.move(payment, state, message, by=BANK, act="set by hand")

    def resume(self) -> None:
        """Take up what was pending when the books were closed."""
        for payment in self._ledger.waiting():
            self._in_time(payment)

    def confirm(self, payment: Payment, *, by: str) -> Payment:
        """Take what is held. Raises ``NotNow``."""
        return self._end_hold(payment, SUCCESS, by=by, act="confirm", seconds=self._action_delay)

    def cancel_hold(self, payment: Payment, *, by: str) -> Payment:
        """Release what is held. Raises ``NotNow``."""
        return self._end_hold(payment, CANCELED, HOLD_CANCELED, by=by, act="cancel", seconds=self._action_delay)

    def end_hold(self, payment: Payment) -> Payment:
        """Nobody has confirmed in time. Raises ``NotNow``."""
        return self._end_hold(payment, self._habits["hold_end"], HOLD_ENDED, by=BANK, act="hold ended")

    def _end_hold(
        self, payment: Payment, state: str, message: str = "", *, by: str, act: str, seconds: float = 0
    ) -> Payment:
        with self._ledger.transaction():
            payment = self._ledger.get(payment.id)
            if not _is_held(payment):
                raise NotNow(payment.state)
            if seconds:
                return self.move(
                    payment, LOCKED, message, by=by, act=act, due_at=time.time() + seconds, due_state=state
                )
            return self._settle(payment, state, message, by=by, act=act)

    def _settle(self, payment: Payment, state: str, message: str, *, by: str, act: str) -> Payment:
        return self.move(payment, state, contract.text(payment) if state == SUCCESS else message, by=by, act=act)

    def _in_time(self, payment: Payment) -> Payment:
        seconds = (payment.due_at or 0) - time.time()
        if seconds <= 0:
            return self._arrive(payment)
        self._later.call(seconds, lambda: self._arrive(payment), awaited=not _is_held(payment))
        return payment

    def _arrive(self, payment: Payment) -> Payment:
        with self._ledger.transaction():
            now = self._ledger.get(payment.id)
            if (now.state, now.due_at, now.due_state) != (payment.state, payment.due_at, payment.due_state):
                return now
            if now.due_state:
                return self._settle(now, now.due_state, now.message, by=BANK, act="done")
            return self.end_hold(now) if _is_held(now) else self._decide(now)

    def _decide(self, payment: Payment) -> Payment:
        if payment.card != contract.CARDS["success"]:
            return self.move(payment, FAIL, NOT_APPROVED, by=BANK, act="decision")
        if payment.hold:
            ends_at = None if self._hold_seconds is None else time.time() + self._hold_seconds
            return self.move(payment, LOCKED, by=BANK, act="decision", due_at=ends_at)
        return self.move(payment, SUCCESS, contract.text(payment), by=BANK, act="decision")


def _is_held(payment: Payment) -> bool:
    """Whether it is still open what becomes of the hold."""
    return payment.state == LOCKED and not payment.due_state

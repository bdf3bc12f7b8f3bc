"""What may follow what: the states of a payment, and the one function that decides a move.

The table is design in code: rows are where a payment stands, columns are what the bank said when it was asked
(payparts-api §3.1). Nothing here touches the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class PaymentState(TextChoices):
    """``NEW`` and ``EXPIRED`` are ours; the other eight are the bank's words (payparts-api §3.1)."""

    NEW = "NEW", pgettext_lazy("a payment", "New")
    CREATED = "CREATED", _("Created")
    CLIENT_WAIT = "CLIENT_WAIT", _("Waiting for the buyer")
    OTP_WAITING = "OTP_WAITING", _("Waiting for the code")
    PP_CREATION = "PP_CREATION", _("The bank is deciding")
    LOCKED = "LOCKED", _("On hold")
    SUCCESS = "SUCCESS", _("Paid")
    CANCELED = "CANCELED", _("Cancelled")
    FAIL = "FAIL", _("Refused")
    EXPIRED = "EXPIRED", _("Expired")


#: From the first step to the last before the bank's decision, in this order.
PROGRESS = (
    PaymentState.NEW,
    PaymentState.CREATED,
    PaymentState.CLIENT_WAIT,
    PaymentState.OTP_WAITING,
    PaymentState.PP_CREATION,
    PaymentState.LOCKED,
)
#: The buyer may still pay: a second press goes to the same page of the bank.
OPEN = frozenset(PROGRESS) - {PaymentState.LOCKED}
#: No money comes from here, unless the bank says otherwise later.
NEGATIVE = frozenset({PaymentState.CANCELED, PaymentState.FAIL, PaymentState.EXPIRED})
#: The bank's final words.
FINAL = frozenset({PaymentState.SUCCESS, PaymentState.CANCELED, PaymentState.FAIL})
#: Words that settle a claim: asked, the bank has decided.
DECIDED = FINAL | {PaymentState.LOCKED}
#: What the bank can say; ``NEW`` and ``EXPIRED`` never come from it.
OBSERVABLE = tuple(s for s in PaymentState if s not in {PaymentState.NEW, PaymentState.EXPIRED})

_BANK_WORDS = {state.value: state for state in OBSERVABLE} | {"REJECTED": PaymentState.FAIL}


def from_bank(word: str) -> PaymentState | None:
    """Our state for the bank's ``paymentState``, or ``None`` for a word that we do not know (payparts-api §3.1)."""
    return _BANK_WORDS.get(word)


def further(one: PaymentState, other: PaymentState) -> PaymentState:
    """Of two states the one nearer to being paid; how a payment ended otherwise does not count."""
    way = (*PROGRESS, PaymentState.SUCCESS)
    return other if other in way and way.index(other) > way.index(one) else one


class Move(Enum):
    """What an observation does to a payment."""

    APPLY = "apply"
    LATE = "late"
    QUIET = "quiet"
    DUPLICATE = "duplicate"
    STALE = "stale"
    CONFLICT = "conflict"

    @property
    def moves(self) -> bool:
        return self in {Move.APPLY, Move.LATE, Move.QUIET}


@dataclass(frozen=True)
class Decision:
    """Where the payment stands after an observation. ``attention`` is a code or empty."""

    move: Move
    state: PaymentState
    was_negative: bool
    attention: str = ""


def _table() -> dict[tuple[PaymentState, PaymentState], Move]:
    s = PaymentState
    table: dict[tuple[PaymentState, PaymentState], Move] = {(now, seen): Move.STALE for now in s for seen in OBSERVABLE}
    for step, now in enumerate(PROGRESS):
        for seen in OBSERVABLE:
            if seen not in PROGRESS[:step]:
                table[now, seen] = Move.APPLY
    for state in OBSERVABLE:
        table[state, state] = Move.DUPLICATE
    for now in NEGATIVE:
        table[now, s.LOCKED] = table[now, s.SUCCESS] = Move.LATE
    for seen in (s.CANCELED, s.FAIL):
        table[s.EXPIRED, seen] = Move.QUIET
        table[s.SUCCESS, seen] = Move.CONFLICT
    return table


TABLE = _table()


def decide(
    now: PaymentState, observed: PaymentState, *, was_negative: bool = False, fully_refunded: bool = False
) -> Decision:
    """What the bank's answer ``observed`` makes of a payment that stands at ``now``.

    ``was_negative`` is sticky: a payment that was once cancelled, refused or expired is *late* when money comes
    after all, even by way of a hold, since the shop may have resold the goods. After a full refund a negative
    word is what the bank is expected to say, so it is no conflict.
    """
    move = TABLE[now, observed]
    if move is Move.CONFLICT and fully_refunded:
        move = Move.STALE
    if move is Move.CONFLICT:
        return Decision(move, now, was_negative, "negative_after_success")
    if not move.moves:
        return Decision(move, now, was_negative)
    if was_negative and observed in {PaymentState.LOCKED, PaymentState.SUCCESS}:
        move = Move.LATE
    attention = ""
    if move is Move.LATE:
        attention = "late_success" if observed == PaymentState.SUCCESS else "late_lock"
    return Decision(move, observed, was_negative or observed in NEGATIVE, attention)

"""What callbacks claim, until the bank has been asked. The callers hold the lock of the payment and save it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from wagtail_payparts.models import EventType, Payment, PaymentEvent, Verdict
from wagtail_payparts.states import DECIDED, FINAL, PaymentState, from_bank


#: A stronger claim is not forgotten for a weaker one that comes after it.
_STRENGTH = {
    PaymentState.LOCKED: 1,
    PaymentState.CANCELED: 2,
    PaymentState.FAIL: 2,
    PaymentState.SUCCESS: 3,
}


def claim(event: PaymentEvent, *, state: str, claim_state: str, now: datetime) -> dict[str, Any]:
    """What a callback changes of the claim of its payment, of which the present state and claim are given.

    Only a decision is a claim; a word about a step only makes us ask. What is already so claims nothing.
    """
    claimed = from_bank(event.state)
    if claimed not in DECIDED or (claimed == state and not claim_state):
        return {}
    current = from_bank(claim_state)
    if current is not None and _STRENGTH[claimed] < _STRENGTH[current]:
        return {}
    since = {} if claim_state else {"claim_at": now}
    return {"claim_state": event.state, "claim_event_id": event.pk, **since}


def settle(row: Payment, observed: PaymentState, asked_at: datetime) -> bool:
    """Close the claim with what the bank decided, and say of each callback whether the bank stands by it.

    A callback that came after the question had left, and says otherwise, stays open: the bank may have decided
    again in between. Returns whether the bank contradicts one of the others.
    """
    if observed not in DECIDED:
        return False
    claim_stays = from_bank(row.claim_state) != observed and _claimed_since(row, asked_at)
    contradicted = False
    for callback in row.events.filter(type=EventType.CALLBACK, verdict=Verdict.RECEIVED):
        claimed = from_bank(callback.state)
        if claimed == observed:
            callback.verdict = Verdict.APPLIED
        elif callback.created_at > asked_at or (claim_stays and callback.pk == row.claim_event_id):
            continue
        elif observed == PaymentState.LOCKED and claimed in FINAL:
            # A hold may end either way: whether the bank stands by this word is seen when it has.
            continue
        elif claimed is None:
            callback.verdict = Verdict.UNKNOWN_STATE
        elif _contradicts(claimed, observed):
            callback.verdict, contradicted = Verdict.CONFLICT, True
        else:
            callback.verdict = Verdict.STALE
        callback.save(update_fields=["verdict"])
    if not claim_stays:
        row.claim_state, row.claim_at, row.claim_event_id = "", None, None
    return contradicted


def _claimed_since(row: Payment, asked_at: datetime) -> bool:
    """Whether the claim, or the stronger one that took its place, came after the question to the bank had left."""
    return bool(
        (row.claim_at and row.claim_at > asked_at) or (row.claim_event and row.claim_event.created_at > asked_at)
    )


def _contradicts(claimed: PaymentState, decided: PaymentState) -> bool:
    """Paid and not paid cannot both be true. A step and a hold come before every end."""
    paid_against_negative = {claimed == PaymentState.SUCCESS, decided == PaymentState.SUCCESS} == {
        True,
        False,
    }
    return paid_against_negative and claimed in FINAL and decided in FINAL

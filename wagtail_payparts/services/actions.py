"""One action at the bank at a time: written down before the bank is told, over when the bank is seen to have acted."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from wagtail_payparts.bank import ActionReply
from wagtail_payparts.exceptions import BankError, BankRefused, BankUnreachable, NotAllowed
from wagtail_payparts.models import Action, AttentionCode, EventType, Payment, PaymentEvent, Source, Verdict
from wagtail_payparts.services.journal import drop_attention, record


def begin(row: Payment, action: Action) -> None:
    """Take the payment for one action; the caller holds its lock and saves it. Raises ``NotAllowed``."""
    if row.pending_action:
        raise NotAllowed(
            f"{row.pending_action} is under way",
            user_message=_(
                "Another action on this payment is under way: “%(action)s”. Wait until the bank has been asked what "
                "came of it."
            )
            % {"action": row.get_pending_action_display()},
        )
    row.pending_action, row.pending_since = action, timezone.now()


def end(row: Payment) -> None:
    """Nothing is under way any more, nor stuck."""
    row.pending_action, row.pending_since = "", None
    drop_attention(row, AttentionCode.ACTION_STUCK)


def record_reply(row: Payment, event_type: EventType, told: ActionReply | BankError, *, by: Any) -> PaymentEvent:
    """Write down what the bank said when it was told to act. It settles nothing."""
    source = Source.STAFF if by else Source.POLL
    if isinstance(told, BankError):
        return record(row, type=event_type, source=source, verdict=verdict_of(told), message=str(told), exchange=told)
    return record(
        row, type=event_type, source=source, verdict=Verdict.RECEIVED, message=told.message, exchange=told.exchange
    )


def verdict_of(error: BankError) -> str:
    """What became of a request that failed."""
    if isinstance(error, BankRefused):
        return Verdict.REFUSED
    return Verdict.UNREACHABLE if isinstance(error, BankUnreachable) else Verdict.BAD_ANSWER


def is_certain_refusal(error: Any) -> bool:
    """Only a FAIL whose signature is the bank's says that it did not act; anything else may have."""
    return isinstance(error, BankRefused) and error.verified

"""One action at the bank at a time: written down before the bank is told, over when the bank is seen to have acted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from wagtail_payparts.bank import ActionReply
from wagtail_payparts.exceptions import AlreadyResolved, BankError, BankRefused, BankUnreachable
from wagtail_payparts.models import Action, AttentionCode, EventType, Payment, PaymentEvent, Source, Verdict
from wagtail_payparts.models.refunds import UNSETTLED
from wagtail_payparts.services.journal import drop_attention, record
from wagtail_payparts.services.locking import POLL_LEASE


#: In the payload of an event: the refusal bears the bank's signature.
_REFUSED = "certainly_refused"


def what_is_under_way(payment: Payment) -> str:
    """Why no action may begin now, for people; empty where one may."""
    if not payment.pending_action:
        return ""
    return _(
        "Another action on this payment is under way: “%(action)s”. Wait until the bank has been asked what came of it."
    ) % {"action": payment.get_pending_action_display()}


def begin(row: Payment, action: Action) -> None:
    """Take the payment for one action; the caller holds its lock and saves it. Raises ``AlreadyResolved``."""
    if row.pending_action:
        raise AlreadyResolved(f"{row.pending_action} is under way", user_message=what_is_under_way(row))
    now = timezone.now()
    row.pending_action, row.pending_since = action, now
    # If this process dies, the poller finds out what came of it; not while the bank is being told.
    row.next_poll_at = min(row.next_poll_at or now + POLL_LEASE, now + POLL_LEASE)


def end(row: Payment) -> None:
    """Nothing is under way any more, nor stuck."""
    row.pending_action, row.pending_since = "", None
    drop_attention(row, AttentionCode.ACTION_STUCK)


def decision_version(payment: Payment) -> str:
    """What a decision about money rests on, to be compared when it is carried out."""
    refunds = payment.refunds.filter(state__in=UNSETTLED).order_by("pk").values_list("pk", "state")
    open_refunds = ",".join(f"{pk}:{state}" for pk, state in refunds)
    return f"{payment.state}|{payment.remainder:.2f}|{payment.pending_action}|{open_refunds}"


def has_changed() -> str:
    """To a person whose decision rests on another ``decision_version``."""
    return _("This payment has changed meanwhile, so nothing was done: look at it again.")


def record_reply(row: Payment, event_type: EventType, told: ActionReply | BankError, *, by: Any) -> PaymentEvent:
    """Write down what the bank said when it was told to act. It settles nothing."""
    source = Source.STAFF if by else Source.POLL
    if isinstance(told, BankError):
        payload = told.payload
        if isinstance(told, BankRefused):
            # Over what the bank may have sent under that name.
            payload = (payload or {}) | {_REFUSED: is_certain_refusal(told)}
        return record(
            row,
            type=event_type,
            source=source,
            verdict=verdict_of(told),
            message=str(told),
            payload=payload,
            exchange=told,
        )
    return record(
        row, type=event_type, source=source, verdict=Verdict.RECEIVED, message=told.message, exchange=told.exchange
    )


def was_refused(row: Payment, *, before: datetime) -> bool:
    """Whether the bank has said for certain, ``before`` it was asked for the state, that it will not act on a hold."""
    told = row.events.filter(type=EventType.ACTION, created_at__gte=row.pending_since).order_by("-pk").first()
    if told is None or told.verdict != Verdict.REFUSED or told.created_at >= before:
        return False
    return told.payload.get(_REFUSED) is True


def verdict_of(error: BankError) -> str:
    """What became of a request that failed."""
    if isinstance(error, BankRefused):
        return Verdict.REFUSED
    return Verdict.UNREACHABLE if isinstance(error, BankUnreachable) else Verdict.BAD_ANSWER


def is_certain_refusal(error: Any) -> bool:
    """Only a FAIL whose signature is the bank's says that it did not act; anything else may have."""
    return isinstance(error, BankRefused) and error.verified

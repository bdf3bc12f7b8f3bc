"""One action at the bank at a time: written down before the bank is told, over when the bank is seen to have acted."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from wagtail_payparts.bank import ActionReply
from wagtail_payparts.exceptions import AlreadyResolved, BankError, BankRefused, BankUnreachable
from wagtail_payparts.models import Action, AttentionCode, EventType, Payment, PaymentEvent, Source, Verdict
from wagtail_payparts.models.refunds import UNSETTLED
from wagtail_payparts.services.journal import drop_attention, record


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
    row.pending_action, row.pending_since = action, timezone.now()


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

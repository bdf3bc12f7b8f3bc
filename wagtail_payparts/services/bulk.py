"""What staff do with several payments at once: have the bank asked about them, decide what needs a person.

Every payment is written in a transaction of its own, so that what fails for one is no loss for the others.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django_tasks.backends.immediate import ImmediateBackend

from wagtail_payparts import conf
from wagtail_payparts.exceptions import AlreadyResolved, NotAllowed
from wagtail_payparts.models import AttentionCode, EventType, Heartbeat, Payment, PaymentEvent, Source, Verdict
from wagtail_payparts.services.desk import resolve_attention
from wagtail_payparts.services.journal import record
from wagtail_payparts.services.locking import locked, retry_deadlocks
from wagtail_payparts.services.permissions import ASK, RESOLVE, require
from wagtail_payparts.services.sync import HEARTBEAT, check


#: Where tasks run inline, the request waits for so many questions, and begins none after so many seconds.
INLINE_QUESTIONS = 3
INLINE_SECONDS = 3
#: A poller that was not seen for so long is not there: cron starts it every minute, and it beats with each question.
POLLER_SILENT_AFTER = timedelta(minutes=5)
#: They write a refund or free a payment for the next action: decided with the payment before one's eyes.
ONE_AT_A_TIME = frozenset(
    code.value
    for code in (
        AttentionCode.NEGATIVE_AFTER_SUCCESS,
        AttentionCode.REFUND_UNCERTAIN,
        AttentionCode.ACTION_STUCK,
    )
)


@dataclass(frozen=True)
class Asked:
    """What became of the wish to ask the bank about several payments."""

    #: Those that were not waiting for a question already.
    marked: list[Payment]
    #: How many are asked about at once, and how many by the poller.
    at_once: int
    later: int


@dataclass(frozen=True)
class Resolved:
    """What became of a decision about several payments."""

    done: list[Payment] = field(default_factory=list)
    #: Those for which somebody had already decided the same thing.
    decided_before: list[Payment] = field(default_factory=list)


def ask_soon(payments: Iterable[Payment], *, by: Any) -> Asked:
    """Make a question about each payment due at once and write down who wanted it. Raises ``NotAllowed``.

    The bank is not asked here: after the transaction the first questions are handed to the project's task backend,
    all of them if it has workers, and the poller asks the rest. What is due already stays as it is, so asking
    twice does no harm.
    """
    require(by, ASK)
    payments = list(payments)
    marked = [payment for payment in payments if retry_deadlocks(lambda pk=payment.pk: _make_due(pk, by))]  # type: ignore[misc]
    at_once = [payment.pk for payment in payments[: _asked_at_once()]]
    if at_once:
        transaction.on_commit(lambda: _hand_over(at_once), robust=True)
    return Asked(marked, len(at_once), len(payments) - len(at_once))


def _make_due(payment_id: int, by: Any) -> bool:
    with locked(payment_id) as row:
        now = timezone.now()
        if row.next_poll_at is not None and row.next_poll_at <= now:
            return False
        row.next_poll_at = now
        row.save(update_fields=["next_poll_at"])
        record(row, type=EventType.POLL, source=Source.STAFF, verdict=Verdict.RECEIVED, user=by)
        return True


def _asked_at_once() -> int | None:
    """How many questions are handed over; ``None`` for all."""
    if not conf.get("PAYPARTS_CHECK_INLINE"):
        return 0
    return INLINE_QUESTIONS if _is_inline() else None


def _is_inline() -> bool:
    return isinstance(check.get_backend(), ImmediateBackend)


def _hand_over(payment_ids: list[int]) -> None:
    """A bank that is slow, and a broker that is down, leave the rest to the poller."""
    last_start = time.monotonic() + INLINE_SECONDS
    for payment_id in payment_ids:
        if _is_inline() and time.monotonic() > last_start:
            return
        check.enqueue(payment_id)


def poller_is_silent() -> bool:
    """Whether nobody is there to ask what is due."""
    since = timezone.now() - POLLER_SILENT_AFTER
    return not Heartbeat.objects.filter(name=HEARTBEAT, beat_at__gte=since).exists()


def resolve_each(payments: Iterable[Payment], code: str, *, accept: bool, note: str, by: Any) -> Resolved:
    """Decide the same thing for each payment that it stands open for (``desk.resolve_attention``).

    Payments that it was never open for are left alone. Raises ``NotAllowed`` without ``resolve``, without a note,
    and for ``ONE_AT_A_TIME``.
    """
    require(by, RESOLVE)
    if code in ONE_AT_A_TIME:
        raise NotAllowed(f"{code} is decided one payment at a time, since money moves")
    outcome = Resolved()
    closed = []
    for payment in payments:
        if code not in payment.attention_codes:
            closed.append(payment)
            continue
        try:
            outcome.done.append(resolve_attention(payment, code, accept=accept, note=note, by=by))
        except AlreadyResolved:
            # Between our look and our lock.
            closed.append(payment)
    outcome.decided_before.extend(_decided(closed, code))
    return outcome


def _decided(payments: list[Payment], code: str) -> list[Payment]:
    """Those for which ``code`` has been decided once."""
    events = PaymentEvent.objects.filter(payment__in=payments, type=EventType.RESOLVED)
    decided = {pk for pk, payload in events.values_list("payment_id", "payload") if payload.get("code") == code}
    return [payment for payment in payments if payment.pk in decided]

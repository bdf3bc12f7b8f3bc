"""When the bank is asked next: a pure function of what is known about a payment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from wagtail_payparts import conf
from wagtail_payparts.models import Payment
from wagtail_payparts.services.backoff import pause_after
from wagtail_payparts.states import PaymentState


CLAIM_STEPS = tuple(timedelta(seconds=s) for s in (0, 10, 30, 60, 120, 300, 900))
CLAIM_EVERY = timedelta(hours=1)
CLAIM_OVERDUE_AFTER = timedelta(minutes=30)
DAY = timedelta(days=1)
#: A paid payment may be refunded in the bank's cabinet.
PAID_STEPS = (timedelta(hours=1), DAY, 7 * DAY, 30 * DAY)
#: The bank may change its mind, or the buyer may come back.
NEGATIVE_STEPS = (DAY, 7 * DAY, 30 * DAY)
EXPIRED_FOR = 30 * DAY
FIRST_RETRY = timedelta(seconds=30)
LONGEST_RETRY = timedelta(minutes=15)
#: An action at the bank that is not seen to be over by then needs a person.
ACTION_STUCK_AFTER = timedelta(minutes=10)
#: Staff are reminded this long before a hold ends.
HOLD_REMINDER = timedelta(days=3)


def next_poll(payment: Payment, now: datetime, *, luck: float = 0) -> datetime | None:
    """When to ask the bank next; ``None`` when nothing more is expected of it.

    A question that got no answer consumes no step: it is asked again soon, less and less often. ``luck``, from 0 to 1,
    keeps those that failed together from coming back together.
    """
    times = [_by_state(payment, now)]
    if payment.claim_state:
        times.append(_by_claim(payment, now))
    if payment.pending_action:
        times.append(_by_action(payment, now))
    if payment.poll_failures:
        times.append(now + pause_after(payment.poll_failures, first=FIRST_RETRY, longest=LONGEST_RETRY, luck=luck))
    return min((at for at in times if at is not None), default=None)


def _by_claim(payment: Payment, now: datetime) -> datetime:
    since = payment.claim_at or now
    return _next_step(since, CLAIM_STEPS, now) or now + CLAIM_EVERY


def _by_action(payment: Payment, now: datetime) -> datetime:
    """The bank was told to act: what it did is found out as soon as what a callback claims."""
    since = payment.pending_since or now
    return _next_step(since, CLAIM_STEPS, now) or now + CLAIM_EVERY


def _by_state(payment: Payment, now: datetime) -> datetime | None:
    state = payment.payment_state
    if state == PaymentState.EXPIRED:
        last = payment.state_changed_at + EXPIRED_FOR
        return now + DAY if now + DAY <= last else None
    if state == PaymentState.LOCKED:
        return now + DAY
    settled = payment.settled_at
    if state == PaymentState.SUCCESS and settled:
        return _next_step(settled, PAID_STEPS, now)
    if state in {PaymentState.CANCELED, PaymentState.FAIL} and settled:
        return _next_step(settled, NEGATIVE_STEPS, now)
    return _next_step(payment.created_at, conf.poll_schedule(), now) or now + DAY


def _next_step(since: datetime, steps: Iterable[timedelta], now: datetime) -> datetime | None:
    return next((since + step for step in steps if since + step > now), None)

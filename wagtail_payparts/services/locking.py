"""How one payment is worked on by one process at a time, on every database."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import OperationalError, connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from wagtail_payparts.models import Payment


T = TypeVar("T")

#: Longer than a question to the bank may last (``bank.stores.LONGEST_WAIT``); then a process that died is replaced.
POLL_LEASE = timedelta(seconds=60)
DELIVERY_LEASE = timedelta(seconds=120)
DEADLOCK_TRIES = 5


@contextmanager
def locked(payment_id: int, *, durable: bool = False) -> Iterator[Payment]:
    """The payment, alone, in a transaction; ``durable``: one that is not part of another, so that it is committed.

    It begins by writing, so that SQLite takes its write lock at once instead of failing when it tries to upgrade.
    Whoever works on a payment may write down words of the bank, which ``retention`` is to find.
    """
    with transaction.atomic(durable=durable):
        Payment.objects.filter(pk=payment_id).update(
            lock_version=F("lock_version") + 1, texts_since=Coalesce("texts_since", Value(timezone.now()))
        )
        yield Payment.objects.select_for_update().get(pk=payment_id)


def retry_deadlocks(work: Callable[[], T]) -> T:
    """Run a transaction again when the database chose it as the victim of a deadlock.

    Inside somebody else's transaction nothing is retried: the whole of it is gone.
    """
    for attempt in range(DEADLOCK_TRIES):
        try:
            return work()
        except OperationalError:
            if connection.in_atomic_block or attempt == DEADLOCK_TRIES - 1:
                raise
            time.sleep(random.uniform(0.005, 0.05) * (attempt + 1))  # noqa: S311
    raise AssertionError("unreachable")


def lease_poll(payment_id: int, *, due_only: bool) -> datetime | None:
    """Claim the right to ask the bank about a payment; ``None`` if somebody else is asking, or it is not due."""

    def may_have(row: Payment, now: datetime) -> bool:
        return _is_free(row.poll_leased_until, now) and (not due_only or _is_due(row.next_poll_at, now))

    return _lease(payment_id, may_have, "poll_leased_until", POLL_LEASE)


def lease_delivery(payment_id: int) -> bool:
    """Claim the right to deliver a payment's signals; false if somebody else does, or nothing is due."""

    def may_have(row: Payment, now: datetime) -> bool:
        return _is_free(row.delivery_leased_until, now) and _is_due(row.next_delivery_at, now)

    return _lease(payment_id, may_have, "delivery_leased_until", DELIVERY_LEASE) is not None


def _lease(
    payment_id: int, may_have: Callable[[Payment, datetime], bool], field: str, duration: timedelta
) -> datetime | None:
    """Not one conditional UPDATE: MariaDB would look up the due ones by their index, and lock rows in its order."""

    def work() -> datetime | None:
        with locked(payment_id) as row:
            now = timezone.now()
            if not may_have(row, now):
                return None
            setattr(row, field, now + duration)
            row.save(update_fields=[field])
            return now

    return retry_deadlocks(work)


def _is_free(leased_until: datetime | None, now: datetime) -> bool:
    return leased_until is None or leased_until < now


def _is_due(at: datetime | None, now: datetime) -> bool:
    return at is not None and at <= now

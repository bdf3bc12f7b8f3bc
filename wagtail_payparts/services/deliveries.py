"""Deliver the signals that are owed: each receiver once, in order, and again if it failed."""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from inspect import isawaitable
from typing import Any

from asgiref.sync import async_to_sync
from django.db import OperationalError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django_tasks import task

from wagtail_payparts.bank import clean_text
from wagtail_payparts.models import AttentionCode, Payment, ReceiverResult, Refund, SignalDelivery
from wagtail_payparts.services.backoff import pause_after
from wagtail_payparts.services.journal import add_attention, note_receiver_gone
from wagtail_payparts.services.locking import DELIVERY_LEASE, lease_delivery, locked, retry_deadlocks
from wagtail_payparts.signals import MONEY_SIGNALS, Receiver


logger = logging.getLogger(__name__)

FIRST_RETRY = timedelta(seconds=30)
LONGEST_RETRY = timedelta(hours=6)
MAX_ATTEMPTS = 12
#: A receiver that has failed and is not connected any more is waited for so long, and looked for so often.
GONE_AFTER, LOOK_AGAIN = timedelta(hours=1), timedelta(minutes=10)


def deliver_later(payment: Payment) -> None:
    """Deliver after the current transaction, on the project's task backend (inline by default)."""
    transaction.on_commit(lambda: deliver.enqueue(payment.pk), robust=True)


@task()
def deliver(payment_id: int) -> None:
    """Deliver what a payment owes, if nobody else is at it."""
    deliver_payment(payment_id)


def deliver_due(limit: int = 500, *, must_stop: Callable[[], bool] = lambda: False) -> int:
    """Deliver the signals of every payment that owes some. Returns the number of payments worked on.

    ``must_stop`` is asked before each payment.
    """
    due = Payment.objects.filter(next_delivery_at__lte=timezone.now()).order_by("next_delivery_at")
    worked_on = 0
    for payment_id in list(due.values_list("pk", flat=True)[:limit]):
        if must_stop():
            break
        try:
            worked_on += deliver_payment(payment_id)
        except OperationalError:
            raise
        except Exception:
            # One delivery that cannot even be read must not stop the others.
            logger.exception("payment #%s: its signals could not be delivered", payment_id)
    return worked_on


def deliver_payment(payment_id: int) -> bool:
    """Deliver what a payment owes. False if nothing is due or another process is at it.

    A receiver that fails is retried alone, with growing pauses; until it has taken a signal it gets none of the
    later ones of that payment, while the others go on. It may be called twice if this process dies between the
    call and its record.
    """
    if not lease_delivery(payment_id):
        return False
    payment = Payment.objects.get(pk=payment_id)
    newest = _deliver_open(payment, after=0)
    while newest is not None:
        # A signal was owed while we were delivering: those who are ready for it do not wait for those who failed.
        newest = _deliver_open(payment, after=newest)
    return True


def failed_results() -> QuerySet[ReceiverResult]:
    """What receivers could not do with a signal, so far or for good; without those that are gone."""
    waits_or_given_up = Q(next_attempt_at__isnull=False) | Q(given_up_at__isnull=False)
    return ReceiverResult.objects.filter(waits_or_given_up, delivered_at__isnull=True, attempts__gt=0)


def _deliver_open(payment: Payment, *, after: int) -> int | None:
    """Go once through what is owed. The newest delivery seen if newer ones have come meanwhile, else ``None``."""
    blocked: dict[str, datetime | None] = {}
    away: set[str] = set()
    newest = after
    for delivery in payment.deliveries.filter(done_at__isnull=True).select_related("event").order_by("pk"):
        newest = max(newest, delivery.pk)
        _deliver_one(payment, delivery, blocked, away)
    is_finished = _finish(payment, [at for at in blocked.values() if at is not None], newest)
    return None if is_finished else newest


def _deliver_one(
    payment: Payment, delivery: SignalDelivery, blocked: dict[str, datetime | None], away: set[str]
) -> None:
    results = {result.receiver: result for result in delivery.results.all()}
    over = True
    receivers = list(MONEY_SIGNALS[delivery.signal].connected(Payment))
    for receiver in receivers:
        result = results.setdefault(receiver.name, ReceiverResult(delivery=delivery, receiver=receiver.name))
        if result.is_over:
            continue
        if receiver.name in blocked:
            over = False
        elif result.next_attempt_at and result.next_attempt_at > timezone.now():
            over, blocked[receiver.name] = False, result.next_attempt_at
        elif not _call(receiver, payment, delivery, result):
            over = result.is_over and over
            if not result.is_over:
                blocked[receiver.name] = result.next_attempt_at
    names = {receiver.name for receiver in receivers}
    for name in results.keys() - names:
        waits_until = _wait_for_gone(results[name], payment, delivery)
        if waits_until:
            blocked[name] = waits_until
            away.add(name)
    # Who is waited for on one signal may listen to the later ones too: this process cannot know.
    if over and away <= names:
        delivery.done_at = timezone.now()
        delivery.save(update_fields=["done_at"])


def _wait_for_gone(result: ReceiverResult, payment: Payment, delivery: SignalDelivery) -> datetime | None:
    """When to look again for a receiver that is not connected; ``None`` if nobody waits for it (any more).

    It may be a part of a version that is just being deployed. Otherwise staff read what it had not taken.
    """
    if result.is_over or result.next_attempt_at is None:
        return None
    now = timezone.now()
    if now < result.next_attempt_at + GONE_AFTER:
        return max(now, result.next_attempt_at) + LOOK_AGAIN
    with transaction.atomic():
        note_receiver_gone(payment, signal=delivery.signal, receiver=result.receiver)
        ReceiverResult.objects.filter(pk=result.pk, delivered_at__isnull=True).update(next_attempt_at=None)
    return None


def _call(receiver: Receiver, payment: Payment, delivery: SignalDelivery, result: ReceiverResult) -> bool:
    Payment.objects.filter(pk=payment.pk).update(delivery_leased_until=timezone.now() + DELIVERY_LEASE)
    if result.pk is None:
        # With a moment, so that it is waited for if this process dies and the next one does not know it.
        begun, _is_new = ReceiverResult.objects.get_or_create(
            delivery=delivery, receiver=receiver.name, defaults={"next_attempt_at": timezone.now()}
        )
        result.pk = begun.pk
    try:
        # In one transaction with the receiver's own work, where it uses the same database: both or neither.
        with transaction.atomic():
            # Written first: it waits for a process that took longer than its lease, and then finds nothing to do.
            still_owed = ReceiverResult.objects.filter(
                pk=result.pk, delivered_at__isnull=True, given_up_at__isnull=True
            )
            if not still_owed.update(
                delivered_at=timezone.now(), attempts=F("attempts") + 1, next_attempt_at=None, last_error=""
            ):
                return True
            answer = receiver.call(
                signal=MONEY_SIGNALS[delivery.signal],
                sender=Payment,
                payment=Payment.objects.get(pk=payment.pk),
                event=delivery.event,
                **_arguments(delivery),
            )
            if isawaitable(answer):
                # Its queries come back to this thread, and so into the same transaction.
                async_to_sync(_finished)(answer)
    except Exception as error:  # noqa: BLE001 - whatever a receiver raises must not stop the others
        _note_failure(receiver, payment, delivery, result, error)
        return False
    return True


def _note_failure(
    receiver: Receiver, payment: Payment, delivery: SignalDelivery, result: ReceiverResult, error: Exception
) -> None:
    logger.error(
        "payment %s: receiver %s failed on %s (attempt %s)",
        payment.order_id,
        receiver.name,
        delivery.signal,
        result.attempts + 1,
        exc_info=error,
    )
    now = timezone.now()
    result.attempts += 1
    given_up = result.attempts >= MAX_ATTEMPTS
    result.given_up_at = now if given_up else None
    result.next_attempt_at = None if given_up else now + _pause(result.attempts)
    result.last_error = clean_text(f"{type(error).__name__}: {error}")[:2000]
    retry_deadlocks(lambda: _write_failure(payment, delivery, result))


def _write_failure(payment: Payment, delivery: SignalDelivery, result: ReceiverResult) -> None:
    """Who is given up is put before a person in the same transaction: nobody would look again."""
    with locked(payment.pk) as row:
        # Not over one that another process has delivered meanwhile.
        is_written = ReceiverResult.objects.filter(pk=result.pk, delivered_at__isnull=True).update(
            attempts=result.attempts,
            last_error=result.last_error,
            next_attempt_at=result.next_attempt_at,
            given_up_at=result.given_up_at,
        )
        # An attention that its own receiver cannot take would raise the next one, and so on for ever.
        is_told_of_it = delivery.arguments.get("code") == AttentionCode.DELIVERY_FAILING
        if is_written and result.given_up_at and not is_told_of_it:
            add_attention(row, AttentionCode.DELIVERY_FAILING)
            row.save()


def _pause(attempts: int) -> timedelta:
    return pause_after(attempts, first=FIRST_RETRY, longest=LONGEST_RETRY, luck=random.random())  # noqa: S311


async def _finished(answer: Awaitable[Any]) -> None:
    await answer


def _arguments(delivery: SignalDelivery) -> dict[str, Any]:
    arguments: dict[str, Any] = dict(delivery.arguments)
    if "refund_id" in arguments:
        arguments["refund"] = Refund.objects.get(pk=arguments.pop("refund_id"))
    return arguments


def _finish(payment: Payment, retries: list[datetime], newest: int) -> bool:
    """Give the lease back and plan the next attempt; keep it, and return false, if newer signals are owed."""
    with locked(payment.pk) as row:
        owed = row.deliveries.filter(done_at__isnull=True)
        if owed.filter(pk__gt=newest).exists():
            return False
        row.delivery_leased_until = None
        row.next_delivery_at = min(retries, default=timezone.now()) if owed.exists() else None
        row.save(update_fields=["delivery_leased_until", "next_delivery_at"])
        return True

"""Deliver the signals that are owed: each receiver once, in order, and again if it failed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from inspect import iscoroutinefunction
from typing import Any

from asgiref.sync import async_to_sync
from django.db import OperationalError, transaction
from django.utils import timezone
from django_tasks import task

from wagtail_payparts.bank import clean_text
from wagtail_payparts.models import AttentionCode, Payment, ReceiverResult, Refund, SignalDelivery
from wagtail_payparts.services.locking import DELIVERY_LEASE, lease_delivery, locked
from wagtail_payparts.services.observations import raise_attention
from wagtail_payparts.signals import MONEY_SIGNALS, Receiver


logger = logging.getLogger(__name__)

FIRST_RETRY = timedelta(seconds=30)
LONGEST_RETRY = timedelta(hours=6)
MAX_ATTEMPTS = 12


def deliver_later(payment: Payment) -> None:
    """Deliver after the current transaction, on the project's task backend (inline by default)."""
    transaction.on_commit(lambda: deliver.enqueue(payment.pk), robust=True)


@task()
def deliver(payment_id: int) -> None:
    """Deliver what a payment owes, if nobody else is at it."""
    deliver_payment(payment_id)


def deliver_due(limit: int = 500) -> int:
    """Deliver the signals of every payment that owes some. Returns the number of payments worked on."""
    due = Payment.objects.filter(next_delivery_at__lte=timezone.now()).order_by("next_delivery_at")
    worked_on = 0
    for payment_id in list(due.values_list("pk", flat=True)[:limit]):
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
    blocked: dict[str, datetime | None] = {}
    for delivery in payment.deliveries.filter(done_at__isnull=True).select_related("event").order_by("pk"):
        _deliver_one(payment, delivery, blocked)
    _finish(payment, [at for at in blocked.values() if at is not None])
    return True


def _deliver_one(payment: Payment, delivery: SignalDelivery, blocked: dict[str, datetime | None]) -> None:
    results = {result.receiver: result for result in delivery.results.all()}
    over = True
    for receiver in MONEY_SIGNALS[delivery.signal].connected(Payment):
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
    if over:
        delivery.done_at = timezone.now()
        delivery.save(update_fields=["done_at"])


def _call(receiver: Receiver, payment: Payment, delivery: SignalDelivery, result: ReceiverResult) -> bool:
    Payment.objects.filter(pk=payment.pk).update(delivery_leased_until=timezone.now() + DELIVERY_LEASE)
    result.attempts += 1
    try:
        # In one transaction with the receiver's own work, where it uses the same database: both or neither.
        with transaction.atomic():
            result.delivered_at, result.next_attempt_at, result.last_error = timezone.now(), None, ""
            result.save()
            _plain(receiver.call)(
                signal=MONEY_SIGNALS[delivery.signal],
                sender=Payment,
                payment=Payment.objects.get(pk=payment.pk),
                event=delivery.event,
                **_arguments(delivery),
            )
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
        result.attempts,
        exc_info=error,
    )
    now = timezone.now()
    given_up = result.attempts >= MAX_ATTEMPTS
    result.given_up_at = now if given_up else None
    result.next_attempt_at = None if given_up else now + min(FIRST_RETRY * 2 ** (result.attempts - 1), LONGEST_RETRY)
    outcome = {
        "attempts": result.attempts,
        "last_error": clean_text(f"{type(error).__name__}: {error}")[:2000],
        "next_attempt_at": result.next_attempt_at,
        "given_up_at": result.given_up_at,
        "delivered_at": None,
    }
    # Not result.save(): a new row was rolled back together with the receiver's work.
    if not ReceiverResult.objects.filter(delivery=delivery, receiver=receiver.name).update(**outcome):
        ReceiverResult.objects.create(delivery=delivery, receiver=receiver.name, **outcome)
    result.delivered_at = None
    # An attention that its own receiver cannot take would raise the next one, and so on for ever.
    if result.given_up_at and delivery.arguments.get("code") != AttentionCode.DELIVERY_FAILING:
        raise_attention(payment, AttentionCode.DELIVERY_FAILING)


def _plain(receiver: Callable[..., Any]) -> Callable[..., Any]:
    return async_to_sync(receiver) if iscoroutinefunction(receiver) else receiver


def _arguments(delivery: SignalDelivery) -> dict[str, Any]:
    arguments: dict[str, Any] = dict(delivery.arguments)
    if "refund_id" in arguments:
        arguments["refund"] = Refund.objects.get(pk=arguments.pop("refund_id"))
    return arguments


def _finish(payment: Payment, retries: list[datetime]) -> None:
    with locked(payment.pk) as row:
        row.delivery_leased_until = None
        open_deliveries = row.deliveries.filter(done_at__isnull=True).exists()
        if not open_deliveries:
            row.next_delivery_at = None
        elif retries:
            row.next_delivery_at = min(retries)
        else:
            # A signal was owed while we were delivering.
            row.next_delivery_at = timezone.now()
        row.save(update_fields=["delivery_leased_until", "next_delivery_at"])

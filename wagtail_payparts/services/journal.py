"""What is written down beside a payment: events, the signals that are owed for them, what needs a person.

The callers hold the lock of the payment and save it.
"""

from __future__ import annotations

import logging
from typing import Any

from django.utils import timezone

from wagtail_payparts import conf
from wagtail_payparts.bank import clean_text
from wagtail_payparts.models import EventType, Payment, PaymentEvent, SignalDelivery, Source, Verdict
from wagtail_payparts.services.locking import locked


logger = logging.getLogger(__name__)


def record(
    row: Payment,
    *,
    message: str = "",
    exchange: Any = None,
    payload: dict[str, Any] | None = None,
    user: Any = None,
    **fields: Any,
) -> PaymentEvent:
    """Write an event, or count one more of the same poll: a year of silence is one row, not four hundred."""
    message = clean_text(message)
    if fields.get("type") == EventType.POLL and fields.get("verdict") != Verdict.APPLIED and user is None:
        last = row.events.order_by("-pk").first()
        if last and _is_same(last, {**fields, "message": message, "user_id": None}):
            last.repeats += 1
            last.save(update_fields=["repeats"])
            return last
    return PaymentEvent.objects.create(
        payment=row,
        store_id=conf.store_id(row.store),
        order_id=row.order_id,
        message=message,
        user=user,
        payload=payload or getattr(exchange, "payload", None) or {},
        http_status=getattr(exchange, "http_status", None),
        duration_ms=getattr(exchange, "duration_ms", None),
        trace_id=getattr(exchange, "trace_id", "")[:128],
        **fields,
    )


def owe(row: Payment, event: PaymentEvent, signal: str, **arguments: Any) -> None:
    """A signal that has to be delivered once this transaction is committed."""
    SignalDelivery.objects.create(payment=row, event=event, signal=signal, arguments=arguments)
    row.next_delivery_at = timezone.now()


def add_attention(row: Payment, code: str, event: PaymentEvent | None = None) -> None:
    """Put a payment before a person, once for each code."""
    if code in row.attention_codes:
        return
    row.attention = " ".join([*row.attention_codes, code])
    logger.warning("payment %s needs attention: %s", row.order_id, code)
    raised = record(row, type=EventType.ATTENTION, source=event.source if event else Source.POLL, message=code)
    owe(row, raised, "payment_needs_attention", code=code)


def drop_attention(row: Payment, code: str) -> None:
    """What has come right by itself needs nobody any more."""
    row.attention = " ".join(other for other in row.attention_codes if other != code)


def raise_attention(payment: Payment, code: str) -> None:
    """Put a payment before a person, from outside an observation (a receiver that keeps failing)."""
    with locked(payment.pk) as row:
        add_attention(row, code)
        row.save()


def note_receiver_gone(payment: Payment, *, signal: str, receiver: str) -> None:
    """A receiver that failed on a signal is no longer connected, so that nobody will take it."""
    with locked(payment.pk) as row:
        record(
            row,
            type=EventType.NOTE,
            source=Source.POLL,
            message=f"{receiver} is no longer connected to {signal}, which it had not taken.",
            # So that it can be told in the language of whoever reads it.
            payload={"note": "receiver_gone", "signal": signal, "receiver": receiver},
        )


def _is_same(event: PaymentEvent, fields: dict[str, Any]) -> bool:
    return all(getattr(event, name) == value for name, value in fields.items())

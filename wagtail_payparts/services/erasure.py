"""What is taken out of the rows of payments and orders so that they name nobody any more. The ledger stays.

This is the one exception to "events are never rewritten". ``services.retention`` says when it is done.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from wagtail_payparts.models import EventType, Order, Payment, PaymentEvent, ReceiverResult, Refund, Source, Verdict
from wagtail_payparts.models.refunds import UNSETTLED
from wagtail_payparts.services.locking import retry_deadlocks
from wagtail_payparts.states import FINAL, NEGATIVE


#: What a receipt says of a person. The rest identifies the transfer, for the bank and the accountant.
PERSONAL_RECEIPT = frozenset({"card_mask", "owner_name"})
#: Events in which the bank speaks, and any other one that has an HTTP status.
_BANK_SPEAKS = (EventType.CALLBACK, EventType.PAYMENT_CREATE, EventType.POLL)
#: Their messages are ours: what went wrong on the way.
_OURS = (Verdict.UNREACHABLE, Verdict.BAD_ANSWER)
#: What stays of a message of the bank beside amounts, and of our mark on it: no text in which it could name somebody.
_KEPT = frozenset(
    {"state", "paymentState", "storeId", "storeIdentifier", "orderId", "partsCount", "merchantType", "signed_with"}
)
_LONGEST_KEPT = 64
_AMOUNT_KEY = re.compile("amount|refund", re.IGNORECASE)
_AMOUNT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,2})?")
_CONTACT = ("buyer_name", "buyer_phone", "buyer_email", "comment", "staff_note")


def ended() -> QuerySet[Payment]:
    """Payments that have come to an end: nothing is claimed, under way, owed, uncertain or left to a person."""
    return Payment.objects.filter(_has_ended())


def settled() -> QuerySet[Payment]:
    """Those of them about which the bank is not asked any more."""
    return ended().filter(next_poll_at__isnull=True)


def has_open_payment() -> Exists:
    """Whether an order has a payment that has not ended."""
    return Exists(Payment.objects.filter(~_has_ended(), buyer_order=OuterRef("pk")))


def erase_texts(payment_ids: Collection[int], among: QuerySet[Payment], *, at: datetime) -> int:
    """Erase what the bank wrote about those of the payments that are ``among`` them once they are locked.

    Returns their number. One short transaction.
    """

    def work() -> int:
        with transaction.atomic():
            _lock(payment_ids)
            rows = list(among.filter(pk__in=payment_ids).select_for_update().order_by("pk"))
            _erase_payments(rows, at)
            return len(rows)

    return retry_deadlocks(work)


def erase_metadata(payment_ids: Collection[int], among: QuerySet[Payment]) -> int:
    """Empty ``metadata``, in which a shop may have written anything. Returns the number of payments."""

    def work() -> int:
        with transaction.atomic():
            _lock(payment_ids)
            return among.filter(pk__in=payment_ids).exclude(metadata={}).update(metadata={})

    return retry_deadlocks(work)


def erase_contacts(order_ids: Collection[int], among: QuerySet[Order], *, at: datetime) -> list[int]:
    """Erase who bought, and the notes of staff about it, of those of the orders that are ``among`` them once locked.

    Returns their keys. What their payments hold is erased before (``erase_texts``), so that nothing is forgotten if
    this process dies in between.
    """

    def work() -> list[int]:
        with transaction.atomic():
            Order.objects.filter(pk__in=order_ids).update(status=F("status"))
            locked = list(among.filter(pk__in=order_ids).select_for_update().values_list("pk", flat=True))
            Order.objects.filter(pk__in=locked).update(erased_at=at, **dict.fromkeys(_CONTACT, ""))
            erase_notes(Payment.objects.filter(buyer_order__in=locked))
            return locked

    return retry_deadlocks(work)


def erase_notes(payments: QuerySet[Payment]) -> None:
    """Notes that staff wrote into the history; their decisions and the reasons for them stay."""
    notes = PaymentEvent.objects.filter(type=EventType.NOTE, source=Source.STAFF, payment__in=payments.values("pk"))
    notes.exclude(message="").update(message="")


def erase_events(events: QuerySet[PaymentEvent]) -> int:
    """Take the bank's words out of its messages. Returns the number of events that had some."""
    with_words = set(events.exclude(message="").exclude(verdict__in=_OURS).values_list("pk", flat=True))
    PaymentEvent.objects.filter(pk__in=with_words).update(message="")
    with_payload = []
    for event in events.order_by("pk").only("pk", "payload"):
        payload = _without_texts(event.payload)
        if payload != event.payload:
            event.payload = payload
            with_payload.append(event)
    PaymentEvent.objects.bulk_update(with_payload, ["payload"], batch_size=100)
    return len(with_words | {event.pk for event in with_payload})


def _has_ended() -> Q:
    unsettled = Refund.objects.filter(payment=OuterRef("pk"), state__in=UNSETTLED)
    quiet = Q(claim_state="", pending_action="", attention="", next_delivery_at__isnull=True)
    return Q(Q(state__in=FINAL | NEGATIVE), quiet, ~Q(Exists(unsettled)))


def _lock(payment_ids: Collection[int]) -> None:
    """As ``locking.locked`` does: by writing, in which SQLite takes its lock."""
    Payment.objects.filter(pk__in=payment_ids).update(lock_version=F("lock_version") + 1)


def _erase_payments(rows: Sequence[Payment], at: datetime) -> None:
    keys = [row.pk for row in rows]
    Payment.objects.filter(pk__in=keys).update(bank_message="", erased_at=at, texts_since=None)
    with_person = [row for row in rows if PERSONAL_RECEIPT & row.receipt.keys()]
    for row in with_person:
        row.receipt = {name: text for name, text in row.receipt.items() if name not in PERSONAL_RECEIPT}
    Payment.objects.bulk_update(with_person, ["receipt"])
    erase_events(PaymentEvent.objects.filter(Q(type__in=_BANK_SPEAKS) | Q(http_status__isnull=False), payment__in=keys))
    Refund.objects.filter(payment__in=keys).exclude(bank_message="").update(bank_message="")
    # What a receiver complained of may quote whom it was about.
    complaints = ReceiverResult.objects.filter(delivery__payment__in=keys).exclude(last_error="")
    ReceiverResult.objects.filter(pk__in=list(complaints.values_list("pk", flat=True))).update(last_error="")


def _without_texts(payload: Any) -> Any:
    """What the bank sent, with its words for states, its ids and its amounts, and nothing else."""
    if isinstance(payload, list):
        return [_without_texts(item) for item in payload if isinstance(item, (dict, list))]
    return {
        key: _without_texts(value) if isinstance(value, (dict, list)) else value
        for key, value in payload.items()
        if isinstance(value, (dict, list)) or _may_stay(key, value)
    }


def _may_stay(key: str, value: Any) -> bool:
    if isinstance(value, bool) or value is None:
        return True
    text = str(value)
    if _AMOUNT_KEY.search(key):
        return bool(_AMOUNT.fullmatch(text))
    return key in _KEPT and len(text) <= _LONGEST_KEPT

"""A callback is a doorbell: verify it, store it, and have the bank asked. It never moves a payment."""

from __future__ import annotations

import hashlib
import json
import logging
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from wagtail_payparts import conf
from wagtail_payparts.bank import Callback, clean_text, describe_signature, signature_hint
from wagtail_payparts.exceptions import CallbackRejected
from wagtail_payparts.models import AttentionCode, EventType, Payment, PaymentEvent, Source, Verdict
from wagtail_payparts.services.claims import claim
from wagtail_payparts.services.deliveries import deliver_later
from wagtail_payparts.services.journal import raise_attention
from wagtail_payparts.services.limits import may_record_rejected
from wagtail_payparts.services.locking import retry_deadlocks
from wagtail_payparts.services.rotation import PREVIOUS, mark, warn_of_previous
from wagtail_payparts.services.rung import Rung, lock_rung, mark_rung
from wagtail_payparts.services.sync import check
from wagtail_payparts.signals import pay_parts_invalid_callback, pay_parts_success_callback
from wagtail_payparts.states import from_bank


logger = logging.getLogger(__name__)

#: How long the old receivers of one callback may take; after that the process that called them has died.
ANNOUNCE_LEASE = timedelta(minutes=10)
#: A callback for an unknown order is adopted if the payment appears within this time.
ADOPT_WITHIN = timedelta(days=7)
#: So many processes may write a rejected callback down at the same moment; one more of them lets it be.
RIVALS = 8


@dataclass(frozen=True)
class Stored:
    """What became of a callback. ``is_new``: the same signed fields had not come before."""

    event: PaymentEvent
    is_new: bool


def verify(callback: Callback) -> tuple[str, str]:
    """The alias of the store whose password signed the callback, and which password: ``current`` or ``previous``.

    Raises ``CallbackRejected`` if there is none.
    """
    store = conf.find_store(callback.store_id)
    if store is None:
        raise CallbackRejected("unknown_store")
    password = callback.password_of(store)
    if not password:
        raise CallbackRejected("wrong_signature", signature_hint(callback.signature))
    return store.alias, password


def receive(callback: Callback, request: Any = None) -> Stored:
    """Store what the bank signed (payparts-api §3), tell the old signal, and have the bank asked at once.

    Raises ``CallbackRejected`` if no store of the project has signed it. What was stored is never lost: an order
    that we do not know is kept for staff, and adopted if the payment appears. ``request`` is only passed through to
    the old signal's receivers, after the commit.
    """
    alias, password = verify(callback)
    payload = mark(callback.payload, password)
    stored = retry_deadlocks(lambda: _store(callback, alias, payload))
    event = stored.event
    if password == PREVIOUS:
        transaction.on_commit(lambda: warn_of_previous(alias), robust=True)
    if stored.is_new and event.announced_at is None:
        transaction.on_commit(lambda: announce(event, request), robust=True)
    payment_id = event.payment_id
    if payment_id is None:
        logger.warning("a callback of store %s for an unknown order", alias)
        return stored
    _flag_unknown_word(payment_id, callback.payment_state)
    if conf.get("PAYPARTS_CHECK_INLINE"):
        transaction.on_commit(lambda: check.enqueue(payment_id), robust=True)
    return stored


def _flag_unknown_word(payment_id: int, word: str) -> None:
    if from_bank(word) is None:
        payment = Payment.objects.get(pk=payment_id)
        raise_attention(payment, AttentionCode.UNKNOWN_STATE)
        deliver_later(payment)


def _store(callback: Callback, alias: str, payload: dict[str, Any]) -> Stored:
    """Write the event, or count a repeat. The unique fingerprint tells them apart: to look first would cost every
    callback a question.
    """
    fingerprint = _fingerprint(callback)
    try:
        with transaction.atomic():
            payment = lock_rung(alias, callback.order_id)
            event = _write_event(callback, fingerprint, payload, payment)
            if payment:
                _ask_because_of(payment, event)
            return Stored(event, is_new=True)
    except IntegrityError:
        with transaction.atomic():
            payment = lock_rung(alias, callback.order_id)
            repeated = PaymentEvent.objects.filter(fingerprint=fingerprint)
            if not repeated.update(repeats=F("repeats") + 1):
                raise
            event = repeated.get()
            if payment:
                _ask_because_of(payment, event)
            return Stored(event, is_new=False)


def _write_event(callback: Callback, fingerprint: str, payload: dict[str, Any], payment: Rung | None) -> PaymentEvent:
    now = timezone.now()
    # Where nobody listens to the old signal, nothing is owed.
    is_heard = pay_parts_success_callback.has_listeners(PaymentEvent)
    event = PaymentEvent(
        payment_id=payment.pk if payment else None,
        type=EventType.CALLBACK,
        source=Source.CALLBACK,
        verdict=Verdict.RECEIVED if payment else Verdict.UNKNOWN_ORDER,
        fingerprint=fingerprint,
        payload=payload,
        announcing_until=now + ANNOUNCE_LEASE if is_heard else None,
        announced_at=None if is_heard else now,
        **_log_fields(callback),
    )
    event.save(force_insert=True)
    return event


def _ask_because_of(payment: Rung, event: PaymentEvent) -> None:
    """Make the question to the bank due at once, for a new callback or a repeated one."""
    if event.payment_id is None or event.verdict != Verdict.RECEIVED:
        event.payment_id, event.verdict = payment.pk, Verdict.RECEIVED
        event.save(update_fields=["payment", "verdict"])
    now = timezone.now()
    claimed = claim(event, state=payment.state, claim_state=payment.claim_state, now=now)
    mark_rung(payment, now=now, **claimed)


def _fingerprint(callback: Callback) -> str:
    """Recognises a repeat by the signed fields alone; unlike the signature, with separators between them."""
    signed = [callback.store_id, callback.order_id, callback.payment_state, callback.message]
    return hashlib.sha256(json.dumps(signed).encode()).hexdigest()


def _log_fields(callback: Callback) -> dict[str, Any]:
    return {
        "state": callback.payment_state[:64],
        "message": clean_text(callback.message),
        "store_id": clean_text(callback.store_id)[:64],
        "order_id": clean_text(callback.order_id)[:64],
    }


def announce(event: PaymentEvent, request: Any = None) -> None:
    """Send the old package's signal for a stored callback; ``request`` is only passed through to its receivers."""
    for receiver, result in pay_parts_success_callback.send_robust(sender=PaymentEvent, log=event, request=request):
        if isinstance(result, Exception):
            logger.error("callback %s: receiver %r failed", event.pk, receiver, exc_info=result)
    PaymentEvent.objects.filter(pk=event.pk, announced_at__isnull=True).update(announced_at=timezone.now())


def reject(rejected: CallbackRejected, callback: Callback | None = None, request: Any = None) -> None:
    """Tell the old signal of a callback whose signature is not valid, and write it down for staff, not too often.

    Nothing of the signature is written down: only why the callback was rejected and what it looked like, in
    ``payload``.
    """
    if callback is not None and pay_parts_invalid_callback.has_listeners(PaymentEvent):
        log = PaymentEvent(type=EventType.CALLBACK, **_log_fields(callback))
        for receiver, result in pay_parts_invalid_callback.send_robust(sender=PaymentEvent, log=log, request=request):
            if isinstance(result, Exception):
                logger.error("an invalid callback: receiver %r failed", receiver, exc_info=result)
    if not may_record_rejected():
        logger.info("callback rejected: %s", rejected.reason)
        return
    logger.warning("callback rejected: %s", rejected.reason)
    try:
        _record_rejected(rejected, callback)
    except DatabaseError:
        logger.exception("a rejected callback could not be written down")


def _record_rejected(rejected: CallbackRejected, callback: Callback | None) -> None:
    """Write it down unless ``PAYPARTS_REJECTED_PER_HOUR`` are there, from whichever process.

    The unique fingerprint counts: it names the hour and the number in it, and no number is beyond the cap.
    """
    now = timezone.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    there = PaymentEvent.objects.filter(verdict=Verdict.REJECTED, created_at__gte=hour).count()
    last = min(there + RIVALS, int(conf.get("PAYPARTS_REJECTED_PER_HOUR")))
    for number in range(there + 1, last + 1):
        log = PaymentEvent(
            type=EventType.CALLBACK,
            source=Source.CALLBACK,
            verdict=Verdict.REJECTED,
            payload=_why(rejected, callback),
            announced_at=now,
            fingerprint=f"rejected {hour:%Y-%m-%dT%H} {number}",
            **(_log_fields(callback) if callback else {}) | {"message": _in_short(rejected)},
        )
        # Another process may have taken the number meanwhile.
        with suppress(IntegrityError), transaction.atomic():
            log.save(force_insert=True)
            return


def _in_short(rejected: CallbackRejected) -> str:
    return clean_text(f"{rejected.reason}: {rejected}")[:500]


def _why(rejected: CallbackRejected, callback: Callback | None) -> dict[str, Any]:
    """Codes, so that staff can read them in their language (``services.rejections``)."""
    why: dict[str, Any] = {"reason": rejected.reason}
    if rejected.address:
        why["address"] = rejected.address
    if callback is not None and rejected.reason == "wrong_signature":
        why["signature"] = asdict(describe_signature(callback.signature))
    return why


def sweep() -> int:
    """Finish what a process that died has left: re-send old signals, adopt callbacks of payments that appeared."""
    _adopt()
    now = timezone.now()
    free = Q(announcing_until__isnull=True) | Q(announcing_until__lt=now)
    left = PaymentEvent.objects.filter(free, type=EventType.CALLBACK, announced_at__isnull=True).order_by("pk")
    announced = 0
    for event in list(left[:200]):
        mine = PaymentEvent.objects.filter(free, pk=event.pk, announced_at__isnull=True)
        if mine.update(announcing_until=timezone.now() + ANNOUNCE_LEASE):
            announce(event)
            announced += 1
    return announced


def _adopt() -> None:
    orphans = list(
        PaymentEvent.objects.filter(
            verdict=Verdict.UNKNOWN_ORDER,
            created_at__gt=timezone.now() - ADOPT_WITHIN,
            type=EventType.CALLBACK,
            payment__isnull=True,
        ).order_by("pk")[:1000]
    )
    known = set(
        Payment.objects.filter(order_id__in={event.order_id for event in orphans}).values_list("order_id", flat=True)
    )
    for event in orphans:
        store = conf.find_store(event.store_id) if event.order_id in known else None
        adopted = store and _adopt_one(event, store.alias)
        if adopted:
            _flag_unknown_word(adopted.pk, event.state)


def _adopt_one(event: PaymentEvent, alias: str) -> Rung | None:
    with transaction.atomic():
        payment = lock_rung(alias, event.order_id)
        if payment:
            _ask_because_of(payment, event)
        return payment

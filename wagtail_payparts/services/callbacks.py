"""A callback is a doorbell: verify it, store it, and have the bank asked. It never moves a payment."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
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
from wagtail_payparts.services.locking import locked, retry_deadlocks
from wagtail_payparts.services.sync import check
from wagtail_payparts.signals import pay_parts_invalid_callback, pay_parts_success_callback
from wagtail_payparts.states import from_bank


logger = logging.getLogger(__name__)

#: How long the old receivers of one callback may take; after that the process that called them has died.
ANNOUNCE_LEASE = timedelta(minutes=10)
#: A callback for an unknown order is adopted if the payment appears within this time.
ADOPT_WITHIN = timedelta(days=7)


@dataclass(frozen=True)
class Stored:
    """What became of a callback. ``is_new``: the same signed fields had not come before."""

    event: PaymentEvent
    is_new: bool


def verify(callback: Callback) -> str:
    """The alias of the store whose password signed the callback. Raises ``CallbackRejected`` if there is none."""
    store = conf.find_store(callback.store_id)
    if store is None:
        raise CallbackRejected("unknown_store")
    if not callback.is_signed_by(store):
        raise CallbackRejected("wrong_signature", signature_hint(callback.signature))
    return store.alias


def receive(callback: Callback, request: Any = None) -> Stored:
    """Store what the bank signed (payparts-api §3), tell the old signal, and have the bank asked at once.

    Raises ``CallbackRejected`` if no store of the project has signed it. What was stored is never lost: an order
    that we do not know is kept for staff, and adopted if the payment appears. ``request`` is only passed through to
    the old signal's receivers, after the commit.
    """
    alias = verify(callback)
    payment = _find_payment(alias, callback.order_id)
    stored = retry_deadlocks(lambda: _store(callback, payment))
    if stored.is_new:
        transaction.on_commit(lambda: announce(stored.event, request), robust=True)
    if payment is None:
        logger.warning("a callback of store %s for an unknown order", alias)
        return stored
    _flag_unknown_word(payment, callback.payment_state)
    if conf.get("PAYPARTS_CHECK_INLINE"):
        transaction.on_commit(lambda: check.enqueue(payment.pk), robust=True)
    return stored


def _flag_unknown_word(payment: Payment, word: str) -> None:
    if from_bank(word) is None:
        raise_attention(payment, AttentionCode.UNKNOWN_STATE)
        deliver_later(payment)


def _find_payment(alias: str, order_id: str) -> Payment | None:
    payment = Payment.objects.filter(store=alias, order_id=order_id).first()
    return payment if payment is not None and payment.order_id == order_id else None


def _store(callback: Callback, payment: Payment | None) -> Stored:
    if payment is None:
        return _write_event(callback, None)
    with locked(payment.pk) as row:
        stored = _write_event(callback, row)
        _ask_because_of(row, stored.event)
        return stored


def _write_event(callback: Callback, payment: Payment | None) -> Stored:
    fingerprint = _fingerprint(callback)
    if not PaymentEvent.objects.filter(fingerprint=fingerprint).exists():
        try:
            with transaction.atomic():
                event = PaymentEvent.objects.create(
                    payment=payment,
                    type=EventType.CALLBACK,
                    source=Source.CALLBACK,
                    verdict=Verdict.RECEIVED if payment else Verdict.UNKNOWN_ORDER,
                    fingerprint=fingerprint,
                    payload=callback.payload,
                    announcing_until=timezone.now() + ANNOUNCE_LEASE,
                    **_log_fields(callback),
                )
        except IntegrityError:
            # Its twin was stored between our look and our write.
            pass
        else:
            return Stored(event, is_new=True)
    PaymentEvent.objects.filter(fingerprint=fingerprint).update(repeats=F("repeats") + 1)
    return Stored(PaymentEvent.objects.get(fingerprint=fingerprint), is_new=False)


def _ask_because_of(row: Payment, event: PaymentEvent) -> None:
    """Make the question to the bank due at once, for a new callback or a repeated one."""
    if event.payment_id is None or event.verdict != Verdict.RECEIVED:
        event.payment, event.verdict = row, Verdict.RECEIVED
        event.save(update_fields=["payment", "verdict"])
    claim(row, event)
    row.rung_at = row.next_poll_at = timezone.now()
    row.save()


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
    log = PaymentEvent(type=EventType.CALLBACK, **(_log_fields(callback) if callback else {}))
    if callback is not None:
        for receiver, result in pay_parts_invalid_callback.send_robust(sender=PaymentEvent, log=log, request=request):
            if isinstance(result, Exception):
                logger.error("an invalid callback: receiver %r failed", receiver, exc_info=result)
    logger.warning("callback rejected: %s", rejected.reason)
    if may_record_rejected():
        log.payload = _why(rejected, callback)
        log.verdict, log.source = Verdict.REJECTED, Source.CALLBACK
        log.message = clean_text(f"{rejected.reason}: {rejected}")[:500]
        log.announced_at = timezone.now()
        log.save()


def _why(rejected: CallbackRejected, callback: Callback | None) -> dict[str, Any]:
    """Codes, so that staff can read them in their language (``services.rejections``)."""
    why: dict[str, Any] = {"reason": rejected.reason}
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
        payment = store and _find_payment(store.alias, event.order_id)
        if payment:
            with locked(payment.pk) as row:
                _ask_because_of(row, event)
            _flag_unknown_word(payment, event.state)

"""What makes a shop healthy or ill: payments that ended, callbacks that came, a poller that runs or not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from tests.factories import make_payment
from wagtail_payparts.models import EventType, Heartbeat, Payment, PaymentEvent, ReceiverResult, Source, Verdict
from wagtail_payparts.services.sync import HEARTBEAT


def minutes_ago(minutes: float) -> Any:
    return timezone.now() - timedelta(minutes=minutes)


def ended(by: str = Source.POLL, *, minutes: float = 60, lasted: float = 2, **fields: Any) -> Payment:
    """A payment whose end ``by`` told us of, so long ago; it was made ``lasted`` minutes before."""
    settled_at = minutes_ago(minutes)
    payment = make_payment(**{"state": "SUCCESS"} | fields, settled_at=settled_at, settled_by=by)
    Payment.objects.filter(pk=payment.pk).update(created_at=settled_at - timedelta(minutes=lasted))
    return payment


def event(*, minutes: float = 1, **fields: Any) -> PaymentEvent:
    written = PaymentEvent.objects.create(**fields)
    PaymentEvent.objects.filter(pk=written.pk).update(created_at=minutes_ago(minutes))
    written.refresh_from_db()
    return written


def called(*, minutes: float = 1, store_id: str | None = None, **fields: Any) -> PaymentEvent:
    """A valid callback, as it is stored."""
    stored = {"type": EventType.CALLBACK, "source": Source.CALLBACK, "verdict": Verdict.APPLIED, "state": "SUCCESS"}
    return event(
        minutes=minutes, store_id=settings.PAYPARTS_API_STORE_ID if store_id is None else store_id, **stored | fields
    )


def rejected(reason: str = "wrong_signature", *, minutes: float = 1, **fields: Any) -> PaymentEvent:
    """A callback that was not believed, as it is stored."""
    payload: dict[str, Any] = {"reason": reason}
    if reason == "wrong_signature":
        payload["signature"] = {"kind": "odd", "length": 40, "alphabet": "hex"}
        fields.setdefault("store_id", settings.PAYPARTS_API_STORE_ID)
    stored = {"verdict": Verdict.REJECTED, "payload": payload, "message": f"{reason}: …", "state": ""}
    return called(minutes=minutes, **{"store_id": "-"} | stored | fields)


def beaten(minutes: float = 0) -> None:
    """The poller was last seen so long ago."""
    Heartbeat.objects.update_or_create(name=HEARTBEAT, defaults={"beat_at": minutes_ago(minutes)})


def not_taken(payment: Payment, *, receiver: str = "shop.pay_order", **fields: Any) -> ReceiverResult:
    """A signal of a payment that a receiver has failed to take."""
    because = PaymentEvent.objects.create(payment=payment, type=EventType.POLL, state=payment.state)
    delivery = payment.deliveries.create(event=because, signal="payment_succeeded")
    failed = {"attempts": 3, "last_error": "ConnectionError: the mail server is down"}
    failed |= {"next_attempt_at": timezone.now() + timedelta(minutes=5)} | fields
    return ReceiverResult.objects.create(delivery=delivery, receiver=receiver, **failed)


def a_shop_in_health() -> None:
    for _number in range(4):
        ended(Source.CALLBACK)
    ended(Source.POLL)
    called(minutes=5)
    beaten()


def a_shop_in_trouble() -> Payment:
    """Callbacks do not get through, the poller has stopped, receivers fail, strangers knock."""
    payment = ended(minutes=30)
    for number in range(3):
        ended(minutes=90 + number, next_poll_at=minutes_ago(120))
    beaten(minutes=180)
    for minutes in range(12):
        rejected(minutes=2 + minutes, order_id=f"ORDER-{minutes}")
    rejected("unknown_store", store_id="SOMEBODY-ELSES-9F3A", order_id="ORDER-77")
    rejected("not_json", store_id="", minutes=3)
    called(verdict=Verdict.UNKNOWN_ORDER, order_id="LOST-ORDER", minutes=12000)
    not_taken(payment)
    not_taken(payment, receiver="crm.tell", next_attempt_at=None, given_up_at=minutes_ago(9), last_error="x " * 400)
    event(type=EventType.NOTE, source=Source.POLL, payment=payment, payload={"note": "no_amount"}, minutes=9)
    make_payment(state="SUCCESS", attention="late_success double_payment")
    return payment

"""Signals that are owed, and a shop that receives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.utils import timezone

from wagtail_payparts.models import Payment, PaymentEvent, ReceiverResult, SignalDelivery


Receiver = Callable[..., Any]


class Shop:
    """A receiver that remembers what it heard, and fails as often as it is told to."""

    def __init__(self, fails: int = 0) -> None:
        self.fails = fails
        self.heard: list[dict[str, Any]] = []
        self.calls = 0

    def __call__(self, **kwargs: Any) -> None:
        self.calls += 1
        if self.fails:
            self.fails -= 1
            raise ConnectionError("the shop's mail server is down")
        self.heard.append(kwargs)


@contextmanager
def connected(signal: Any, **receivers: Receiver) -> Iterator[None]:
    for name, receiver in receivers.items():
        signal.connect(receiver, weak=False, dispatch_uid=f"tests.{name}")
    try:
        yield
    finally:
        for name in receivers:
            signal.disconnect(dispatch_uid=f"tests.{name}")


def owe(payment: Payment, signal: str = "payment_succeeded", **arguments: Any) -> SignalDelivery:
    event = PaymentEvent.objects.create(payment=payment, type="poll", order_id=payment.order_id, state=payment.state)
    Payment.objects.filter(pk=payment.pk).update(next_delivery_at=timezone.now())
    return SignalDelivery.objects.create(payment=payment, event=event, signal=signal, arguments=arguments)


def pass_time(payment: Payment) -> None:
    """Until the next attempt is due."""
    now = timezone.now()
    ReceiverResult.objects.filter(next_attempt_at__isnull=False).update(next_attempt_at=now)
    Payment.objects.filter(pk=payment.pk, next_delivery_at__isnull=False).update(next_delivery_at=now)


def result_of(name: str) -> ReceiverResult:
    return ReceiverResult.objects.get(receiver=f"tests.{name}")

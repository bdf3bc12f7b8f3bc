"""A shop's receivers: one works in our database, one outside of it; both fail at random, before and after work."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings

from tests.torture.models import Act
from tests.torture.plan import ACTED_OUTSIDE, BROKEN
from wagtail_payparts.models import Payment, PaymentEvent
from wagtail_payparts.signals import MONEY_SIGNALS


#: What a shop acts upon; everything but mere steps and notices.
ACTED_UPON = tuple(name for name in MONEY_SIGNALS if name not in {"payment_state_changed", "payment_needs_attention"})
#: One payment in so many meets a receiver that is broken until it is mended.
BROKEN_FOR = 50


class ReceiverFailed(Exception):
    """The mail server is down."""


def keep_books(signal_name: str, payment: Payment, event: PaymentEvent) -> None:
    """Acts once for each signal (README, "Receivers"): a repeat finds its own row."""
    _may_fail()
    Act.objects.get_or_create(event_id=event.pk, signal=signal_name, defaults={"payment_id": payment.pk})
    _may_fail()


def act_outside(signal_name: str, payment: Payment, event: PaymentEvent) -> None:
    """Does what no database takes back: each call leaves one line."""
    plan = settings.PLAN
    if payment.pk % BROKEN_FOR == 0 and (plan.path / BROKEN).exists():
        raise ReceiverFailed("broken until it is mended")
    _may_fail()
    line = f"{payment.pk} {event.pk} {signal_name}\n"
    file = os.open(plan.path / ACTED_OUTSIDE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)
    _may_fail()


def _may_fail() -> None:
    if random.random() < settings.PLAN.receiver_fails:
        raise ReceiverFailed("failed at random")


def connect() -> None:
    for name in ACTED_UPON:
        for receiver in (keep_books, act_outside):
            MONEY_SIGNALS[name].connect(
                partial(_call, receiver, name), weak=False, dispatch_uid=f"torture.{receiver.__name__}"
            )


def _call(
    receiver: Callable[..., None], signal_name: str, *, payment: Payment, event: PaymentEvent, **kwargs: Any
) -> None:
    receiver(signal_name, payment, event)

"""Staff: several at once, confirming, cancelling and refunding what they see, whatever the others do."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.utils import timezone

from wagtail_payparts.exceptions import AlreadyResolved, NotAllowed
from wagtail_payparts.models import Payment, Refund, RefundState
from wagtail_payparts.services import cancel_hold, confirm_hold, refund_payment
from wagtail_payparts.services.desk import add_note, ask_bank, deliver_again, resolve_attention
from wagtail_payparts.services.refunds import settle_refund
from wagtail_payparts.states import PaymentState


logger = logging.getLogger(__name__)
NAME = "olena"
#: Of paid payments one in so many is refunded by staff.
REFUNDED_OF = 8
LATELY = timedelta(seconds=30)
PATIENCE = 30


def work(dice: random.Random) -> None:
    """Until the process is killed. That somebody else was quicker is what a person is told, and no error."""
    person = get_user_model().objects.get(username=NAME)
    while True:
        for payment in _seen(dice):
            try:
                _act(payment, dice, by=dice.choice([person, None]), person=person)
            except (NotAllowed, AlreadyResolved) as refused:
                logger.info("payment %s: %s", payment.order_id, refused)
        time.sleep(dice.uniform(0.05, 0.3) * settings.PLAN.pace)


def _seen(dice: random.Random) -> list[Payment]:
    held = list(Payment.objects.filter(state=PaymentState.LOCKED).order_by("-pk")[:20])
    lately = Payment.objects.filter(
        state=PaymentState.SUCCESS, settled_at__gte=timezone.now() - LATELY * settings.PLAN.pace
    )
    paid = [one for one in lately.order_by("-settled_at")[:60] if one.pk % REFUNDED_OF == 0]
    return dice.sample(held, min(4, len(held))) + dice.sample(paid, min(4, len(paid)))


def _act(payment: Payment, dice: random.Random, *, by: Any, person: Any) -> None:
    roll = dice.random()
    if roll < 0.03:
        ask_bank(payment, by=person)
    elif roll < 0.06:
        add_note(payment, "Подивилась.", by=person)
    elif payment.state == PaymentState.LOCKED:
        # One in five is left to its fate.
        if payment.pk % 5:
            (confirm_hold if roll < 0.7 else cancel_hold)(payment, by=by, reason="Так вирішили.")
    elif roll < 0.6:
        amount = None if roll < 0.35 else dice.choice([Decimal(100), payment.amount / 4, payment.remainder])
        refund_payment(payment, amount and amount.quantize(Decimal("0.01")), reason="Повернули товар.", by=by)


def clear(books: Mapping[str, Mapping[str, Any]]) -> None:
    """Settle by the bank's books what only a person can, and mend what a receiver could not take."""
    person = get_user_model().objects.get(username=NAME)
    for refund in Refund.objects.filter(state=RefundState.UNCERTAIN).select_related("payment"):
        made = books[refund.payment.order_id]["refunds_by_shop"].count(f"{refund.amount:.2f}")
        ours = refund.payment.refunds.filter(state=RefundState.ACCEPTED, amount=refund.amount).count()
        settle_refund(refund, was_made=made > ours, reason="Подивилась у кабінеті банку.", by=person)
    for payment in Payment.objects.filter(attention__contains="negative_after_success"):
        if books[payment.order_id]["state"] != PaymentState.SUCCESS:
            resolve_attention(payment, "negative_after_success", accept=True, note="Так і є.", by=person)
    deadline = time.monotonic() + PATIENCE
    failing = Payment.objects.filter(attention__contains="delivery_failing")
    while failing.exists() and time.monotonic() < deadline:
        for payment in failing.all():
            try:
                deliver_again(payment, by=person)
            except AlreadyResolved as refused:
                # A delivery is under way, or whoever was at it has just been killed: a person looks again.
                logger.info("payment %s: %s", payment.order_id, refused)
        time.sleep(0.2)

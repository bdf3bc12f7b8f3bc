"""Our own orders follow their payments by the plugin's own signals, like those of any shop."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils import timezone

from wagtail_payparts.models import Order, OrderStatus, Payment
from wagtail_payparts.services.orders import locked_order
from wagtail_payparts.signals import (
    payment_canceled,
    payment_expired,
    payment_failed,
    payment_late_success,
    payment_locked,
    payment_refunded,
    payment_state_changed,
    payment_succeeded,
)
from wagtail_payparts.states import OPEN, PaymentState


#: An order that is paid, or has been, is not changed by attempts that come to nothing.
_UNPAID = (OrderStatus.NEW, OrderStatus.AWAITING_PAYMENT, OrderStatus.ON_HOLD, OrderStatus.CANCELED)


def follow_payments(sender: type[Payment], payment: Payment, **kwargs: Any) -> None:
    """By what all payments of the order say now, so that it does not matter in which order signals come, or how often.

    An order that was paid twice and got one of the two back is paid; so is one that was paid again after a refund, and
    one whose money came late: that payment's attention tells staff to look at it.
    """
    if payment.buyer_order_id is None:
        return
    with locked_order(payment.buyer_order_id) as order:
        payments = list(Payment.objects.filter(buyer_order_id=order.pk))
        paid = [one for one in payments if one.is_paid]
        paid_amount = order.paid_amount
        if paid:
            left = sum((one.remainder for one in paid), Decimal(0))
            status = _status_by_money(order, paid, left)
            # What was paid twice is owed back, and no more of the order.
            paid_amount = min(left, order.amount) if len(paid) > 1 else left
        elif order.status in _UNPAID:
            status = _status_by_attempts(payments)
        else:
            return
        if (status, paid_amount) == (order.status, order.paid_amount):
            return
        if status != order.status:
            order.status, order.status_changed_at = status, timezone.now()
        order.paid_amount = paid_amount
        order.save(update_fields=["status", "status_changed_at", "paid_amount"])


def _status_by_money(order: Order, paid: list[Payment], left: Decimal) -> OrderStatus:
    if left >= order.amount or not any(one.refunded_amount for one in paid):
        return OrderStatus.PAID
    return OrderStatus.PARTIALLY_REFUNDED if left else OrderStatus.REFUNDED


def _status_by_attempts(payments: list[Payment]) -> OrderStatus:
    states = {one.payment_state for one in payments if not _is_late_hold(one)}
    if PaymentState.LOCKED in states:
        return OrderStatus.ON_HOLD
    if states == {PaymentState.NEW}:
        return OrderStatus.NEW
    return OrderStatus.AWAITING_PAYMENT if states & OPEN else OrderStatus.CANCELED


def _is_late_hold(payment: Payment) -> bool:
    """The goods may have been sold to somebody else: a person decides, and the order waits for that."""
    return payment.state == PaymentState.LOCKED and payment.was_negative


def connect() -> None:
    """Connect once, at start-up, to every signal that tells of the order's money.

    The names are stored with each delivery, so they must not change.
    """
    payment_state_changed.connect(follow_payments, dispatch_uid="wagtail_payparts.order.await_payment")
    payment_locked.connect(follow_payments, dispatch_uid="wagtail_payparts.order.hold")
    payment_succeeded.connect(follow_payments, dispatch_uid="wagtail_payparts.order.pay")
    payment_late_success.connect(follow_payments, dispatch_uid="wagtail_payparts.order.pay_late")
    payment_refunded.connect(follow_payments, dispatch_uid="wagtail_payparts.order.refund")
    payment_failed.connect(follow_payments, dispatch_uid="wagtail_payparts.order.fail")
    payment_canceled.connect(follow_payments, dispatch_uid="wagtail_payparts.order.cancel")
    payment_expired.connect(follow_payments, dispatch_uid="wagtail_payparts.order.expire")

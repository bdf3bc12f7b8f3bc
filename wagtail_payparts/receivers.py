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


#: An order that is paid, or has been, is not changed by another attempt that comes to nothing.
_UNPAID = (OrderStatus.NEW, OrderStatus.AWAITING_PAYMENT, OrderStatus.ON_HOLD, OrderStatus.CANCELED)


def _set_status(payment: Payment, status: str, *, only_from: tuple[str, ...] = _UNPAID, **fields: Any) -> None:
    if payment.buyer_order_id is None:
        return
    order = Order.objects.filter(pk=payment.buyer_order_id, status__in=only_from).exclude(status=status)
    order.update(status=status, status_changed_at=timezone.now(), **fields)


def await_payment(sender: type[Payment], payment: Payment, new_state: str, **kwargs: Any) -> None:
    if new_state == PaymentState.CREATED:
        _set_status(payment, OrderStatus.AWAITING_PAYMENT, only_from=(OrderStatus.NEW, OrderStatus.CANCELED))


def hold_order(sender: type[Payment], payment: Payment, **kwargs: Any) -> None:
    _set_status(payment, OrderStatus.ON_HOLD)


def pay_order(sender: type[Payment], payment: Payment, **kwargs: Any) -> None:
    """Also for money that came late: the order is paid, and the payment's attention tells staff to look at it."""
    _follow_the_money(payment)


def refund_order(sender: type[Payment], payment: Payment, **kwargs: Any) -> None:
    _follow_the_money(payment)


def _follow_the_money(payment: Payment) -> None:
    """By what all payments of the order say now, so that it does not matter in which order signals come, or how often.

    An order that was paid twice and got one of the two back is paid; so is one that was paid again after a refund.
    """
    if payment.buyer_order_id is None:
        return
    with locked_order(payment.buyer_order_id) as order:
        paid = list(Payment.objects.filter(buyer_order_id=order.pk, state=PaymentState.SUCCESS))
        if not paid:
            return
        left = sum((one.remainder for one in paid), Decimal(0))
        if left >= order.amount or not any(one.refunded_amount for one in paid):
            status = OrderStatus.PAID
        else:
            status = OrderStatus.PARTIALLY_REFUNDED if left else OrderStatus.REFUNDED
        if status != order.status:
            order.status, order.status_changed_at = status, timezone.now()
        # What was paid twice is owed back, and no more of the order.
        order.paid_amount = min(left, order.amount) if len(paid) > 1 else left
        order.save(update_fields=["status", "status_changed_at", "paid_amount"])


def cancel_order(sender: type[Payment], payment: Payment, **kwargs: Any) -> None:
    """Only when no other attempt of the order can still succeed."""
    others = Payment.objects.filter(buyer_order_id=payment.buyer_order_id).exclude(pk=payment.pk)
    states = {other.payment_state for other in others}
    if PaymentState.LOCKED in states:
        return
    if states & OPEN:
        _set_status(payment, OrderStatus.AWAITING_PAYMENT, only_from=(OrderStatus.ON_HOLD,))
    else:
        _set_status(payment, OrderStatus.CANCELED)


def connect() -> None:
    """Connect once, at start-up. The names are stored with each delivery, so they must not change."""
    payment_state_changed.connect(await_payment, dispatch_uid="wagtail_payparts.order.await_payment")
    payment_locked.connect(hold_order, dispatch_uid="wagtail_payparts.order.hold")
    payment_succeeded.connect(pay_order, dispatch_uid="wagtail_payparts.order.pay")
    payment_late_success.connect(pay_order, dispatch_uid="wagtail_payparts.order.pay_late")
    payment_refunded.connect(refund_order, dispatch_uid="wagtail_payparts.order.refund")
    payment_failed.connect(cancel_order, dispatch_uid="wagtail_payparts.order.fail")
    payment_canceled.connect(cancel_order, dispatch_uid="wagtail_payparts.order.cancel")
    payment_expired.connect(cancel_order, dispatch_uid="wagtail_payparts.order.expire")

"""What this shop does when the plugin says that something is paid, or is not."""

from __future__ import annotations

from typing import Any

from wagtail_payparts.models import Payment, PaymentEvent

from .models import OrderStatus, ShopOrder


def mark_paid(sender: type[Payment], payment: Payment, event: PaymentEvent, **kwargs: Any) -> None:
    """The bank has the money: hand over the goods, once, and only if it is the money that was asked for."""
    order = ShopOrder.objects.select_for_update().filter(number=payment.reference).first()
    if order is None or order.paid_event == event.pk:
        # A payment of something else, or a signal that comes a second time after a crash.
        return
    order.paid_event = event.pk
    order.status = OrderStatus.PAID if payment.amount == order.amount else OrderStatus.CHECK
    order.save(update_fields=["paid_event", "status"])


def mark_for_a_person(sender: type[Payment], payment: Payment, event: PaymentEvent, **kwargs: Any) -> None:
    """Paid too late or twice: somebody looks at it before anything is handed over."""
    ShopOrder.objects.filter(number=payment.reference).update(status=OrderStatus.CHECK, paid_event=event.pk)


def mark_canceled(sender: type[Payment], payment: Payment, **kwargs: Any) -> None:
    """Nothing came of this payment; an order that is paid all the same stays so."""
    ShopOrder.objects.filter(number=payment.reference, paid_event=None).update(status=OrderStatus.CANCELED)

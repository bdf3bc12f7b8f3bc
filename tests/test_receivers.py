"""Who receives a signal: whoever is connected and alive, by the name that it is remembered by."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from django.utils import timezone

from tests.factories import make_payment
from tests.owing import Shop, connected, owe, pass_time, result_of
from wagtail_payparts.models import Order, Payment, ReceiverResult, SignalDelivery
from wagtail_payparts.services.deliveries import deliver_due
from wagtail_payparts.signals import MONEY_SIGNALS, payment_succeeded


pytestmark = pytest.mark.django_db


@pytest.fixture
def payment() -> Payment:
    return make_payment(state="SUCCESS", settled_at=timezone.now())


def test_an_async_receiver_is_awaited(payment: Payment) -> None:
    heard: list[Payment] = []

    async def receiver(payment: Payment, **kwargs: Any) -> None:
        heard.append(payment)

    owe(payment)
    with connected(payment_succeeded, receiver=receiver):
        deliver_due()
    assert heard == [payment]


def test_an_async_receiver_that_raises_is_retried(payment: Payment) -> None:
    async def receiver(**kwargs: Any) -> None:
        raise ConnectionError

    owe(payment)
    with connected(payment_succeeded, receiver=receiver):
        deliver_due()
    assert result_of("receiver").attempts == 1
    assert result_of("receiver").delivered_at is None


def test_a_weak_receiver_that_nobody_keeps_is_gone(payment: Payment) -> None:
    shop = Shop()
    payment_succeeded.connect(shop, dispatch_uid="tests.weak")
    assert "tests.weak" in [receiver.name for receiver in payment_succeeded.connected()]
    del shop
    gc.collect()
    assert "tests.weak" not in [receiver.name for receiver in payment_succeeded.connected()]
    owe(payment)
    deliver_due()
    assert SignalDelivery.objects.get().done_at is not None


def test_a_method_of_an_object_that_is_gone_is_not_called(payment: Payment) -> None:
    class Service:
        def take(self, **kwargs: Any) -> None:
            raise AssertionError

    service = Service()
    payment_succeeded.connect(service.take)
    assert [receiver.call for receiver in payment_succeeded.connected() if receiver.call == service.take]
    del service
    gc.collect()
    owe(payment)
    deliver_due()
    assert not ReceiverResult.objects.exclude(receiver__startswith="wagtail_payparts.").exists()


def test_a_receiver_of_another_sender_hears_nothing(payment: Payment) -> None:
    shop, ours = Shop(), Shop()
    payment_succeeded.connect(shop, sender=Order, dispatch_uid="tests.sender")
    payment_succeeded.connect(ours, sender=Payment, dispatch_uid="tests.sender")
    owe(payment)
    try:
        deliver_due()
    finally:
        payment_succeeded.disconnect(sender=Order, dispatch_uid="tests.sender")
        payment_succeeded.disconnect(sender=Payment, dispatch_uid="tests.sender")
    assert (shop.calls, ours.calls) == (0, 1)


def test_a_disconnected_receiver_hears_nothing(payment: Payment) -> None:
    shop = Shop()
    payment_succeeded.connect(shop, dispatch_uid="tests.shop")
    payment_succeeded.disconnect(dispatch_uid="tests.shop")
    owe(payment)
    deliver_due()
    assert shop.calls == 0


def test_two_receivers_of_one_name_are_called_once(payment: Payment) -> None:
    """They cannot be told apart after a restart; a system check says so."""
    shops = Shop(), Shop()
    payment_succeeded.connect(shops[0], dispatch_uid="tests.same")
    payment_succeeded.connect(shops[1], sender=Payment, dispatch_uid="tests.same")
    owe(payment)
    try:
        for _time in range(3):
            pass_time(payment)
            deliver_due()
    finally:
        payment_succeeded.disconnect(dispatch_uid="tests.same")
        payment_succeeded.disconnect(sender=Payment, dispatch_uid="tests.same")
    assert [shop.calls for shop in shops] == [1, 0]
    assert result_of("same").delivered_at is not None


def test_a_signal_that_nobody_receives_is_done(payment: Payment) -> None:
    delivery = owe(payment, "payment_refunded")
    deliver_due()
    delivery.refresh_from_db()
    assert delivery.done_at is not None


def test_our_own_orders_follow_by_the_same_door() -> None:
    names = {receiver.name for signal in MONEY_SIGNALS.values() for receiver in signal.connected(Payment)}
    assert {name for name in names if name.startswith("wagtail_payparts.order.")}
    assert "" not in names

"""Receivers that are coroutines, called where no event loop runs and where one does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.test import AsyncClient
from django.urls import reverse
from django.utils import timezone

from tests.factories import make_payment
from tests.owing import connected, owe, result_of
from tests.together import together
from wagtail_payparts.models import Order, Payment, SignalDelivery
from wagtail_payparts.services import start_payment
from wagtail_payparts.services.deliveries import deliver_due
from wagtail_payparts.services.order_ids import new_order_number
from wagtail_payparts.signals import payment_succeeded
from wagtail_payparts.simulator import Simulator
from wagtail_payparts.states import PaymentState


pytestmark = pytest.mark.django_db
LINES = [{"name": "Чайник", "count": 1, "price": "1.00"}]


class Shelf:
    """Receivers that write an order into the database, each a coroutine of another kind."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails

    async def take(self, *, payment: Payment, **kwargs: Any) -> None:
        await Order.objects.acreate(number=new_order_number(), amount=payment.amount, lines=LINES)
        if self.fails:
            raise ConnectionError("the shop's mail server is down")

    async def __call__(self, **kwargs: Any) -> None:
        await self.take(**kwargs)

    def returns_one(self, **kwargs: Any) -> Awaitable[None]:
        return self.take(**kwargs)


@pytest.fixture
def payment() -> Payment:
    made = make_payment(state="SUCCESS", settled_at=timezone.now())
    owe(made)
    return made


KINDS: dict[str, Callable[[Shelf], Any]] = {
    "a method": lambda shelf: shelf.take,
    "an object": lambda shelf: shelf,
    "a function that returns a coroutine": lambda shelf: shelf.returns_one,
}


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_waited_for(payment: Payment, kind: str) -> None:
    with connected(payment_succeeded, shelf=KINDS[kind](Shelf())):
        deliver_due()
    assert Order.objects.count() == 1
    assert result_of("shelf").delivered_at is not None


@pytest.mark.parametrize("kind", KINDS)
def test_what_it_wrote_before_it_failed_is_undone_and_it_is_tried_again(payment: Payment, kind: str) -> None:
    """Its queries take part in the transaction of the record that it has run."""
    with connected(payment_succeeded, shelf=KINDS[kind](Shelf(fails=True))):
        deliver_due()
    assert not Order.objects.exists()
    assert result_of("shelf").last_error == "ConnectionError: the shop's mail server is down"
    assert SignalDelivery.objects.get().done_at is None


@pytest.mark.threads
@pytest.mark.django_db(transaction=True)
def test_it_is_called_from_any_thread(payment: Payment) -> None:
    with connected(payment_succeeded, shelf=Shelf().take):
        together(deliver_due)
    assert Order.objects.count() == 1


def test_it_is_called_from_a_coroutine_of_the_shop(payment: Payment) -> None:
    async def view() -> int:
        return await sync_to_async(deliver_due)()

    with connected(payment_succeeded, shelf=Shelf().take):
        assert async_to_sync(view)() == 1
    assert Order.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_it_hears_of_a_callback_that_an_asgi_server_has_taken(bank: Simulator) -> None:
    """The callback has the bank asked, and the signal delivered, while the event loop of the server runs."""
    payment = start_payment(lines=[{"name": "Чайник", "count": 1, "price": 400}], parts_count=2)
    bank.pay(payment.order_id)
    body = bank.callback_body(payment.order_id)

    async def serve() -> int:
        address = reverse("wagtail_payparts:callback")
        answer = await AsyncClient().post(address, data=body, content_type="application/json")
        return answer.status_code

    with connected(payment_succeeded, shelf=Shelf().take):
        assert async_to_sync(serve)() == 200
    payment.refresh_from_db()
    assert payment.state == PaymentState.SUCCESS
    assert Order.objects.count() == 1

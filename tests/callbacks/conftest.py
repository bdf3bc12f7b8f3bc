"""A payment that waits at the bank, a way to post callbacks about it, and ears for the old package's signals."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client

from wagtail_payparts import conf
from wagtail_payparts.bank import CreateRequest, Line, PayPartsClient
from wagtail_payparts.models import Payment, PaymentEvent
from wagtail_payparts.services import start_payment
from wagtail_payparts.services.order_ids import new_order_id
from wagtail_payparts.signals import pay_parts_invalid_callback, pay_parts_success_callback
from wagtail_payparts.simulator import Simulator


URL = "/pay-parts/callback/"
Ring = Callable[..., HttpResponse]


@pytest.fixture
def payment(db: None, bank: Simulator) -> Payment:
    return start_payment(
        lines=[{"name": "Чайник", "count": 2, "price": "400.00"}], parts_count=4, redirect_url="https://shop.example/"
    )


@pytest.fixture
def order_made_elsewhere(db: None, bank: Simulator) -> str:
    """The id of an order that the bank knows under our store, and we do not."""
    order_id = new_order_id()
    request = CreateRequest(
        order_id=order_id,
        amount=Decimal("800.00"),
        parts_count=4,
        merchant_type="II",
        lines=(Line("Чайник", 2, Decimal("400.00")),),
        response_url="https://shop.example/",
        redirect_url="https://shop.example/",
    )
    PayPartsClient(conf.get_store()).create(request)
    return order_id


@pytest.fixture
def ring(db: None, django_capture_on_commit_callbacks: Any) -> Ring:
    """Post a body to the callback address as the bank does: no cookie, no CSRF token. The commit's work is done."""

    def post(
        body: bytes | dict[str, Any], url: str = URL, content_type: str = "application/json", **extra: Any
    ) -> HttpResponse:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        with django_capture_on_commit_callbacks(execute=True):
            return Client(enforce_csrf_checks=True).generic("POST", url, content, content_type, **extra)

    return post


@dataclass(frozen=True)
class Heard:
    """What a receiver of an old signal was given; ``was_stored`` when it was given it."""

    sender: Any
    log: PaymentEvent
    request: HttpRequest | None
    was_stored: bool


def _listen(signal: Any) -> Iterator[list[Heard]]:
    heard: list[Heard] = []

    def receiver(sender: Any, log: PaymentEvent, request: HttpRequest | None, **kwargs: Any) -> None:
        heard.append(Heard(sender, log, request, log.pk is not None))

    signal.connect(receiver)
    yield heard
    signal.disconnect(receiver)


@pytest.fixture
def announced() -> Iterator[list[Heard]]:
    yield from _listen(pay_parts_success_callback)


@pytest.fixture
def refused() -> Iterator[list[Heard]]:
    yield from _listen(pay_parts_invalid_callback)

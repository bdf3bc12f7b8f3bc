"""What the old package's way in refuses: by Django's ``ValidationError``, before anything is written or sent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from tests.old_order import documented_order
from wagtail_payparts.models import Payment
from wagtail_payparts.simulator import Simulator
from wagtail_payparts.use_cases import GetRedirectUrlUseCase


pytestmark = pytest.mark.django_db


@pytest.fixture
def data() -> dict[str, Any]:
    return documented_order()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"order_id": None}, "order_id"),
        ({"order_id": "x" * 51}, "order_id"),
        ({"order_id": "замовлення"}, "order_id"),
        ({"order_id": "order-SUCCESS"}, "order_id"),
        ({"order_id": "a b"}, "order_id"),
        ({"amount": None}, "amount"),
        ({"amount": "abc"}, "amount"),
        ({"amount": float("nan")}, "amount"),
        ({"amount": float("inf")}, "amount"),
        ({"amount": True}, "amount"),
        ({"amount": [400]}, "amount"),
        ({"amount": "1e40"}, "amount"),
        ({"amount": 1e30}, "amount"),
        ({"amount": Decimal("1e400")}, "amount"),
        ({"amount": Decimal("sNaN")}, "amount"),
        ({"amount": "\ud800"}, "amount"),
        ({"parts_count": 0}, "parts_count"),
        ({"parts_count": False}, "parts_count"),
        ({"parts_count": 1}, "parts_count"),
        ({"parts_count": 26}, "parts_count"),
        ({"parts_count": 2.5}, "parts_count"),
        ({"parts_count": "many"}, "parts_count"),
        ({"merchant_type": "XX"}, "merchant_type"),
        ({"merchant_type": 0}, "merchant_type"),
        ({"response_url": "x" * 256}, "response_url"),
        ({"response_url": "https://shop.com/\ud800"}, "response_url"),
        ({"redirect_url": "https://shop.com/\x00"}, "redirect_url"),
        ({"order_id": "\ud800"}, "order_id"),
        ({"amount": 200.00, "products": [{"name": "a", "count": 1, "price": 200}]}, "amount"),
        ({"amount": 300_000.01, "products": [{"name": "a", "count": 1, "price": 300_000.01}]}, None),
        ({"amount": 400.01}, None),
        ({"products": None}, None),
        ({"products": []}, None),
        ({"products": [{}]}, "name"),
        ({"products": [{"name": "", "count": 1, "price": 400}]}, "name"),
        ({"products": [{"name": "x" * 129, "count": 1, "price": 400}]}, "name"),
        ({"products": 5}, None),
        ({"products": "abc"}, None),
        ({"products": ["a"]}, None),
        ({"products": {"name": "a", "count": 1, "price": 400}}, None),
        ({"products": [{"name": "\ud800", "count": 1, "price": 400}]}, "name"),
        ({"products": [{"name": "a\x00", "count": 1, "price": 400}]}, "name"),
        ({"products": [{"name": "a", "count": 1, "price": "1e40"}]}, "price"),
        ({"products": [{"name": "a", "count": 1, "price": 1e30}]}, "price"),
        ({"amount": 1e25, "products": [{"name": "a", "count": 1, "price": 1e25}]}, None),
        ({"products": [{"name": "a", "count": 10**40, "price": 400}]}, None),
        ({"products": [{"name": "a", "count": 0, "price": 400}]}, "count"),
        ({"products": [{"name": "a", "count": 1.5, "price": 400}]}, "count"),
        ({"products": [{"name": "a", "count": 1, "price": -400}]}, "price"),
        ({"products": [{"name": "a", "count": 1, "price": float("nan")}]}, "price"),
        ({"products": [{"name": "a", "count": 1, "price": 0.001}]}, "price"),
    ],
    ids=ascii,
)
def test_what_cannot_be_paid_is_a_validation_error_and_nothing_is_sent(
    changes: dict[str, Any], field: str | None, data: dict[str, Any], bank: Simulator
) -> None:
    with pytest.raises(ValidationError) as caught:
        GetRedirectUrlUseCase().execute(data | changes)
    assert caught.value.messages
    if field:
        assert field in caught.value.message_dict
    assert not bank.requests
    assert not Payment.objects.exists()


def test_an_amount_of_more_digits_than_python_writes_is_a_validation_error(data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        GetRedirectUrlUseCase().execute(data | {"amount": 10**5000})
    assert set(caught.value.message_dict) == {"amount"}

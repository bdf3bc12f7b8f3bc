"""Somebody with as much permission as the test gives them, a payment that waits at the bank, and one that is paid."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission

from tests.factories import make_order
from wagtail_payparts.models import Payment
from wagtail_payparts.services import start_payment, sync_payment
from wagtail_payparts.services.deliveries import deliver_payment
from wagtail_payparts.simulator import Simulator


Person = Callable[..., Any]


@pytest.fixture
def person(db: None) -> Person:
    """Somebody with the permissions named (``ask``, ``resolve``) and nothing else."""

    def make(*actions: str, **names: str) -> Any:
        user = get_user_model().objects.create_user(f"{'-'.join(actions) or 'nobody'}-{len(names)}", **names)
        codenames = [f"{action}_payment" for action in actions]
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        return user

    return make


@pytest.fixture
def boss(person: Person) -> Any:
    return person("ask", "resolve")


@pytest.fixture
def created(bank: Simulator) -> Payment:
    return start_payment(lines=[{"name": "Чайник", "count": 1, "price": "400.00"}], parts_count=2)


@pytest.fixture
def paid(bank: Simulator, settings: Any) -> Payment:
    """800 UAH, paid, of a store that may refund parts."""
    settings.PAYPARTS_STORES = {
        "default": {
            "STORE_ID": settings.PAYPARTS_API_STORE_ID,
            "PASSWORD": settings.PAYPARTS_API_PASSWORD,
            "PARTIAL_REFUNDS": True,
        }
    }
    payment = start_payment(
        lines=[{"name": "Чайник", "count": 1, "price": Decimal("800.00")}],
        parts_count=4,
        buyer_order=make_order(amount=Decimal("800.00")),
    )
    bank.pay(payment.order_id)
    sync_payment(payment)
    deliver_payment(payment.pk)
    return Payment.objects.get(pk=payment.pk)


@pytest.fixture
def manager(person: Person) -> Any:
    return person("refund", "resolve")

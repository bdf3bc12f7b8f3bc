"""People of the admin, each with as much permission as the name says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client

from wagtail_payparts.models import Payment
from wagtail_payparts.services import start_payment, sync_payment
from wagtail_payparts.simulator import Simulator


PAYMENTS = "/admin/payparts/payments/"
ORDERS = "/admin/payparts/orders/"


@pytest.fixture
def staff(db: None) -> Callable[..., Client]:
    """A logged-in person who may enter the admin and has the permissions named, nothing else."""

    def enter(*codenames: str) -> Client:
        user = get_user_model().objects.create_user(f"staff-{'-'.join(codenames) or 'nothing'}")
        user.user_permissions.set(Permission.objects.filter(codename__in=["access_admin", *codenames]))
        client = Client()
        client.force_login(user)
        return client

    return enter


@pytest.fixture
def viewer(staff: Callable[..., Client]) -> Client:
    """Sees payments and orders, and not who buys."""
    return staff("view_payment", "view_order")


@pytest.fixture
def accountant(staff: Callable[..., Client]) -> Client:
    """Sees everything and exports it."""
    return staff("view_payment", "view_order", "viewbuyer_payment", "export_payment")


@pytest.fixture
def superuser(db: None) -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root"))
    return client


@pytest.fixture
def created(db: None, bank: Simulator) -> Payment:
    """A payment that waits at the bank."""
    return start_payment(lines=[{"name": "Чайник", "count": 1, "price": "400.00"}], parts_count=2)


@pytest.fixture
def parts_allowed(settings: Any) -> None:
    """The store may refund parts of a payment."""
    settings.PAYPARTS_STORES = {
        "default": {
            "STORE_ID": settings.PAYPARTS_API_STORE_ID,
            "PASSWORD": settings.PAYPARTS_API_PASSWORD,
            "PARTIAL_REFUNDS": True,
        }
    }


@pytest.fixture
def paid(db: None, bank: Simulator, parts_allowed: None) -> Payment:
    """2 400 UAH, paid."""
    return _bought(bank)


@pytest.fixture
def held(db: None, bank: Simulator) -> Payment:
    """2 400 UAH, on hold."""
    return _bought(bank, hold=True)


def _bought(bank: Simulator, *, hold: bool = False) -> Payment:
    lines = [{"name": "Чайник", "count": 1, "price": "2400.00"}]
    payment = start_payment(lines=lines, parts_count=2, hold=hold)
    bank.pay(payment.order_id)
    return sync_payment(payment)

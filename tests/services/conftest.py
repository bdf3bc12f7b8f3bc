"""Somebody with as much permission as the test gives them, and a payment that waits at the bank."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission

from wagtail_payparts.models import Payment
from wagtail_payparts.services import start_payment
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

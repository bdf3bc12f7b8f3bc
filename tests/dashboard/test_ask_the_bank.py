"""Staff ask the bank now, and are told in words what it said."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from wagtail.models import ModelLogEntry

from tests.dashboard.acting import (
    address_of,
    what_is_told,
)
from tests.factories import make_payment
from wagtail_payparts.dashboard import log
from wagtail_payparts.models import (
    Payment,
)
from wagtail_payparts.services import sync_payment
from wagtail_payparts.services.locking import lease_poll
from wagtail_payparts.simulator import Simulator


pytestmark = pytest.mark.django_db


def _ask(client: Client, payment: Payment) -> str:
    cache.clear()
    return what_is_told(client, client.post(address_of(payment, "ask")), address_of(payment))


def test_the_bank_is_asked_and_what_it_says_is_told(superuser: Client, created: Payment, bank: Simulator) -> None:
    assert "there is nothing new" in _ask(superuser, created)
    bank.pay(created.order_id)
    assert "the payment has moved from “Created” to “Paid”" in _ask(superuser, created)
    (first, second) = ModelLogEntry.objects.order_by("pk")
    assert (first.action, first.message) == (log.ASKED, "The bank was asked: Nothing new")
    assert second.message == "The bank was asked: Applied"
    assert first.uuid != second.uuid, "or Wagtail would show only one of them"


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("http_500", "could not be believed"),
        ("html", "could not be believed"),
        ("forged", "could not be believed"),
        ("amount_differs", "names another amount"),
        ("unknown_state", "a word that we do not know"),
    ],
)
def test_an_answer_that_changes_nothing_is_told(
    superuser: Client, created: Payment, bank: Simulator, fault: str, told: str
) -> None:
    bank.fault(fault, endpoint="state")
    assert told in _ask(superuser, created)
    created.refresh_from_db()
    assert created.state == "CREATED"


def test_a_bank_that_is_down_is_told(superuser: Client, created: Payment, settings: Any) -> None:
    settings.PAYPARTS_API_URL = "http://127.0.0.1:9/"
    assert "The bank did not answer" in _ask(superuser, created)
    assert ModelLogEntry.objects.get().message == "The bank was asked: No answer"


def test_a_payment_that_the_bank_does_not_know_is_told(superuser: Client, bank: Simulator) -> None:
    assert "does not know this payment" in _ask(superuser, make_payment())


def test_a_contradiction_is_told(superuser: Client, created: Payment, bank: Simulator) -> None:
    bank.pay(created.order_id)
    sync_payment(created)
    bank.set_state(created.order_id, "CANCELED")
    assert "contradicts what it said before" in _ask(superuser, created)


def test_somebody_else_who_asks_is_told(superuser: Client, created: Payment, bank: Simulator) -> None:
    lease_poll(created.pk, due_only=False)
    assert "is being asked about this payment" in _ask(superuser, created)
    assert not ModelLogEntry.objects.exists(), "nothing was done"


def test_a_store_that_lost_its_settings_is_told(superuser: Client) -> None:
    payment = make_payment(store="gone")
    assert "the settings of the store “gone” are missing or wrong" in _ask(superuser, payment)
    assert not ModelLogEntry.objects.exists()

"""A payment to act upon, the actions, and what a test reads off their outcome."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.utils import timezone

from tests.dashboard.conftest import PAYMENTS
from tests.dashboard.reading import soup_of, words
from tests.factories import make_payment
from tests.owing import owe
from wagtail_payparts.models import (
    Payment,
    PaymentEvent,
    ReceiverResult,
    SignalDelivery,
)


CONFLICT = "negative_after_success"
DECISION = {"decision": "accept", "note": "Банк підтвердив"}
#: Each action: what follows the payment's address, whose permission it needs, what is sent.
ACTIONS: dict[str, tuple[str, set[str], dict[str, str]]] = {
    "ask": ("ask/", {"ask_payment"}, {}),
    "deliver": ("deliver/", {"resolve_payment"}, {}),
    "resolve": (f"resolve/{CONFLICT}/", {"resolve_payment"}, DECISION),
    "note": ("note/", {"ask_payment", "resolve_payment"}, {"note": "Дзвонили"}),
}


def a_payment(**fields: Any) -> Payment:
    """Paid and contradicted, with a signal that a receiver did not take."""
    payment = make_payment(**{"state": "SUCCESS", "settled_at": timezone.now(), "attention": CONFLICT} | fields)
    delivery = owe(payment)
    ReceiverResult.objects.create(
        delivery=delivery, receiver="tests.shop", attempts=12, given_up_at=timezone.now(), last_error="KeyError"
    )
    SignalDelivery.objects.update(done_at=timezone.now())
    Payment.objects.update(next_delivery_at=None)
    return payment


def address_of(payment: Payment, action: str = "") -> str:
    return f"{PAYMENTS}{payment.pk}/{ACTIONS[action][0] if action else ''}"


def is_sent_home(response: Any) -> bool:
    return bool(response.status_code == 302 and response["Location"] == "/admin/")


def what_is_told(client: Client, response: Any, to: str) -> str:
    """What the person is told on the page to which the action sends them."""
    assert response.status_code == 302
    assert response["Location"] == to
    return " ".join(words(one) for one in soup_of(client.get(to)).select(".messages li"))


def written() -> list[PaymentEvent]:
    return list(PaymentEvent.objects.filter(source="staff"))


def fill_in(client: Client, payment: Payment, **typed: str) -> dict[str, str]:
    """The first page of a refund as its person sends it: what stood in the form, and what was typed over it."""
    form = soup_of(client.get(f"{address_of(payment)}refund/")).select_one(".payparts-action form")
    return sent_by(form) | typed


def sent_by(form: Any) -> dict[str, str]:
    """What a browser sends of a form, without its buttons and what is disabled."""
    fields = [field for field in form.select("input[name], textarea[name]") if not field.has_attr("disabled")]
    return {
        field["name"]: field.get("value", "") if field.name == "input" else field.get_text().strip("\n")
        for field in fields
        if field["name"] != "csrfmiddlewaretoken"
    }


def refund(client: Client, payment: Payment, **typed: str) -> Any:
    """Both pages of a refund, as far as they let."""
    address = f"{address_of(payment)}refund/"
    response = client.post(address, fill_in(client, payment, **{"note": "передумав"} | typed))
    asking = soup_of(response).select_one(".payparts-action form") if response.status_code == 200 else None
    if asking is None or not asking.select_one("[name=confirmed]"):
        return response
    return client.post(address, sent_by(asking))

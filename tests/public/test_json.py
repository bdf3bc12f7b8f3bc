"""The same checkout for scripts: the same rules, answers in JSON, and no more in a request than was asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories import make_offer
from tests.public.pages import SAME_ORIGIN
from wagtail_payparts.models import Offer, Order, Payment
from wagtail_payparts.simulator import Simulator


pytestmark = pytest.mark.django_db


def post(client: Client, offer: Offer, body: Any, headers: dict[str, str] | None = None) -> Any:
    return client.post(
        reverse("wagtail_payparts:checkout", args=[offer.pk]),
        body if isinstance(body, (str, bytes)) else json.dumps(body),
        content_type="application/json",
        headers=SAME_ORIGIN if headers is None else headers,
    )


def test_a_request_is_answered_with_the_page_of_the_bank(client: Client, bank: Simulator, offer: Offer) -> None:
    answer = post(client, offer, {"offer": offer.pk, "parts": 4, "service": "PP"})
    assert answer.status_code == 200
    assert answer.json() == {"redirect_url": Payment.objects.get().redirect_url}
    assert "no-store" in answer["Cache-Control"]


def test_a_second_request_gets_the_same_page(client: Client, bank: Simulator, offer: Offer) -> None:
    assert post(client, offer, {"parts": 4}).json() == post(client, offer, {"parts": 4}).json()
    assert Payment.objects.count() == 1


def test_the_contact_is_checked_as_in_the_form(client: Client, bank: Simulator) -> None:
    offer = make_offer(buyer_details="all")
    answer = post(client, offer, {"parts": 4, "contact": {"name": "Олена", "phone": "1"}})
    assert answer.status_code == 400
    assert set(answer.json()["error"]["fields"]) == {"phone", "email"}
    contact = {"name": "Олена", "phone": "067 123 45 67", "email": "olena@example.com"}
    assert post(client, offer, {"parts": 4, "contact": contact}).status_code == 200
    assert Order.objects.get().buyer_phone == "+380671234567"


LONG_EMAIL = f"{'a' * 200}@{'b' * 60}.com.ua"


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("name", "\ud800"),
        ("name", "a\x00b"),
        ("phone", "067 123 45 67\udfff"),
        ("phone", "\x00067 123 45 67"),
        ("email", "olena@\ud800.ua"),
        ("email", LONG_EMAIL),
        ("comment", "\udfff"),
        ("comment", "a\x00b"),
    ],
    ids=ascii,
)
def test_a_contact_that_cannot_be_stored_is_an_error_of_its_field(
    client: Client, bank: Simulator, field: str, text: str
) -> None:
    contact = {"name": "Олена", "phone": "067 123 45 67", "email": "olena@example.com"} | {field: text}
    answer = post(client, make_offer(buyer_details="all"), {"parts": 4, "contact": contact})
    assert answer.status_code == 400
    assert set(answer.json()["error"]["fields"]) == {field}
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        " ",
        "{",
        "[]",
        "null",
        "3",
        b"\xff\xfe",
        "[" * 100_000,
        {},
        {"parts": None},
        {"parts": True},
        {"parts": [3]},
        {"parts": 7},
        {"parts": 3.5},
        {"parts": 3, "service": "IA"},
        {"parts": 3, "service": ["II"]},
        {"parts": 3, "service": "\ud800"},
        {"parts": 3, "service": "\x00"},
        {"parts": "\ud800"},
        {"parts": 3, "\ud800": 1},
        {"parts": 3, "price": "1.00"},
        {"parts": 3, "amount": 1},
        {"parts": 3, "contact": []},
        {"parts": 3, "contact": {"phone": 671234567}},
        {"parts": 3, "contact": {"age": "7"}},
    ],
    ids=lambda body: ascii(body)[:40],
)
def test_a_request_that_makes_no_sense_is_refused(client: Client, bank: Simulator, offer: Offer, body: Any) -> None:
    answer = post(client, offer, body)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]
    assert bank.requests == []
    assert not Order.objects.exists()


def test_the_offer_is_that_of_the_address(client: Client, bank: Simulator, offer: Offer) -> None:
    assert post(client, offer, {"offer": offer.pk + 1, "parts": 3}).status_code == 410


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": "null"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}]
)
def test_only_our_own_pages_may_ask(client: Client, bank: Simulator, offer: Offer, headers: dict[str, str]) -> None:
    answer = post(client, offer, {"parts": 3}, headers=headers)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "foreign"
    assert bank.requests == []


def test_a_bank_that_does_not_answer(client: Client, bank: Simulator, offer: Offer) -> None:
    bank.fault("html", endpoint="create")
    answer = post(client, offer, {"parts": 3})
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert answer.json()["error"]["code"] == "no_answer"


@pytest.mark.usefixtures("within_one_window")
def test_too_many(client: Client, bank: Simulator, offer: Offer, settings: Any) -> None:
    settings.PAYPARTS_CHECKOUT_LIMITS = {"offer": 1}
    assert post(Client(), offer, {"parts": 3}).status_code == 200
    assert post(Client(), offer, {"parts": 3}).status_code == 429

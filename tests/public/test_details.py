"""What an offer asks of its buyer before the bank: each error stands beside its field, and nothing typed is lost."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.core.exceptions import ValidationError
from django.test import Client

from tests.factories import make_offer
from tests.public.pages import press
from wagtail_payparts.forms import normalise_phone
from wagtail_payparts.models import Order, Payment
from wagtail_payparts.simulator import Simulator


pytestmark = pytest.mark.django_db
OLENA = {"name": "Олена Пчілка", "phone": "067 123 45 67", "email": "olena@example.com", "comment": "Після шостої."}


def form_of(answer: Any) -> BeautifulSoup:
    form = BeautifulSoup(answer.content, "html.parser").select_one("form.payparts__form")
    assert form is not None
    return form


def submit(client: Client, form: Any, **typed: str) -> Any:
    fields = {field["name"]: field.get("value", "") for field in form.select("input, textarea")}
    return client.post(form["action"], fields | typed)


def test_a_press_is_answered_with_a_form(client: Client, bank: Simulator) -> None:
    answer = press(client, make_offer(buyer_details="all"))
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert not Order.objects.exists()
    shown = {field["name"]: field.get("autocomplete") for field in form_of(answer).select("input, textarea")}
    assert {"name": "name", "phone": "tel", "email": "email", "comment": None}.items() <= shown.items()


def test_an_offer_that_asks_for_the_phone_asks_for_nothing_else(client: Client, bank: Simulator) -> None:
    form = form_of(press(client, make_offer(buyer_details="phone")))
    visible = {field["name"] for field in form.select("input:not([type=hidden]), textarea")}
    assert visible == {"phone"}


def test_the_details_are_kept_with_the_order_and_not_told_to_the_bank(bank: Simulator) -> None:
    strict = Client(enforce_csrf_checks=True)
    form = form_of(press(strict, make_offer(buyer_details="all"), parts=5, service="PP"))
    answer = submit(strict, form, **OLENA)
    assert answer.status_code == 303
    order = Order.objects.get()
    assert (order.buyer_name, order.buyer_phone) == ("Олена Пчілка", "+380671234567")
    assert (order.buyer_email, order.comment) == ("olena@example.com", "Після шостої.")
    payment = Payment.objects.get()
    assert (payment.parts_count, payment.merchant_type) == (5, "PP")
    assert not any(word in str(bank.requests) for word in ("Олена", "380671234567", "olena@", "шостої"))


def test_a_form_of_the_projects_own_may_send_everything_at_once(client: Client, bank: Simulator) -> None:
    answer = press(client, make_offer(buyer_details="all"), **OLENA)
    assert answer.status_code == 303
    assert answer["Location"].startswith(bank.redirect_url)


@pytest.mark.parametrize("field", ["name", "phone", "email"])
def test_what_is_missing_is_said_beside_it(client: Client, bank: Simulator, field: str) -> None:
    form = form_of(press(client, make_offer(buyer_details="all")))
    answer = submit(client, form, **OLENA | {field: " "})
    assert answer.status_code == 400
    again = form_of(answer)
    wrong = again.select("[aria-invalid=true]")
    assert [box["name"] for box in wrong] == [field]
    described = wrong[0]["aria-describedby"].split()  # type: ignore[union-attr]
    assert again.select_one(f"#{described[-1]}").text.strip()  # type: ignore[union-attr]
    kept = {box["name"]: box.get("value") or box.text.strip() for box in again.select("input, textarea")}
    assert all(kept[name] == text for name, text in OLENA.items() if name != field)
    assert bank.requests == []


@pytest.mark.parametrize(
    "typed", [{"name": "a\x00b"}, {"email": f"{'a' * 200}@{'b' * 60}.com.ua"}, {"comment": "\x00"}], ids=ascii
)
def test_what_cannot_be_stored_is_said_beside_it(client: Client, bank: Simulator, typed: dict[str, str]) -> None:
    answer = press(client, make_offer(buyer_details="all"), **OLENA | typed)
    assert answer.status_code == 400
    assert [box["name"] for box in form_of(answer).select("[aria-invalid=true]")] == list(typed)
    assert not Order.objects.exists()


def test_what_was_typed_is_escaped(client: Client, bank: Simulator) -> None:
    form = form_of(press(client, make_offer(buyer_details="all")))
    answer = submit(client, form, **OLENA | {"name": '"><script>alert(1)</script>', "phone": "1"})
    assert b"<script>alert" not in answer.content


def test_the_same_buyer_who_presses_again_goes_on(client: Client, bank: Simulator) -> None:
    form = form_of(press(client, make_offer(buyer_details="all")))
    assert submit(client, form, **OLENA)["Location"] == submit(client, form, **OLENA)["Location"]
    submit(client, form, **OLENA | {"phone": "050 123 45 67"})
    assert Payment.objects.count() == 2


def test_the_cookie_holds_no_personal_data(client: Client, bank: Simulator) -> None:
    from django.core import signing

    press(client, make_offer(buyer_details="all"), **OLENA)
    content = signing.loads(client.cookies["payparts_attempt"].value, salt="wagtail_payparts.attempt")
    assert content[0] == Payment.objects.get().order_id
    assert len(content[1]) == 64


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("067 123 45 67", "+380671234567"),
        ("0671234567", "+380671234567"),
        ("(067) 123-45-67", "+380671234567"),
        ("067.123.45.67", "+380671234567"),
        ("671234567", "+380671234567"),
        ("380671234567", "+380671234567"),
        ("+38 (067) 123 45 67", "+380671234567"),
        ("8 067 123-45-67", "+380671234567"),
        ("00380671234567", "+380671234567"),
        ("  +380671234567 ", "+380671234567"),
        ("044 123 45 67", "+380441234567"),
        ("+48 600 123 456", "+48600123456"),
    ],
)
def test_a_phone_is_understood_as_people_type_it(typed: str, stored: str) -> None:
    assert normalise_phone(typed) == stored


@pytest.mark.parametrize("typed", ["1", "067 123 45", "067 123 45 67 8", "телефон", "+380", "+", "0000000000", "٣"])
def test_what_is_no_phone_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        normalise_phone(typed)

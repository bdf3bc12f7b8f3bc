"""What staff see where something was erased: that it was, and when; never an empty field that looks like a fault."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from django.test import Client
from django.urls import reverse

from tests.dashboard.reading import soup_of, words
from tests.factories import make_order, make_payment
from wagtail_payparts.models import Order, Payment
from wagtail_payparts.services import erase_buyer


pytestmark = pytest.mark.django_db

PHONE = "+380671234567"
AT = datetime(2026, 3, 1, 10, 30, tzinfo=timezone.utc)


@pytest.fixture
def order() -> Order:
    order = make_order(buyer_name="Ірина", buyer_phone=PHONE)
    make_payment(state="SUCCESS", bank_message="Договір Ірини", buyer_order=order)
    erase_buyer(phone=PHONE)
    Order.objects.update(erased_at=AT)
    Payment.objects.update(erased_at=AT)
    return order


def panel(client: Client, address: str, name: str) -> str:
    section = soup_of(client.get(address)).select_one(f"#{name}-section, #{name}")
    assert section is not None
    return words(section)


def test_the_page_of_a_payment_says_that_the_banks_words_and_the_buyer_were_erased(
    accountant: Client, order: Order
) -> None:
    address = reverse("payparts_payments:inspect", args=[Payment.objects.get().pk])
    assert "Its message Erased 1 Mar 2026, 12:30" in panel(accountant, address, "bank")
    assert "The buyer’s details were erased 1 Mar 2026, 12:30." in panel(accountant, address, "buyer")


def test_the_page_of_an_order_says_so_and_who_did_it(accountant: Client, order: Order) -> None:
    address = reverse("payparts_orders:inspect", args=[order.pk])
    assert "The buyer’s details were erased 1 Mar 2026, 12:30." in panel(accountant, address, "buyer")
    deeds = panel(accountant, address, "deeds")
    assert deeds.startswith("What staff did The buyer’s details were erased")
    assert deeds.endswith("by command")


def test_who_may_not_see_buyers_is_told_that_and_no_more(viewer: Client, order: Order) -> None:
    buyer = panel(viewer, reverse("payparts_orders:inspect", args=[order.pk]), "buyer")
    assert "erased" not in buyer
    assert "permission to see the buyer" in buyer


def test_a_new_message_of_the_bank_stands_in_its_place_again(accountant: Client, order: Order) -> None:
    Payment.objects.update(bank_message="Новий договір")
    address = reverse("payparts_payments:inspect", args=[Payment.objects.get().pk])
    assert "Its message Новий договір" in panel(accountant, address, "bank")


def test_nothing_is_said_to_be_erased_that_was_not(accountant: Client) -> None:
    payment = make_payment(state="SUCCESS", buyer_order=make_order(buyer_name="Ірина"))
    page = words(soup_of(accountant.get(reverse("payparts_payments:inspect", args=[payment.pk]))))
    assert "rased" not in page

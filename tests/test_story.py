"""The life of a payment, from a button on a page to a paid order: read it from top to bottom.

The shop and the bank are two servers that speak to each other over HTTP; the buyer is a session without JavaScript.
"""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urljoin

import pytest
import requests
from django.utils import timezone

from tests.factories import make_offer
from tests.public.pages import make_page
from wagtail_payparts.models import Order, Payment, PaymentEvent
from wagtail_payparts.services.sync import poll_due
from wagtail_payparts.simulator import Simulator


pytestmark = pytest.mark.django_db(transaction=True)


class Buyer:
    """A browser: it keeps cookies and says from which page a form was sent."""

    def __init__(self) -> None:
        self.session = requests.Session()

    def open(self, url: str) -> str:
        answer = self.session.get(url, timeout=10)
        assert answer.status_code == 200, answer.status_code
        return unescape(answer.text)

    def press(self, page_url: str, page: str, **choice: object) -> requests.Response:
        action = re.search(r'action="([^"]*/checkout/[^"]*)"', page)
        assert action
        origin = "/".join(page_url.split("/")[:3])
        return self.session.post(
            urljoin(page_url, action[1]), data=choice, headers={"Origin": origin}, allow_redirects=False, timeout=10
        )


@pytest.fixture
def page_url(live_server: object) -> str:
    """An editor has put the button on a page and published it."""
    make_page(make_offer(title="Кавоварка"), slug="coffee")
    return f"{live_server.url}/coffee/"  # type: ignore[attr-defined]


def _press_the_button(page_url: str, bank: Simulator) -> tuple[Buyer, Payment]:
    buyer = Buyer()
    page = buyer.open(page_url)
    answer = buyer.press(page_url, page, service="II", parts="4")
    assert answer.status_code == 303
    payment = Payment.objects.get()
    assert answer.headers["Location"] == f"{bank.redirect_url}?token={bank.payment(payment.order_id).token}"
    return buyer, payment


def test_from_a_button_on_a_page_to_a_paid_order(page_url: str, bank: Simulator) -> None:
    # The buyer presses the button and stands before the bank.
    buyer, payment = _press_the_button(page_url, bank)
    order = Order.objects.get()
    assert (payment.state, order.status) == ("CREATED", "awaiting_payment")
    assert (payment.amount, order.amount) == (order.amount, 12500)

    # The bank approves and rings: the shop asks whether it is so, and the order is paid.
    bank.pay(payment.order_id)
    assert [status for status, _text in bank.deliver_callbacks()] == [200]
    payment.refresh_from_db()
    order.refresh_from_db()
    assert (payment.state, order.status) == ("SUCCESS", "paid")

    # The buyer comes back and knows.
    assert "<h1" in buyer.open(payment.return_url)
    assert "Paid" in buyer.open(payment.return_url)

    # All that happened can be read, and what is owed has been delivered.
    told = [(event.type, event.state, event.verdict) for event in payment.events_in_order()]
    assert told == [
        ("payment_create", "CREATED", "applied"),
        ("callback", "SUCCESS", "applied"),
        ("poll", "SUCCESS", "applied"),
    ]
    assert payment.next_delivery_at is None

    # The bank rings again, and once more: nothing happens twice.
    for _time in range(2):
        bank.send_callback(payment.order_id)
    assert PaymentEvent.objects.filter(type="callback").count() == 1
    assert payment.deliveries.filter(signal="payment_succeeded").count() == 1


def test_a_buyer_who_comes_back_before_the_callback_learns_the_truth(page_url: str, bank: Simulator) -> None:
    buyer, payment = _press_the_button(page_url, bank)
    bank.pay(payment.order_id)
    assert "Paid" in buyer.open(payment.return_url)
    assert Order.objects.get().status == "paid"


def test_a_callback_that_never_comes_costs_time_and_nothing_else(page_url: str, bank: Simulator) -> None:
    _buyer, payment = _press_the_button(page_url, bank)
    bank.pay(payment.order_id)
    Payment.objects.update(next_poll_at=timezone.now())
    poll_due()
    assert Order.objects.get().status == "paid"


def test_a_refused_buyer_is_told_so_and_the_order_is_cancelled(page_url: str, bank: Simulator) -> None:
    buyer, payment = _press_the_button(page_url, bank)
    bank.pay(payment.order_id, card="refusal")
    bank.deliver_callbacks()
    assert "The bank refused" in buyer.open(payment.return_url)
    assert Order.objects.get().status == "canceled"


def test_a_buyer_who_gives_up_may_press_again_and_pay(page_url: str, bank: Simulator) -> None:
    buyer, payment = _press_the_button(page_url, bank)
    bank.cancel(payment.order_id)
    bank.deliver_callbacks()
    assert "Cancelled" in buyer.open(payment.return_url)
    buyer.press(page_url, buyer.open(page_url), service="II", parts="4")
    second = Payment.objects.exclude(pk=payment.pk).get()
    bank.pay(second.order_id)
    bank.deliver_callbacks()
    assert second.buyer_order.payments.get().is_paid


def test_a_forged_callback_with_the_right_password_pays_nothing(page_url: str, bank: Simulator) -> None:
    _buyer, payment = _press_the_button(page_url, bank)
    bank.send_callback(payment.order_id, state="SUCCESS")
    payment.refresh_from_db()
    assert (payment.state, payment.claim_state) == ("CREATED", "SUCCESS")
    assert Order.objects.get().status == "awaiting_payment"

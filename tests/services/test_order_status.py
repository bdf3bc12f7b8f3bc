"""The status of our own order is what its payments say, however and in whatever order their signals come."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.factories import make_order, make_payment
from tests.owing import owe
from wagtail_payparts.exceptions import BankUnreachable
from wagtail_payparts.models import Order, Payment
from wagtail_payparts.receivers import follow_payments
from wagtail_payparts.services import start_payment, sync_payment
from wagtail_payparts.services.deliveries import deliver_due
from wagtail_payparts.simulator import Simulator


pytestmark = pytest.mark.django_db


def _status(order: Order) -> str:
    return Order.objects.get(pk=order.pk).status


def test_an_order_awaits_its_payment_also_when_the_reply_to_its_create_was_lost(bank: Simulator) -> None:
    """The first that we hear of the payment is that the buyer is at it."""
    order = make_order()
    bank.fault("timeout_after", endpoint="create", seconds=0)
    with pytest.raises(BankUnreachable):
        start_payment(lines=[{"name": "Чайник", "count": 1, "price": "400.00"}], parts_count=2, buyer_order=order)
    payment = Payment.objects.get()
    bank.set_state(payment.order_id, "OTP_WAITING")
    assert sync_payment(payment).state == "OTP_WAITING"
    deliver_due()
    assert _status(order) == "awaiting_payment"


def test_an_order_awaits_no_payment_that_has_failed_before_its_signal_came_through() -> None:
    order = make_order(status="canceled")
    payment = make_payment(buyer_order=order, state="FAIL", was_negative=True)
    owe(payment, "payment_state_changed", old_state="NEW", new_state="CREATED")
    deliver_due()
    assert _status(order) == "canceled"


@pytest.mark.parametrize(
    ("attempts", "status"),
    [
        (["NEW"], "new"),
        (["CANCELED", "NEW"], "awaiting_payment"),
        (["FAIL", "CLIENT_WAIT"], "awaiting_payment"),
        (["CREATED", "LOCKED"], "on_hold"),
        (["CANCELED", "EXPIRED"], "canceled"),
        (["LOCKED", "SUCCESS"], "paid"),
        (["CANCELED", "SUCCESS"], "paid"),
    ],
)
@pytest.mark.parametrize("before", ["new", "awaiting_payment", "on_hold", "canceled"])
def test_the_status_is_what_all_attempts_say_together(attempts: list[str], status: str, before: str) -> None:
    order = make_order(status=before)
    payments = [make_payment(buyer_order=order, state=state) for state in attempts]
    for payment in payments:
        follow_payments(Payment, payment)
        assert _status(order) == status


def test_an_order_whose_only_money_is_a_late_hold_stays_cancelled_for_a_person_to_decide() -> None:
    order = make_order(status="canceled")
    follow_payments(Payment, make_payment(buyer_order=order, state="LOCKED", was_negative=True))
    assert _status(order) == "canceled"


def test_an_order_that_was_paid_elsewhere_is_not_cancelled_by_an_attempt_that_comes_to_nothing() -> None:
    order = make_order(status="paid", paid_amount=12500)
    follow_payments(Payment, make_payment(buyer_order=order, state="FAIL", was_negative=True))
    assert _status(order) == "paid"


@pytest.mark.parametrize(
    ("refunded", "left", "status"),
    [("0.00", "12500.00", "paid"), ("500.00", "12000.00", "partially_refunded"), ("12500.00", "0.00", "refunded")],
)
def test_it_does_not_matter_to_an_order_when_and_how_often_it_hears_of_its_money(
    refunded: str, left: str, status: str
) -> None:
    order = make_order(status="awaiting_payment")
    payment = make_payment(buyer_order=order, state="SUCCESS", refunded_amount=refunded)
    for _time in range(2):
        follow_payments(Payment, payment)
        order.refresh_from_db()
        assert (order.status, order.paid_amount) == (status, Decimal(left))

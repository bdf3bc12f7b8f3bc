"""A receiver that was removed from the code: nobody waits for it for ever, and staff read what it had not taken."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.dying import Died
from tests.factories import make_payment
from tests.owing import Shop, connected, owe, pass_time, result_of
from wagtail_payparts.models import EventType, Payment, PaymentEvent, ReceiverResult, SignalDelivery
from wagtail_payparts.services.deliveries import GONE_AFTER, LOOK_AGAIN, deliver_due, failed_results
from wagtail_payparts.services.health import examine
from wagtail_payparts.signals import payment_state_changed, payment_succeeded


pytestmark = pytest.mark.django_db


@pytest.fixture
def payment() -> Payment:
    """One that owes a signal to a receiver which has failed on it, and which is no longer connected."""
    made = make_payment(state="SUCCESS", settled_at=timezone.now())
    owe(made)
    with connected(payment_succeeded, gone=Shop(fails=1)):
        deliver_due()
    return made


def _pass_the_time_of_grace(payment: Payment) -> None:
    pass_time(payment)
    ReceiverResult.objects.update(next_attempt_at=timezone.now() - GONE_AFTER - timedelta(seconds=1))


def test_it_holds_up_neither_other_receivers_nor_later_signals(payment: Payment) -> None:
    pass_time(payment)
    owe(payment, "payment_state_changed", old_state="CREATED", new_state="SUCCESS")
    shop = Shop()
    with connected(payment_succeeded, shop=shop), connected(payment_state_changed, shop=shop):
        deliver_due()
    assert [heard["signal"] for heard in shop.heard] == [payment_succeeded, payment_state_changed]


def test_it_is_waited_for_while_a_new_version_is_being_deployed(payment: Payment) -> None:
    """The process that knows it may be another one than that which delivers now."""
    pass_time(payment)
    deliver_due()
    payment.refresh_from_db()
    assert SignalDelivery.objects.get().done_at is None
    assert timezone.now() < payment.next_delivery_at <= timezone.now() + LOOK_AGAIN
    pass_time(payment)
    shop = Shop()
    with connected(payment_succeeded, gone=shop):
        deliver_due()
    assert shop.calls == 1
    assert SignalDelivery.objects.get().done_at is not None


def test_meanwhile_no_later_signal_is_taken_for_delivered(payment: Payment) -> None:
    pass_time(payment)
    owe(payment, "payment_state_changed", old_state="CREATED", new_state="SUCCESS")
    deliver_due()
    pass_time(payment)
    shop = Shop()
    with connected(payment_succeeded, gone=shop), connected(payment_state_changed, gone=shop):
        deliver_due()
    assert [heard["signal"] for heard in shop.heard] == [payment_succeeded, payment_state_changed]
    assert not SignalDelivery.objects.filter(done_at__isnull=True).exists()


def test_a_receiver_in_which_a_process_died_is_waited_for_like_one_that_failed() -> None:
    payment = make_payment(state="SUCCESS", settled_at=timezone.now())
    owe(payment)

    def die(**kwargs: Any) -> None:
        raise Died

    with connected(payment_succeeded, gone=die), pytest.raises(Died):
        deliver_due()
    Payment.objects.update(delivery_leased_until=None)
    deliver_due()
    pass_time(payment)
    shop = Shop()
    with connected(payment_succeeded, gone=shop):
        deliver_due()
    assert shop.calls == 1


def test_after_that_nobody_waits_any_more(payment: Payment) -> None:
    assert examine().failing_count.count == 1
    _pass_the_time_of_grace(payment)
    deliver_due()
    payment.refresh_from_db()
    assert payment.next_delivery_at is None
    assert SignalDelivery.objects.get().done_at is not None
    assert result_of("gone").delivered_at is None
    assert not failed_results().exists()
    assert examine().failing_count.count == 0
    assert payment.attention == ""


def test_staff_read_which_receiver_is_gone_once(payment: Payment, admin_client: Client) -> None:
    _pass_the_time_of_grace(payment)
    for _time in range(2):
        deliver_due()
        Payment.objects.update(next_delivery_at=timezone.now())
    note = PaymentEvent.objects.get(type=EventType.NOTE)
    assert note.payload == {"note": "receiver_gone", "signal": "payment_succeeded", "receiver": "tests.gone"}
    page = admin_client.get(f"/admin/payparts/payments/{payment.pk}/").content.decode()
    assert "The receiver “tests.gone” is no longer there." in page
    assert "this receiver is no longer there" in page


def test_what_is_noted_of_it_is_no_answer_without_an_amount(payment: Payment) -> None:
    _pass_the_time_of_grace(payment)
    deliver_due()
    assert examine().no_amount.count == 0

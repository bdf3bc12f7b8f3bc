"""Staff ask the bank now, and have signals delivered again to those who failed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from tests.factories import make_payment
from tests.owing import Shop, connected, owe, pass_time, result_of
from wagtail_payparts.exceptions import AlreadyResolved
from wagtail_payparts.models import (
    EventType,
    Payment,
    ReceiverResult,
    Source,
    Verdict,
)
from wagtail_payparts.services.deliveries import GONE_AFTER, MAX_ATTEMPTS, deliver_due
from wagtail_payparts.services.desk import (
    ask_bank,
    deliver_again,
    failed_results,
)
from wagtail_payparts.services.locking import lease_poll
from wagtail_payparts.signals import payment_succeeded
from wagtail_payparts.simulator import Simulator
from wagtail_payparts.states import PaymentState


pytestmark = pytest.mark.django_db
S = PaymentState


def _fresh(payment: Payment) -> Payment:
    return Payment.objects.get(pk=payment.pk)


# Asking the bank


def test_asking_moves_the_payment_in_the_persons_name(created: Payment, bank: Simulator, boss: Any) -> None:
    bank.pay(created.order_id)
    asked = ask_bank(created, by=boss)
    assert asked.payment.state == S.SUCCESS
    assert asked.event is not None
    assert (asked.event.user, asked.event.source, asked.event.verdict) == (boss, Source.STAFF, Verdict.APPLIED)


def test_asking_tells_what_was_wrong_with_the_answer(created: Payment, bank: Simulator, boss: Any) -> None:
    bank.fault("http_500", endpoint="state")
    asked = ask_bank(created, by=boss)
    assert asked.event is not None
    assert asked.event.verdict == Verdict.BAD_ANSWER
    assert asked.payment.state == S.CREATED


def test_nothing_is_asked_while_another_process_asks(created: Payment, bank: Simulator, boss: Any) -> None:
    lease_poll(created.pk, due_only=False)
    assert ask_bank(created, by=boss).event is None
    assert "state" not in [request.endpoint for request in bank.requests]


def test_two_presses_in_a_row_ask_once(created: Payment, bank: Simulator, boss: Any) -> None:
    assert ask_bank(created, by=boss).event is not None
    assert ask_bank(created, by=boss).event is None
    assert [request.endpoint for request in bank.requests].count("state") == 1


def test_a_store_without_settings_is_an_error_and_leaves_the_payment_to_be_asked_about(boss: Any) -> None:
    payment = make_payment(store="gone")
    cache.clear()
    with pytest.raises(ImproperlyConfigured):
        ask_bank(payment, by=boss)
    assert _fresh(payment).poll_leased_until is None
    assert _fresh(payment).next_poll_at is not None


# Delivering again


def _given_up(shop: Shop) -> Payment:
    payment = make_payment(state=S.SUCCESS, settled_at=timezone.now())
    owe(payment)
    with connected(payment_succeeded, shop=shop):
        for _time in range(MAX_ATTEMPTS):
            pass_time(payment)
            deliver_due()
    assert result_of("shop").given_up_at
    return _fresh(payment)


def test_a_receiver_that_was_given_up_is_called_again(boss: Any, django_capture_on_commit_callbacks: Any) -> None:
    shop, sound = Shop(fails=MAX_ATTEMPTS), Shop()
    payment = _given_up(shop)
    assert payment.attention == "delivery_failing"
    with connected(payment_succeeded, shop=shop, sound=sound), django_capture_on_commit_callbacks(execute=True):
        after = deliver_again(payment, by=boss)
    assert len(shop.heard) == 1
    assert after.attention == ""
    assert result_of("shop").delivered_at
    event = payment.events.get(type=EventType.REDELIVERY)
    assert (event.user, event.source) == (boss, Source.STAFF)
    assert _fresh(payment).next_delivery_at is None


def test_who_has_taken_a_signal_is_not_called_again(boss: Any, django_capture_on_commit_callbacks: Any) -> None:
    payment = make_payment(state=S.SUCCESS, settled_at=timezone.now())
    owe(payment)
    broken, sound = Shop(fails=1), Shop()
    with connected(payment_succeeded, sound=sound, broken=broken):
        deliver_due()
        with django_capture_on_commit_callbacks(execute=True):
            deliver_again(payment, by=boss)
    assert (len(broken.heard), len(sound.heard)) == (1, 1)


def test_a_receiver_that_fails_again_is_tried_as_often_as_at_first(
    boss: Any, django_capture_on_commit_callbacks: Any
) -> None:
    shop = Shop(fails=10**6)
    payment = _given_up(shop)
    with connected(payment_succeeded, shop=shop), django_capture_on_commit_callbacks(execute=True):
        deliver_again(payment, by=boss)
    result = result_of("shop")
    assert (result.attempts, result.given_up_at) == (1, None)
    assert result.next_attempt_at is not None
    assert _fresh(payment).attention == ""
    with connected(payment_succeeded, shop=shop):
        for _time in range(MAX_ATTEMPTS):
            pass_time(payment)
            deliver_due()
    assert _fresh(payment).attention == "delivery_failing"


def test_where_nothing_failed_nothing_is_delivered_again(boss: Any) -> None:
    payment = make_payment(state=S.SUCCESS)
    owe(payment)
    with pytest.raises(AlreadyResolved) as told:
        deliver_again(payment, by=boss)
    assert "nothing was done" in told.value.user_message
    assert not payment.events.filter(type=EventType.REDELIVERY).exists()


def test_a_second_press_delivers_nothing_twice(boss: Any) -> None:
    """The task that delivers has not begun yet."""
    payment = _given_up(Shop(fails=MAX_ATTEMPTS))
    deliver_again(payment, by=boss)
    with pytest.raises(AlreadyResolved):
        deliver_again(payment, by=boss)
    assert payment.events.filter(type=EventType.REDELIVERY).count() == 1


def test_a_delivery_that_is_under_way_is_left_alone(boss: Any) -> None:
    payment = _given_up(Shop(fails=MAX_ATTEMPTS))
    Payment.objects.filter(pk=payment.pk).update(delivery_leased_until=timezone.now() + timedelta(seconds=60))
    with pytest.raises(AlreadyResolved, match="under way"):
        deliver_again(payment, by=boss)
    assert failed_results(payment).exists()
    Payment.objects.filter(pk=payment.pk).update(delivery_leased_until=timezone.now() - timedelta(seconds=1))
    deliver_again(payment, by=boss)


def test_a_receiver_that_is_gone_holds_nothing_up(boss: Any, django_capture_on_commit_callbacks: Any) -> None:
    payment = _given_up(Shop(fails=MAX_ATTEMPTS))
    with django_capture_on_commit_callbacks(execute=True):
        deliver_again(payment, by=boss)
    assert not failed_results(payment).exists()
    ReceiverResult.objects.update(next_attempt_at=timezone.now() - GONE_AFTER)
    Payment.objects.update(next_delivery_at=timezone.now())
    deliver_due()
    assert _fresh(payment).next_delivery_at is None


def test_a_receiver_that_the_delivering_process_does_not_know_is_left_to_one_that_does(
    boss: Any, django_capture_on_commit_callbacks: Any
) -> None:
    payment = _given_up(Shop(fails=MAX_ATTEMPTS))
    with django_capture_on_commit_callbacks(execute=True):
        deliver_again(payment, by=boss)
    Payment.objects.update(next_delivery_at=timezone.now())
    shop = Shop()
    with connected(payment_succeeded, shop=shop):
        deliver_due()
    assert shop.calls == 1

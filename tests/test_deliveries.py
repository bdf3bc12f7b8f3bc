"""Signals that are owed: each receiver once, in order, and again if it failed, until it has taken them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from tests.dying import die_at
from tests.factories import make_order, make_payment
from tests.owing import Shop, connected, owe, pass_time, result_of
from wagtail_payparts.models import AttentionCode, Order, Payment, ReceiverResult, SignalDelivery
from wagtail_payparts.services import deliveries
from wagtail_payparts.services.backoff import SPREAD
from wagtail_payparts.services.deliveries import FIRST_RETRY, LONGEST_RETRY, MAX_ATTEMPTS, deliver_due, deliver_payment
from wagtail_payparts.services.locking import DELIVERY_LEASE
from wagtail_payparts.signals import payment_needs_attention, payment_state_changed, payment_succeeded


pytestmark = pytest.mark.django_db


@pytest.fixture
def payment() -> Payment:
    return make_payment(state="SUCCESS", settled_at=timezone.now())


def test_a_receiver_is_given_the_payment_as_it_stands_and_the_event(payment: Payment) -> None:
    delivery = owe(payment)
    shop = Shop()
    with connected(payment_succeeded, shop=shop):
        Payment.objects.filter(pk=payment.pk).update(bank_message="known since")
        assert deliver_due() == 1
    (heard,) = shop.heard
    assert heard["sender"] is Payment
    assert heard["signal"] is payment_succeeded
    assert heard["payment"] == payment
    assert heard["payment"].bank_message == "known since"
    assert heard["event"] == delivery.event
    delivery.refresh_from_db()
    payment.refresh_from_db()
    assert delivery.done_at is not None
    assert (payment.next_delivery_at, payment.delivery_leased_until) == (None, None)


def test_the_arguments_of_a_signal_come_with_it(payment: Payment) -> None:
    owe(payment, "payment_state_changed", old_state="CREATED", new_state="SUCCESS")
    owe(payment, "payment_needs_attention", code="late_success")
    changes, alarms = Shop(), Shop()
    with connected(payment_state_changed, shop=changes), connected(payment_needs_attention, shop=alarms):
        deliver_due()
    assert (changes.heard[0]["old_state"], changes.heard[0]["new_state"]) == ("CREATED", "SUCCESS")
    assert alarms.heard[0]["code"] == "late_success"


def test_a_delivered_signal_is_not_delivered_again(payment: Payment) -> None:
    owe(payment)
    shop = Shop()
    with connected(payment_succeeded, shop=shop):
        deliver_due()
        owe(payment, "payment_state_changed", old_state="", new_state="")
        deliver_due()
    assert shop.calls == 1


def test_a_receiver_that_raises_is_retried_alone_while_the_others_go_on(
    payment: Payment, caplog: pytest.LogCaptureFixture
) -> None:
    owe(payment)
    first, broken, last = Shop(), Shop(fails=1), Shop()
    with connected(payment_succeeded, first=first, broken=broken, last=last):
        deliver_due()
        assert (first.calls, broken.calls, last.calls) == (1, 1, 1)
        assert result_of("broken").last_error == "ConnectionError: the shop's mail server is down"
        assert "the shop's mail server is down" in caplog.text
        deliver_due()
        assert broken.calls == 1, "not before its time"
        pass_time(payment)
        deliver_due()
    assert (first.calls, broken.calls, last.calls) == (1, 2, 1)
    assert len(broken.heard) == 1
    result = result_of("broken")
    assert (result.attempts, result.last_error, result.next_attempt_at) == (2, "", None)
    assert result.delivered_at is not None
    assert SignalDelivery.objects.get().done_at is not None


def test_an_error_that_no_database_can_store_is_retried_like_any_other(payment: Payment) -> None:
    def broken(**kwargs: Any) -> None:
        raise ValueError("\0" + "x" * 5000)

    owe(payment)
    with connected(payment_succeeded, broken=broken):
        deliver_due()
    assert result_of("broken").last_error.startswith("ValueError: �x")


def test_the_pauses_grow(payment: Payment) -> None:
    owe(payment)
    with connected(payment_succeeded, broken=Shop(fails=10)):
        pauses = []
        for _time in range(11 - 1):
            before = timezone.now()
            deliver_due()
            pauses.append(result_of("broken").next_attempt_at - before)
            payment.refresh_from_db()
            assert payment.next_delivery_at == result_of("broken").next_attempt_at
            pass_time(payment)
    for number, pause in enumerate(pauses):
        longest = min(FIRST_RETRY * 2**number, LONGEST_RETRY)
        assert longest * (1 - SPREAD) <= pause <= longest + timedelta(seconds=5)


def test_what_failed_at_the_same_moment_does_not_come_back_at_the_same_moment() -> None:
    payments = [make_payment(state="SUCCESS") for _number in range(8)]
    for payment in payments:
        owe(payment)
    with connected(payment_succeeded, broken=Shop(fails=8)):
        deliver_due()
    moments = sorted(Payment.objects.values_list("next_delivery_at", flat=True))
    assert moments[-1] - moments[0] > timedelta(seconds=1)


def test_a_receiver_that_never_works_is_given_up_and_shown_to_a_person_without_end_of_signals(
    payment: Payment,
) -> None:
    """The alarm goes to the same broken shop, which must not cause the next alarm."""
    owe(payment)
    shop = Shop(fails=10**6)
    with connected(payment_succeeded, shop=shop), connected(payment_needs_attention, alarm=shop):
        for _time in range(3 * MAX_ATTEMPTS):
            pass_time(payment)
            deliver_due()
    assert shop.calls == 2 * MAX_ATTEMPTS
    payment.refresh_from_db()
    assert payment.attention_codes == ["delivery_failing"]
    assert payment.next_delivery_at is None
    assert SignalDelivery.objects.filter(done_at__isnull=True).count() == 0
    assert list(SignalDelivery.objects.order_by("pk").values_list("signal", flat=True)) == [
        "payment_succeeded",
        "payment_needs_attention",
    ]
    assert result_of("shop").given_up_at is not None


@pytest.mark.django_db(transaction=True)
def test_who_is_given_up_is_shown_to_a_person_whenever_the_process_dies() -> None:
    payment = make_payment(state="SUCCESS", settled_at=timezone.now())
    owed = owe(payment)
    with connected(payment_succeeded, shop=Shop(fails=1000)):
        deliver_due()
        for statement in range(1, 100):
            SignalDelivery.objects.exclude(pk=owed.pk).delete()
            SignalDelivery.objects.update(done_at=None)
            now = timezone.now()
            ReceiverResult.objects.update(attempts=MAX_ATTEMPTS - 1, next_attempt_at=now, given_up_at=None)
            Payment.objects.update(attention="", next_delivery_at=now, delivery_leased_until=None)
            died = die_at(statement, deliver_due)
            Payment.objects.update(next_delivery_at=now, delivery_leased_until=None)
            deliver_due()
            payment.refresh_from_db()
            assert result_of("shop").given_up_at is not None
            assert payment.attention == AttentionCode.DELIVERY_FAILING, statement
            if not died:
                return
    pytest.fail("it never came to its end")


def test_each_receiver_gets_the_signals_of_a_payment_in_order(payment: Payment) -> None:
    steps = [("NEW", "CREATED"), ("CREATED", "CLIENT_WAIT"), ("CLIENT_WAIT", "SUCCESS")]
    for old_state, new_state in steps:
        owe(payment, "payment_state_changed", old_state=old_state, new_state=new_state)
    broken, sound = Shop(fails=1), Shop()
    with connected(payment_state_changed, broken=broken, sound=sound):
        deliver_due()
        assert [heard["new_state"] for heard in sound.heard] == ["CREATED", "CLIENT_WAIT", "SUCCESS"]
        assert broken.calls == 1, "it gets nothing later before it has taken the first"
        pass_time(payment)
        deliver_due()
    assert [heard["new_state"] for heard in broken.heard] == ["CREATED", "CLIENT_WAIT", "SUCCESS"]
    assert len(sound.heard) == 3


def test_one_name_keeps_its_order_across_signals(payment: Payment) -> None:
    owe(payment, "payment_state_changed", old_state="CREATED", new_state="SUCCESS")
    owe(payment, "payment_succeeded")
    shop = Shop(fails=1)
    with connected(payment_state_changed, shop=shop), connected(payment_succeeded, shop=shop):
        deliver_due()
        assert shop.calls == 1
        pass_time(payment)
        deliver_due()
    assert [heard["signal"].name for heard in shop.heard] == ["payment_state_changed", "payment_succeeded"]


def test_one_payment_does_not_wait_for_the_receiver_of_another(payment: Payment) -> None:
    other = make_payment(state="SUCCESS")
    for owing in (payment, other):
        owe(owing)
    shop = Shop(fails=1)
    with connected(payment_succeeded, shop=shop):
        assert deliver_due() == 2
    assert [heard["payment"] for heard in shop.heard] == [other]


def test_what_a_receiver_wrote_before_it_failed_is_undone(payment: Payment) -> None:
    def receiver(**kwargs: Any) -> None:
        make_order(number="half-done")
        raise ValueError

    owe(payment)
    with connected(payment_succeeded, receiver=receiver):
        deliver_due()
    assert not Order.objects.exists()
    assert result_of("receiver").attempts == 1


def test_a_receiver_that_hides_a_database_error_is_retried_and_stops_nobody(payment: Payment) -> None:
    def receiver(**kwargs: Any) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT nonsense FROM nowhere")
        except Exception:  # noqa: BLE001 - as shops do
            connection.set_rollback(True)

    owe(payment)
    after = Shop()
    with connected(payment_succeeded, broken=receiver, sound=after):
        deliver_due()
    assert after.calls == 1


def test_a_payment_on_which_another_process_is_at_work_is_left_to_it(payment: Payment) -> None:
    owe(payment)
    lease = timezone.now() + DELIVERY_LEASE
    Payment.objects.filter(pk=payment.pk).update(delivery_leased_until=lease)
    shop = Shop()
    with connected(payment_succeeded, shop=shop):
        assert deliver_payment(payment.pk) is False
        assert shop.calls == 0
        Payment.objects.filter(pk=payment.pk).update(delivery_leased_until=timezone.now())
        assert deliver_payment(payment.pk) is True, "that process is dead"
    assert shop.calls == 1


def test_a_process_that_dies_in_a_receiver_leaves_the_signal_owed(payment: Payment) -> None:
    owe(payment)

    def die(**kwargs: Any) -> None:
        raise SystemExit

    with connected(payment_succeeded, shop=die), pytest.raises(SystemExit):
        deliver_due()
    assert SignalDelivery.objects.get().done_at is None
    shop = Shop()
    Payment.objects.filter(pk=payment.pk).update(delivery_leased_until=timezone.now())
    with connected(payment_succeeded, shop=shop):
        deliver_due()
    assert shop.calls == 1


def test_a_signal_owed_while_a_receiver_is_at_work_is_delivered_next(payment: Payment) -> None:
    first = Shop()

    def receiver(**kwargs: Any) -> None:
        if not first.calls:
            owe(payment, "payment_state_changed", old_state="", new_state="")
        first(**kwargs)

    second = Shop()
    owe(payment)
    with connected(payment_succeeded, first=receiver), connected(payment_state_changed, second=second):
        deliver_due()
    assert (first.calls, second.calls) == (1, 1)
    payment.refresh_from_db()
    assert payment.next_delivery_at is None


def test_a_receiver_that_starts_a_delivery_itself_is_not_called_within_itself(payment: Payment) -> None:
    shop = Shop()

    def receiver(**kwargs: Any) -> None:
        shop(**kwargs)
        deliver_due()

    owe(payment)
    with connected(payment_succeeded, shop=receiver):
        deliver_due()
    assert shop.calls == 1


def test_a_signal_that_this_version_does_not_know_stops_nobody_else(
    payment: Payment, caplog: pytest.LogCaptureFixture
) -> None:
    """It was owed by a newer version, before a deployment was taken back."""
    owe(payment, "payment_teleported")
    other = make_payment(state="SUCCESS")
    owe(other)
    shop = Shop()
    with connected(payment_succeeded, shop=shop):
        deliver_due()
    assert [heard["payment"] for heard in shop.heard] == [other]
    assert "could not be delivered" in caplog.text


def test_delivery_looks_at_nothing_where_nothing_is_due(payment: Payment, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert deliveries.deliver_due() == 0

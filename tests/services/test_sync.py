"""The poller finds out what callbacks did not tell."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.utils import timezone

from tests.factories import make_order, make_payment
from wagtail_payparts.exceptions import NotAllowed
from wagtail_payparts.models import Heartbeat, Payment
from wagtail_payparts.services import start_payment, sync_payment
from wagtail_payparts.services.locking import lease_poll
from wagtail_payparts.services.sync import poll_due
from wagtail_payparts.simulator import Simulator
from wagtail_payparts.states import PaymentState


pytestmark = pytest.mark.django_db


def _start(**changes: Any) -> Payment:
    return start_payment(**{"lines": [{"name": "Чайник", "count": 1, "price": 400}], "parts_count": 3} | changes)


def _make_due() -> None:
    Payment.objects.update(next_poll_at=timezone.now())


def _questions(bank: Simulator) -> list[str]:
    return [asked.order_id for asked in bank.requests if asked.endpoint == "state"]


def test_a_payment_whose_callback_was_lost_is_paid_all_the_same(bank: Simulator) -> None:
    payment = _start(buyer_order=make_order())
    bank.pay(payment.order_id)
    _make_due()
    done = poll_due()
    payment.refresh_from_db()
    payment.buyer_order.refresh_from_db()
    assert payment.state == PaymentState.SUCCESS
    assert payment.buyer_order.status == "paid"
    assert (done.asked, done.moved) == (1, 1)


def test_what_is_not_due_is_not_asked_about(bank: Simulator) -> None:
    _start()
    assert poll_due().asked == 0
    assert not _questions(bank)


def test_claims_are_asked_about_first(bank: Simulator) -> None:
    older, claimed = _start(), _start()
    _make_due()
    Payment.objects.filter(pk=older.pk).update(next_poll_at=timezone.now() - timedelta(hours=1))
    Payment.objects.filter(pk=claimed.pk).update(claim_state="SUCCESS", claim_at=timezone.now())
    poll_due()
    assert _questions(bank) == [claimed.order_id, older.order_id]


def test_a_payment_that_another_process_asks_about_is_left_to_it(bank: Simulator) -> None:
    payment = _start()
    assert lease_poll(payment.pk, due_only=False)
    assert sync_payment(payment).state == PaymentState.CREATED
    assert not _questions(bank)


def test_a_process_that_died_while_asking_is_replaced(bank: Simulator) -> None:
    payment = _start()
    Payment.objects.update(poll_leased_until=timezone.now() - timedelta(seconds=1), next_poll_at=timezone.now())
    assert poll_due().asked == 1
    payment.refresh_from_db()
    assert payment.poll_leased_until is None


def test_a_payment_that_did_not_move_is_not_asked_about_again_at_once(bank: Simulator) -> None:
    _start()
    _make_due()
    assert (poll_due().asked, poll_due().asked) == (1, 0)


def test_one_store_that_lost_its_settings_does_not_stop_the_others(bank: Simulator) -> None:
    make_payment(store="gone", next_poll_at=timezone.now() - timedelta(hours=1))
    payment = _start()
    bank.pay(payment.order_id)
    Payment.objects.filter(pk=payment.pk).update(next_poll_at=timezone.now())
    poll_due()
    payment.refresh_from_db()
    assert payment.state == PaymentState.SUCCESS


def test_the_poller_leaves_a_heartbeat(bank: Simulator) -> None:
    before = timezone.now()
    poll_due()
    assert Heartbeat.objects.get(name="payparts_sync").beat_at >= before


def test_asking_in_a_persons_name_needs_the_permission(bank: Simulator) -> None:
    payment = _start()
    user = get_user_model().objects.create_user("cashier")
    with pytest.raises(NotAllowed):
        sync_payment(payment, by=user)
    user.user_permissions.add(Permission.objects.get(codename="ask_payment"))
    sync_payment(payment, by=get_user_model().objects.get(pk=user.pk))
    assert payment.events.filter(user=user).exists()

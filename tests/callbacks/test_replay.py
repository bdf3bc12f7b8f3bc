"""An old callback, signed by the bank in its time and sent again by somebody who kept it."""

from __future__ import annotations

import pytest

from tests.callbacks.conftest import Ring
from wagtail_payparts.models import Payment
from wagtail_payparts.services import refund_payment, sync_payment
from wagtail_payparts.simulator import Simulator


pytestmark = pytest.mark.django_db


def test_an_old_success_sent_again_after_a_refund_announces_nothing(
    payment: Payment, bank: Simulator, ring: Ring
) -> None:
    bank.pay(payment.order_id)
    kept = bank.callback_body(payment.order_id)
    assert ring(kept).status_code == 200
    refund_payment(sync_payment(payment), reason="Повернули товар")
    signals = list(payment.deliveries.order_by("pk").values_list("signal", flat=True))
    for _time in range(3):
        assert ring(kept).status_code == 200
    payment.refresh_from_db()
    assert list(payment.deliveries.order_by("pk").values_list("signal", flat=True)) == signals
    assert signals.count("payment_succeeded") == 1
    assert (payment.refunded_amount, payment.claim_state) == (payment.amount, "")


def test_a_success_that_was_kept_pays_nothing_once_the_buyer_has_cancelled(
    payment: Payment, bank: Simulator, ring: Ring
) -> None:
    kept = bank.callback_body(payment.order_id, state="SUCCESS", message="")
    bank.cancel(payment.order_id)
    assert sync_payment(payment).state == "CANCELED"
    assert ring(kept).status_code == 200
    payment.refresh_from_db()
    assert payment.state == "CANCELED"
    assert not payment.deliveries.filter(signal__in=["payment_succeeded", "payment_late_success"]).exists()
    assert payment.attention == "claim_contradicted"

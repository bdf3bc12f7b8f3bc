"""Two people at one payment at the same moment: real threads on the database that PAYPARTS_TEST_DB names."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from tests.together import times, together
from wagtail_payparts.exceptions import NotAllowed
from wagtail_payparts.models import Payment, Refund
from wagtail_payparts.services import cancel_hold, confirm_hold, refund_payment, start_payment, sync_payment
from wagtail_payparts.simulator import Simulator


pytestmark = [pytest.mark.threads, pytest.mark.django_db(transaction=True)]
PRICE = Decimal("800.00")


def _start(bank: Simulator, *, hold: bool = False) -> Payment:
    payment = start_payment(lines=[{"name": "Чайник", "count": 1, "price": PRICE}], parts_count=2, hold=hold)
    bank.pay(payment.order_id)
    return sync_payment(payment)


def _or_refused(act: Callable[[], object]) -> Callable[[], str]:
    def work() -> str:
        try:
            act()
        except NotAllowed:
            return "refused"
        return "done"

    return work


def _told(bank: Simulator, *endpoints: str) -> int:
    return sum(seen.endpoint in endpoints for seen in bank.requests)


def test_a_refund_pressed_in_five_tabs_is_made_once(bank: Simulator) -> None:
    payment = _start(bank)
    outcomes = together(*times(5, _or_refused(lambda: refund_payment(payment, reason="передумав"))))
    assert sorted(outcomes) == ["done", "refused", "refused", "refused", "refused"]
    assert _told(bank, "decline") == 1
    payment.refresh_from_db()
    assert payment.refunded_amount == bank.payment(payment.order_id).refunded == PRICE
    assert list(Refund.objects.values_list("state", flat=True)) == ["accepted"]


def test_one_confirms_and_one_cancels_the_same_hold(bank: Simulator) -> None:
    payment = _start(bank, hold=True)
    outcomes = together(
        _or_refused(lambda: confirm_hold(payment)),
        _or_refused(lambda: cancel_hold(payment)),
    )
    assert sorted(outcomes) == ["done", "refused"]
    assert _told(bank, "confirm", "cancel") == 1
    # Whoever asked the bank last may have been the one who was refused.
    settled = sync_payment(payment)
    assert settled.state == bank.payment(payment.order_id).state == ("SUCCESS" if outcomes[0] == "done" else "CANCELED")
    assert settled.pending_action == ""


def test_a_refund_while_the_poller_asks_is_counted_once(bank: Simulator) -> None:
    payment = _start(bank)
    together(
        _or_refused(lambda: refund_payment(payment, reason="передумав")),
        *times(3, _or_refused(lambda: sync_payment(payment))),
    )
    sync_payment(payment)
    payment.refresh_from_db()
    assert payment.refunded_amount == PRICE
    assert [(refund.state, refund.amount) for refund in payment.refunds.all()] == [("accepted", PRICE)]
    assert payment.deliveries.filter(signal="payment_refunded").count() == 1
    assert payment.attention == ""

"""Two people, or a person and the bank, at one payment at the same moment: real threads on a real database."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.together import times, together
from wagtail_payparts.exceptions import NotAllowed
from wagtail_payparts.models import EventType, Payment, Refund
from wagtail_payparts.services import cancel_hold, confirm_hold, refund_payment, start_payment, sync_payment
from wagtail_payparts.services.sync import poll_due
from wagtail_payparts.simulator import Simulator


pytestmark = [pytest.mark.threads, pytest.mark.django_db(transaction=True)]
PRICE = Decimal("800.00")


def _start(bank: Simulator, *, hold: bool = False) -> Payment:
    payment = start_payment(lines=[{"name": "Чайник", "count": 1, "price": PRICE}], parts_count=2, hold=hold)
    bank.pay(payment.order_id)
    return sync_payment(payment)


def _ring(body: bytes) -> Callable[[], str]:
    def post() -> str:
        return str(Client().post("/pay-parts/callback/", body, content_type="application/json").status_code)

    return post


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


def test_a_callback_and_the_poller_at_once(bank: Simulator) -> None:
    for _round in range(5):
        payment = start_payment(lines=[{"name": "Чайник", "count": 1, "price": PRICE}], parts_count=2)
        bank.pay(payment.order_id)
        Payment.objects.filter(pk=payment.pk).update(next_poll_at=timezone.now())
        together(_ring(bank.callback_body(payment.order_id)), _or_refused(poll_due))
        # The callback may have come while the poller waited for its answer, which says nothing of it then.
        poll_due()
        payment.refresh_from_db()
        assert (payment.state, payment.claim_state, payment.attention) == ("SUCCESS", "", "")
        assert payment.events.get(type=EventType.CALLBACK).verdict == "applied"
        assert payment.events.filter(type=EventType.POLL, verdict="applied").count() == 1
        assert payment.deliveries.filter(signal="payment_succeeded").count() == 1
        assert 1 <= sum(seen[:2] == ("state", payment.order_id) for seen in bank.requests) <= 3


@pytest.mark.parametrize(("act", "end"), [(confirm_hold, "SUCCESS"), (cancel_hold, "CANCELED")])
def test_a_hold_is_decided_while_the_bank_rings_of_the_decision(bank: Simulator, act: Any, end: str) -> None:
    """The callback may be quicker than the reply, or come before the bank has been told at all."""
    payment = _start(bank, hold=True)
    rings = [_ring(bank.callback_body(payment.order_id, state=word)) for word in ("LOCKED", end)]
    outcomes = together(_or_refused(lambda: act(payment)), *times(2, rings[0]), *times(2, rings[1]))
    assert outcomes == ["done", *["200"] * 4]
    assert _told(bank, "confirm", "cancel") == 1
    settled = sync_payment(payment)
    assert (settled.state, settled.pending_action, settled.claim_state, settled.attention) == (end, "", "", "")
    # One question for the hold, one for each callback and for the action, and the last one here.
    assert _told(bank, "state") <= 7
    owed = list(payment.deliveries.values_list("signal", flat=True))
    assert owed.count("payment_succeeded") == int(end == "SUCCESS")
    assert owed.count("payment_canceled") == int(end == "CANCELED")


def test_two_parts_that_are_together_too_much_are_not_both_given_back(bank: Simulator, settings: Any) -> None:
    settings.PAYPARTS_STORES = {
        "default": {"STORE_ID": bank.store_id, "PASSWORD": bank.password, "PARTIAL_REFUNDS": True}
    }
    payment = _start(bank)
    part = _or_refused(lambda: refund_payment(payment, Decimal("500.00"), reason="брак"))
    assert sorted(together(part, part)) == ["done", "refused"]
    assert _told(bank, "decline") == 1
    payment.refresh_from_db()
    assert payment.refunded_amount == bank.payment(payment.order_id).refunded == Decimal("500.00")
    assert list(Refund.objects.values_list("state", flat=True)) == ["accepted"]


def test_a_refund_while_the_bank_rings_that_it_was_cancelled(bank: Simulator) -> None:
    """After a full refund the bank may say so: no conflict, and no second refund."""
    bank.set_habits(state_after_refund="CANCELED")
    payment = _start(bank)
    ring = _ring(bank.callback_body(payment.order_id, state="CANCELED"))
    together(_or_refused(lambda: refund_payment(payment, reason="передумав")), *times(3, ring))
    settled = sync_payment(payment)
    assert (settled.state, settled.claim_state, settled.refunded_amount) == ("SUCCESS", "", PRICE)
    assert [(refund.state, refund.amount) for refund in payment.refunds.all()] == [("accepted", PRICE)]
    assert _told(bank, "decline") == 1


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

"""What the bank's answers tell of refunds: found once, never guessed, never an error."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wagtail_payparts.bank import PayPartsClient
from wagtail_payparts.models import Payment, PaymentEvent, Refund
from wagtail_payparts.services import refund_payment, sync_payment
from wagtail_payparts.services.deliveries import deliver_payment
from wagtail_payparts.services.locking import locked
from wagtail_payparts.services.refund_reports import read_report, reconcile
from wagtail_payparts.services.refunds import settle_refund
from wagtail_payparts.services.sync import poll_due
from wagtail_payparts.simulator import Simulator


pytestmark = pytest.mark.django_db
PRICE = Decimal("800.00")


def _order(payment: Payment) -> tuple[str, Decimal]:
    deliver_payment(payment.pk)
    assert payment.buyer_order is not None
    payment.buyer_order.refresh_from_db()
    return payment.buyer_order.status, payment.buyer_order.paid_amount


def _report(payment: Payment, told: Any) -> None:
    with locked(payment.pk) as row:
        event = PaymentEvent.objects.create(payment=row, type="poll")
        reconcile(row, told, event)
        row.save()


@pytest.mark.parametrize("shape", ["list", "texts", "total"])
def test_a_refund_made_in_the_banks_cabinet_is_found_once(paid: Payment, bank: Simulator, shape: str) -> None:
    bank.set_habits(refunds_shown=shape)
    refund_payment(paid, Decimal("100.00"), reason="брак")
    bank.refund(paid.order_id, "250.00")
    for _time in range(3):
        sync_payment(paid)
    paid.refresh_from_db()
    assert sorted(paid.refunds.values_list("state", "amount")) == [
        ("accepted", Decimal("100.00")),
        ("external", Decimal("250.00")),
    ]
    assert paid.refunded_amount == Decimal("350.00")
    assert paid.attention_codes == ["external_refund"]
    assert _order(paid) == ("partially_refunded", Decimal("450.00"))


def test_the_latest_refund_alone_is_not_taken_for_a_total(paid: Payment, bank: Simulator) -> None:
    bank.set_habits(refunds_shown="one")
    refund_payment(paid, Decimal("100.00"), reason="брак")
    bank.refund(paid.order_id, "250.00")
    sync_payment(paid)
    paid.refresh_from_db()
    assert (paid.refunded_amount, paid.attention_codes) == (Decimal("100.00"), ["external_refund"])


@pytest.mark.parametrize("told", ["400", [400], {"amount": "400.00"}, [{"amount": 200}, {"amount": 200}]])
def test_our_own_refunds_are_not_written_again_however_the_bank_names_them(paid: Payment, told: Any) -> None:
    for _time in range(2):
        refund_payment(paid, Decimal("200.00"), reason="брак")
    _report(paid, told)
    assert paid.refunds.count() == 2
    assert Payment.objects.get(pk=paid.pk).refunded_amount == Decimal("400.00")


def test_nothing_is_external_while_a_refund_of_ours_is_on_its_way(paid: Payment) -> None:
    Refund.objects.create(payment=paid, amount=Decimal("200.00"), state="sent")
    _report(paid, 300)
    assert not paid.refunds.filter(state="external").exists()


@pytest.mark.parametrize("shape", ["list", "nothing"])
def test_what_is_left_after_an_uncertain_refund_is_no_other_amount(paid: Payment, bank: Simulator, shape: str) -> None:
    bank.set_habits(refunds_shown=shape, amount_after_refund="rest")
    bank.fault("timeout_after", endpoint="decline", seconds=0.01)
    refund_payment(paid, Decimal("300.00"), reason="брак")
    assert "amount_mismatch" not in sync_payment(paid).attention_codes


def test_a_refund_in_the_cabinet_is_no_other_amount(paid: Payment, bank: Simulator) -> None:
    bank.set_habits(amount_after_refund="rest")
    bank.refund(paid.order_id, "250.00")
    after = sync_payment(paid)
    assert (after.attention_codes, after.refunded_amount) == (["external_refund"], Decimal("250.00"))


@pytest.mark.parametrize("shape", ["kopecks", "too_much", "odd", "text"])
def test_what_cannot_be_read_or_be_true_is_left_to_a_person(paid: Payment, bank: Simulator, shape: str) -> None:
    bank.set_habits(refunds_shown=shape)
    bank.refund(paid.order_id, "250.00")
    sync_payment(paid)
    paid.refresh_from_db()
    assert paid.attention_codes == ["external_refund"]
    assert paid.refunded_amount == 0
    assert paid.state == "SUCCESS"


def test_a_bank_that_says_nothing_of_refunds_alarms_nobody(paid: Payment, bank: Simulator) -> None:
    bank.set_habits(refunds_shown="nothing")
    refund_payment(paid, Decimal("100.00"), reason="брак")
    assert sync_payment(paid).attention == ""


@pytest.mark.parametrize("amount", ["paid", "rest"])
@pytest.mark.parametrize("state", ["SUCCESS", "CANCELED"])
def test_whatever_the_bank_says_after_a_full_refund_is_no_conflict(
    paid: Payment, bank: Simulator, amount: str, state: str
) -> None:
    bank.set_habits(amount_after_refund=amount, state_after_refund=state)
    refund_payment(paid, reason="передумав")
    after = sync_payment(paid)
    assert (after.state, after.attention) == ("SUCCESS", "")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=12), inner, max_size=4)
        | st.fixed_dictionaries({"amount": inner})
    ),
    max_leaves=8,
)


@given(JSON)
def test_whatever_the_bank_tells_of_refunds_reading_it_raises_nothing(told: Any) -> None:
    report = read_report(told)
    assert report is None or all(
        amount >= 0 and amount == amount.quantize(Decimal("0.01")) for amount in report.amounts
    )


@pytest.mark.parametrize("was_made", [True, False])
def test_what_was_refunded_elsewhere_beside_an_uncertain_refund_is_found_once_that_is_settled(
    paid: Payment, bank: Simulator, manager: Any, was_made: bool
) -> None:
    """Found by torture: nothing is read of refunds while one is uncertain, and nobody asked again after it."""
    bank.fault("timeout_after" if was_made else "timeout_before", endpoint="decline", seconds=0.01)
    bank.fault("unreachable", endpoint="state")
    refund = refund_payment(paid, Decimal("100.00"), reason="брак")
    bank.refund(paid.order_id, "250.00")
    Payment.objects.filter(pk=paid.pk).update(next_poll_at=None)
    settle_refund(refund, was_made=was_made, reason="видно в кабінеті", by=manager)
    poll_due()
    paid.refresh_from_db()
    assert paid.refunded_amount == bank.payment(paid.order_id).refunded


def test_what_was_refunded_elsewhere_while_a_refund_was_on_its_way_is_found_after_it(
    paid: Payment, bank: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As above: the last question about a payment may fall into the second in which a refund is sent."""
    decline = PayPartsClient.decline

    def refunded_elsewhere_and_asked(*args: Any, **kwargs: Any) -> Any:
        bank.refund(paid.order_id, "250.00")
        sync_payment(paid)
        Payment.objects.filter(pk=paid.pk).update(next_poll_at=None)
        return decline(*args, **kwargs)

    monkeypatch.setattr(PayPartsClient, "decline", refunded_elsewhere_and_asked)
    refund_payment(paid, Decimal("100.00"), reason="брак")
    poll_due()
    paid.refresh_from_db()
    assert paid.refunded_amount == bank.payment(paid.order_id).refunded == Decimal("350.00")

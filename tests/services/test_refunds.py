"""Money back: sent once, believed when the bank signed it, and never guessed."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from wagtail_payparts.exceptions import AlreadyResolved, NotAllowed
from wagtail_payparts.models import Payment, Refund
from wagtail_payparts.services import refund_payment, start_payment, sync_payment
from wagtail_payparts.services.actions import decision_version
from wagtail_payparts.services.deliveries import deliver_payment
from wagtail_payparts.services.desk import resolve_attention
from wagtail_payparts.services.refunds import refundable, settle_left_behind, settle_refund
from wagtail_payparts.simulator import Simulator


pytestmark = pytest.mark.django_db
PRICE = Decimal("800.00")


def _declines(bank: Simulator) -> int:
    return sum(seen.endpoint == "decline" for seen in bank.requests)


def _order(payment: Payment) -> tuple[str, Decimal]:
    deliver_payment(payment.pk)
    assert payment.buyer_order is not None
    payment.buyer_order.refresh_from_db()
    return payment.buyer_order.status, payment.buyer_order.paid_amount


def test_all_that_was_paid_goes_back_and_the_order_knows(paid: Payment, bank: Simulator) -> None:
    refund = refund_payment(paid, reason="передумав")
    paid.refresh_from_db()
    assert (refund.state, refund.amount) == ("accepted", PRICE)
    assert (paid.refunded_amount, paid.net_amount, paid.state) == (PRICE, Decimal("0.00"), "SUCCESS")
    assert _order(paid) == ("refunded", Decimal("0.00"))
    assert bank.payment(paid.order_id).refunded == PRICE


def test_parts_go_back_one_after_the_other_until_nothing_is_left(paid: Payment, bank: Simulator) -> None:
    refund_payment(paid, Decimal("300.00"), reason="брак")
    assert _order(paid) == ("partially_refunded", Decimal("500.00"))
    with pytest.raises(NotAllowed, match="At most"):
        refund_payment(paid, Decimal("500.01"), reason="більше, ніж лишилося")
    refund_payment(paid, Decimal("500.00"), reason="решта")
    assert _order(paid) == ("refunded", Decimal("0.00"))
    with pytest.raises(NotAllowed, match="Nothing is left"):
        refund_payment(paid, reason="ще раз")
    assert _declines(bank) == 2


def test_two_small_refunds_are_both_taken_off_the_order(paid: Payment, bank: Simulator) -> None:
    for left in ("700.00", "600.00"):
        refund_payment(paid, Decimal("100.00"), reason="брак")
        assert _order(paid) == ("partially_refunded", Decimal(left))


def test_an_order_paid_twice_stays_paid_when_one_of_the_two_goes_back(paid: Payment, bank: Simulator) -> None:
    second = start_payment(
        lines=[{"name": "Чайник", "count": 1, "price": PRICE}], parts_count=2, buyer_order=paid.buyer_order
    )
    bank.pay(second.order_id)
    sync_payment(second)
    deliver_payment(second.pk)
    refund_payment(second, reason="оплачено двічі")
    deliver_payment(second.pk)
    assert _order(paid) == ("paid", PRICE)
    refund_payment(paid, reason="передумав")
    assert _order(paid) == ("refunded", Decimal("0.00"))


@pytest.mark.parametrize("amount", ["0", "-1.00", "0.001", "100.005", "800.01", "1e30", "NaN", "Infinity"])
def test_an_amount_that_cannot_be_refunded_never_reaches_the_bank(paid: Payment, bank: Simulator, amount: str) -> None:
    with pytest.raises(NotAllowed):
        refund_payment(paid, Decimal(amount), reason="помилка")
    assert _declines(bank) == 0
    assert not Refund.objects.exists()
    paid.refresh_from_db()
    assert paid.pending_action == ""


def test_a_part_is_refused_where_the_store_does_not_allow_it(paid: Payment, bank: Simulator, settings: Any) -> None:
    settings.PAYPARTS_STORES["default"]["PARTIAL_REFUNDS"] = False
    with pytest.raises(NotAllowed, match="does not allow"):
        refund_payment(paid, Decimal("300.00"), reason="брак")
    assert refund_payment(paid, PRICE, reason="передумав").state == "accepted"


@pytest.mark.parametrize("state", ["CREATED", "LOCKED", "CANCELED", "FAIL", "EXPIRED"])
def test_only_a_paid_payment_is_refunded(paid: Payment, bank: Simulator, state: str) -> None:
    Payment.objects.filter(pk=paid.pk).update(state=state)
    with pytest.raises(NotAllowed, match="Only a paid"):
        refund_payment(paid, reason="передумав")
    assert _declines(bank) == 0


def test_a_refusal_that_the_bank_signed_changes_nothing(paid: Payment, bank: Simulator) -> None:
    bank.fault("fail_verified", endpoint="decline")
    refund = refund_payment(paid, reason="передумав")
    paid.refresh_from_db()
    assert refund.state == "rejected"
    assert (paid.refunded_amount, paid.pending_action, paid.attention) == (0, "", "")
    assert refund_payment(paid, reason="ще раз").state == "accepted"


@pytest.mark.parametrize("fault", ["timeout_after", "http_502_after", "reset_after", "forged"])
def test_a_refund_whose_reply_was_lost_is_found_in_the_banks_answer_and_never_sent_again(
    paid: Payment, bank: Simulator, fault: str
) -> None:
    bank.fault(fault, endpoint="decline", seconds=0.01)
    refund = refund_payment(paid, Decimal("300.00"), reason="брак")
    paid.refresh_from_db()
    assert refund.state == "accepted"
    assert (paid.refunded_amount, paid.attention) == (Decimal("300.00"), "")
    assert _declines(bank) == 1
    assert bank.payment(paid.order_id).refunded == Decimal("300.00")


@pytest.mark.parametrize("fault", ["timeout_before", "http_500", "html", "list", "fail_unverified", "other_order"])
def test_an_unknown_outcome_blocks_further_refunds_until_it_is_settled(
    paid: Payment, bank: Simulator, manager: Any, fault: str
) -> None:
    bank.set_habits(refunds_shown="nothing")
    bank.fault(fault, endpoint="decline", seconds=0.01)
    refund = refund_payment(paid, reason="передумав")
    paid.refresh_from_db()
    assert refund.state == "uncertain"
    assert paid.attention_codes == ["refund_uncertain"]
    with pytest.raises(NotAllowed, match="not settled"):
        refund_payment(paid, reason="ще раз")
    assert _declines(bank) == 1
    made = bank.payment(paid.order_id).refunded > 0
    settle_refund(refund, was_made=made, reason="перевірено в кабінеті", by=manager)
    paid.refresh_from_db()
    assert paid.attention == ""
    assert paid.refunded_amount == (PRICE if made else 0)
    with pytest.raises(AlreadyResolved):
        settle_refund(refund, was_made=True, reason="ще раз", by=manager)


def test_one_action_at_a_time(paid: Payment, bank: Simulator) -> None:
    Payment.objects.filter(pk=paid.pk).update(pending_action="refund", pending_since=timezone.now())
    with pytest.raises(NotAllowed, match="under way"):
        refund_payment(paid, reason="передумав")
    assert _declines(bank) == 0


@pytest.mark.parametrize(
    ("left", "becomes", "codes"), [("requested", "withdrawn", []), ("sent", "uncertain", ["refund_uncertain"])]
)
def test_what_a_process_that_died_has_left_is_settled(
    paid: Payment, bank: Simulator, left: str, becomes: str, codes: list[str]
) -> None:
    long_ago = timezone.now() - timedelta(minutes=11)
    refund = Refund.objects.create(payment=paid, amount=PRICE, state=left)
    Refund.objects.filter(pk=refund.pk).update(state_changed_at=long_ago)
    Payment.objects.filter(pk=paid.pk).update(pending_action="refund", pending_since=long_ago)
    assert settle_left_behind() == 1
    refund.refresh_from_db()
    paid.refresh_from_db()
    assert (refund.state, paid.pending_action, paid.attention_codes) == (becomes, "", codes)
    assert settle_left_behind() == 0
    assert _declines(bank) == 0


def test_a_refund_that_is_on_its_way_is_left_alone(paid: Payment) -> None:
    Refund.objects.create(payment=paid, amount=PRICE, state="sent")
    assert settle_left_behind() == 0


def test_a_refund_is_not_made_inside_a_transaction(paid: Payment, bank: Simulator) -> None:
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        refund_payment(paid, reason="передумав")
    assert _declines(bank) == 0


def test_a_refund_needs_its_permission_and_settling_one_another(paid: Payment, bank: Simulator, manager: Any) -> None:
    clerk = get_user_model().objects.create_user("clerk")
    with pytest.raises(NotAllowed):
        refund_payment(paid, reason="передумав", by=clerk)
    refund = refund_payment(paid, reason="передумав", by=manager)
    assert refund.requested_by == manager
    with pytest.raises(NotAllowed):
        settle_refund(refund, was_made=True, reason="так", by=clerk)


def test_what_can_be_refunded_leaves_out_what_may_have_gone(paid: Payment) -> None:
    for state in ("accepted", "rejected", "withdrawn", "uncertain", "external"):
        Refund.objects.create(payment=paid, amount=Decimal("100.00"), state=state)
    assert refundable(paid) == Decimal("500.00")


def test_no_text_of_the_bank_and_no_secret_is_lost_or_kept(paid: Payment, bank: Simulator, settings: Any) -> None:
    bank.fault("fail_verified", endpoint="decline")
    refund = refund_payment(paid, reason="передумав")
    assert refund.bank_message
    kept = str(list(paid.events.values())) + str(Refund.objects.values())
    assert settings.PAYPARTS_API_PASSWORD not in kept
    assert not re.search("[A-Za-z0-9+/]{27}=", kept)


@pytest.mark.parametrize(("accept", "state", "refunded"), [(True, "accepted", PRICE), (False, "rejected", Decimal(0))])
def test_deciding_about_an_uncertain_refund_settles_it(
    paid: Payment, bank: Simulator, manager: Any, accept: bool, state: str, refunded: Decimal
) -> None:
    bank.set_habits(refunds_shown="nothing")
    bank.fault("timeout_before", endpoint="decline", seconds=0.01)
    refund = refund_payment(paid, reason="передумав")
    resolve_attention(paid, "refund_uncertain", accept=accept, note="видно в кабінеті", by=manager)
    refund.refresh_from_db()
    paid.refresh_from_db()
    assert (refund.state, paid.refunded_amount, paid.attention) == (state, refunded, "")


def test_a_decision_about_money_that_has_changed_meanwhile_is_not_carried_out(
    paid: Payment, bank: Simulator, manager: Any
) -> None:
    seen = decision_version(paid)
    Payment.objects.filter(pk=paid.pk).update(attention="negative_after_success")
    refund_payment(paid, Decimal("300.00"), reason="брак")
    with pytest.raises(AlreadyResolved, match="changed"):
        resolve_attention(paid, "negative_after_success", accept=True, note="так", by=manager, seen=seen)
    assert not paid.refunds.filter(state="external").exists()


def test_an_order_paid_again_after_a_refund_is_paid_and_a_person_decides_whether_goods_go_out_again(
    paid: Payment, bank: Simulator
) -> None:
    """An order is announced as paid once in its life, also where the first payment has gone back (design §5)."""
    refund_payment(paid, reason="передумав")
    assert _order(paid)[0] == "refunded"
    again = start_payment(
        lines=[{"name": "Чайник", "count": 1, "price": PRICE}], parts_count=2, buyer_order=paid.buyer_order
    )
    bank.pay(again.order_id)
    assert "double_payment" in sync_payment(again).attention_codes
    signals = set(again.deliveries.values_list("signal", flat=True))
    assert signals & {"payment_succeeded", "payment_late_success"} == {"payment_late_success"}
    assert _order(again) == ("paid", PRICE)

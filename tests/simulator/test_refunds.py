"""Money that goes back: asked for by the plugin's client, or given back in the bank's cabinet."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from tests.simulator.shop import ORDER_ID, Shop, to_pay
from wagtail_payparts.bank import PayPartsClient
from wagtail_payparts.exceptions import BankError, BankRefused
from wagtail_payparts.simulator import Refused, Simulator, habits, refunds, signatures


@pytest.fixture
def paid(simulator: Simulator, client: PayPartsClient, shop: Shop) -> PayPartsClient:
    """The client, once 1000 hryvnias are paid and the callback of that has come."""
    client.create(to_pay(response_url=shop.listen_url))
    simulator.pay(ORDER_ID)
    simulator.deliver_callbacks()
    shop.heard.clear()
    return client


def refunded(simulator: Simulator) -> Decimal:
    return simulator.payment(ORDER_ID).refunded


def test_all_goes_back(simulator: Simulator, paid: PayPartsClient) -> None:
    reply = paid.decline(ORDER_ID, Decimal("1000.00"))
    assert (reply.state, reply.verified) == ("SUCCESS", True)
    assert refunded(simulator) == 1000
    assert simulator.payment(ORDER_ID).state == "SUCCESS"


def test_parts_go_back_until_nothing_is_left(simulator: Simulator, paid: PayPartsClient) -> None:
    for amount in ("100.01", "899.98", "0.01"):
        paid.decline(ORDER_ID, Decimal(amount))
    assert refunded(simulator) == 1000
    with pytest.raises(BankRefused, match="more than is left") as refusal:
        paid.decline(ORDER_ID, Decimal("0.01"))
    assert refusal.value.verified
    assert [(act.by, act.amount) for act in simulator.refunds(ORDER_ID)] == [
        ("shop", Decimal("100.01")),
        ("shop", Decimal("899.98")),
        ("shop", Decimal("0.01")),
    ]


def test_the_same_request_twice_is_two_refunds(simulator: Simulator, paid: PayPartsClient) -> None:
    paid.decline(ORDER_ID, Decimal("400.00"))
    paid.decline(ORDER_ID, Decimal("400.00"))
    assert refunded(simulator) == 800
    with pytest.raises(BankRefused):
        paid.decline(ORDER_ID, Decimal("400.00"))
    assert refunded(simulator) == 800


def test_of_many_refunds_at_once_no_more_goes_back_than_was_paid(simulator: Simulator, paid: PayPartsClient) -> None:
    def refund(_: int) -> bool:
        try:
            return bool(paid.decline(ORDER_ID, Decimal("300.00")).state)
        except BankError:
            return False

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(refund, range(10))) == 3
    assert refunded(simulator) == 900


@pytest.mark.parametrize("state", ["CREATED", "LOCKED", "CANCELED", "FAIL"])
def test_only_what_is_paid_goes_back(simulator: Simulator, client: PayPartsClient, state: str) -> None:
    client.create(to_pay())
    simulator.set_state(ORDER_ID, state)
    with pytest.raises(BankRefused, match="not paid"):
        client.decline(ORDER_ID, Decimal("1000.00"))
    assert refunded(simulator) == 0


def test_a_refund_of_an_unknown_payment_is_refused(client: PayPartsClient) -> None:
    with pytest.raises(BankRefused, match="Платеж не найден") as refusal:
        client.decline("NOBODY", Decimal("1.00"))
    assert refusal.value.verified


@pytest.mark.parametrize(
    ("amount", "signed_amount", "said"),
    [
        (0, 0, "at least"),
        (-5, -5, "at least"),
        (100, 1, "Wrong signature"),
        ("much", None, "amount"),
        (None, None, "amount"),
    ],
)
def test_a_refund_that_cannot_be(
    simulator: Simulator, paid: PayPartsClient, shop: Shop, amount: Any, signed_amount: Any, said: str
) -> None:
    body = {"storeId": simulator.store_id, "orderId": ORDER_ID, "amount": amount}
    signed = body | {"amount": signed_amount or 0}
    body["signature"] = signatures.decline_request(signed, simulator.password)
    reply = shop.reply("decline", body)
    assert reply["state"] == "FAIL"
    assert said in (reply.get("message") or reply["errorMessage"])
    assert refunded(simulator) == 0


def test_a_refund_in_the_cabinet(simulator: Simulator, paid: PayPartsClient) -> None:
    simulator.refund(ORDER_ID, Decimal("250.50"))
    assert refunded(simulator) == Decimal("250.50")
    simulator.refund(ORDER_ID)
    assert refunded(simulator) == 1000
    assert [(act.by, act.name, act.amount) for act in simulator.refunds(ORDER_ID)] == [
        ("cabinet", "refund", Decimal("250.50")),
        ("cabinet", "refund", Decimal("749.50")),
    ]


@pytest.mark.parametrize("amount", [0, Decimal("1000.01"), Decimal("-1")])
def test_the_cabinet_refuses_as_well(simulator: Simulator, paid: PayPartsClient, amount: Any) -> None:
    with pytest.raises(Refused):
        simulator.refund(ORDER_ID, amount)
    with pytest.raises(ValueError, match="decimals"):
        simulator.refund(ORDER_ID, Decimal("0.001"))
    assert refunded(simulator) == 0


# What decline's amount means (payparts-api, dispute f)


@pytest.mark.parametrize(("sent", "back"), [("600.00", 400), ("999.99", Decimal("0.01")), ("1000.00", 1000)])
def test_the_amount_may_be_what_the_purchase_costs_from_now_on(
    simulator: Simulator, paid: PayPartsClient, sent: str, back: Any
) -> None:
    simulator.set_habits(decline_amount="rest")
    paid.decline(ORDER_ID, Decimal(sent))
    assert refunded(simulator) == back


def test_a_purchase_does_not_become_dearer(simulator: Simulator, paid: PayPartsClient) -> None:
    simulator.set_habits(decline_amount="rest")
    paid.decline(ORDER_ID, Decimal("600.00"))
    with pytest.raises(BankRefused):
        paid.decline(ORDER_ID, Decimal("600.01"))
    assert refunded(simulator) == 400


def test_parts_may_be_forbidden(simulator: Simulator, paid: PayPartsClient) -> None:
    simulator.set_habits(decline_amount="whole")
    with pytest.raises(BankRefused, match="sum of the purchase"):
        paid.decline(ORDER_ID, Decimal("999.99"))
    paid.decline(ORDER_ID, Decimal("1000.00"))
    assert refunded(simulator) == 1000


# What is said afterwards


def test_refunds_are_shown_to_who_asks_for_them(simulator: Simulator, paid: PayPartsClient) -> None:
    assert paid.state(ORDER_ID, show_refund=True).refunds == []
    simulator.refund(ORDER_ID, 100)
    paid.decline(ORDER_ID, Decimal("50.00"))
    assert paid.state(ORDER_ID).refunds is None
    shown = paid.state(ORDER_ID, show_refund=True).refunds
    assert [refund["amount"] for refund in shown] == [100, 50]


@pytest.mark.parametrize(
    ("shape", "shown"),
    [
        ("texts", [{"refundAmount": "100.00"}, {"refundAmount": "50.00"}]),
        ("one", {"amount": 50}),
        ("total", 150),
        ("kopecks", [{"sum": 10000}, {"sum": 5000}]),
        ("too_much", [{"amount": 1001}]),
        ("text", "Повернено 150.00 UAH"),
        ("nothing", None),
    ],
)
def test_refunds_are_shown_in_shapes_of_all_kinds(
    simulator: Simulator, paid: PayPartsClient, shape: str, shown: Any
) -> None:
    for amount in (100, 50):
        simulator.refund(ORDER_ID, amount)
    simulator.set_habits(refunds_shown=shape)
    state = paid.state(ORDER_ID, show_refund=True)
    found = json.loads(json.dumps(state.refunds, default=float))
    for entry in found if isinstance(found, list) else [found]:
        if isinstance(entry, dict):
            entry.pop("date", None)
            entry.pop("refundDate", None)
    assert found == shown
    assert state.payment_state == "SUCCESS"


@pytest.mark.parametrize("shape", habits.CHOICES["refunds_shown"])
def test_every_shape_can_be_sent_before_and_after_a_refund(
    simulator: Simulator, paid: PayPartsClient, shape: str
) -> None:
    simulator.set_habits(refunds_shown=shape)
    assert paid.state(ORDER_ID, show_refund=True).payment_state == "SUCCESS"
    simulator.refund(ORDER_ID)
    assert paid.state(ORDER_ID, show_refund=True).payment_state == "SUCCESS"
    assert set(refunds.SHAPES) == set(habits.CHOICES["refunds_shown"])


@pytest.mark.parametrize("word", ["SUCCESS", "RETURNED", "CANCELED"])
def test_a_payment_that_went_back_whole_may_have_another_state(
    simulator: Simulator, paid: PayPartsClient, shop: Shop, word: str
) -> None:
    simulator.set_habits(state_after_refund=word, refund_callback="always")
    simulator.refund(ORDER_ID, 999)
    assert paid.state(ORDER_ID).payment_state == "SUCCESS"
    simulator.refund(ORDER_ID, 1)
    assert paid.state(ORDER_ID).payment_state == word
    simulator.deliver_callbacks()
    assert [callback["paymentState"] for callback in shop.heard] == ["SUCCESS", word]
    assert shop.heard[1]["signature"] == signatures.callback(shop.heard[1], simulator.password)
    assert simulator.payment(ORDER_ID).state == "SUCCESS"
    assert json.loads(simulator.callback_body(ORDER_ID))["paymentState"] == word
    simulator.send_callback(ORDER_ID)
    assert simulator.attempts(ORDER_ID)[-1].state == word


def test_the_shop_is_not_told_of_refunds_unless_the_bank_does_so(
    simulator: Simulator, paid: PayPartsClient, shop: Shop
) -> None:
    simulator.refund(ORDER_ID)
    assert simulator.deliver_callbacks() == []


@pytest.mark.parametrize(("habit", "amount"), [("paid", 1000), ("rest", 600)])
def test_the_amount_of_a_state_reply_may_shrink(
    simulator: Simulator, paid: PayPartsClient, habit: str, amount: int
) -> None:
    simulator.set_habits(amount_after_refund=habit)
    simulator.refund(ORDER_ID, 400)
    assert paid.state(ORDER_ID).amount == amount

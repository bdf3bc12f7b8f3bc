"""What no document says about the bank can be had in each way."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from tests.simulator.shop import ORDER_ID, Shop, to_pay
from tests.sources import ROOT
from wagtail_payparts.bank import PayPartsClient
from wagtail_payparts.exceptions import BankRefused
from wagtail_payparts.simulator import Simulator, habits, run_simulator, signatures
from wagtail_payparts.simulator.faults import KINDS


@pytest.mark.parametrize(
    ("habit", "verified", "has_signature"),
    [("documented", False, True), ("outcome", True, True), ("absent", False, False)],
)
@pytest.mark.parametrize("call", ["confirm", "cancel"])
def test_the_signature_of_confirm_and_cancel(
    simulator: Simulator, client: PayPartsClient, habit: str, verified: bool, has_signature: bool, call: str
) -> None:
    simulator.set_habits(action_signature=habit)
    client.hold(to_pay())
    with pytest.raises(BankRefused) as refusal:
        getattr(client, call)(ORDER_ID)
    assert refusal.value.verified is verified
    assert refusal.value.payload is not None
    assert ("signature" in refusal.value.payload) is has_signature
    simulator.pay(ORDER_ID)
    assert getattr(client, call)(ORDER_ID).verified is verified


def test_the_documented_signature_of_confirm_is_that_of_its_request(
    simulator: Simulator, client: PayPartsClient, shop: Shop
) -> None:
    client.hold(to_pay())
    simulator.pay(ORDER_ID)
    body = {"storeId": simulator.store_id, "orderId": ORDER_ID}
    body["signature"] = signatures.order_request(body, simulator.password)
    yes, no = shop.reply("confirm", body), shop.reply("confirm", body)
    assert (yes["state"], no["state"]) == ("SUCCESS", "FAIL")
    assert yes["signature"] == no["signature"] == body["signature"]


@pytest.mark.parametrize("habit", habits.CHOICES["phone_signature"])
@pytest.mark.parametrize(
    ("phone", "pushed", "message"), [("+380501234567", "SUCCESS", ""), ("0501234567", "FAIL", "invalid phone")]
)
def test_a_push_into_the_customers_phone(
    simulator: Simulator, client: PayPartsClient, habit: str, phone: str, pushed: str, message: str
) -> None:
    simulator.set_habits(phone_signature=habit)
    reply = client.create(to_pay(send_phone=phone))
    assert (reply.send_phone, reply.message) == (pushed, message)
    assert reply.token == simulator.payment(ORDER_ID).token


@pytest.mark.parametrize("phone", ["", None])
def test_an_empty_phone_is_complained_of(shop: Shop, phone: Any) -> None:
    body = shop.order() | {"sendPhone": phone}
    body["signature"] = signatures.create_request(body, shop.simulator.password)
    reply = shop.reply("create", body)
    assert (reply["state"], reply["sendPhone"], reply["message"]) == ("SUCCESS", "FAIL", "sendPhone cannot be empty")


def test_no_push_was_wanted_and_none_is_spoken_of(shop: Shop) -> None:
    assert "sendPhone" not in shop.create()


@pytest.mark.parametrize("habit", habits.CHOICES["info"])
def test_the_receipt_may_stand_anywhere(simulator: Simulator, client: PayPartsClient, habit: str) -> None:
    simulator.set_habits(info=habit)
    client.create(to_pay())
    simulator.pay(ORDER_ID)
    state = client.state(ORDER_ID, show_info=True)
    assert state.receipt["bank_name"] == "PB"
    assert ("info" in state.exchange.payload) is (habit == "nested")


@pytest.mark.parametrize("status", [200, 400])
def test_a_refusal_may_have_the_status_of_an_error(simulator: Simulator, client: PayPartsClient, status: int) -> None:
    simulator.set_habits(refusal_status=str(status))
    client.create(to_pay())
    with pytest.raises(BankRefused) as refusal:
        client.create(to_pay())
    assert (refusal.value.http_status, refusal.value.verified) == (status, True)
    assert refusal.value.already_exists
    assert client.state(ORDER_ID).exchange.http_status == 200


def test_habits_are_given_at_the_start() -> None:
    with run_simulator(habits={"refunds_shown": "nothing"}) as simulator:
        shop = Shop(simulator, "http://127.0.0.1:9/", [])
        shop.create()
        assert "refunds" not in shop.state(showRefund=True)
        shop.session.close()


@pytest.mark.parametrize("wanted", [{"manners": "good"}, {"info": "sideways"}, {"info": "nested", "hold_end": "FAIL"}])
def test_a_habit_that_there_is_not_changes_nothing(
    simulator: Simulator, client: PayPartsClient, wanted: dict[str, str]
) -> None:
    with pytest.raises(ValueError, match="unknown"):
        simulator.set_habits(**wanted)
    client.create(to_pay())
    simulator.pay(ORDER_ID)
    assert "info" not in client.state(ORDER_ID, show_info=True).exchange.payload


def test_every_habit_has_a_title() -> None:
    assert set(habits.TITLES) == set(habits.CHOICES)


@pytest.mark.parametrize("habit", habits.CHOICES["description_signature"])
def test_a_description_is_kept_and_told(simulator: Simulator, client: PayPartsClient, habit: str) -> None:
    simulator.set_habits(description_signature=habit)
    client.create(to_pay())
    assert client.state(ORDER_ID).description == ""
    reply = client.describe(ORDER_ID, "Замовлення №17")
    assert (reply.message, reply.verified) == ("description successfully updated", True)
    assert set(reply.exchange.payload) == {"state", "message", "signature"}
    assert client.state(ORDER_ID).description == simulator.payment(ORDER_ID).description == "# Замовлення №17"
    with pytest.raises(BankRefused, match="Платеж не найден") as refusal:
        client.describe("NOBODY", "кава")
    assert refusal.value.verified


def test_a_description_needs_text_and_a_signature(simulator: Simulator, client: PayPartsClient, shop: Shop) -> None:
    client.create(to_pay())
    body = {"storeId": simulator.store_id, "orderId": ORDER_ID}
    for description in ("", None, 7):
        assert shop.reply("description", body | {"description": description, "signature": "x"})["state"] == "FAIL"
    wrong = signatures.order_request(body, simulator.password)
    reply = shop.reply("description", body | {"description": "кава", "signature": wrong})
    assert "Wrong signature" in reply["errorMessage"]
    assert simulator.payment(ORDER_ID).description == ""
    assert simulator.payment(ORDER_ID).refunded == Decimal(0)


def test_the_documents_table_names_every_habit_and_choice() -> None:
    text = (ROOT / "docs" / "simulator.md").read_text("utf-8").partition("## What nobody knows")[2]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", text, re.MULTILINE))
    assert {name: re.findall(r"`(\w+)`", row.replace("`showRefund`", "")) for name, row in rows.items()} == {
        name: list(choices) for name, choices in habits.CHOICES.items()
    }


def test_the_documents_table_names_every_fault() -> None:
    text = (ROOT / "docs" / "simulator.md").read_text("utf-8").partition("| Fault | Of |")[2].partition("\n\n")[0]
    named = {name for row in re.findall(r"^\| (`.*?`) \|", text, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert named == set().union(*KINDS.values())

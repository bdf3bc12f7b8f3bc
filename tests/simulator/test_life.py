"""The life of a payment as a shop sees it, over HTTP."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import requests

from tests.simulator.shop import ORDER_ID, Shop, listening
from wagtail_payparts.simulator import Simulator, run_simulator, signatures


def test_a_created_payment_has_a_token_and_a_signature(simulator: Simulator, shop: Shop) -> None:
    reply = shop.create()
    assert reply["state"] == "SUCCESS"
    assert (reply["storeId"], reply["orderId"]) == (simulator.store_id, ORDER_ID)
    assert reply["token"] == simulator.payment(ORDER_ID).token
    assert len(reply["token"]) == 32
    assert reply["signature"] == signatures.create_reply(reply, simulator.password)
    assert simulator.payment(reply["token"]).amount == Decimal("1000.00")


def test_the_customer_pays_and_the_shop_is_told(simulator: Simulator, shop: Shop) -> None:
    shop.create()
    assert shop.state()["paymentState"] == "CREATED"

    payment = simulator.pay(ORDER_ID)

    assert payment.state == "SUCCESS"
    assert [step.state for step in simulator.steps(ORDER_ID)] == [
        "CREATED",
        "CLIENT_WAIT",
        "OTP_WAITING",
        "PP_CREATION",
        "SUCCESS",
    ]
    assert simulator.deliver_callbacks() == [(200, "heard")]
    assert simulator.deliver_callbacks() == []
    [callback] = shop.heard
    assert callback["type"] == "application/json; charset=UTF-8"
    assert callback["paymentState"] == "SUCCESS"
    assert "ПІДТВЕРДЖУЮ ЗОБОВ'ЯЗАННЯ" in callback["message"]
    assert "0000********3333" in callback["message"]
    assert callback["signature"] == signatures.callback(callback, simulator.password)
    [attempt] = simulator.attempts(ORDER_ID)
    assert (attempt.state, attempt.http_status, attempt.answer) == ("SUCCESS", 200, "heard")


def test_the_state_reply_is_signed_with_its_message(simulator: Simulator, shop: Shop) -> None:
    shop.create()
    simulator.pay(ORDER_ID)
    reply = shop.state()
    assert reply["message"] == simulator.payment(ORDER_ID).message
    assert "amount" not in reply
    assert "rrn" not in reply
    assert reply["signature"] == signatures.state_reply(reply, simulator.password)


@pytest.mark.parametrize("yes", [True, "true"])
def test_amount_and_receipt_are_shown_when_asked_for(simulator: Simulator, shop: Shop, yes: object) -> None:
    shop.create(amount=Decimal("1157.10"), products=[{"name": "Кава", "count": 1, "price": "1157.10"}])
    assert "cardMask" not in shop.state(showInfo=yes)
    simulator.pay(ORDER_ID)
    reply = shop.state(showAmount=yes, showInfo=yes)
    assert str(reply["amount"]) == "1157.10"
    assert reply["cardMask"] == "0000 11 ** 3333"
    assert reply["bankName"] == "PB"


def test_the_bank_refuses_the_card_of_refusal(simulator: Simulator, shop: Shop) -> None:
    shop.create()
    assert simulator.pay(ORDER_ID, card="refusal").state == "FAIL"
    assert shop.state()["message"].startswith("Відмова")


def test_the_customer_cancels(simulator: Simulator, shop: Shop) -> None:
    shop.create()
    simulator.cancel(ORDER_ID)
    simulator.deliver_callbacks()
    assert shop.state()["paymentState"] == "CANCELED"
    assert shop.heard[0]["message"] == "Клиент не завершил оплату"


def test_urls_may_be_left_out_and_then_nobody_is_told(simulator: Simulator, shop: Shop) -> None:
    assert shop.create(responseUrl=None, redirectUrl=None)["state"] == "SUCCESS"
    simulator.pay(ORDER_ID)
    assert simulator.deliver_callbacks() == []


def test_with_a_delay_the_bank_decides_later_and_calls_by_itself() -> None:
    with listening() as (address, heard), run_simulator(delay=0.05, callbacks="send") as simulator:
        shop = Shop(simulator, address, heard)
        shop.create()
        assert simulator.pay(ORDER_ID).state == "PP_CREATION"
        simulator.wait_idle()
        assert simulator.payment(ORDER_ID).state == "SUCCESS"
        assert [callback["paymentState"] for callback in heard] == ["SUCCESS"]
        shop.session.close()


def test_the_shop_may_be_told_of_more_than_the_end() -> None:
    states = ["CLIENT_WAIT", "SUCCESS"]
    with listening() as (address, heard), run_simulator(callback_states=states) as simulator:
        shop = Shop(simulator, address, heard)
        shop.create()
        simulator.pay(ORDER_ID)
        simulator.deliver_callbacks()
        assert [callback["paymentState"] for callback in heard] == states
        shop.session.close()


def test_waiting_for_a_bank_that_goes_on_thinking_has_an_end() -> None:
    with run_simulator(delay=60) as simulator:
        shop = Shop(simulator, "http://127.0.0.1:9/", [])
        shop.create()
        simulator.pay(ORDER_ID)
        with pytest.raises(TimeoutError):
            simulator.wait_idle(timeout=0.01)
        shop.session.close()


def test_the_books_outlive_the_bank_and_a_pending_decision_is_taken_up(tmp_path: Path) -> None:
    books = tmp_path / "bank.sqlite3"
    with run_simulator(db=books, delay=0.2) as simulator:
        shop = Shop(simulator, "http://127.0.0.1:9/", [])
        shop.create()
        simulator.pay(ORDER_ID)
        shop.session.close()
    with run_simulator(db=books) as simulator:
        simulator.wait_idle()
        payment = simulator.payment(ORDER_ID)
        assert payment.state == "SUCCESS"
        assert [line.name for line in payment.lines] == ["Чайник", "Пакет"]


def test_a_shop_that_does_not_answer_is_written_down(simulator: Simulator, shop: Shop) -> None:
    shop.create(responseUrl="http://127.0.0.1:9/callback")
    simulator.pay(ORDER_ID)
    assert simulator.deliver_callbacks() == [(None, "ConnectionError")]
    assert simulator.attempts(ORDER_ID)[0].http_status is None


def test_several_stores_may_use_the_same_order_id() -> None:
    with run_simulator(stores={"FIRST": "one", "SECOND": "two"}) as simulator:
        shop = Shop(simulator, "http://127.0.0.1:9/", [])
        shop.create(amount=Decimal("500.00"), products=[{"name": "Кава", "count": 1, "price": 500}])
        assert shop.create(storeId="SECOND", password="two")["state"] == "SUCCESS"
        assert simulator.payment(ORDER_ID, store_id="FIRST").amount == 500
        assert simulator.payment(ORDER_ID, store_id="SECOND").amount == 1000
        shop.session.close()


def test_of_twenty_creates_at_once_one_wins(simulator: Simulator, shop: Shop) -> None:
    with ThreadPoolExecutor(20) as pool:
        replies = list(pool.map(lambda _: shop.create(), range(20)))
    assert sorted(reply["state"] for reply in replies) == ["FAIL"] * 19 + ["SUCCESS"]
    assert len(simulator.payments()) == 1


def test_a_caller_who_does_not_ask_for_json_gets_xml(simulator: Simulator, shop: Shop) -> None:
    body = shop.order()
    body["signature"] = signatures.create_request(body, simulator.password)
    reply = shop.post("create", body, headers={"Accept": "*/*"})
    root = ElementTree.fromstring(reply.text)  # noqa: S314
    assert (root.tag, root.findtext("token")) == ("payment", simulator.payment(ORDER_ID).token)


def test_requests_are_remembered_without_their_signature(simulator: Simulator, shop: Shop) -> None:
    shop.create()
    shop.state(showAmount=True)
    shop.post("state", b"[]")
    assert [(request.endpoint, request.order_id) for request in simulator.requests] == [
        ("create", ORDER_ID),
        ("state", ORDER_ID),
        ("state", ""),
    ]
    assert simulator.requests[1].body == {
        "storeId": simulator.store_id,
        "orderId": ORDER_ID,
        "showAmount": True,
    }


def test_a_bank_that_has_closed_keeps_no_connection_open() -> None:
    with run_simulator() as simulator:
        shop = Shop(simulator, "http://127.0.0.1:9/", [])
        shop.create()
    with pytest.raises(requests.ConnectionError):
        shop.state()
    shop.session.close()


def test_an_unknown_payment_is_a_lookup_error(simulator: Simulator) -> None:
    calls: list[Any] = [simulator.payment, simulator.pay, simulator.cancel, simulator.callback_body]
    for call in calls:
        with pytest.raises(LookupError, match="NOBODY"):
            call("NOBODY")

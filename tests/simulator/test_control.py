"""Playing the bank: from a program, from the control page, and as a program of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from typing import Any

import pytest
import requests
from bs4 import BeautifulSoup

from tests.simulator.shop import ORDER_ID, Shop, listening
from wagtail_payparts.simulator import Simulator, signatures


def body_of(simulator: Simulator, **options: Any) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(simulator.callback_body(ORDER_ID, **options))
    return fields


def press(shop: Shop, name: str, **fields: str) -> requests.Response:
    return shop.session.post(f"{shop.simulator.control_url}control/{name}", data=fields, timeout=5)


def control_page(shop: Shop) -> str:
    page = BeautifulSoup(shop.session.get(shop.simulator.control_url, timeout=5).content, "html.parser")
    return " ".join(page.get_text(" ").split())


def test_a_callback_of_the_present_state(simulator: Simulator, shop: Shop) -> None:
    shop.create()
    simulator.pay(ORDER_ID)
    body = body_of(simulator)
    assert body["message"] == simulator.payment(ORDER_ID).message
    assert body["signature"] == signatures.callback(body, simulator.password)


def test_a_callback_that_says_something_else(simulator: Simulator, shop: Shop) -> None:
    shop.create()
    body = body_of(simulator, state="SUCCESS", message="ok", store_id="OTHER", password="other")
    assert (body["storeId"], body["paymentState"], body["message"]) == ("OTHER", "SUCCESS", "ok")
    assert body["signature"] == signatures.callback(body, "other")
    assert simulator.payment(ORDER_ID).state == "CREATED"


def test_a_callback_spoilt_after_signing(simulator: Simulator, shop: Shop) -> None:
    shop.create()
    body = body_of(simulator, signature=None, paymentState="SUCCESS", status="success")
    assert "signature" not in body
    assert (body["paymentState"], body["status"]) == ("SUCCESS", "success")


def test_a_callback_sent_by_hand(simulator: Simulator, shop: Shop) -> None:
    shop.create()
    assert simulator.send_callback(ORDER_ID, state="SUCCESS", message="ok") == (200, "heard")
    assert simulator.send_callback(ORDER_ID, body=b'{"storeId": 1}') == (200, "heard")
    assert [callback.get("paymentState") for callback in shop.heard] == ["SUCCESS", None]
    assert [attempt.note for attempt in simulator.attempts(ORDER_ID)] == ["by hand", "by hand"]


def test_a_shop_that_refuses_is_quoted(simulator: Simulator, shop: Shop) -> None:
    with listening(status=400) as (address, _):
        shop.create(responseUrl=address)
        assert simulator.send_callback(ORDER_ID) == (400, "heard")


def test_any_state_can_be_put_into_the_books(simulator: Simulator, shop: Shop) -> None:
    shop.create()
    simulator.set_state(ORDER_ID, "REJECTED", "why not")
    assert (shop.state()["paymentState"], shop.state()["message"]) == ("REJECTED", "why not")
    simulator.set_state(ORDER_ID, "SUCCESS")
    assert "ПІДТВЕРДЖУЮ" in shop.state()["message"]
    assert simulator.deliver_callbacks() == []


def test_the_page_shows_each_payment_with_its_history_and_callbacks(simulator: Simulator, shop: Shop) -> None:
    assert simulator.api_url in control_page(shop)
    shop.create()
    simulator.pay(ORDER_ID)
    simulator.deliver_callbacks()
    text = control_page(shop)
    for said in (ORDER_ID, "OTP_WAITING", "SUCCESS", "200", "heard"):
        assert said in text
    assert simulator.password not in text


def test_a_state_is_set_from_the_page(simulator: Simulator, shop: Shop) -> None:
    token = shop.created_token()
    press(shop, "state", token=token, state="LOCKED")
    assert (simulator.payment(ORDER_ID).state, shop.heard) == ("LOCKED", [])
    press(shop, "state", token=token, state="FAIL", announce="on")
    assert shop.heard[0]["paymentState"] == "FAIL"


def test_callbacks_are_sent_from_the_page(simulator: Simulator, shop: Shop) -> None:
    token = shop.created_token()
    press(shop, "callback", token=token, callback_state="")
    press(shop, "callback", token=token, callback_state="SUCCESS", forged="on")
    honest, forged = shop.heard
    assert honest["paymentState"] == "CREATED"
    assert honest["signature"] == signatures.callback(honest, simulator.password)
    assert forged["paymentState"] == "SUCCESS"
    assert forged["signature"] != signatures.callback(forged, simulator.password)
    assert "forged by hand" in control_page(shop)


def test_without_an_address_no_callback_is_sent_from_the_page(simulator: Simulator, shop: Shop) -> None:
    token = shop.created_token(responseUrl=None)
    assert press(shop, "callback", token=token).status_code == 200
    assert simulator.attempts(ORDER_ID) == []


def test_faults_are_ordered_and_forgotten_on_the_page(simulator: Simulator, shop: Shop) -> None:
    assert "the bank behaves" in control_page(shop)
    press(shop, "fault", fault="state/list", times="always", seconds="30", order_id=" A ")
    assert "a JSON list instead of an object, nothing done · always · order A" in control_page(shop)
    assert isinstance(shop.state("A"), list)
    press(shop, "clear")
    assert isinstance(shop.state("A"), dict)


@pytest.mark.parametrize("fields", [{}, {"fault": "state/nothing"}, {"fault": "state/list", "times": "many"}])
def test_a_fault_that_cannot_be_is_explained(shop: Shop, fields: dict[str, str]) -> None:
    assert press(shop, "fault", **fields).status_code == 400


@pytest.mark.parametrize(
    ("name", "fields"), [("state", {"token": "NOBODY", "state": "FAIL"}), ("callback", {"token": ""})]
)
def test_an_unknown_payment_cannot_be_played_with(shop: Shop, name: str, fields: dict[str, str]) -> None:
    assert press(shop, name, **fields).status_code == 400


def test_a_state_needs_a_word(simulator: Simulator, shop: Shop) -> None:
    assert press(shop, "state", token=shop.created_token(), state=" ").status_code == 400
    assert simulator.payment(ORDER_ID).state == "CREATED"


def test_another_site_cannot_play_the_bank(simulator: Simulator, shop: Shop) -> None:
    shop.session.headers["Sec-Fetch-Site"] = "cross-site"
    assert press(shop, "clear").status_code == 403
    assert shop.session.post(f"{simulator.control_url}api/faults", timeout=5).status_code == 403


def test_faults_by_json(simulator: Simulator, shop: Shop) -> None:
    address = f"{simulator.control_url}api/faults"
    order = {"kind": "timeout_after", "endpoint": "create", "seconds": 0.5, "times": None}
    reply = shop.session.post(address, json=order, timeout=5)
    assert (reply.status_code, reply.json()["order_id"]) == (201, None)
    assert [fault["kind"] for fault in shop.session.get(address, timeout=5).json()] == ["timeout_after"]
    assert shop.session.delete(address, timeout=5).status_code == 204
    assert shop.session.get(address, timeout=5).json() == []


@pytest.mark.parametrize(
    "order", [[], {}, {"kind": "html"}, {"kind": "html", "endpoint": "state", "times": "1"}, {"what": 1}]
)
def test_a_fault_by_json_that_cannot_be(simulator: Simulator, shop: Shop, order: object) -> None:
    assert shop.session.post(f"{simulator.control_url}api/faults", json=order, timeout=5).status_code == 400


def test_payments_by_json(simulator: Simulator, shop: Shop) -> None:
    token = shop.created_token()
    [payment] = shop.session.get(f"{simulator.control_url}api/payments", timeout=5).json()
    assert payment == {
        "storeId": simulator.store_id,
        "orderId": ORDER_ID,
        "token": token,
        "amount": 1000.0,
        "refunded": 0.0,
        "partsCount": 3,
        "merchantType": "PP",
        "hold": False,
        "paymentState": "CREATED",
        "message": "",
        "description": "",
        "createdAt": simulator.payment(ORDER_ID).created_at.isoformat(),
    }


def test_the_bank_runs_as_a_program_until_it_is_told_to_stop() -> None:
    command = [sys.executable, "-m", "wagtail_payparts.simulator", "--port", "0", "--store", "SHOP:word"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as program:
        assert program.stdout is not None
        found = re.search(r"http://\S+", program.stdout.readline())
        assert found is not None
        reply = requests.post(
            f"{found[0]}payment/state",
            json={
                "storeId": "SHOP",
                "orderId": "1",
                "signature": signatures.order_request({"storeId": "SHOP", "orderId": "1"}, "word"),
            },
            headers={"Accept": "application/json"},
            timeout=5,
        )
        assert reply.json()["message"] == "Платеж не найден"
        os.kill(program.pid, signal.SIGTERM)
        assert program.wait(10) == 0


def test_the_program_takes_habits_and_times() -> None:
    command = [sys.executable, "-m", "wagtail_payparts.simulator", "--port", "0", "--time-zone", "Asia/Tokyo"]
    command += ["--habit", "refunds_shown=text", "--habit", "info=nested", "--hold-seconds", "5", "--action-delay", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as program:
        assert program.stdout is not None
        found = re.search(r"(http://\S+/)ipp", program.stdout.readline())
        assert found is not None
        habits = requests.get(f"{found[1]}api/habits", timeout=5).json()
        assert (habits["refunds_shown"], habits["info"]) == ("text", "nested")
        assert "Asia/Tokyo (UTC+09:00)" in requests.get(found[1], timeout=5).text
        os.kill(program.pid, signal.SIGTERM)
        assert program.wait(10) == 0


@pytest.mark.parametrize("habit", ["manners=good", "info=sideways", "info"])
def test_a_habit_that_there_is_not_is_not_taken(habit: str) -> None:
    command = [sys.executable, "-m", "wagtail_payparts.simulator", "--habit", habit]
    refused = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert refused.returncode == 2
    assert "unknown" in refused.stderr


def test_a_store_without_a_password_is_not_taken() -> None:
    command = [sys.executable, "-m", "wagtail_payparts.simulator", "--store", "SHOP"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert refused.returncode == 2
    assert "ID:PASSWORD" in refused.stderr

"""Everything that can be made to go wrong, one by one."""

from __future__ import annotations

from decimal import Decimal

import pytest
import requests

from tests.simulator.shop import ORDER_ID, Shop, listening
from wagtail_payparts.simulator import Simulator, run_simulator, signatures


@pytest.fixture(params=["create", "state"])
def endpoint(request: pytest.FixtureRequest, shop: Shop) -> str:
    """Whose reply is spoilt; a payment ``KNOWN`` is there to be asked for."""
    shop.create(orderId="KNOWN")
    name: str = request.param
    return name


def ask(shop: Shop, endpoint: str, *, timeout: float = 5) -> requests.Response:
    """A request that succeeds if nothing is wrong."""
    password = shop.simulator.password
    if endpoint == "create":
        body = shop.order()
        body["signature"] = signatures.create_request(body, password)
    else:
        body = {"storeId": shop.simulator.store_id, "orderId": "KNOWN", "showAmount": True}
        body["signature"] = signatures.order_request(body, password)
    return shop.post(endpoint, body, timeout=timeout)


def exists(simulator: Simulator) -> bool:
    return any(payment.order_id == ORDER_ID for payment in simulator.payments())


@pytest.mark.parametrize(
    ("kind", "status", "start"),
    [("http_500", 500, "Internal"), ("html", 200, "<!doctype html>"), ("list", 200, "[")],
)
def test_a_reply_that_makes_no_sense(
    simulator: Simulator, shop: Shop, endpoint: str, kind: str, status: int, start: str
) -> None:
    simulator.fault(kind, endpoint=endpoint)
    reply = ask(shop, endpoint)
    assert (reply.status_code, reply.text[: len(start)]) == (status, start)
    assert not exists(simulator)
    assert ask(shop, endpoint).json()["state"] == "SUCCESS"


def test_a_connection_that_is_closed(simulator: Simulator, shop: Shop, endpoint: str) -> None:
    simulator.fault("unreachable", endpoint=endpoint)
    with pytest.raises(requests.ConnectionError):
        ask(shop, endpoint)
    assert not exists(simulator)
    assert ask(shop, endpoint).json()["state"] == "SUCCESS"


@pytest.mark.parametrize(("kind", "acted"), [("timeout_before", False), ("timeout_after", True)])
def test_a_reply_that_never_comes(simulator: Simulator, shop: Shop, kind: str, acted: bool) -> None:
    simulator.fault(kind, endpoint="create")
    with pytest.raises(requests.Timeout):
        ask(shop, "create", timeout=0.2)
    assert exists(simulator) is acted


def test_without_seconds_the_reply_is_lost_at_once(simulator: Simulator, shop: Shop) -> None:
    simulator.fault("timeout_after", endpoint="create", seconds=0)
    with pytest.raises(requests.ConnectionError):
        ask(shop, "create")
    assert exists(simulator)


def test_a_forged_reply(simulator: Simulator, shop: Shop, endpoint: str) -> None:
    simulator.fault("forged", endpoint=endpoint)
    recipe = signatures.create_reply if endpoint == "create" else signatures.state_reply
    reply = ask(shop, endpoint).json()
    assert reply["state"] == "SUCCESS"
    assert len(reply["signature"]) == 28
    assert reply["signature"] != recipe(reply, simulator.password)


def test_a_reply_about_another_order(simulator: Simulator, shop: Shop, endpoint: str) -> None:
    simulator.fault("other_order", endpoint=endpoint)
    recipe = signatures.create_reply if endpoint == "create" else signatures.state_reply
    reply = ask(shop, endpoint).json()
    assert reply["orderId"].endswith("-OTHER")
    assert reply["signature"] == recipe(reply, simulator.password)


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("amount_differs", "amount", Decimal("1001.00")),
        ("amount_absent", "amount", None),
        ("empty_state", "paymentState", ""),
        ("unknown_state", "paymentState", "WAIT_LIQPAY"),
    ],
)
def test_a_state_that_is_not_the_payment(
    simulator: Simulator, shop: Shop, kind: str, field: str, value: object
) -> None:
    shop.create()
    simulator.fault(kind, endpoint="state")
    reply = shop.state(showAmount=True)
    assert reply.get(field) == value
    assert reply["signature"] == signatures.state_reply(reply, simulator.password)
    assert shop.state(showAmount=True)["paymentState"] == "CREATED"


def test_a_fault_of_the_amount_leaves_a_reply_without_amount_alone(simulator: Simulator, shop: Shop) -> None:
    shop.create()
    simulator.fault("amount_differs", endpoint="state")
    assert "amount" not in shop.state()


def test_a_fault_keeps_to_its_count_its_endpoint_and_its_order(simulator: Simulator, shop: Shop) -> None:
    shop.create(orderId="FIRST")
    shop.create(orderId="SECOND")
    simulator.fault("list", endpoint="state", times=2, order_id="SECOND")
    statuses = [shop.state(order_id) for order_id in ("FIRST", "SECOND", "SECOND", "SECOND")]
    assert [isinstance(reply, list) for reply in statuses] == [False, True, True, False]


def test_a_fault_may_last_until_it_is_cleared(simulator: Simulator, shop: Shop) -> None:
    simulator.fault("list", endpoint="state", times=None)
    assert all(isinstance(shop.state(), list) for _ in range(3))
    simulator.clear_faults()
    assert isinstance(shop.state(), dict)


def test_a_refusal_can_be_forged_too(simulator: Simulator, shop: Shop) -> None:
    simulator.fault("forged", endpoint="create")
    reply = shop.create(partsCount=99)
    assert reply["state"] == "FAIL"
    assert reply["signature"] != signatures.create_reply(reply, simulator.password)


@pytest.mark.parametrize(
    "order",
    [
        {"kind": "html", "endpoint": "nowhere"},
        {"kind": "empty_state", "endpoint": "create"},
        {"kind": "html", "endpoint": "callback"},
        {"kind": "html", "endpoint": "state", "times": 0},
        {"kind": "html", "endpoint": "state", "seconds": -1},
    ],
)
def test_a_fault_that_cannot_be_is_not_ordered(simulator: Simulator, order: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        simulator.fault(**order)  # type: ignore[arg-type]


def told(shop: Shop) -> list[str]:
    return [callback["paymentState"] for callback in shop.heard]


def test_a_callback_twice(simulator: Simulator, shop: Shop) -> None:
    simulator.fault("twice", endpoint="callback")
    shop.create()
    simulator.pay(ORDER_ID)
    simulator.deliver_callbacks()
    assert told(shop) == ["SUCCESS", "SUCCESS"]
    assert shop.heard[0] == shop.heard[1]


def test_a_callback_that_never_comes(simulator: Simulator, shop: Shop) -> None:
    simulator.fault("never", endpoint="callback")
    shop.create()
    simulator.pay(ORDER_ID)
    assert simulator.deliver_callbacks() == []
    assert [(attempt.note, attempt.http_status) for attempt in simulator.attempts(ORDER_ID)] == [("never", None)]


def test_an_older_state_after_the_final_one(simulator: Simulator, shop: Shop) -> None:
    simulator.fault("out_of_order", endpoint="callback")
    shop.create()
    simulator.pay(ORDER_ID)
    simulator.deliver_callbacks()
    assert told(shop) == ["SUCCESS", "PP_CREATION"]
    assert shop.heard[1]["signature"] == signatures.callback(shop.heard[1], simulator.password)


def test_a_forged_callback(simulator: Simulator, shop: Shop) -> None:
    simulator.fault("forged", endpoint="callback")
    shop.create()
    simulator.pay(ORDER_ID)
    simulator.deliver_callbacks()
    assert shop.heard[0]["signature"] != signatures.callback(shop.heard[0], simulator.password)


def test_a_late_callback_waits_until_it_is_asked_for(simulator: Simulator, shop: Shop) -> None:
    simulator.fault("late", endpoint="callback")
    shop.create()
    simulator.pay(ORDER_ID)
    assert simulator.deliver_callbacks() == []
    assert simulator.deliver_callbacks(late=True) == [(200, "heard")]


def test_a_slow_callback_arrives_whole(simulator: Simulator, shop: Shop) -> None:
    simulator.fault("slow", endpoint="callback", seconds=0.05)
    shop.create()
    simulator.pay(ORDER_ID)
    simulator.deliver_callbacks()
    assert shop.heard[0]["signature"] == signatures.callback(shop.heard[0], simulator.password)


@pytest.mark.parametrize("kind", ["late", "slow"])
def test_a_callback_that_takes_its_time_goes_out_by_itself(kind: str) -> None:
    with listening() as (address, heard), run_simulator(callbacks="send") as simulator:
        shop = Shop(simulator, address, heard)
        simulator.fault(kind, endpoint="callback", seconds=0.05)
        shop.create()
        simulator.pay(ORDER_ID)
        simulator.wait_idle()
        assert told(shop) == ["SUCCESS"]
        assert [attempt.note for attempt in simulator.attempts(ORDER_ID)] == [kind]
        shop.session.close()

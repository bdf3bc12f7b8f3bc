"""What the bank does not accept."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.simulator.shop import ORDER_ID, Shop
from wagtail_payparts.simulator import Simulator, signatures


TEN_KOPECKS = [{"name": "Сірники", "count": 1, "price": Decimal("0.10")}]


def line(**changes: Any) -> list[dict[str, Any]]:
    return [{"name": "Кава", "count": 1, "price": Decimal("1000.00")} | changes]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"amount": Decimal("299.99"), "products": line(price=Decimal("299.99"))}, "300.00"),
        ({"amount": Decimal("300000.01"), "products": line(price=Decimal("300000.01"))}, "300000.00"),
        ({"amount": Decimal("1000.01")}, "sum of products"),
        ({"partsCount": 1}, "partsCount"),
        ({"partsCount": 26}, "partsCount"),
        ({"merchantType": "XX"}, "merchantType"),
        ({"orderId": "A" * 51}, "orderId"),
        ({"products": []}, "products"),
        ({"products": line(name="я" * 129)}, "name"),
        ({"products": line(count=0)}, "count"),
        ({"products": line() + line(price=0)}, "price"),
        ({"products": line(count=-1, price=-1000)}, "count"),
        ({"redirectUrl": "javascript:alert(1)"}, "redirectUrl"),
        ({"responseUrl": "http://[broken"}, "responseUrl"),
    ],
)
def test_a_payment_that_breaks_a_rule_is_refused_and_signed(
    simulator: Simulator, shop: Shop, changes: dict[str, Any], said: str
) -> None:
    reply = shop.create(**changes)
    assert reply["state"] == "FAIL"
    assert reply["message"].startswith("bad value: ")
    assert said in reply["message"]
    assert reply["signature"] == signatures.create_reply(reply, simulator.password)
    assert simulator.payments() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": 300, "products": line(price=300)},
        {"amount": "300000.00", "products": line(price="150000.00", count=2), "partsCount": 25},
        {"orderId": "A" * 50},
        {"amount": Decimal("1000.00"), "products": line(name="я" * 128)},
        {"amount": Decimal("300.00"), "products": line(price=Decimal("299.90")) + TEN_KOPECKS},
    ],
)
def test_a_payment_at_the_limit_is_accepted(shop: Shop, changes: dict[str, Any]) -> None:
    assert shop.create(**changes)["state"] == "SUCCESS"


def test_an_order_id_is_used_once(simulator: Simulator, shop: Shop) -> None:
    shop.create()
    reply = shop.create()
    assert reply["message"] == "bad value: Payment with sent orderId already exists"
    assert reply["signature"] == signatures.create_reply(reply, simulator.password)


def test_an_unknown_payment_has_no_state(simulator: Simulator, shop: Shop) -> None:
    reply = shop.state("NOBODY")
    assert (reply["state"], reply["message"]) == ("FAIL", "Платеж не найден")
    assert reply["signature"] == signatures.state_reply(reply, simulator.password)


@pytest.mark.parametrize("endpoint", ["create", "state"])
@pytest.mark.parametrize("signature", [None, "", "ї", 7, "6Z248wUqdxzdg7JwWg7QcYpmNbA="])
def test_a_wrong_signature_gets_no_signed_reply(shop: Shop, endpoint: str, signature: object) -> None:
    reply = shop.reply(endpoint, shop.order() | {"signature": signature})
    assert reply["state"] == "FAIL"
    assert "Wrong signature" in reply["errorMessage"]
    assert "signature" not in reply


def test_an_unknown_store_is_told_so(shop: Shop) -> None:
    reply = shop.create(storeId="NOBODY")
    assert reply["errorMessage"] == "bad value: Unknown identifier. Store not found."
    assert "signature" not in reply


@pytest.mark.parametrize(
    "changes",
    [
        {"storeId": 1},
        {"orderId": ""},
        {"orderId": None},
        {"amount": None},
        {"amount": "much"},
        {"amount": Decimal("1000.001")},
        {"amount": True},
        {"partsCount": "3"},
        {"partsCount": Decimal("3.5")},
        {"partsCount": True},
        {"products": "Кава"},
        {"products": ["Кава"]},
        {"products": line(name=None)},
        {"products": line(count=Decimal("1.5"))},
        {"responseUrl": 1},
    ],
)
def test_a_body_that_cannot_be_read_is_refused(simulator: Simulator, shop: Shop, changes: dict[str, Any]) -> None:
    reply = shop.reply("create", shop.order(**changes) | {"signature": "6Z248wUqdxzdg7JwWg7QcYpmNbA="})
    assert reply["state"] == "FAIL"
    assert reply["errorMessage"].startswith("bad value: ")
    assert simulator.payments() == []


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"\xff", b'{"storeId": "\\ud800", "orderId": "1"}'])
def test_a_body_that_is_not_an_object_of_text_is_refused(shop: Shop, raw: bytes) -> None:
    assert shop.post("state", raw).json()["state"] == "FAIL"


def test_text_that_is_not_unicode_is_refused(shop: Shop) -> None:
    raw = b'{"storeId": "%s", "orderId": "\\ud800"}' % shop.simulator.store_id.encode()
    assert "Unicode" in shop.post("state", raw).json()["errorMessage"]


def test_a_huge_body_is_not_read(shop: Shop) -> None:
    assert shop.post("create", b"x" * (1024 * 1024 + 1)).status_code == 413


def test_an_order_id_of_another_type_is_no_order_id(shop: Shop) -> None:
    assert shop.post("state", {"storeId": shop.simulator.store_id, "orderId": [ORDER_ID]}).json()["state"] == "FAIL"


def test_addresses_that_do_not_exist_are_404_and_get_is_not_enough(shop: Shop) -> None:
    base = shop.simulator.api_url
    assert shop.session.post(f"{base}payment/nothing", timeout=5).status_code == 404
    assert shop.session.get(f"{base}payment/create", timeout=5).status_code == 405
    assert shop.session.get(f"{shop.simulator.control_url}static/../web.py", timeout=5).status_code == 404

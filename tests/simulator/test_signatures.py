"""The simulator's signatures against those that others computed."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from wagtail_payparts.simulator import signatures
from wagtail_payparts.simulator.wire import dumps, kopecks, loads


VECTORS = Path(__file__).parent.parent / "bank" / "signature_vectors.json"
RECIPES = {
    "create": signatures.create_request,
    "hold": signatures.create_request,
    "create_response": signatures.create_reply,
    "fail_response": signatures.create_reply,
    "state": signatures.order_request,
    "confirm": signatures.order_request,
    "decline": signatures.decline_request,
    "description": signatures.description_request,
    "terms": signatures.terms_request,
    "state_response": signatures.state_reply,
    "callback": signatures.callback,
}


def test_there_is_a_recipe_for_each_vector() -> None:
    assert {vector["kind"] for vector in json.loads(VECTORS.read_text("utf-8"))} == set(RECIPES)


def vectors() -> list[Any]:
    known = json.loads(VECTORS.read_text("utf-8"), parse_float=Decimal)
    return [pytest.param(vector, id=vector["id"]) for vector in known]


@pytest.mark.parametrize("vector", vectors())
def test_signature_is_the_one_others_compute(vector: dict[str, Any]) -> None:
    signature = RECIPES[vector["kind"]](vector["input"], vector["password"])
    assert signature == vector["signature"]
    assert signatures.same(vector["signature"], signature)


@pytest.mark.parametrize("given", [None, "", "ї", 7, [], "\ud800", "v4VK3KUIoPJll9JqFi6lL/ot8YA"])
def test_anything_else_is_not_the_signature(given: object) -> None:
    assert not signatures.same(given, "v4VK3KUIoPJll9JqFi6lL/ot8YA=")


def test_null_signs_as_nothing() -> None:
    fields = {"storeId": "S", "orderId": "O", "paymentState": "FAIL"}
    assert signatures.callback(fields | {"message": None}, "p") == signatures.callback(fields, "p")


@pytest.mark.parametrize(
    ("value", "expected"),
    [(Decimal("0.01"), 1), (Decimal("301.00"), 30100), ("400.00", 40000), (7, 700), (Decimal("4.350"), 435)],
)
def test_money_of_a_body_is_read_to_the_kopeck(value: object, expected: int) -> None:
    assert kopecks(value) == expected


@pytest.mark.parametrize(
    "value",
    [None, True, "", "ten", "NaN", "sNaN", "Infinity", Decimal("0.001"), Decimal("1e999999"), 10**30, [], {}],
)
def test_what_is_not_money_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        kopecks(value)


def test_json_keeps_every_digit() -> None:
    text = dumps({"amount": Decimal("1157.10"), "list": [Decimal("0.01"), 1, True, None, 'ї"<']})
    assert text == '{"amount":1157.10,"list":[0.01,1,true,null,"ї\\"<"]}'
    assert loads(text.encode())["amount"] == Decimal("1157.10")


@pytest.mark.parametrize("raw", [b"\xff", b"{", b'{"a": NaN}', b"[" * 100_000])
def test_what_is_not_json_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        loads(raw)

"""Statements of payments and refunds, and the recipients that they can be had of."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.simulator.shop import ORDER_ID, Shop
from wagtail_payparts.bank import signature
from wagtail_payparts.simulator import Simulator, run_simulator, signatures, wire


OKPO, ACCOUNT = "12345678", "UA213223130000026007233566001"
Recipe = Callable[[dict[str, Any], str], str]
KINDS: list[tuple[str, dict[str, Any], Recipe]] = [
    ("terms/get/list", {}, signatures.terms_request),
    ("terms/get/by/okpo", {"okpo": OKPO}, signatures.terms_by_okpo_request),
    ("terms/get/list/by/okpo", {"okpo": OKPO}, signatures.terms_by_okpo_request),
    ("terms/get/by/accounts", {"accounts": ["26001", ACCOUNT]}, signatures.terms_by_accounts_request),
    ("terms/get/list/by/accounts", {"accounts": ["26001", ACCOUNT]}, signatures.terms_by_accounts_request),
]
every_kind = pytest.mark.parametrize(("path", "asked", "recipe"), KINDS, ids=[kind[0] for kind in KINDS])


def post(shop: Shop, path: str, body: dict[str, Any]) -> dict[str, Any]:
    address = shop.simulator.api_url.replace("v2/", path)
    fields: dict[str, Any] = wire.loads(shop.session.post(address, data=wire.dumps(body), timeout=5).content)
    return fields


def ask(
    shop: Shop,
    path: str = "terms/get/list",
    asked: dict[str, Any] | None = None,
    recipe: Recipe = signatures.terms_request,
    **changes: Any,
) -> dict[str, Any]:
    today = f"{shop.simulator.acts(ORDER_ID)[-1].at.astimezone(shop.simulator.zone):%Y%m%d}"
    body = {"storeId": shop.simulator.store_id, "dateFrom": today, "dateTo": today} | (asked or {}) | changes
    body["signature"] = recipe(body, shop.simulator.password)
    return post(shop, path, body)


def tell_of_the_recipient(shop: Shop) -> dict[str, Any]:
    body = {"identifier": shop.simulator.store_id, "okpo": OKPO, "account": ACCOUNT}
    body["signature"] = signatures.recipient_request(body, shop.simulator.password)
    return post(shop, "recipient/api/create", body)


@pytest.fixture
def selling(shop: Shop) -> Shop:
    """A shop that has sold for 1000, given 250 back, and sold nothing else."""
    shop.create()
    shop.create(orderId="UNPAID")
    shop.simulator.pay(ORDER_ID)
    shop.simulator.refund(ORDER_ID, 250)
    return shop


@every_kind
def test_a_statement_tells_of_payments_and_refunds(
    selling: Shop, path: str, asked: dict[str, Any], recipe: Recipe
) -> None:
    assert tell_of_the_recipient(selling) == {"state": "SUCCESS"}
    reply = ask(selling, path, asked, recipe)
    assert (reply["state"], reply["message"]) == ("SUCCESS", "")
    assert "signature" not in reply
    assert [(term["orderId"], term["type"], term["amount"]) for term in reply["terms"]] == [
        (ORDER_ID, "PAYMENT", Decimal("1000.00")),
        (ORDER_ID, "REFUND", Decimal("250.00")),
    ]


@every_kind
def test_a_statement_of_another_is_empty(selling: Shop, path: str, asked: dict[str, Any], recipe: Recipe) -> None:
    assert bool(ask(selling, path, asked, recipe)["terms"]) is (path == "terms/get/list")


@every_kind
def test_a_statement_has_to_be_signed(selling: Shop, path: str, asked: dict[str, Any], recipe: Recipe) -> None:
    reply = ask(selling, path, asked, lambda body, password: recipe(body, "other"))
    assert reply["state"] == "FAIL"
    assert "Wrong signature" in reply["message"]


def test_the_plugins_signature_of_a_statement_is_accepted(selling: Shop) -> None:
    def sign(body: dict[str, Any], password: str) -> str:
        return signature.terms(password, store_id=body["storeId"], date_from=body["dateFrom"], date_to=body["dateTo"])

    assert len(ask(selling, recipe=sign)["terms"]) == 2


def test_a_statement_has_only_its_days(selling: Shop) -> None:
    assert ask(selling, dateFrom="20160115", dateTo="20160215")["terms"] == []
    assert len(ask(selling, dateFrom="20160115", dateTo="29991231")["terms"]) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"dateFrom": "2016-01-15"},
        {"dateFrom": "2016115"},
        {"dateFrom": "20160230"},
        {"dateFrom": None},
        {"dateTo": 20160115},
        {"dateFrom": "20160216", "dateTo": "20160215"},
    ],
)
def test_a_statement_needs_days(selling: Shop, changes: dict[str, Any]) -> None:
    reply = ask(selling, **changes)
    assert reply["state"] == "FAIL"
    assert reply["message"].startswith("bad value: ")


@pytest.mark.parametrize("accounts", [None, "26001", [26001]])
def test_accounts_are_a_list_of_texts(selling: Shop, accounts: Any) -> None:
    reply = ask(selling, "terms/get/by/accounts", {"accounts": accounts}, lambda body, password: "")
    assert "accounts" in reply["message"]


def test_an_unknown_store_is_told_so(selling: Shop) -> None:
    assert ask(selling, storeId="NOBODY")["message"] == "bad value: Unknown identifier. Store not found."


def test_a_recipient_has_to_be_signed_too(selling: Shop) -> None:
    body = {"identifier": selling.simulator.store_id, "account": ACCOUNT, "signature": "no"}
    assert "Wrong signature" in post(selling, "recipient/api/create", body)["message"]


def test_a_store_sees_its_own_payments_only() -> None:
    with run_simulator(stores={"FIRST": "one", "SECOND": "two"}) as simulator:
        shop = Shop(simulator, "http://127.0.0.1:9/", [])
        shop.create(storeId="SECOND", password="two")
        simulator.pay(ORDER_ID)
        assert ask(shop)["terms"] == []
        assert len(ask(shop, storeId="SECOND", recipe=lambda b, _: signatures.terms_request(b, "two"))["terms"]) == 1
        shop.session.close()


def test_days_are_those_of_the_banks_zone() -> None:
    with run_simulator(time_zone="Pacific/Kiritimati") as east, run_simulator(time_zone="Pacific/Niue") as west:
        days = set()
        for simulator in (east, west):
            shop = Shop(simulator, "http://127.0.0.1:9/", [])
            shop.create()
            simulator.pay(ORDER_ID)
            days.add(ask(shop)["terms"][0]["date"][:10])
            shop.session.close()
    # Twenty-five hours apart: never the same day.
    assert len(days) == 2


def test_a_zone_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="Mars"), run_simulator(time_zone="Mars/Olympus"):
        pass


def test_what_was_paid_by_hand_is_in_the_statement(simulator: Simulator, shop: Shop) -> None:
    shop.create()
    simulator.set_state(ORDER_ID, "SUCCESS")
    assert [term["type"] for term in ask(shop)["terms"]] == ["PAYMENT"]

"""The control page and its JSON twin: holds, refunds and habits, played by hand or by a program."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
import requests
from bs4 import BeautifulSoup, Tag

from tests.simulator.shop import ORDER_ID, Shop, to_pay
from wagtail_payparts.bank import PayPartsClient
from wagtail_payparts.simulator import Simulator, run_simulator, signatures, wire


def page_of(shop: Shop) -> BeautifulSoup:
    return BeautifulSoup(shop.session.get(shop.simulator.control_url, timeout=5).content, "html.parser")


def text_of(page: BeautifulSoup | Tag) -> str:
    return " ".join(page.get_text(" ").replace("\N{NO-BREAK SPACE}", " ").split())


def press(shop: Shop, button: str, **typed: str) -> requests.Response:
    """Fill in the form that has this button, as it came, and press it."""
    page = page_of(shop)
    found = next(one for one in page.select("button") if one.get_text(strip=True) == button)
    form = found.find_parent("form")
    assert form is not None
    fields = {str(one["name"]): str(one.get("value", "")) for one in form.select("input:not([type=checkbox])")}
    fields |= {
        str(one["name"]): str(one.select("option[selected]")[0]["value"])
        for one in form.select("select:has([selected])")
    }
    if found.get("name"):
        fields[str(found["name"])] = str(found["value"])
    return shop.session.post(
        f"{shop.simulator.control_url.rstrip('/')}{form['action']}", data=fields | typed, timeout=5
    )


def buttons(shop: Shop) -> list[str]:
    return [one.get_text(strip=True) for one in page_of(shop).select("article button")]


def play(shop: Shop, act: str, order_id: object = ORDER_ID, **arguments: Any) -> requests.Response:
    body = wire.dumps({"orderId": order_id, "act": act} | arguments)
    return shop.session.post(f"{shop.simulator.control_url}api/acts", data=body.encode(), timeout=5)


@pytest.fixture
def held(simulator: Simulator, client: PayPartsClient, shop: Shop) -> Shop:
    client.hold(to_pay(response_url=shop.listen_url))
    simulator.pay(ORDER_ID)
    return shop


@pytest.fixture
def paid(simulator: Simulator, client: PayPartsClient, shop: Shop) -> Shop:
    client.create(to_pay(response_url=shop.listen_url))
    simulator.pay(ORDER_ID)
    return shop


@pytest.mark.parametrize(
    ("button", "state", "act"),
    [
        ("Confirm", "SUCCESS", "cabinet: confirm"),
        ("Cancel", "CANCELED", "cabinet: cancel"),
        ("Let its time run out", "CANCELED", "bank: hold ended"),
    ],
)
def test_a_hold_is_ended_from_the_page(held: Shop, button: str, state: str, act: str) -> None:
    assert "two stages" in text_of(page_of(held))
    assert "The hold ends" in text_of(page_of(held))
    assert press(held, button).status_code == 200
    assert held.simulator.payment(ORDER_ID).state == state
    assert act in text_of(page_of(held))
    assert "Confirm" not in buttons(held)


def test_a_press_that_comes_too_late_is_explained(held: Shop) -> None:
    token = held.simulator.payment(ORDER_ID).token
    held.simulator.confirm(ORDER_ID)
    reply = held.session.post(
        f"{held.simulator.control_url}control/act", data={"token": token, "act": "cancel_hold"}, timeout=5
    )
    assert reply.status_code == 400
    assert f"{ORDER_ID} is now SUCCESS" in reply.text
    assert held.simulator.payment(ORDER_ID).state == "SUCCESS"


def test_a_hold_without_an_end_says_so() -> None:
    with run_simulator(hold_seconds=None) as simulator:
        shop = Shop(simulator, "http://127.0.0.1:9/", [])
        shop.create()
        simulator.set_state(ORDER_ID, "LOCKED")
        assert "does not end by itself" in text_of(page_of(shop))
        shop.session.close()


def test_a_confirm_that_is_still_to_take_effect_is_shown() -> None:
    with run_simulator(action_delay=60) as simulator:
        shop = Shop(simulator, "http://127.0.0.1:9/", [])
        shop.create()
        simulator.set_state(ORDER_ID, "LOCKED")
        simulator.confirm(ORDER_ID)
        assert "On its way to SUCCESS" in text_of(page_of(shop))
        assert "Confirm" not in buttons(shop)
        shop.session.close()


def test_money_goes_back_from_the_page(paid: Shop) -> None:
    assert press(paid, "Refund", amount="100,50").status_code == 200
    assert paid.simulator.payment(ORDER_ID).refunded == Decimal("100.50")
    text = text_of(page_of(paid))
    assert "100,50 UAH given back" in text
    assert "cabinet: refund 100,50 UAH" in text
    assert press(paid, "Refund").status_code == 200
    assert paid.simulator.payment(ORDER_ID).refunded == 1000
    assert "Refund" not in buttons(paid)


@pytest.mark.parametrize("amount", ["much", "0", "-1", "1000.01", "1.005", "1 0"])
def test_an_amount_that_cannot_go_back_is_explained_beside_its_payment(paid: Shop, amount: str) -> None:
    reply = press(paid, "Refund", amount=amount)
    assert reply.status_code == 400
    alert = BeautifulSoup(reply.content, "html.parser").select_one("article [role=alert]")
    assert alert is not None
    assert alert.get_text(strip=True)
    assert paid.simulator.payment(ORDER_ID).refunded == 0


def test_habits_are_changed_on_the_page(paid: Shop) -> None:
    assert "changed" not in text_of(page_of(paid))
    press(paid, "Change the habits", refunds_shown="nothing")
    assert "1 changed" in text_of(page_of(paid))
    assert "refunds" not in paid.state(showRefund=True)
    refused = paid.session.post(
        f"{paid.simulator.control_url}control/habits", data={"refunds_shown": "loudly"}, timeout=5
    )
    assert refused.status_code == 400
    assert "refunds" not in paid.state(showRefund=True)


def test_an_act_that_the_page_does_not_have_is_none(held: Shop) -> None:
    token = held.simulator.payment(ORDER_ID).token
    address = f"{held.simulator.control_url}control/act"
    assert held.session.post(address, data={"token": token, "act": "steal"}, timeout=5).status_code == 400


@pytest.mark.parametrize(
    ("zone", "said"), [("Europe/Kyiv", "Europe/Kyiv (UTC+0"), ("America/New_York", "America/New_York (UTC-0")]
)
def test_times_are_those_of_a_named_zone(zone: str, said: str) -> None:
    with run_simulator(time_zone=zone) as simulator:
        shop = Shop(simulator, "http://127.0.0.1:9/", [])
        shop.create()
        page = page_of(shop)
        assert said in text_of(page)
        at = simulator.acts(ORDER_ID)[0].at
        shown = page.select_one(".history time")
        assert shown is not None
        assert shown["datetime"] == at.isoformat()
        assert shown.get_text() == f"{at.astimezone(simulator.zone):%d %b %H:%M:%S}"
        shop.session.close()


def test_the_customer_is_told_the_same_zones_time() -> None:
    with run_simulator(time_zone="Asia/Tokyo") as simulator:
        shop = Shop(simulator, "http://127.0.0.1:9/", [])
        token = shop.reply("hold", _signed(shop))["token"]
        simulator.pay(ORDER_ID)
        due_at = simulator.payment(ORDER_ID).due_at
        assert due_at is not None
        page = shop.session.get(f"{simulator.redirect_url}?token={token}", timeout=5).text
        assert f"{datetime.fromtimestamp(due_at, simulator.zone):%d.%m.%Y %H:%M}" in page
        shop.session.close()


def _signed(shop: Shop) -> dict[str, Any]:
    body = shop.order()
    return body | {"signature": signatures.create_request(body, shop.simulator.password)}


# By JSON


def test_a_program_plays_customer_shop_and_bank(simulator: Simulator, client: PayPartsClient, shop: Shop) -> None:
    client.hold(to_pay(response_url=shop.listen_url))
    for act, state in [("open", "CLIENT_WAIT"), ("pay", "LOCKED"), ("confirm", "SUCCESS")]:
        assert play(shop, act).json()["paymentState"] == state
    assert play(shop, "refund", amount="0.50").json()["refunded"] == 0.5
    assert play(shop, "refund").json()["refunded"] == 1000
    assert play(shop, "set_state", state="REJECTED", message="why").json()["message"] == "why"
    acts = shop.session.get(f"{simulator.control_url}api/acts", params={"orderId": ORDER_ID}, timeout=5).json()
    assert [act["act"] for act in acts][-3:] == ["refund", "refund", "set by hand"]
    assert [act["amount"] for act in acts][-3:] == [0.5, 999.5, None]
    assert acts[0]["at"] == simulator.acts(ORDER_ID)[0].at.isoformat()


@pytest.mark.parametrize(
    ("act", "state"),
    [("refuse", "FAIL"), ("give_up", "CANCELED"), ("cancel_hold", "CANCELED"), ("end_hold", "CANCELED")],
)
def test_the_other_ends(simulator: Simulator, client: PayPartsClient, shop: Shop, act: str, state: str) -> None:
    client.hold(to_pay())
    if act.endswith("hold"):
        simulator.pay(ORDER_ID)
    assert play(shop, act).json()["paymentState"] == state


def test_a_program_sends_callbacks(paid: Shop) -> None:
    assert play(paid, "callback").json() == {"httpStatus": 200, "answer": "heard"}
    play(paid, "callback", state="CANCELED", message="forged with the right password")
    play(paid, "callback", state="SUCCESS", password="wrong")
    assert [callback["paymentState"] for callback in paid.heard] == ["SUCCESS", "CANCELED", "SUCCESS"]
    paid.create(orderId="SILENT", responseUrl=None)
    assert play(paid, "callback", "SILENT").status_code == 409


@pytest.mark.parametrize(
    ("act", "arguments", "status"),
    [
        ("confirm", {}, 409),
        ("pay", {}, 409),
        ("refund", {"amount": 1001}, 409),
        ("refund", {"amount": "much"}, 400),
        ("refund", {"sum": 1}, 400),
        ("steal", {}, 400),
        ("set_state", {}, 400),
        ("callback", {"what": 1}, 400),
        ("pay", {"order_id": "NOBODY"}, 404),
        ("pay", {"order_id": None}, 404),
    ],
)
def test_what_cannot_be_played_is_said_so(paid: Shop, act: str, arguments: dict[str, Any], status: int) -> None:
    before = paid.simulator.acts(ORDER_ID)
    assert play(paid, act, **arguments).status_code == status
    assert paid.simulator.acts(ORDER_ID) == before


@pytest.mark.parametrize("raw", [b"", b"[]", b"{"])
def test_a_play_without_sense_is_refused(paid: Shop, raw: bytes) -> None:
    for path, method in (("acts", "POST"), ("habits", "PATCH"), ("faults", "POST")):
        reply = paid.session.request(method, f"{paid.simulator.control_url}api/{path}", data=raw, timeout=5)
        assert reply.status_code == 400


def test_habits_by_json(paid: Shop) -> None:
    address = f"{paid.simulator.control_url}api/habits"
    assert paid.session.get(address, timeout=5).json()["info"] == "flat"
    assert paid.session.patch(address, json={"info": "nested"}, timeout=5).json()["info"] == "nested"
    assert "info" in paid.state(showInfo=True)
    for wrong in ({"info": "sideways"}, {"what": "x"}, {"info": []}):
        assert paid.session.patch(address, json=wrong, timeout=5).status_code == 400


@pytest.mark.parametrize(
    ("path", "method"),
    [("api/acts", "POST"), ("api/habits", "PATCH"), ("control/act", "POST"), ("control/refund", "POST")],
)
def test_another_site_cannot_play(paid: Shop, path: str, method: str) -> None:
    paid.session.headers["Sec-Fetch-Site"] = "cross-site"
    assert paid.session.request(method, f"{paid.simulator.control_url}{path}", timeout=5).status_code == 403


@pytest.mark.parametrize("order", [{"times": "2"}, {"times": 1.5}, {"chance": 2}, {"chance": "often"}])
def test_a_fault_by_json_has_numbers_that_make_sense(paid: Shop, order: dict[str, Any]) -> None:
    fault = {"kind": "list", "endpoint": "state"}
    address = f"{paid.simulator.control_url}api/faults"
    assert paid.session.post(address, json=fault | order, timeout=5).status_code == 400
    assert paid.session.post(address, json=fault | {"times": 2, "chance": 0.25}, timeout=5).json()["chance"] == 0.25
    assert "in 25 % of the calls" in text_of(page_of(paid))

"""Payments in two stages, as the plugin's own client meets them over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup

from tests.simulator.shop import ORDER_ID, Shop, client_of, listening, to_pay
from wagtail_payparts.bank import PayPartsClient
from wagtail_payparts.exceptions import BankError, BankRefused
from wagtail_payparts.simulator import NotNow, Simulator, run_simulator


def hold(simulator: Simulator, client: PayPartsClient, **options: Any) -> None:
    """A payment that waits for the shop."""
    client.hold(to_pay(**options))
    simulator.pay(ORDER_ID)


def said(shop: Shop) -> list[str]:
    shop.simulator.deliver_callbacks()
    return [callback["paymentState"] for callback in shop.heard]


def test_the_customer_agrees_and_the_shop_confirms(simulator: Simulator, client: PayPartsClient, shop: Shop) -> None:
    reply = client.hold(to_pay(response_url=shop.listen_url))
    assert simulator.payment(reply.token).hold
    assert simulator.pay(ORDER_ID).state == "LOCKED"
    assert client.state(ORDER_ID).payment_state == "LOCKED"

    confirmed = client.confirm(ORDER_ID)

    # The documented signature is the request's own and proves nothing (dispute e).
    assert (confirmed.state, confirmed.verified) == ("SUCCESS", False)
    state = client.state(ORDER_ID)
    assert state.payment_state == "SUCCESS"
    assert "ПІДТВЕРДЖУЮ" in state.message
    assert said(shop) == ["LOCKED", "SUCCESS"]
    assert "ПІДТВЕРДЖУЮ" in shop.heard[1]["message"]


def test_the_shop_releases_what_is_held(simulator: Simulator, client: PayPartsClient, shop: Shop) -> None:
    hold(simulator, client, response_url=shop.listen_url)
    client.cancel(ORDER_ID)
    assert client.state(ORDER_ID).payment_state == "CANCELED"
    assert said(shop) == ["LOCKED", "CANCELED"]


@pytest.mark.parametrize("card", ["success", "refusal"])
def test_a_payment_in_one_stage_is_never_held(simulator: Simulator, client: PayPartsClient, card: Any) -> None:
    client.create(to_pay())
    assert simulator.pay(ORDER_ID, card=card).state == ("SUCCESS" if card == "success" else "FAIL")


def test_a_refused_card_is_refused_in_two_stages_too(simulator: Simulator, client: PayPartsClient) -> None:
    client.hold(to_pay())
    assert simulator.pay(ORDER_ID, card="refusal").state == "FAIL"


@pytest.mark.parametrize("call", ["confirm", "cancel"])
@pytest.mark.parametrize("before", ["created", "paid", "released", "confirmed"])
def test_only_what_is_held_can_be_confirmed_or_cancelled(
    simulator: Simulator, client: PayPartsClient, call: str, before: str
) -> None:
    if before == "created":
        client.hold(to_pay())
    elif before == "paid":
        client.create(to_pay())
        simulator.pay(ORDER_ID)
    else:
        hold(simulator, client)
        (client.cancel if before == "released" else client.confirm)(ORDER_ID)
    state = simulator.payment(ORDER_ID).state
    with pytest.raises(BankRefused, match="LOCKED"):
        getattr(client, call)(ORDER_ID)
    assert simulator.payment(ORDER_ID).state == state


@pytest.mark.parametrize("call", ["confirm", "cancel"])
def test_an_unknown_payment_is_refused(client: PayPartsClient, call: str) -> None:
    with pytest.raises(BankRefused, match="Платеж не найден"):
        getattr(client, call)("NOBODY")


@pytest.mark.parametrize("call", ["confirm", "cancel"])
def test_a_wrong_signature_moves_nothing(simulator: Simulator, client: PayPartsClient, shop: Shop, call: str) -> None:
    hold(simulator, client)
    reply = shop.reply(call, {"storeId": simulator.store_id, "orderId": ORDER_ID, "signature": "no"})
    assert "Wrong signature" in reply["errorMessage"]
    assert simulator.payment(ORDER_ID).state == "LOCKED"


def test_of_a_confirm_and_a_cancel_at_once_one_wins(simulator: Simulator, client: PayPartsClient) -> None:
    hold(simulator, client)

    def act(number: int) -> str:
        try:
            return (client.cancel if number % 2 else client.confirm)(ORDER_ID).state
        except BankError:
            return "FAIL"

    with ThreadPoolExecutor(10) as pool:
        assert sorted(pool.map(act, range(10))) == ["FAIL"] * 9 + ["SUCCESS"]
    assert [act.state for act in simulator.steps(ORDER_ID)][-2] == "LOCKED"


def test_the_reply_may_come_before_the_effect() -> None:
    with listening() as (address, heard), run_simulator(action_delay=0.2, callbacks="send") as simulator:
        client = client_of(simulator)
        hold(simulator, client, response_url=address)
        simulator.wait_idle()
        client.confirm(ORDER_ID)
        assert client.state(ORDER_ID).payment_state == "LOCKED"
        with pytest.raises(BankRefused):
            client.cancel(ORDER_ID)
        simulator.wait_idle()
        assert client.state(ORDER_ID).payment_state == "SUCCESS"
        assert [callback["paymentState"] for callback in heard] == ["LOCKED", "SUCCESS"]


def test_a_hold_ends_by_itself_and_the_shop_is_told() -> None:
    with listening() as (address, heard), run_simulator(hold_seconds=0.1, callbacks="send") as simulator:
        hold(simulator, client_of(simulator), response_url=address)
        simulator.wait_for(ORDER_ID, "CANCELED")
        simulator.wait_idle()
        assert [callback["paymentState"] for callback in heard] == ["LOCKED", "CANCELED"]
        assert simulator.acts(ORDER_ID)[-1].name == "hold ended"


def test_a_hold_that_was_confirmed_in_time_does_not_end() -> None:
    with run_simulator(hold_seconds=0.1) as simulator:
        client = client_of(simulator)
        hold(simulator, client)
        client.confirm(ORDER_ID)
        client.hold(to_pay("LATER"))
        simulator.pay("LATER")
        simulator.wait_for("LATER", "CANCELED")
        assert simulator.payment(ORDER_ID).state == "SUCCESS"


def test_nobody_waits_for_a_hold_to_end(simulator: Simulator, client: PayPartsClient) -> None:
    hold(simulator, client)
    simulator.wait_idle(timeout=1)
    assert simulator.payment(ORDER_ID).due_at is not None


def test_a_hold_may_last_for_ever() -> None:
    with run_simulator(hold_seconds=None) as simulator:
        hold(simulator, client_of(simulator))
        assert simulator.payment(ORDER_ID).due_at is None


def test_holds_outlive_the_bank(tmp_path: Path) -> None:
    books = tmp_path / "bank.sqlite3"
    with run_simulator(db=books, hold_seconds=0.3) as simulator:
        hold(simulator, client_of(simulator))
    with run_simulator(db=books) as simulator:
        simulator.wait_for(ORDER_ID, "CANCELED")


@pytest.mark.parametrize(
    ("act", "state"),
    [(Simulator.confirm, "SUCCESS"), (Simulator.cancel_hold, "CANCELED"), (Simulator.end_hold, "CANCELED")],
)
def test_the_cabinet_and_time_end_holds_too(
    simulator: Simulator, client: PayPartsClient, shop: Shop, act: Callable[..., Any], state: str
) -> None:
    hold(simulator, client, response_url=shop.listen_url)
    act(simulator, ORDER_ID)
    assert client.state(ORDER_ID).payment_state == state
    assert said(shop) == ["LOCKED", state]
    with pytest.raises(NotNow, match=state):
        act(simulator, ORDER_ID)


def test_a_hold_may_end_by_being_taken(simulator: Simulator, client: PayPartsClient) -> None:
    simulator.set_habits(hold_end="SUCCESS")
    hold(simulator, client)
    assert simulator.end_hold(ORDER_ID).state == "SUCCESS"
    assert "ПІДТВЕРДЖУЮ" in client.state(ORDER_ID).message


def test_a_payment_that_was_locked_by_hand_can_be_confirmed(simulator: Simulator, client: PayPartsClient) -> None:
    client.create(to_pay())
    simulator.set_state(ORDER_ID, "LOCKED")
    client.confirm(ORDER_ID)
    assert simulator.payment(ORDER_ID).state == "SUCCESS"


def test_the_page_of_a_held_payment_sends_the_customer_back(
    simulator: Simulator, client: PayPartsClient, shop: Shop
) -> None:
    reply = client.hold(to_pay(redirect_url="http://shop.example/return?order=1"))
    address = client.redirect_url(reply.token)
    card = BeautifulSoup(shop.session.get(address, timeout=5).content, "html.parser")
    assert "після підтвердження магазином" in card.get_text()
    simulator.pay(ORDER_ID)
    page = BeautifulSoup(shop.session.get(address, timeout=5).content, "html.parser")
    assert page.h1 is not None
    assert page.h1.get_text() == "Оплату погоджено"
    assert "Він може зробити це до" in page.get_text()
    refresh = page.select_one("meta[http-equiv=refresh]")
    assert refresh is not None
    assert refresh["content"] == "5;url=http://shop.example/return?order=1"

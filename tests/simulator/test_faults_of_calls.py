"""Each call of the plugin's client, met by each thing that can go wrong with it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
import requests

from tests.simulator.shop import ORDER_ID, client_of, to_pay
from wagtail_payparts.bank import PayPartsClient
from wagtail_payparts.exceptions import BadAnswer, BankError, BankRefused, BankUnreachable
from wagtail_payparts.simulator import Simulator, run_simulator
from wagtail_payparts.simulator.faults import KINDS, ROAD_FAULTS, SIGNED_FAULTS


HELD, PAID = "HELD", "PAID"


def token(simulator: Simulator) -> str:
    return simulator.payment(PAID).token


CALLS: dict[str, Callable[[PayPartsClient, Simulator], Any]] = {
    "create": lambda client, bank: client.create(to_pay()),
    "hold": lambda client, bank: client.hold(to_pay()),
    "state": lambda client, bank: client.state(PAID),
    "confirm": lambda client, bank: client.confirm(HELD),
    "cancel": lambda client, bank: client.cancel(HELD),
    "decline": lambda client, bank: client.decline(PAID, Decimal("100.00")),
    "description": lambda client, bank: client.describe(PAID, "кава"),
    "qr": lambda client, bank: client.qr(token(bank), Decimal("1000.00")),
}
SIGNED = [call for call in CALLS if call != "qr"]
ACTING = [call for call in SIGNED if call != "state"]
# Whose signature is asked for before anything is believed.
CHECKED = ["create", "hold", "state"]
NOTHING_DONE = {
    "http_500": BadAnswer,
    "html": BadAnswer,
    "list": BadAnswer,
    "unreachable": BankUnreachable,
    "reset": BankUnreachable,
    "timeout_before": BankUnreachable,
    "fail_unverified": BankRefused,
    "fail_verified": BankRefused,
}
DONE = {
    "http_502_after": BadAnswer,
    "reset_after": BankUnreachable,
    "timeout_after": BankUnreachable,
}


@pytest.fixture
def simulator() -> Any:
    """A bank with a payment that is held and one that is paid."""
    with run_simulator() as running:
        client = client_of(running)
        client.hold(to_pay(HELD))
        client.create(to_pay(PAID))
        running.pay(HELD)
        running.pay(PAID)
        yield running


def books(simulator: Simulator) -> list[Any]:
    return [(payment, simulator.acts(payment.token)) for payment in simulator.payments()]


def spoil(simulator: Simulator, kind: str, call: str, **options: Any) -> None:
    simulator.fault(kind, endpoint=call, **{"seconds": 0.0} | options)


@pytest.mark.parametrize(
    ("call", "kind"), [(call, kind) for call in CALLS for kind in NOTHING_DONE if kind in KINDS[call]]
)
def test_the_call_fails_and_the_bank_has_done_nothing(
    simulator: Simulator, client: PayPartsClient, call: str, kind: str
) -> None:
    before = books(simulator)
    spoil(simulator, kind, call)
    with pytest.raises(BankError) as failure:
        CALLS[call](client, simulator)
    assert type(failure.value) is NOTHING_DONE[kind]
    if isinstance(failure.value, BankRefused):
        assert failure.value.verified is (kind == "fail_verified")
    assert books(simulator) == before
    CALLS[call](client, simulator)


@pytest.mark.parametrize("call", ACTING)
@pytest.mark.parametrize("kind", DONE)
def test_the_call_fails_but_the_bank_has_acted(
    simulator: Simulator, client: PayPartsClient, call: str, kind: str
) -> None:
    before = books(simulator)
    spoil(simulator, kind, call)
    with pytest.raises(BankError) as failure:
        CALLS[call](client, simulator)
    assert type(failure.value) is DONE[kind]
    after = books(simulator)
    assert len(sum((acts for _, acts in after), [])) == len(sum((acts for _, acts in before), [])) + 1


@pytest.mark.parametrize("call", SIGNED)
def test_a_wrong_signature_is_noticed_where_one_is_needed(
    simulator: Simulator, client: PayPartsClient, call: str
) -> None:
    spoil(simulator, "forged", call)
    if call in CHECKED:
        with pytest.raises(BadAnswer):
            CALLS[call](client, simulator)
    else:
        assert CALLS[call](client, simulator).verified is False


@pytest.mark.parametrize("call", SIGNED)
def test_a_reply_about_another_order_is_not_believed(simulator: Simulator, client: PayPartsClient, call: str) -> None:
    spoil(simulator, "other_order", call)
    if call == "description":  # its reply names no order: only the signature tells
        assert CALLS[call](client, simulator).verified is False
    else:
        with pytest.raises(BadAnswer):
            CALLS[call](client, simulator)


@pytest.mark.parametrize("call", CALLS)
def test_a_reply_that_trickles_in_arrives_whole(simulator: Simulator, client: PayPartsClient, call: str) -> None:
    spoil(simulator, "slow", call, seconds=0.1)
    started = time.monotonic()
    CALLS[call](client, simulator)
    assert time.monotonic() - started >= 0.1


@pytest.mark.parametrize("call", CALLS)
def test_a_reply_that_trickles_for_too_long_is_no_reply(simulator: Simulator, call: str) -> None:
    spoil(simulator, "slow", call, seconds=30)
    with pytest.raises(BankUnreachable):
        CALLS[call](client_of(simulator, timeout=0.3), simulator)


@pytest.mark.parametrize("call", ["decline", "confirm"])
def test_a_reply_that_is_lost_on_time_out(simulator: Simulator, call: str) -> None:
    spoil(simulator, "timeout_after", call, seconds=30)
    with pytest.raises(BankUnreachable):
        CALLS[call](client_of(simulator, timeout=0.3), simulator)
    assert simulator.acts(HELD if call == "confirm" else PAID)[-1].by == "shop"


def test_a_reset_is_one_and_not_a_polite_end(simulator: Simulator, client: PayPartsClient) -> None:
    spoil(simulator, "reset", "state")
    with pytest.raises(BankUnreachable) as failure:
        client.state(PAID)
    causes = []
    cause: BaseException | None = failure.value
    while cause is not None:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    # http.client's RemoteDisconnected, a polite end, is a subclass of it.
    assert any(type(cause) is ConnectionResetError for cause in causes)


def test_any_call_may_be_met(simulator: Simulator, client: PayPartsClient) -> None:
    simulator.fault("html", endpoint="any", times=None)
    for call in CALLS.values():
        with pytest.raises(BadAnswer):
            call(client, simulator)
    simulator.clear_faults()
    simulator.fault("html", endpoint="any", order_id=PAID)
    with pytest.raises(BadAnswer):
        client.state(PAID)
    assert client.state(PAID).payment_state == "SUCCESS"


def test_no_callback_is_any_call(simulator: Simulator, client: PayPartsClient) -> None:
    client.create(to_pay(response_url="http://127.0.0.1:9/callback"))
    simulator.fault("html", endpoint="any")
    simulator.pay(ORDER_ID)
    simulator.deliver_callbacks()
    assert [attempt.note for attempt in simulator.attempts(ORDER_ID)] == [""]
    with pytest.raises(BadAnswer):
        client.state(ORDER_ID)


@pytest.mark.parametrize("call", ["create", "state"])
def test_a_fault_of_another_call_is_left_for_it(simulator: Simulator, client: PayPartsClient, call: str) -> None:
    spoil(simulator, "list", "decline")
    CALLS[call](client, simulator)
    with pytest.raises(BadAnswer):
        CALLS["decline"](client, simulator)


def strikes(seed: int, order_ids: list[str]) -> list[list[bool]]:
    with run_simulator(seed=seed) as simulator:
        client = client_of(simulator)
        for order_id in order_ids:
            client.create(to_pay(order_id))
        simulator.fault("list", endpoint="state", times=None, chance=0.5)

        def is_struck(order_id: str) -> bool:
            try:
                client.state(order_id)
            except BadAnswer:
                return True
            return False

        struck = {order_id: [is_struck(order_id) for _ in range(8)] for order_id in order_ids}
    return [struck[order_id] for order_id in sorted(struck)]


def test_chance_follows_the_seed_and_not_the_order_of_payments() -> None:
    first, again, other = strikes(1, ["A", "B", "C"]), strikes(1, ["C", "A", "B"]), strikes(2, ["A", "B", "C"])
    assert first == again
    assert first != other
    assert 0 < sum(map(sum, first)) < 24


def test_it_is_known_how_often_each_fault_has_struck(simulator: Simulator) -> None:
    simulator.fault("html", endpoint="any", times=2)
    simulator.fault("list", endpoint="state", chance=0.000001, times=None)
    for _call in range(3):
        with suppress(BankError):
            client_of(simulator).state(PAID)
    assert simulator.faults_struck() == {("state", "html"): 2}


@pytest.mark.parametrize("chance", [0, -1, 1.1])
def test_a_chance_is_a_share(simulator: Simulator, chance: float) -> None:
    with pytest.raises(ValueError, match="chance"):
        simulator.fault("list", endpoint="state", chance=chance)


def test_the_calls_that_are_asked_for_are_those_that_can_be_spoilt(simulator: Simulator) -> None:
    assert set(CALLS) == set(KINDS) - {"terms", "recipient", "callback", "any"}
    assert set(NOTHING_DONE) | set(DONE) | {"slow", "forged", "other_order"} == set(SIGNED_FAULTS)
    assert set(KINDS["any"]) == set(ROAD_FAULTS)


def test_statements_are_spoilt_too(simulator: Simulator) -> None:
    simulator.fault("fail_unverified", endpoint="terms")
    address = simulator.api_url.replace("v2/", "terms/get/list")
    reply = requests.post(address, json={}, headers={"Accept": "application/json"}, timeout=5).json()
    assert reply["state"] == "FAIL"
    assert "недоступний" in reply["message"]


def test_an_order_in_the_making_is_met_by_its_id(simulator: Simulator, client: PayPartsClient) -> None:
    simulator.fault("timeout_after", endpoint="create", order_id=ORDER_ID, seconds=0)
    client.create(to_pay("ANOTHER"))
    with pytest.raises(BankUnreachable):
        client.create(to_pay())
    assert client.state(ORDER_ID).payment_state == "CREATED"

"""Whatever happens, in whatever order: checkout, callbacks, answers, staff, deaths of processes, and time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, ClassVar

import hypothesis
import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import connection
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.clock import clock_by_hand
from tests.factories import make_order
from tests.services.laws import Laws, check_at_rest
from tests.services.world import LONGEST_DAYS, PART, PRICE, STORES, Answer, World, empty_the_ledger
from wagtail_payparts.simulator import Simulator, run_simulator
from wagtail_payparts.simulator.faults import SIGNED_FAULTS, STATE_FAULTS


WORDS = ("CREATED", "CLIENT_WAIT", "OTP_WAITING", "PP_CREATION", "LOCKED", "SUCCESS", "CANCELED", "FAIL", "REJECTED")
#: The bank's decisions more often than its steps.
words = st.sampled_from([*WORDS, "WAIT_LIQPAY", *("LOCKED", "CANCELED") * 3, *["SUCCESS"] * 6])
#: Two of three go well.
_KINDS = sorted(SIGNED_FAULTS.keys() - {"slow"})
faults = st.sampled_from([*(None,) * 2 * len(_KINDS), *_KINDS])
state_faults = st.sampled_from([*(None,) * 2 * len(_KINDS), *_KINDS, *sorted(STATE_FAULTS)])
ORDERS = ("", "OURS", "OURS", "#17")
#: Store ids and passwords, in the order of ``STORES``.
STORE_KEYS = {
    "5E1F0A4D2B7C49E3A816": "8d3f5c1e0b7a4962a1c4e6f80d2b9573",
    "9B2D7C40E1F84A6D93C5": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
}


class Shop(RuleBasedStateMachine):
    """Two stores, an order of ours and one of the shop's own, which several payments may be attempts at."""

    bank: ClassVar[Simulator]
    order_ids = Bundle("order_ids")
    answers = Bundle("answers")

    def __init__(self) -> None:
        super().__init__()
        self._open = ExitStack()
        clock = self._open.enter_context(clock_by_hand())
        self._open.callback(empty_the_ledger)
        self.world = World(self.bank, clock)
        self._open.enter_context(self.world.shop_listens())
        self.laws = Laws(self.world)
        cache.clear()
        make_order(number="OURS", amount=PRICE, lines=[])

    @initialize(
        shown=st.sampled_from(["list", "texts", "one", "total", "odd", "nothing"]),
        state=st.sampled_from(["SUCCESS", "RETURNED", "CANCELED"]),
        amount=st.sampled_from(["paid", "rest"]),
        signature=st.sampled_from(["documented", "outcome"]),
    )
    def the_bank_has_habits(self, shown: str, state: str, amount: str, signature: str) -> None:
        self.bank.set_habits(
            refunds_shown=shown, state_after_refund=state, amount_after_refund=amount, action_signature=signature
        )

    @initialize(target=order_ids, hold=st.booleans(), of=st.sampled_from(ORDERS), first=words, second=words | st.none())
    def a_buyer_pressed_twice(self, hold: bool, of: str, first: str, second: str | None) -> Any:
        """So that an example need not find out first that there must be payments, and that they end."""
        started = [self.world.new_order_id() for _press in range(2)]
        for order_id, word in zip(started, (first, second), strict=True):
            self.world.start(order_id, store="default", hold=hold, of=of, fault=None)
            if word:
                self.world.says(order_id, word)
                self.world.ask(order_id, fault=None)
        return multiple(*started)

    # Few rules, each of which does much: Hypothesis leaves out half of them from each example.

    @rule(target=order_ids, store=st.sampled_from(STORES), hold=st.booleans(), of=st.sampled_from(ORDERS), fault=faults)
    def a_payment_is_started(self, store: str, hold: bool, of: str, fault: str | None) -> str:
        order_id = self.world.new_order_id()
        self.world.start(order_id, store=store, hold=hold, of=of, fault=fault)
        return order_id

    @rule(target=order_ids, old=order_ids, elsewhere=st.booleans(), hold=st.booleans(), of=st.sampled_from(ORDERS))
    def an_order_id_is_used_again(self, old: str, elsewhere: bool, hold: bool, of: str) -> str:
        """By the shop, or first by somebody else with the same store."""
        if elsewhere:
            old = self.world.new_order_id()
            self.world.make_elsewhere(old)
        else:
            self.world.start(old, store=self.world.store_of(old), hold=hold, of=of, fault=None)
        return old

    @rule(order_id=order_ids, word=words, decides=st.booleans(), rings=st.booleans(), asked=st.booleans())
    def the_bank_says(self, order_id: str, word: str, decides: bool, rings: bool, asked: bool) -> None:
        """It may keep what it has decided to itself, and ring with a lie."""
        if decides or not rings:
            self.world.says(order_id, word)
        if rings:
            self.world.rings(order_id, word)
        if asked:
            self.world.ask(order_id, fault=None)

    @rule(order_id=order_ids, amount=st.sampled_from([None, PART]), asked=st.booleans())
    def the_bank_gives_money_back(self, order_id: str, amount: Any, asked: bool) -> None:
        self.world.gives_back(order_id, amount)
        if asked:
            self.world.ask(order_id, fault=None)

    @rule(target=answers, order_id=order_ids, word=words | st.none(), fault=state_faults, later=st.booleans())
    def somebody_asks(self, order_id: str, word: str | None, fault: str | None, later: bool) -> Any:
        """And may be held up before the answer is written down."""
        if word:
            self.world.says(order_id, word)
        if not later:
            self.world.ask(order_id, fault=fault)
        answer = self.world.ask_slowly(order_id, fault=fault) if later else None
        return multiple() if answer is None else answer

    @rule(answer=consumes(answers))
    def an_old_answer_is_written_down(self, answer: Answer) -> None:
        self.world.write_down(answer)

    @rule(
        order_id=order_ids,
        refund=st.booleans(),
        amount=st.sampled_from([None, PART]),
        confirm=st.booleans(),
        fault=faults,
        then=state_faults,
    )
    def staff_act(
        self, order_id: str, refund: bool, amount: Any, confirm: bool, fault: str | None, then: str | None
    ) -> None:
        """What the state of the payment allows; now and then what it does not."""
        if self.world.is_held(order_id) or not refund:
            self.world.confirm_or_cancel(order_id, confirm=confirm, fault=fault, then=then)
        else:
            self.world.refund(order_id, amount, fault=fault, then=then)

    @rule(
        order_id=order_ids,
        what=st.sampled_from(["attention", "attention", "refund", "signals"]),
        yes=st.booleans(),
        which=st.integers(0, 3),
    )
    def staff_decide(self, order_id: str, what: str, yes: bool, which: int) -> None:
        if what == "attention":
            self.world.decide(order_id, accept=yes, which=which)
        elif what == "refund":
            self.world.settle(order_id, was_made=yes)
        else:
            self.world.deliver_again(order_id)

    @rule(failures=st.integers(0, 15), statements=st.integers(1, 60) | st.none())
    def trouble_begins(self, failures: int, statements: int | None) -> None:
        """Of the shop's receiver that fails, and of the next process that dies."""
        self.world.failures, self.world.statements = failures, statements

    @rule(seconds=st.sampled_from([0, 31, 200, 700, 2000, 8000, 90_000, 260_000]))
    def time_passes_and_the_poller_runs(self, seconds: int) -> None:
        if self.world.days_gone < LONGEST_DAYS:
            self.world.wait(seconds=seconds)
        self.world.run_poller()

    @invariant()
    def the_ledger_is_right(self) -> None:
        self.laws.check()

    def teardown(self) -> None:
        with self._open:
            if sys.exc_info()[0] is None:
                self.world.calm_down()
                self.laws.check()
                check_at_rest(self.world)


@pytest.fixture(scope="module")
def everything() -> Iterator[Simulator]:
    """The bank of all examples; their order ids keep them apart."""
    with run_simulator(stores=STORE_KEYS) as simulator:
        yield simulator


@pytest.fixture
def shop(everything: Simulator, settings: Any, transactional_db: None) -> type[Shop]:
    settings.PAYPARTS_BASE_URL = "http://testserver"
    # An example has to go the same way each time.
    settings.PAYPARTS_SYNC_CONCURRENCY = 1
    settings.PAYPARTS_STORES = {
        alias: {"STORE_ID": store_id, "PASSWORD": password, "API_URL": everything.api_url, "PARTIAL_REFUNDS": True}
        for alias, (store_id, password) in zip(STORES, STORE_KEYS.items(), strict=True)
    }
    get_user_model().objects.create_superuser("boss")
    Shop.bank = everything
    return Shop


def _run(shop: type[Shop], **how: Any) -> None:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        shop, settings=hypothesis.settings(deadline=None, database=None, suppress_health_check=checks, **how)
    )


def test_the_ledger_is_right_whatever_happens(shop: type[Shop]) -> None:
    _run(shop, max_examples=15, stateful_step_count=30, derandomize=True)


@pytest.mark.exhaustive
@pytest.mark.skipif(
    connection.vendor != "sqlite",
    reason="the long run is made on SQLite; what databases do differently is up to the races",
)
def test_the_ledger_is_right_whatever_happens_for_long(shop: type[Shop]) -> None:
    # The same examples each time: what a change breaks is told from what was never right.
    _run(shop, max_examples=50, stateful_step_count=35, derandomize=True)

"""The bank's books: what a shop may compare its own with."""

from __future__ import annotations

import sqlite3
import threading
import time
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from tests.simulator.shop import ORDER_ID, client_of, to_pay
from wagtail_payparts.bank import PayPartsClient
from wagtail_payparts.exceptions import BankUnreachable
from wagtail_payparts.simulator import Simulator, run_simulator
from wagtail_payparts.simulator.later import Later
from wagtail_payparts.simulator.ledger import Ledger
from wagtail_payparts.simulator.records import NewPayment


#: The tables as they were before there were holds and refunds.
OLD_BOOKS = """
CREATE TABLE payment (
    id INTEGER PRIMARY KEY,
    store_id TEXT NOT NULL, order_id TEXT NOT NULL, token TEXT NOT NULL UNIQUE,
    kopecks INTEGER NOT NULL, parts_count INTEGER NOT NULL, merchant_type TEXT NOT NULL,
    lines TEXT NOT NULL, response_url TEXT NOT NULL, redirect_url TEXT NOT NULL,
    state TEXT NOT NULL, message TEXT NOT NULL DEFAULT '', card TEXT NOT NULL DEFAULT '',
    decide_at REAL, created_at REAL NOT NULL,
    UNIQUE (store_id, order_id)
);
CREATE TABLE step (
    payment_id INTEGER NOT NULL REFERENCES payment,
    state TEXT NOT NULL, message TEXT NOT NULL, at REAL NOT NULL
);
CREATE TABLE attempt (
    payment_id INTEGER NOT NULL REFERENCES payment,
    state TEXT NOT NULL, note TEXT NOT NULL, at REAL NOT NULL, http_status INTEGER, answer TEXT NOT NULL
);
INSERT INTO payment VALUES (1, '{store}', '{order}', 'TOKEN', 100000, 3, 'PP', '[["Кава", 1, 100000]]', '', '',
    'PP_CREATION', '', '0000111122223333', 5.0, 1.0);
INSERT INTO step VALUES (1, 'CREATED', '', 1.0), (1, 'PP_CREATION', '', 2.0);
"""


def test_every_act_is_written_down_with_who_and_when(simulator: Simulator, client: PayPartsClient) -> None:
    began = datetime.now(timezone.utc)
    client.hold(to_pay())
    simulator.pay(ORDER_ID)
    client.confirm(ORDER_ID)
    client.describe(ORDER_ID, "кава")
    client.decline(ORDER_ID, Decimal("100.00"))
    simulator.refund(ORDER_ID)
    acts = simulator.acts(ORDER_ID)
    assert [(act.by, act.name, act.state, act.amount) for act in acts] == [
        ("shop", "hold", "CREATED", None),
        ("customer", "open", "CLIENT_WAIT", None),
        ("customer", "card", "OTP_WAITING", None),
        ("customer", "code", "PP_CREATION", None),
        ("bank", "decision", "LOCKED", None),
        ("shop", "confirm", "SUCCESS", None),
        ("shop", "description", "SUCCESS", None),
        ("shop", "refund", "SUCCESS", Decimal("100.00")),
        ("cabinet", "refund", "SUCCESS", Decimal("900.00")),
    ]
    moments = [began, *(act.at for act in acts), datetime.now(timezone.utc) + timedelta(seconds=1)]
    assert moments == sorted(moments)
    [payment] = simulator.payments()
    assert (payment.state, payment.amount, payment.refunded) == ("SUCCESS", Decimal(1000), Decimal(1000))
    assert [step.name for step in simulator.steps(ORDER_ID)] == [act.name for act in acts[:6]]


def test_what_is_refused_is_no_act(simulator: Simulator, client: PayPartsClient) -> None:
    client.create(to_pay())
    simulator.fault("unreachable", endpoint="decline")
    with pytest.raises(BankUnreachable):
        client.decline(ORDER_ID, Decimal("1.00"))
    assert [act.name for act in simulator.acts(ORDER_ID)] == ["create"]


def test_acts_outlive_the_bank(tmp_path: Path) -> None:
    books = tmp_path / "bank.sqlite3"
    with run_simulator(db=books) as simulator:
        client_of(simulator).hold(to_pay())
        simulator.pay(ORDER_ID)
        simulator.confirm(ORDER_ID)
        simulator.refund(ORDER_ID, 1)
        written = simulator.payments(), simulator.acts(ORDER_ID)
    with run_simulator(db=books) as simulator:
        assert (simulator.payments(), simulator.acts(ORDER_ID)) == written


def test_books_of_before_holds_and_refunds_are_taken_up(tmp_path: Path) -> None:
    books = tmp_path / "bank.sqlite3"
    with sqlite3.connect(books) as old:
        old.executescript(OLD_BOOKS.format(store="4AAD1369CF734B64B70F", order=ORDER_ID))
    old.close()
    for _ in range(2):
        with run_simulator(db=books) as simulator:
            # The decision was due long ago.
            payment = simulator.payment(ORDER_ID)
            assert (payment.state, payment.hold, payment.refunded) == ("SUCCESS", False, 0)
            assert [step.state for step in simulator.steps(ORDER_ID)] == ["CREATED", "PP_CREATION", "SUCCESS"]
    with run_simulator(db=books) as simulator:
        assert simulator.refund(ORDER_ID).refunded == 1000


def test_no_more_goes_back_than_was_paid_whatever_the_code_does() -> None:
    ledger = Ledger()
    paid = ledger.add(
        NewPayment(
            store_id="S",
            order_id=ORDER_ID,
            kopecks=1000_00,
            parts_count=2,
            merchant_type="PP",
            lines=(),
            response_url="",
            redirect_url="",
        ),
        by="shop",
        act="create",
    )
    with pytest.raises(sqlite3.IntegrityError):
        ledger.refund(paid, 1000_01, by="shop")
    assert ledger.get(paid.id).refunded_kopecks == 0
    assert ledger.refunds(paid) == []
    ledger.close()


def test_later_runs_jobs_in_their_order_and_forgets_them_when_stopped() -> None:
    later = Later()
    done: list[str] = []
    late, soon = threading.Event(), threading.Event()
    later.call(0.05, lambda: (done.append("late"), late.set()))
    later.call(0, lambda: (done.append("soon"), soon.set()))
    later.call(60, lambda: done.append("never"), awaited=False)
    later.wait_idle(5)
    assert done == ["soon", "late"]
    later.stop()
    later.call(0, lambda: done.append("after"))
    later.wait_idle(1)
    assert done == ["soon", "late"]


def test_a_job_that_fails_does_not_keep_later_waiting() -> None:
    failed: list[threading.ExceptHookArgs] = []
    hook, threading.excepthook = threading.excepthook, failed.append
    later = Later()
    try:
        later.call(0, lambda: 1 / 0)
        later.wait_idle(5)
        later.stop()
    finally:
        threading.excepthook = hook
    assert [one.exc_type for one in failed] == [ZeroDivisionError]


def test_thousands_may_wait_without_a_thread_each() -> None:
    later = Later()
    before = threading.active_count()
    for _ in range(5000):
        later.call(60, lambda: None, awaited=False)
    assert threading.active_count() <= before + 1
    started = time.monotonic()
    later.stop()
    assert time.monotonic() - started < 5


def test_waiting_for_a_state_has_an_end(simulator: Simulator, client: PayPartsClient) -> None:
    client.create(to_pay())
    assert simulator.wait_for(ORDER_ID, "CREATED").order_id == ORDER_ID
    with pytest.raises(TimeoutError, match="CREATED"):
        simulator.wait_for(ORDER_ID, "SUCCESS", timeout=0.01)

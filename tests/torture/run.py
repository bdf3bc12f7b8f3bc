"""One run: the bank and its world in this process, the shop in others, and the verdict."""

from __future__ import annotations

import json
import logging
import random
import secrets
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tests.torture.agenda import Agenda
from tests.torture.buyers import World
from tests.torture.crew import Crew, Nursery
from tests.torture.plan import BROKEN, HOLD_SECONDS, Plan
from tests.torture.weather import Outages, choose_habits, order_faults
from wagtail_payparts.simulator import Simulator, run_simulator
from wagtail_payparts.simulator.habits import Habits
from wagtail_payparts.simulator.records import SHOP
from wagtail_payparts.simulator.refunds import told_state


logger = logging.getLogger(__name__)


#: No further buyer comes while the world is so many seconds late, or so many questions to the bank are.
MOST_LAG, MOST_OVERDUE, LOOK_EVERY = 0.5, 60, 4


@dataclass(frozen=True, kw_only=True)
class Options:
    """``rate``: buyers a second, at most. ``pace``: a factor of all times of a payment's life. ``kill_every``: seconds
    between two kills, on average. ``patience``: how many seconds after the last buyer all must be over.
    ``first``: whether the database is to be made, or emptied.
    """

    buyers: int
    seed: int
    database: str
    directory: Path
    rate: float = 12
    pace: float = 1
    crew: Mapping[str, int] = field(default_factory=lambda: {"web": 3, "poller": 3, "staff": 2})
    kill_every: float = 2
    death_chance: float = 0.00003
    receiver_fails: float = 0.04
    patience: float = 600
    workers: int = 12
    log_level: str = "INFO"
    first: Literal["", "create", "empty"] = ""


@dataclass
class Report:
    """What happened, and what should not have: ``differences`` is empty after a good run."""

    seed: int
    habits: dict[str, str]
    buyers: int
    payments: int = 0
    seconds: float = 0
    tail_seconds: float = 0
    latest_seconds: float = 0
    faults: dict[str, int] = field(default_factory=dict)
    world: dict[str, int] = field(default_factory=dict)
    kills: dict[str, int] = field(default_factory=dict)
    counts: dict[str, Any] = field(default_factory=dict)
    differences: list[tuple[str, str]] = field(default_factory=list)
    histories: dict[str, list[str]] = field(default_factory=dict)


def run(options: Options) -> Report:
    """Torture the shop once. Its databases must be PostgreSQL, MariaDB or an SQLite file."""
    started = time.monotonic()
    dice = random.Random(f"{options.seed} run")
    habits = choose_habits(dice)
    options.directory.mkdir(parents=True, exist_ok=True)
    (options.directory / BROKEN).touch()
    store_id, password = f"{dice.getrandbits(80):020X}", f"{dice.getrandbits(128):032x}"
    report = Report(options.seed, habits, options.buyers)
    with (
        reserved_port() as port,
        run_simulator(
            stores={store_id: password},
            delay=0.3,
            action_delay=0.2,
            hold_seconds=HOLD_SECONDS * options.pace,
            callbacks="send",
            habits=habits,
            seed=options.seed,
        ) as bank,
    ):
        plan = Plan(
            seed=options.seed,
            directory=str(options.directory),
            database=options.database,
            store_id=store_id,
            password=password,
            previous_password=secrets.token_hex(16),
            api_url=bank.api_url,
            redirect_url=bank.redirect_url,
            port=port,
            pace=options.pace,
            death_chance=options.death_chance,
            receiver_fails=options.receiver_fails,
            log_level=options.log_level,
        )
        nursery = Nursery(plan)
        try:
            _storm(options, plan, bank, nursery, dice, report)
        finally:
            nursery.end()
    report.seconds = time.monotonic() - started
    return report


def _storm(
    options: Options, plan: Plan, bank: Simulator, nursery: Nursery, dice: random.Random, report: Report
) -> None:
    crew = Crew(nursery, plan, options.crew)
    if options.first:
        crew.send(options.first)
    agenda = Agenda(options.workers)
    world = World(
        bank=bank,
        agenda=agenda,
        port=plan.port,
        offers=tuple(crew.ask("prepare")),
        seed=options.seed,
        pace=options.pace,
    )
    order_faults(bank, options.pace)
    crew.go_to_work()
    _await_web(plan.port)
    killer = Killer(crew, random.Random(f"{options.seed} kills"), options.kill_every)
    outages = Outages(bank, random.Random(f"{options.seed} outages"), options.pace)
    killer.start()
    outages.start()
    _send_buyers(options, crew, agenda, world)
    while agenda.left:
        time.sleep(0.5)
    bank.wait_idle(60)
    last = time.monotonic()
    deadline = last + options.patience
    _await_silence(crew, deadline, options.pace)
    for thread in (killer, outages):
        if not thread.is_alive():
            report.differences.append(("", f"{type(thread).__name__} gave up before the end"))
        thread.end()
    bank.clear_faults()
    (plan.path / BROKEN).unlink()
    books = plan.path / "books.json"
    _write_books(bank, report.habits, books)
    crew.send("clear", books)
    _await_silence(crew, deadline + 60, options.pace)
    report.tail_seconds = time.monotonic() - last
    crew.stop()
    _write_books(bank, report.habits, books)
    verdict = crew.ask("judge", books)
    crew.send("tidy")
    agenda.end()
    report.latest_seconds = agenda.latest
    report.faults = {f"{call}: {kind}": count for (call, kind), count in sorted(bank.faults_struck().items())}
    report.faults["the bank was down"] = outages.count
    report.world = dict(world.seen)
    report.kills = dict(crew.deaths)
    report.counts = verdict["counts"]
    report.payments = sum(report.counts["states"].values())
    report.differences += [(order_id, what) for order_id, what in verdict["differences"]]
    report.differences += [("", what) for what in crew.unexpected]
    report.differences += [("", f"the world: {what} ({count})") for what, count in agenda.surprises.items()]
    report.differences += [("", f"HTTP 500 for {what}") for what in _failures_of_callbacks(bank)]
    if report.world.get("HTTP 500"):
        report.differences.append(("", f"HTTP 500 for {report.world['HTTP 500']} presses"))
    for order_id, _ in report.differences[:50]:
        if order_id in verdict["events"]:
            report.histories[order_id] = [*verdict["events"][order_id], *_bank_history(bank, order_id)]


class Killer(threading.Thread):
    """Kills a process every now and then."""

    def __init__(self, crew: Crew, dice: random.Random, every: float) -> None:
        super().__init__(daemon=True)
        self._crew = crew
        self._dice = dice
        self._every = every
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(self._dice.expovariate(1 / self._every)):
            self._crew.kill_one(self._dice)

    def end(self) -> None:
        self._over.set()
        self.join()


@contextmanager
def reserved_port() -> Iterator[int]:
    """A port that the web processes share, and that is nobody else's while they are dead."""
    with socket.socket() as placeholder:
        placeholder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        placeholder.bind(("127.0.0.1", 0))
        yield placeholder.getsockname()[1]


def _send_buyers(options: Options, crew: Crew, agenda: Agenda, world: World) -> None:
    """As many a second as they should be, or as this machine can serve: what is late by its fault proves nothing."""
    looked_at = time.monotonic()
    for number in range(1, options.buyers + 1):
        agenda.at(0, lambda number=number: world.send_buyer(number))  # type: ignore[misc]
        time.sleep(1 / options.rate)
        while agenda.lag > MOST_LAG * options.pace:
            time.sleep(0.1)
        if time.monotonic() - looked_at > LOOK_EVERY * options.pace:
            while crew.ask("waits")["overdue"] > MOST_OVERDUE:
                time.sleep(LOOK_EVERY * options.pace)
            looked_at = time.monotonic()


def _await_web(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if time.monotonic() > deadline:
            raise TimeoutError("no web process answers")
        time.sleep(0.1)


def _await_silence(crew: Crew, deadline: float, pace: float) -> None:
    """Until nothing waits any more, or for as long as there is patience; the judge then says what still does."""
    while time.monotonic() < deadline:
        waits = crew.ask("waits")
        if not any(waits.values()):
            return
        logger.info("waiting: %s", waits)
        time.sleep(2 * pace)


def _write_books(bank: Simulator, habits: Mapping[str, str], path: Path) -> None:
    """``state`` is what the books hold, ``says`` the word that the bank has for it."""
    chosen = Habits(habits)
    books = {
        payment.order_id: {
            "state": payment.state,
            "says": told_state(payment, chosen),
            "amount": str(payment.amount),
            "refunded": str(payment.refunded),
            "refunds_by_shop": [f"{one.amount:.2f}" for one in bank.refunds(payment.order_id) if one.by == SHOP],
            "token": payment.token,
        }
        for payment in bank.payments()
    }
    path.write_text(json.dumps(books))


def _failures_of_callbacks(bank: Simulator) -> Iterator[str]:
    for payment in bank.payments():
        for attempt in bank.attempts(payment.order_id):
            if (attempt.http_status or 0) >= 500:
                yield f"a callback of {payment.order_id} ({attempt.http_status})"


def _bank_history(bank: Simulator, order_id: str) -> list[str]:
    with suppress(LookupError):
        acts = [
            f"bank {act.at:%H:%M:%S.%f} {act.by} {act.name} {act.state} {act.amount or ''}"
            for act in bank.acts(order_id)
        ]
        attempts = [
            f"callback {one.at:%H:%M:%S.%f} {one.state} {one.note} {one.http_status}" for one in bank.attempts(order_id)
        ]
        return acts + attempts
    return []

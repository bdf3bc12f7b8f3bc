"""Several questions at once, by threads and by processes, stopped and killed: no payment is asked about twice."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.backends.signals import connection_created
from django.utils import timezone

from tests.factories import make_payment
from tests.owing import connected, owe
from tests.sources import ROOT
from tests.together import times, together
from wagtail_payparts.bank import PayPartsClient
from wagtail_payparts.models import Payment, SignalDelivery
from wagtail_payparts.services import start_payment, sync_payment
from wagtail_payparts.services.sync import Poller, poll_due
from wagtail_payparts.signals import payment_succeeded
from wagtail_payparts.simulator import Simulator
from wagtail_payparts.states import PaymentState


pytestmark = [
    pytest.mark.threads,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor == "sqlite",
        reason="on SQLite a poller has one thread; the runs on PostgreSQL and MariaDB have several",
    ),
]
PATIENCE = 60


def _due(count: int, bank: Simulator | None = None) -> list[Payment]:
    """Payments that are due; paid at the ``bank``, if it is named."""
    lines = [{"name": "Чайник", "count": 1, "price": 400}]
    started = [
        start_payment(lines=lines, parts_count=2, redirect_url="https://shop.example/") for _number in range(count)
    ]
    for payment in started:
        if bank is not None:
            bank.pay(payment.order_id)
    Payment.objects.filter(pk__in=[payment.pk for payment in started]).update(next_poll_at=timezone.now())
    return started


def _asked(bank: Simulator) -> Counter[str]:
    return Counter(asked.order_id for asked in bank.requests if asked.endpoint == "state")


@pytest.fixture
def around_each_question(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    ask = PayPartsClient.state

    def arrange(happen: Callable[[], Any]) -> None:
        def asked(*args: Any, **kwargs: Any) -> Any:
            happen()
            return ask(*args, **kwargs)

        monkeypatch.setattr(PayPartsClient, "state", asked)

    return arrange


@pytest.fixture
def question_arrives() -> Iterator[threading.Event]:
    """Set as soon as the bank holds back an answer, as it was ordered to."""
    arrived = threading.Event()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage().startswith("fault"):
                arrived.set()

    logger, listener = logging.getLogger("wagtail_payparts.simulator.api"), Listener()
    level = logger.level
    logger.addHandler(listener)
    logger.setLevel(logging.INFO)
    yield arrived
    logger.setLevel(level)
    logger.removeHandler(listener)


@contextmanager
def _poller_process(bank: Simulator, *options: str) -> Iterator[subprocess.Popen[str]]:
    """``manage.py payparts_sync`` of another process, on the database of this test."""
    name = {"postgresql": "PGDATABASE", "mysql": "MARIADB_DATABASE"}[connection.vendor]
    settings = f"from tests.settings import *\nPAYPARTS_API_URL = {bank.api_url!r}\n"
    code = (
        "import sys, types\n"
        "module = types.ModuleType('settings_of_poller')\n"
        f"exec({settings!r}, module.__dict__)\n"
        "sys.modules['settings_of_poller'] = module\n"
        "from django.core.management import execute_from_command_line\n"
        f"execute_from_command_line(['manage.py', 'payparts_sync', *{list(options)!r}])\n"
    )
    environment = os.environ | {
        name: str(connection.settings_dict["NAME"]),
        "DJANGO_SETTINGS_MODULE": "settings_of_poller",
        "PYTHONPATH": str(ROOT),
    }
    command, output = [sys.executable, "-c", code], {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **output)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


# Threads


def test_so_many_questions_are_asked_at_once(
    bank: Simulator, around_each_question: Callable[[Callable[[], Any]], None]
) -> None:
    """None of them goes on before as many are under way."""
    payments = _due(6)
    all_there = threading.Barrier(3)
    around_each_question(lambda: all_there.wait(PATIENCE))
    done = poll_due(concurrency=3)
    assert (done.asked, done.unanswered) == (6, 0)
    assert _asked(bank) == Counter(payment.order_id for payment in payments)


def test_never_more_than_so_many(bank: Simulator, around_each_question: Callable[[Callable[[], Any]], None]) -> None:
    _due(8)
    threads: set[int] = set()
    around_each_question(lambda: threads.add(threading.get_ident()))
    assert poll_due(concurrency=2).asked == 8
    assert len(threads) <= 2


def test_the_setting_says_how_many(bank: Simulator, settings: Any) -> None:
    assert Poller().concurrency == 4
    settings.PAYPARTS_SYNC_CONCURRENCY = 7
    assert Poller().concurrency == 7
    assert Poller(concurrency=2).concurrency == 2


def _connections() -> int:
    views = {
        "postgresql": "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database()",
        "mysql": "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE()",
    }
    with connection.cursor() as cursor:
        cursor.execute(views[connection.vendor])
        return int(cursor.fetchone()[0])


def test_its_threads_close_their_connections(bank: Simulator) -> None:
    _due(8, bank)
    before = _connections()
    assert poll_due(concurrency=4).moved == 8
    # A server may need a moment to notice that a connection was closed.
    for _look in range(1000):
        if _connections() <= before:
            break
    assert _connections() <= before


def test_a_database_that_fails_one_thread_ends_the_pass_and_is_told(bank: Simulator) -> None:
    _due(20)
    failed = threading.Event()

    def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "lock_version" in sql and not failed.is_set():
            failed.set()
            raise OperationalError("the database restarts")
        return execute(sql, params, many, context)

    def spoil(sender: Any, connection: Any, **kwargs: Any) -> None:
        if threading.current_thread().name.startswith("payparts-asker"):
            connection.execute_wrappers.append(fail)

    connection_created.connect(spoil)
    try:
        # One deadlock is tried again, so all of its tries have to fail.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("wagtail_payparts.services.locking.DEADLOCK_TRIES", 1)
            with pytest.raises(OperationalError, match="restarts"):
                poll_due(concurrency=2)
    finally:
        connection_created.disconnect(spoil)
    assert poll_due().unanswered == 0
    assert set(_asked(bank).values()) == {1}


def test_a_slow_receiver_keeps_no_question_waiting(bank: Simulator) -> None:
    """It goes on only when the bank has been asked about everything."""
    payments = _due(5, bank)
    owing = make_payment(state="SUCCESS", settled_at=timezone.now())
    owe(owing)
    all_asked = threading.Event()

    def slow(payment: Payment, **kwargs: Any) -> None:
        assert payment != owing or all_asked.wait(PATIENCE)

    def watch(done: Any) -> None:
        if done.asked == len(payments):
            all_asked.set()

    with connected(payment_succeeded, slow=slow):
        poller = Poller(concurrency=2, watch=watch)
        assert poller.run().asked == 5
        poller.finish()
    assert not SignalDelivery.objects.filter(done_at__isnull=True).exists()


def test_a_receiver_that_hangs_keeps_neither_the_next_pass_nor_the_end_waiting(
    bank: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wagtail_payparts.services.sync.SETTLE", 0.01)
    monkeypatch.setattr("wagtail_payparts.services.sync.PATIENCE", 0)
    owe(make_payment(state="SUCCESS", settled_at=timezone.now()))
    hangs, go_on, left = threading.Event(), threading.Event(), threading.Event()

    def hang(**kwargs: Any) -> None:
        hangs.set()
        go_on.wait(PATIENCE)
        left.set()

    stop = threading.Event()
    with connected(payment_succeeded, hang=hang):
        poller = Poller(concurrency=2, must_stop=stop.is_set)
        poller.run()
        assert hangs.wait(PATIENCE)
        try:
            _due(3)
            assert poller.run().asked == 3
            stop.set()
            poller.finish()
            assert not left.is_set()
        finally:
            go_on.set()
            _wait_for_couriers()


def _wait_for_couriers() -> None:
    for thread in threading.enumerate():
        if thread.name == "payparts-courier":
            thread.join(PATIENCE)


def test_pollers_callbacks_and_visitors_ask_about_each_payment_once(bank: Simulator) -> None:
    payments = _due(24, bank)
    together(
        *times(3, lambda: poll_due(concurrency=4)),
        *(lambda payment=payment: sync_payment(payment, due_only=True) for payment in payments[::6]),  # type: ignore[misc]
    )
    assert _asked(bank) == Counter(payment.order_id for payment in payments)
    assert set(Payment.objects.values_list("state", flat=True)) == {PaymentState.SUCCESS}


# Processes


def test_several_processes_ask_about_each_payment_once(bank: Simulator) -> None:
    payments = _due(40, bank)
    with _poller_process(bank, "--concurrency", "4") as one, _poller_process(bank, "--concurrency", "4") as other:
        printed = [process.communicate(timeout=PATIENCE)[0] for process in (one, other)]
    assert [one.returncode, other.returncode] == [0, 0], printed
    assert _asked(bank) == Counter(payment.order_id for payment in payments)
    assert set(Payment.objects.values_list("state", flat=True)) == {PaymentState.SUCCESS}
    assert not SignalDelivery.objects.filter(done_at__isnull=True).exists()


def test_a_process_that_is_killed_while_asking_leaves_leases_and_nothing_else(
    bank: Simulator, question_arrives: threading.Event
) -> None:
    payments = _due(3, bank)
    bank.fault("timeout_before", endpoint="state", times=None)
    before = Payment.objects.order_by("pk").values()
    as_it_was = [{**row, "poll_leased_until": None, "lock_version": 0} for row in before]
    with _poller_process(bank, "--loop", "--concurrency", "3") as process:
        assert question_arrives.wait(PATIENCE)
        process.kill()
        process.wait(PATIENCE)
    after = list(Payment.objects.order_by("pk").values())
    assert [{**row, "poll_leased_until": None, "lock_version": 0} for row in after] == as_it_was
    assert any(row["poll_leased_until"] for row in after)
    assert not Payment.objects.filter(events__type="poll").exists()
    bank.clear_faults()
    Payment.objects.update(poll_leased_until=timezone.now())
    assert poll_due().moved == len(payments)


@pytest.mark.parametrize("loop", [["--loop", "--pause", "3600"], []])
def test_a_process_that_is_told_to_stop_finishes_its_questions_and_says_what_it_did(
    loop: list[str], bank: Simulator, question_arrives: threading.Event
) -> None:
    _due(5, bank)
    bank.fault("slow", endpoint="state", times=None, seconds=1)
    with _poller_process(bank, "--concurrency", "2", *loop) as process:
        assert question_arrives.wait(PATIENCE)
        process.send_signal(signal.SIGTERM)
        printed = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 0, printed
    asked = sum(_asked(bank).values())
    assert 1 <= asked <= 2
    assert f"asked the bank about {asked} payments" in printed
    assert Payment.objects.filter(state=PaymentState.SUCCESS).count() == asked
    assert not Payment.objects.filter(poll_leased_until__isnull=False).exists()

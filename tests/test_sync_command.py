"""``manage.py payparts_sync``, once by cron and as a process of its own."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.utils import timezone

from tests.factories import make_payment
from tests.together import together
from wagtail_payparts.management.commands.payparts_sync import summary
from wagtail_payparts.models import EventType, Heartbeat, Payment, PaymentEvent
from wagtail_payparts.services import start_payment
from wagtail_payparts.services.sync import Pass, poll_due
from wagtail_payparts.signals import payment_succeeded
from wagtail_payparts.simulator import Simulator
from wagtail_payparts.states import PaymentState


pytestmark = pytest.mark.django_db
#: The loop drops a connection that it finds inside a transaction, such as that of a test.
looping = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run() -> Iterator[Callable[..., str]]:
    """Run the command and return what it printed; the handlers of this process come back afterwards."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    # A loop that does not end by itself fails its test, and does not hold up the others.
    guard = threading.Timer(60, os.kill, (os.getpid(), signal.SIGTERM))
    guard.start()

    def command(**options: Any) -> str:
        out = StringIO()
        call_command("payparts_sync", stdout=out, stderr=out, **options)
        return out.getvalue()

    yield command
    guard.cancel()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def stop_when_paid() -> Iterator[Callable[[int], None]]:
    """A receiver that sends a signal of the operating system to this very process."""

    def arrange(number: int) -> None:
        def receiver(**kwargs: Any) -> None:
            os.kill(os.getpid(), number)

        payment_succeeded.connect(receiver, weak=False, dispatch_uid="tests.stop")

    yield arrange
    payment_succeeded.disconnect(dispatch_uid="tests.stop")


def _due(**changes: Any) -> Payment:
    payment = start_payment(
        lines=[{"name": "Чайник", "count": 1, "price": 400}], parts_count=3, redirect_url="https://shop.example/"
    )
    Payment.objects.filter(pk=payment.pk).update(**{"next_poll_at": timezone.now()} | changes)
    return payment


def test_one_pass_asks_delivers_and_re_sends_and_says_so(bank: Simulator, run: Callable[..., str]) -> None:
    payment = _due()
    bank.pay(payment.order_id)
    left = PaymentEvent.objects.create(type=EventType.CALLBACK, order_id="LEFT-BEHIND", state="SUCCESS")
    PaymentEvent.objects.filter(pk=left.pk).update(created_at=timezone.now() - timedelta(hours=1))
    printed = run()
    assert re.fullmatch(
        r"asked the bank about 1 payments in \d+\.\d s, 1 moved \(1 SUCCESS\), 0 unanswered; delivered for 2; "
        r"re-sent 1 old signals\n",
        printed,
    )
    payment.refresh_from_db()
    assert (payment.state, payment.next_delivery_at) == (PaymentState.SUCCESS, None)
    left.refresh_from_db()
    assert left.announced_at is not None


def test_a_pass_with_nothing_to_do_leaves_a_heartbeat(run: Callable[..., str]) -> None:
    assert "asked the bank about 0 payments" in run()
    assert timezone.now() - Heartbeat.objects.get().beat_at < timedelta(minutes=1)


def test_a_pass_while_the_bank_is_down_ends_well(bank: Simulator, run: Callable[..., str]) -> None:
    payment = _due()
    bank.fault("unreachable", endpoint="state", times=None)
    assert re.search(r"about 1 payments in .* s, 0 moved, 1 unanswered", run())
    payment.refresh_from_db()
    assert (payment.state, payment.poll_failures) == (PaymentState.CREATED, 1)


@looping
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_loop_ends_when_it_is_told_to_and_finishes_the_question_it_is_at(
    number: int, bank: Simulator, run: Callable[..., str]
) -> None:
    for _time in range(2):
        bank.pay(_due().order_id)

    def stop_at_the_first_answer(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "signaldelivery" in sql and sql.startswith("INSERT") and "payment_succeeded" in params:
            os.kill(os.getpid(), number)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(stop_at_the_first_answer):
        printed = run(loop=True, pause=3600, concurrency=1)
    assert printed.splitlines()[0] == "The poller is running; stop it with Ctrl-C."
    assert "asked the bank about 1 payments" in printed
    assert Payment.objects.filter(state=PaymentState.SUCCESS).count() == 1


@looping
def test_the_loop_goes_on_to_its_next_pass_and_is_silent_where_nothing_happens(
    bank: Simulator, run: Callable[..., str], stop_when_paid: Callable[[int], None]
) -> None:
    payment = _due(next_poll_at=timezone.now() + timedelta(days=1))
    bank.pay(payment.order_id)
    stop_when_paid(signal.SIGTERM)
    passes = 0

    def fall_due_at_the_third_pass(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal passes
        if "CASE WHEN" in sql:
            passes += 1
            if passes == 3:
                Payment.objects.filter(pk=payment.pk).update(next_poll_at=payment.created_at)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fall_due_at_the_third_pass):
        printed = run(loop=True, pause=0)
    assert passes >= 3
    assert len(printed.splitlines()) == 2


@looping
def test_the_loop_outlives_a_database_that_goes_away(
    bank: Simulator, run: Callable[..., str], stop_when_paid: Callable[[int], None]
) -> None:
    payment = _due()
    bank.pay(payment.order_id)
    stop_when_paid(signal.SIGTERM)
    failures = iter(["the database restarts", "it still does"])

    def restart(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        failure = next(failures, None)
        if failure:
            raise OperationalError(failure)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(restart):
        printed = run(loop=True, pause=0)
    assert printed.count("The database does not answer (OperationalError); trying again.") == 2
    payment.refresh_from_db()
    assert payment.state == PaymentState.SUCCESS


def test_one_pass_lets_cron_know_of_a_database_that_is_away(run: Callable[..., str]) -> None:
    def away(*args: Any) -> Any:
        raise OperationalError("away")

    with connection.execute_wrapper(away), pytest.raises(OperationalError):
        run()


def test_payments_that_cannot_be_asked_about_do_not_fill_every_pass(bank: Simulator) -> None:
    """Those of a store that lost its settings are always due, and always first."""
    for _time in range(2):
        make_payment(store="gone", next_poll_at=timezone.now() - timedelta(hours=1))
    payment = _due()
    bank.pay(payment.order_id)
    for _time in range(2):
        poll_due(limit=2)
    payment.refresh_from_db()
    assert payment.state == PaymentState.SUCCESS


def test_payments_that_another_worker_asks_about_do_not_fill_a_pass(bank: Simulator) -> None:
    for _time in range(2):
        _due(poll_leased_until=timezone.now() + timedelta(minutes=1), next_poll_at=timezone.now() - timedelta(hours=1))
    payment = _due()
    bank.pay(payment.order_id)
    assert poll_due(limit=2).asked == 1
    payment.refresh_from_db()
    assert payment.state == PaymentState.SUCCESS


def test_no_word_is_said_where_none_is_wanted(bank: Simulator, run: Callable[..., str]) -> None:
    bank.pay(_due().order_id)
    assert run(verbosity=0) == ""


@looping
def test_a_loop_says_no_word_either(
    bank: Simulator, run: Callable[..., str], stop_when_paid: Callable[[int], None]
) -> None:
    bank.pay(_due().order_id)
    stop_when_paid(signal.SIGTERM)
    assert run(loop=True, pause=0, verbosity=0) == ""


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("output", "verbosity"), [(Terminal, 1), (StringIO, 2)])
def test_a_long_pass_says_how_far_it_is(
    output: type[StringIO], verbosity: int, bank: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal within one line, which the summary takes in the end; elsewhere only if it is wanted."""
    for name in ("ON_TERMINAL", "ELSEWHERE"):
        monkeypatch.setattr(f"wagtail_payparts.management.commands.payparts_sync.{name}", 0)
    bank.pay(_due().order_id)
    _due()
    out = output()
    call_command("payparts_sync", stdout=out, verbosity=verbosity)
    told = out.getvalue()
    assert "… 1 asked, 1 moved, 0 unanswered, " in told
    assert told.splitlines()[-1].endswith("re-sent 0 old signals")
    assert told.count("\n") == (1 if output is Terminal else len(told.splitlines()))


def test_a_summary_is_one_line_whatever_happened() -> None:
    done = Pass(
        asked=5,
        unanswered=1,
        failed=2,
        delivered=3,
        states=Counter(SUCCESS=2, FAIL=1),
        silent_hosts={"b.example", "a.example"},
        is_cut_short=True,
        seconds=2.345,
    )
    assert summary(done) == (
        "asked the bank about 5 payments in 2.3 s, 3 moved (2 SUCCESS, 1 FAIL), 1 unanswered, 2 could not be asked "
        "about (see the log); delivered for 3; re-sent 0 old signals; no answer from a.example, b.example: what is "
        "due there waits; more is due"
    )


@pytest.mark.parametrize("value", ["0", "65", "-1", "four", "²", "1.5"])
def test_a_number_of_questions_at_once_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(CommandError, match="a whole number from 1 to 64"):
        call_command("payparts_sync", f"--concurrency={value}")


@pytest.mark.threads
@looping
def test_in_a_thread_that_may_have_no_handlers_it_runs_all_the_same(bank: Simulator) -> None:
    bank.pay(_due().order_id)
    out = StringIO()
    together(lambda: call_command("payparts_sync", stdout=out))
    assert "1 moved" in out.getvalue()


def test_the_handlers_of_the_process_come_back(bank: Simulator) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    call_command("payparts_sync", stdout=StringIO())
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before

"""The poller: ask the bank about what is due, deliver signals, finish what was left behind."""

from __future__ import annotations

import signal
import threading
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error as DatabaseFailure
from django.db import close_old_connections

from wagtail_payparts.bank import MAX_CONNECTIONS
from wagtail_payparts.services.callbacks import sweep
from wagtail_payparts.services.refunds import settle_left_behind
from wagtail_payparts.services.sync import Pass, Poller


#: Seconds between two lines about a pass that goes on: on a terminal, and with --verbosity 2 elsewhere.
ON_TERMINAL, ELSEWHERE = 1, 10
CLEAR_LINE = "\r\x1b[K"


class Command(BaseCommand):
    help = (
        "Ask the bank about the payments that are due, deliver the signals that are owed and re-send old signals. "
        "Run it every minute by cron, or once with --loop. Several at the same time do no harm."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--loop", action="store_true", help="go on until SIGTERM or Ctrl-C")
        parser.add_argument("--pause", type=float, default=5.0, help="seconds between two passes of --loop (5)")
        parser.add_argument(
            "--concurrency",
            type=_concurrency,
            metavar="N",
            help="ask the bank N questions at once (PAYPARTS_SYNC_CONCURRENCY); on SQLite always one",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self._verbosity, self._said_at = options["verbosity"], time.monotonic()
        with _told_to_stop() as stop:
            poller = Poller(
                concurrency=options["concurrency"],
                must_stop=lambda: not stop.empty(),
                sweep=sweep,
                watch=self._show_progress,
            )
            done = Pass()
            try:
                if options["loop"]:
                    self._loop(poller, stop, options["pause"])
                else:
                    settle_left_behind()
                    done = poller.run()
            finally:
                done.add(poller.finish())
            if not options["loop"] or not done.is_empty:
                self._report(done)

    def _loop(self, poller: Poller, stop: SimpleQueue[int], pause: float) -> None:
        self._say("The poller is running; stop it with Ctrl-C.")
        while stop.empty():
            close_old_connections()
            try:
                settle_left_behind()
                done = poller.run()
            except DatabaseFailure as error:
                # The database restarts, or is being migrated: the loop outlives it.
                self.stderr.write(f"The database does not answer ({type(error).__name__}); trying again.")
                close_old_connections()
                done = Pass()
            if not done.is_empty:
                self._report(done)
            if not done.is_cut_short:
                _wait(stop, pause)

    def _report(self, done: Pass) -> None:
        """One line, whatever happened: cron sends it by mail, and a log keeps it together."""
        self._say(summary(done))
        self._said_at = time.monotonic()

    def _say(self, text: str) -> None:
        if self._verbosity:
            self.stdout.write(f"{CLEAR_LINE if self._is_terminal else ''}{text}")

    def _show_progress(self, done: Pass) -> None:
        every = ON_TERMINAL if self._is_terminal else ELSEWHERE
        if self._verbosity < (1 if self._is_terminal else 2) or time.monotonic() < self._said_at + every:
            return
        self._said_at = time.monotonic()
        text = f"… {done.asked} asked, {done.moved} moved, {done.unanswered} unanswered, {done.delivered} delivered"
        self.stdout.write(
            f"{CLEAR_LINE}{text}" if self._is_terminal else text, ending="" if self._is_terminal else "\n"
        )
        self.stdout.flush()

    @property
    def _is_terminal(self) -> bool:
        return self.stdout.isatty()


def summary(done: Pass) -> str:
    """A pass in one line."""
    states = ", ".join(f"{count} {state}" for state, count in done.states.most_common())
    parts = [
        f"asked the bank about {done.asked} payments in {done.seconds:.1f} s",
        f"{done.moved} moved ({states})" if states else "0 moved",
        f"{done.unanswered} unanswered",
    ]
    if done.failed:
        parts.append(f"{done.failed} could not be asked about (see the log)")
    sentences = [", ".join(parts), f"delivered for {done.delivered}", f"re-sent {done.announced} old signals"]
    if done.silent_hosts:
        sentences.append(f"no answer from {', '.join(sorted(done.silent_hosts))}: what is due there waits")
    if done.is_cut_short:
        sentences.append("more is due")
    return "; ".join(sentences)


@contextmanager
def _told_to_stop() -> Iterator[SimpleQueue[int]]:
    """Where SIGTERM and Ctrl-C are put down; who presses Ctrl-C again does not want to wait any more."""
    # Unlike an Event, it may be touched by a handler that interrupts a wait for it.
    stop: SimpleQueue[int] = SimpleQueue()

    def note(received: int, _frame: Any) -> None:
        stop.put(received)
        if received == signal.SIGINT:
            signal.signal(received, signal.default_int_handler)

    # Only the main thread may have handlers; in another one, whoever runs the command has to stop it.
    is_main = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)} if is_main else {}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def _wait(stop: SimpleQueue[int], seconds: float) -> None:
    try:
        stop.put(stop.get(timeout=seconds))
    except Empty:
        return


def _concurrency(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MAX_CONNECTIONS:
        raise ArgumentTypeError(f"a whole number from 1 to {MAX_CONNECTIONS}")
    return int(text)

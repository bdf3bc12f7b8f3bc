"""The poller: ask the bank about what is due, deliver signals, finish what was left behind."""

from __future__ import annotations

import signal
from argparse import ArgumentParser
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error as DatabaseFailure
from django.db import close_old_connections

from wagtail_payparts.services.callbacks import sweep
from wagtail_payparts.services.refunds import settle_left_behind
from wagtail_payparts.services.sync import Pass, poll_due


class Command(BaseCommand):
    help = (
        "Ask the bank about the payments that are due, deliver the signals that are owed and re-send old signals. "
        "Run it every minute by cron, or once with --loop. Several at the same time do no harm."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--loop", action="store_true", help="go on until SIGTERM or Ctrl-C")
        parser.add_argument("--pause", type=float, default=5.0, help="seconds between two passes of --loop (5)")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["loop"]:
            self._report(self._pass())
            return
        # Unlike an Event, it may be touched by a handler that interrupts a wait for it.
        stop: SimpleQueue[int] = SimpleQueue()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda received, _frame: stop.put(received))
        self.stdout.write("The poller is running; stop it with Ctrl-C.")
        while True:
            close_old_connections()
            try:
                done = self._pass(must_stop=lambda: not stop.empty())
            except DatabaseFailure as error:
                # The database restarts, or is being migrated: the loop outlives it.
                self.stderr.write(f"The database does not answer ({type(error).__name__}); trying again.")
                close_old_connections()
            else:
                if done != Pass():
                    self._report(done)
            try:
                stop.get(timeout=options["pause"])
            except Empty:
                continue
            return

    def _pass(self, must_stop: Callable[[], bool] = lambda: False) -> Pass:
        announced = sweep()
        settle_left_behind()
        done = poll_due(must_stop=must_stop)
        done.announced = announced
        return done

    def _report(self, done: Pass) -> None:
        self.stdout.write(
            f"asked the bank about {done.asked} payments, {done.moved} moved; "
            f"delivered for {done.delivered}; re-sent {done.announced} old signals"
        )

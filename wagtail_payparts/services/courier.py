"""A thread beside the poller's questions: a receiver of signals that takes its time keeps no question waiting."""

from __future__ import annotations

import time
from collections.abc import Callable
from queue import SimpleQueue
from threading import Event, Lock, Thread

from django.db import close_old_connections, connections


Job = Callable[[], None]


class Courier:
    """Does what it is sent, one job after the other, on a database connection of its own.

    What a job raises is raised by the next ``settle`` or ``finish``. A process that ends does not wait for a job that
    hangs: what was leased for it is taken over when the lease has run out.
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._awaited: set[Job] = set()
        self._lock = Lock()
        self._error: BaseException | None = None

    def send(self, job: Job) -> None:
        """Have it done, once even if it was sent several times before it begins."""
        with self._lock:
            if job in self._awaited:
                return
            self._awaited.add(job)
            if self._thread is None:
                self._thread = Thread(target=self._work, name="payparts-courier", daemon=True)
                self._thread.start()
        self._jobs.put(job)

    def settle(self, seconds: float) -> None:
        """Wait so long for all that was sent. Raises what a job has raised."""
        reached = Event()
        self._jobs.put(reached.set)
        reached.wait(seconds)
        self._check()

    def _check(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error

    def finish(self, *, must_stop: Callable[[], bool], patience: float) -> None:
        """Wait until all is done; once ``must_stop`` says so, for ``patience`` seconds at most."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._jobs.put(None)
        last = None
        while thread.is_alive():
            thread.join(timeout=0.2)
            if must_stop():
                last = last or time.monotonic() + patience
                if time.monotonic() > last:
                    break
        self._check()

    def _work(self) -> None:
        try:
            while (job := self._jobs.get()) is not None:
                with self._lock:
                    self._awaited.discard(job)
                close_old_connections()
                try:
                    job()
                except BaseException as error:  # noqa: BLE001 - not swallowed, but handed to whoever sent it
                    self._error = error
        finally:
            connections.close_all()

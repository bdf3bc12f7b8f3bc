"""Things that the bank does later: decisions, ends of holds, callbacks."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(order=True)
class _Job:
    due: float
    number: int
    run: Callable[[], object] = field(compare=False)
    awaited: bool = field(compare=False)


class Later:
    """Runs jobs after a while, each in a thread of its own, and can tell when none is left."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[_Job] = []
        self._numbers = itertools.count()
        self._awaited = 0
        self._threads: set[threading.Thread] = set()
        self._stopped = threading.Event()
        self._clock: threading.Thread | None = None

    def call(self, seconds: float, job: Callable[[], object], *, awaited: bool = True) -> None:
        """``awaited=False``: nobody waits for it in ``wait_idle``. Does nothing once stopped."""
        with self._changed:
            if self._stopped.is_set():
                return
            heapq.heappush(self._waiting, _Job(time.monotonic() + seconds, next(self._numbers), job, awaited))
            self._awaited += awaited
            if self._clock is None:
                self._clock = threading.Thread(target=self._watch, daemon=True)
                self._clock.start()
            self._changed.notify_all()

    def wait_idle(self, timeout: float) -> None:
        """Return when no job is left; raises ``TimeoutError`` after ``timeout`` seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._awaited, timeout):
                raise TimeoutError(f"{self._awaited} jobs are left after {timeout} s")

    def sleep(self, seconds: float) -> None:
        """Wait in the caller's thread; cut short by ``stop``."""
        self._stopped.wait(seconds)

    def stop(self) -> None:
        """Drop the jobs that have not begun and wait for those that have."""
        with self._changed:
            self._stopped.set()
            self._waiting.clear()
            self._changed.notify_all()
            threads = [*self._threads, *([self._clock] if self._clock else [])]
        for thread in threads:
            thread.join()

    def _watch(self) -> None:
        with self._changed:
            while not self._stopped.is_set():
                if not self._waiting:
                    self._changed.wait()
                elif (seconds := self._waiting[0].due - time.monotonic()) > 0:
                    self._changed.wait(min(seconds, threading.TIMEOUT_MAX))
                else:
                    self._start(heapq.heappop(self._waiting))

    def _start(self, job: _Job) -> None:
        def run() -> None:
            try:
                job.run()
            finally:
                with self._changed:
                    self._threads.discard(thread)
                    self._awaited -= job.awaited
                    self._changed.notify_all()

        thread = threading.Thread(target=run, daemon=True)
        self._threads.add(thread)
        thread.start()

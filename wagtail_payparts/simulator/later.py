"""Things that the bank does later: decisions and callbacks."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Later:
    """Runs jobs after a while, each in a thread of its own, and can tell when none is left."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._jobs: set[threading.Timer] = set()
        self._stopped = threading.Event()

    def call(self, seconds: float, job: Callable[[], object]) -> None:
        """Does nothing once stopped."""

        def run() -> None:
            try:
                job()
            finally:
                self._forget(timer)

        timer = threading.Timer(seconds, run)
        timer.daemon = True
        with self._changed:
            if self._stopped.is_set():
                return
            self._jobs.add(timer)
            timer.start()

    def wait_idle(self, timeout: float) -> None:
        """Return when no job is left; raises ``TimeoutError`` after ``timeout`` seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._jobs, timeout):
                raise TimeoutError(f"{len(self._jobs)} jobs are left after {timeout} s")

    def sleep(self, seconds: float) -> None:
        """Wait in the caller's thread; cut short by ``stop``."""
        self._stopped.wait(seconds)

    def stop(self) -> None:
        """Drop the jobs that have not begun and wait for those that have."""
        with self._changed:
            self._stopped.set()
            jobs = list(self._jobs)
        for timer in jobs:
            timer.cancel()
        for timer in jobs:
            timer.join()

    def _forget(self, timer: threading.Timer) -> None:
        with self._changed:
            self._jobs.discard(timer)
            self._changed.notify_all()

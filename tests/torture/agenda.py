"""What the outside world does when: jobs at their time, done by a few threads."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable


logger = logging.getLogger(__name__)


class Agenda:
    """Jobs may put further ones on it.

    ``surprises`` counts what no job expected; ``latest`` is by how many seconds a job was late at the worst.
    """

    def __init__(self, workers: int) -> None:
        self._changed = threading.Condition()
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._running = 0
        self._ended = False
        self.latest = 0.0
        self.surprises: Counter[str] = Counter()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(workers)]
        for thread in self._threads:
            thread.start()

    def at(self, seconds: float, job: Callable[[], None]) -> None:
        """Do it so many seconds from now."""
        with self._changed:
            heapq.heappush(self._waiting, (time.monotonic() + seconds, next(self._numbers), job))
            self._changed.notify()

    @property
    def left(self) -> int:
        with self._changed:
            return len(self._waiting) + self._running

    @property
    def lag(self) -> float:
        """By how many seconds the first job that waits is late."""
        with self._changed:
            return time.monotonic() - self._waiting[0][0] if self._waiting else 0.0

    def end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            try:
                job()
            except Exception as error:
                logger.exception("the world stumbles")
                self.surprises[f"{type(error).__name__}: {error}"] += 1
            finally:
                with self._changed:
                    self._running -= 1

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            while not self._ended:
                wait = self._waiting[0][0] - time.monotonic() if self._waiting else None
                if wait is not None and wait <= 0:
                    self.latest = max(self.latest, -wait)
                    self._running += 1
                    return heapq.heappop(self._waiting)[2]
                self._changed.wait(wait)
        return None

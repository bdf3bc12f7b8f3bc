"""Several threads that begin at the same moment, each with a database connection of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connections


T = TypeVar("T")
PATIENCE = 60


def together(*work: Callable[[], T]) -> list[T]:
    """Run all at once and return what they returned, in their order. Raises what the first of them raised."""
    barrier = Barrier(len(work))

    def begin(one: Callable[[], T]) -> T:
        try:
            barrier.wait(PATIENCE)
            return one()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(work)) as pool:
        futures = [pool.submit(begin, one) for one in work]
        return [future.result(PATIENCE) for future in futures]


def times(count: int, one: Callable[[], T]) -> Sequence[Callable[[], T]]:
    return [one] * count

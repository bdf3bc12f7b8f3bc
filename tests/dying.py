"""A process that dies between any two of its statements: what it has committed stays, the rest was never there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection


class Died(KeyboardInterrupt):
    """No ``Exception``, which a receiver's or a task's caller may survive."""


def die_at(statement: int | None, work: Callable[[], Any]) -> bool:
    """Do ``work`` in a process that dies before its n-th statement, or (``None``) not at all. Whether it died."""
    left = statement or 0

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0:
            raise Died
        return execute(sql, params, many, context)

    try:
        with connection.execute_wrapper(count):
            work()
    except Died:
        assert not connection.in_atomic_block
        return True
    return False

"""Processes that die by their own hand between two statements, where a kill from outside seldom comes."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from typing import Any

from django.db.backends.signals import connection_created


def make_mortal(chance: float, dice: random.Random) -> None:
    """From now on each statement to the database may be the last thing this process did, or did not, do."""

    def maybe_die(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if dice.random() < chance:
            _die()
        result = execute(sql, params, many, context)
        if dice.random() < chance:
            _die()
        return result

    def attach(connection: Any, **kwargs: Any) -> None:
        connection.execute_wrappers.append(maybe_die)

    connection_created.connect(attach, weak=False, dispatch_uid="torture.mortal")


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)

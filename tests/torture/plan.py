"""What one run of the torture is: told to every process by one variable of the environment."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


VARIABLE = "PAYPARTS_TORTURE"
#: Where the shop's receiver for the outside world is broken for some payments, until somebody mends it.
BROKEN = "receiver-is-broken"
ACTED_OUTSIDE = "acted-outside.log"
#: A word to the nursery that is no role.
SIGNAL = "signal"
#: How long the bank keeps a hold, at full pace.
HOLD_SECONDS = 12


@dataclass(frozen=True, kw_only=True)
class Plan:
    """``directory``: logs and what receivers do outside of the database. ``database``: its name.

    ``pace``: a factor of all times of a payment's life. ``death_chance``: with which a process dies just before or
    after a statement to the database.
    """

    seed: int
    directory: str
    database: str
    store_id: str
    password: str
    previous_password: str
    api_url: str = ""
    redirect_url: str = ""
    port: int = 0
    pace: float = 1
    death_chance: float = 0
    receiver_fails: float = 0
    log_level: str = "INFO"

    @property
    def path(self) -> Path:
        return Path(self.directory)

    def to_environment(self) -> dict[str, str]:
        return {VARIABLE: json.dumps(asdict(self))}


def current_plan() -> Plan:
    """The plan of this process."""
    return Plan(**json.loads(os.environ[VARIABLE]))

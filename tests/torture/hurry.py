"""Set the plugin's clocks: constants that are times of a shop's life, made a torture's."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from datetime import timedelta
from typing import Any

import wagtail_payparts.services


#: By module: constant and seconds, at full pace.
SECONDS: dict[str, dict[str, Any]] = {
    "schedule": {
        "CLAIM_STEPS": (0, 0.5, 1, 2, 4, 8),
        "CLAIM_EVERY": 8,
        "CLAIM_OVERDUE_AFTER": 15,
        "DAY": 20,
        "PAID_STEPS": (4, 15, 40),
        "NEGATIVE_STEPS": (5, 15, 40),
        "EXPIRED_FOR": 60,
        "FIRST_RETRY": 0.5,
        "LONGEST_RETRY": 4,
        "HOLD_REMINDER": 3,
    },
    "deliveries": {"FIRST_RETRY": 0.3, "LONGEST_RETRY": 3},
}
#: The same at every pace: longer than a question to the bank can last, or in whole seconds.
LEASES: dict[str, dict[str, Any]] = {
    "schedule": {"ACTION_STUCK_AFTER": 4},
    "locking": {"POLL_LEASE": 3, "DELIVERY_LEASE": 3},
    "callbacks": {"ANNOUNCE_LEASE": 3},
    "breaker": {"FIRST_PAUSE": 1, "LONGEST_PAUSE": 3, "PROBE_LASTS": 3},
}
#: Seconds as a pair, and a count: how long a request waits for the bank, how often a receiver is called.
PLAIN: dict[str, dict[str, Any]] = {
    "sync": {"INLINE_TIMEOUT": (0.4, 0.8)},
    "desk": {"DESK_TIMEOUT": (0.4, 1.0)},
    "deliveries": {"MAX_ATTEMPTS": 6},
}


def hurry(pace: float) -> None:
    """Replace each constant, also where another service has imported it by name."""
    services = wagtail_payparts.services.__name__
    for found in pkgutil.iter_modules(wagtail_payparts.services.__path__):
        importlib.import_module(f"{services}.{found.name}")
    for table, factor in ((SECONDS, pace), (LEASES, 1)):
        for module, constants in table.items():
            for name, seconds in constants.items():
                _replace(f"{services}.{module}", name, _as_time(seconds, factor))
    for module, constants in PLAIN.items():
        for name, number in constants.items():
            _replace(f"{services}.{module}", name, number)


def _as_time(seconds: Any, factor: float) -> Any:
    if isinstance(seconds, tuple):
        return tuple(timedelta(seconds=one * factor) for one in seconds)
    return timedelta(seconds=seconds * factor)


def _replace(module: str, name: str, value: Any) -> None:
    old = getattr(sys.modules[module], name)
    for loaded in [one for key, one in sys.modules.items() if key.startswith("wagtail_payparts.")]:
        if vars(loaded).get(name) is old:
            setattr(loaded, name, value)

"""The tests' site as it would be served: connections to the database are kept, the bank is asked by the poller."""

from __future__ import annotations

from benchmarks.settings import *  # noqa: F403
from benchmarks.settings import DATABASES


DATABASES["default"]["CONN_MAX_AGE"] = None

ROOT_URLCONF = "benchmarks.callback_floor"
# Not the bank's speed is measured.
PAYPARTS_CHECK_INLINE = False
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"nowhere": {"class": "logging.NullHandler"}},
    "root": {"handlers": ["nowhere"]},
    "loggers": {"django": {"handlers": ["nowhere"], "propagate": False}},
}

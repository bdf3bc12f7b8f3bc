"""The tests' site in a hurry: a payment's month lasts a minute. What differs for each run is in ``plan``."""

from __future__ import annotations

from datetime import timedelta

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, INSTALLED_APPS
from tests.torture.plan import HOLD_SECONDS, current_plan


PLAN = current_plan()

DATABASES["default"] |= {"NAME": PLAN.database, "CONN_MAX_AGE": None}
# First, so that clocks are set before anything reads them.
INSTALLED_APPS = ["tests.torture", *INSTALLED_APPS]
ROOT_URLCONF = "tests.torture.urls"
MIDDLEWARE = ["django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware"]
# What reaches the log is what an administrator would see.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": PLAN.log_level},
}

PAYPARTS_STORES = {
    "default": {
        "STORE_ID": PLAN.store_id,
        "PASSWORD": PLAN.password,
        "PREVIOUS_PASSWORD": PLAN.previous_password,
        "PARTIAL_REFUNDS": True,
    }
}
PAYPARTS_API_URL = PLAN.api_url or "http://127.0.0.1:9/"
PAYPARTS_API_REDIRECT_URL = PLAN.redirect_url or "http://127.0.0.1:9/"
PAYPARTS_BASE_URL = f"http://127.0.0.1:{PLAN.port}"
PAYPARTS_TIMEOUT = (0.5, 1)
PAYPARTS_POLL_SCHEDULE = tuple(seconds * PLAN.pace for seconds in (1.5, 4, 8, 14))
PAYPARTS_EXPIRE_AFTER = timedelta(seconds=12 * PLAN.pace)
PAYPARTS_HOLD_FOR = timedelta(seconds=HOLD_SECONDS * PLAN.pace)
PAYPARTS_CHECKOUT_LIMITS = {}
PAYPARTS_SYNC_CONCURRENCY = 3

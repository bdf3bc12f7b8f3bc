"""The tests' site on a database of its own, kept between runs (environment: ``BENCH_DB``, ``BENCH_ROWS``,
``BENCH_SUFFIX`` for a copy that nobody else uses)."""

from __future__ import annotations

import os

from tests.settings import *  # noqa: F403
from tests.settings import BASE_DIR


os.environ.setdefault("PAYPARTS_TEST_DB", os.environ.setdefault("BENCH_DB", "postgres"))

from tests.databases import configured_database


VAR = BASE_DIR / "var"
VAR.mkdir(exist_ok=True)
ROWS = int(os.environ.setdefault("BENCH_ROWS", "1000"))
NAME = f"payparts_bench_{ROWS}{os.environ.get('BENCH_SUFFIX', '')}"

DATABASES = {"default": configured_database(VAR)}
DATABASES["default"]["NAME"] = VAR / f"{NAME}.sqlite3" if os.environ["BENCH_DB"] == "sqlite" else NAME

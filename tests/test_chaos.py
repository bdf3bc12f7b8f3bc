"""A short run of the torture (docs/reliability.md): the long one is ``python -m benchmarks.chaos``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.torture.run import Options, run


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("transactional_db")
def test_whatever_fails_and_whoever_is_killed_the_ledger_is_the_banks_and_each_signal_is_delivered(
    tmp_path: Path, settings: Any
) -> None:
    is_sqlite = connection.vendor == "sqlite"
    options = Options(
        # SQLite lets one process write at a time.
        buyers=15 if is_sqlite else 40,
        crew={"web": 1, "poller": 1, "staff": 1} if is_sqlite else {"web": 2, "poller": 2, "staff": 2},
        seed=1,
        database=str(settings.DATABASES["default"]["NAME"]),
        directory=tmp_path,
        rate=20,
        pace=0.12,
        kill_every=0.6,
        death_chance=0.0005,
        patience=30,
        log_level="DEBUG",
    )
    report = run(options)
    assert report.differences == [], report.histories
    assert report.kills
    assert report.faults
    assert report.counts["states"]["SUCCESS"]

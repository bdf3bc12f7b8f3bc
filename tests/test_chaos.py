"""A short run of the torture (docs/reliability.md): the long one is ``python -m benchmarks.chaos``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.factories import make_payment
from tests.torture.leaks import find_leaks
from tests.torture.plan import Plan
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
        kill_every=0.8,
        death_chance=0.0003,
        patience=30,
        log_level="DEBUG",
    )
    report = run(options)
    assert report.differences == [], report.histories
    assert report.kills
    assert report.faults
    assert report.counts["states"]["SUCCESS"]


@pytest.mark.django_db
def test_a_secret_is_found_wherever_it_stands_and_a_token_in_its_own_column_is_none(tmp_path: Path) -> None:
    signature, token = "2jmj7l5rSw0yVb/vlWAYkK/YBwk=", "1E03F3C7B3B8F2A0D5E4C9AA00112233"
    plan = Plan(
        seed=1,
        directory=str(tmp_path),
        database="",
        store_id="STORE",
        password="secret-1",
        previous_password="secret-2",
    )
    make_payment(token=token)
    (tmp_path / "web-1.log").write_text("GET /payment\nnothing\n")
    assert list(find_leaks(plan, {token})) == []
    make_payment(metadata={"said": signature}, bank_message="with secret-2", page_title=f"?token={token}")
    (tmp_path / "web-1.log").write_text(f"token={token}\nsecret-1\n")
    assert set(find_leaks(plan, {token})) == {
        "a signature in the database, wagtail_payparts_payment.metadata",
        "a password in the database, wagtail_payparts_payment.bank_message",
        "a token in the database, wagtail_payparts_payment.page_title",
        "a token in web-1.log, line 1",
        "a password in web-1.log, line 2",
    }

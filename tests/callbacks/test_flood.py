"""Forged callbacks by the thousand: they are refused, cost the database nothing, and leave few rows.

``benchmarks.callback`` measures what a flood does to the valid ones.
"""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.callbacks.conftest import URL
from tests.callbacks.signing import signed
from tests.factories import make_payment
from tests.together import times, together
from tests.wellbeing import rejected
from wagtail_payparts.models import Payment, PaymentEvent, Verdict
from wagtail_payparts.services import callbacks, limits
from wagtail_payparts.simulator import Simulator


CAP = 5


@pytest.fixture(autouse=True)
def few_records(settings: Any, within_one_window: None) -> None:
    cache.clear()
    settings.PAYPARTS_REJECTED_PER_HOUR = CAP
    settings.PAYPARTS_CHECK_INLINE = False


@pytest.fixture
def many_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each callback comes to another process, whose cache has counted nothing yet."""
    monkeypatch.setattr(callbacks, "may_record_rejected", lambda: (cache.clear(), limits.may_record_rejected())[1])


def _forge(number: int = 0) -> int:
    body = signed(f"FORGED-{number}", password="guess")
    return int(Client().post(URL, body, content_type="application/json").status_code)


def _records() -> int:
    return PaymentEvent.objects.filter(verdict=Verdict.REJECTED).count()


@pytest.mark.django_db
def test_a_flood_leaves_so_many_rows_and_asks_no_more_of_the_database(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    assert {_forge(number) for number in range(CAP)} == {400}
    with CaptureQueriesContext(connection) as asked:
        assert {_forge(number) for number in range(500)} == {400}
    assert asked.captured_queries == []
    assert PaymentEvent.objects.count() == CAP


@pytest.mark.django_db
def test_a_valid_callback_in_the_middle_of_it_is_stored() -> None:
    payment = make_payment(state="CREATED")
    for number in range(CAP * 2):
        _forge(number)
    assert Client().post(URL, signed(payment.order_id), content_type="application/json").status_code == 200
    assert Payment.objects.get().claim_state == "SUCCESS"


@pytest.mark.django_db
def test_processes_that_share_no_cache_keep_to_one_cap(many_processes: None) -> None:
    assert {_forge(number) for number in range(CAP * 4)} == {400}
    assert _records() == CAP


@pytest.mark.threads
@pytest.mark.django_db(transaction=True)
def test_processes_that_write_at_the_same_moment_keep_to_one_cap(many_processes: None, bank: Simulator) -> None:
    for _round in range(3):
        assert set(together(*times(8, _forge))) == {400}
    assert _records() == CAP


@pytest.mark.django_db
def test_the_next_hour_has_records_of_its_own(many_processes: None) -> None:
    for number in range(CAP):
        rejected(minutes=61, fingerprint=f"rejected 2026-01-01T00 {number}")
    assert {_forge(number) for number in range(CAP * 2)} == {400}
    assert _records() == CAP * 2


@pytest.mark.django_db
def test_staff_read_of_the_log_what_is_written_down_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    """What comes beyond the cap is told at the level INFO, which a site can switch on."""
    caplog.set_level(logging.INFO, "wagtail_payparts")
    for number in range(CAP + 3):
        _forge(number)
    levels = [record.levelno for record in caplog.records if record.name == callbacks.__name__]
    assert levels == [logging.WARNING] * CAP + [logging.INFO] * 3


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_down_turns_no_refusal_into_an_error(caplog: pytest.LogCaptureFixture) -> None:
    table = connection.ops.quote_name(PaymentEvent._meta.db_table)
    hidden = connection.ops.quote_name("hidden")

    def rename(before: str, after: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {before} RENAME TO {after}")

    rename(table, hidden)
    try:
        assert _forge() == 400
    finally:
        rename(hidden, table)
    assert "could not be written down" in caplog.text

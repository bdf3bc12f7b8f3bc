"""Whether the bank can be reached, and whether clocks agree."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import pytest
from django.db import connection

from tests.bank.conftest import ScriptedBank
from tests.doctor.conftest import OURS, PAGE, Doctor, free_port, line
from wagtail_payparts.management.doctor import clocks
from wagtail_payparts.simulator import Simulator


pytestmark = pytest.mark.django_db


def test_a_bank_that_cannot_be_reached_is_a_problem(
    doctor: Doctor, live_server: Any, bank: Simulator, settings: Any
) -> None:
    settings.PAYPARTS_API_URL = f"http://127.0.0.1:{free_port()}/ipp/v2/"
    code, printed = doctor()
    assert code == 1
    assert line(printed, "The bank (127.0.0.1", "nothing listens there") == "FAIL"


@pytest.fixture
def slow_bank(strange: ScriptedBank, settings: Any, live_server: Any) -> ScriptedBank:
    """A scripted bank beside a site that answers."""
    settings.PAYPARTS_API_URL, settings.PAYPARTS_BASE_URL = strange.url, live_server.url
    return strange


def test_a_bank_that_does_not_answer_is_a_warning(slow_bank: ScriptedBank, doctor: Doctor) -> None:
    slow_bank.hangs()
    code, printed = doctor(timeout=1)
    assert code == 0
    assert line(printed, "whether it can be reached is unknown") == "WARN"


def test_a_bank_under_repair_is_a_warning(slow_bank: ScriptedBank, doctor: Doctor) -> None:
    slow_bank.answers(PAGE, status=503)
    assert line(doctor()[1], "answers with an error, HTTP 503") == "WARN"


def test_the_bank_is_asked_without_credentials(slow_bank: ScriptedBank, doctor: Doctor, settings: Any) -> None:
    slow_bank.answers(b"", status=404)
    doctor()
    ((path, headers, body),) = slow_bank.requests
    assert (path, body) == ("/ipp/v2/", b"")
    sent = str(headers)
    assert settings.PAYPARTS_API_STORE_ID not in sent
    assert settings.PAYPARTS_API_PASSWORD not in sent


@pytest.mark.parametrize(
    ("seconds", "word", "said"),
    [(0, "OK", "agree"), (-20, "WARN", "behind"), (30, "WARN", "ahead of"), (-3600, "FAIL", "behind")],
)
def test_a_clock_that_differs_is_told_of(
    strange: ScriptedBank, doctor: Doctor, seconds: int, word: str, said: str
) -> None:
    date = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=seconds), usegmt=True)

    def answer(handler: Any) -> None:
        handler.send_response_only(400)
        for name, value in (("Date", date), ("Content-Length", str(len(OURS)))):
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(OURS)

    strange.script.append(answer)
    assert line(doctor()[1], "of the site", said) == word


@pytest.mark.parametrize("date", ["", "yesterday", "Tue, 99 Nov 2026 25:00:00 GMT"])
def test_a_date_that_is_none_is_passed_over(date: str) -> None:
    assert clocks.compare_header("the site", date, clocks.Interval(0, 1)) is None


@pytest.mark.parametrize(
    ("offset", "word"), [(0, "OK"), (5, "OK"), (6, "WARN"), (-60, "WARN"), (61, "FAIL"), (-9999, "FAIL")]
)
def test_clocks_are_judged_by_how_far_they_are_apart(offset: float, word: str) -> None:
    assert clocks.judge("the bank", offset).level.name == word


@pytest.mark.skipif(
    connection.vendor == "sqlite",
    reason="SQLite has no clock of its own; the runs on PostgreSQL and MariaDB compare theirs",
)
def test_the_clock_of_the_database_is_compared(offline: Doctor) -> None:
    assert line(offline()[1], "the database agree") == "OK"

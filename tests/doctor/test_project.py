"""The settings, the database and its migrations, ill in several ways: a line each, and never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from tests.doctor.conftest import Doctor, line, plain
from wagtail_payparts.simulator import Simulator


pytestmark = pytest.mark.django_db


def test_what_the_system_checks_find_is_said(offline: Doctor, settings: Any) -> None:
    settings.PAYPARTS_API_PASSWORD = ""
    code, printed = offline()
    assert code == 1
    assert line(printed, "payparts.E001") == "FAIL"
    assert "Set PAYPARTS_API_STORE_ID and PAYPARTS_API_PASSWORD" in plain(printed)


def test_what_matters_on_a_live_site_is_said_only_there(offline: Doctor, settings: Any) -> None:
    settings.PAYPARTS_API_STORE_ID = "4AAD1369CF734B64B70F"
    settings.PAYPARTS_ALLOW_TEST_STORE = False
    settings.PAYPARTS_BASE_URL = "http://shop.example.com"
    printed = offline()[1]
    assert line(printed, "payparts.E002") == "FAIL"
    assert line(printed, "payparts.W001") == "WARN"
    settings.DEBUG = True
    code, printed = offline()
    assert code == 0
    assert "payparts.E002" not in printed
    assert line(printed, "DEBUG is on") == "INFO"


def test_a_check_that_the_project_has_silenced_stays_silent(offline: Doctor, settings: Any) -> None:
    settings.PAYPARTS_BASE_URL = "http://shop.example.com"
    settings.SILENCED_SYSTEM_CHECKS = ["payparts.W001"]
    assert "payparts.W001" not in offline()[1]


def test_a_policy_without_the_bank_is_a_warning(offline: Doctor, settings: Any) -> None:
    settings.SECURE_CSP = {"form-action": ["'self'"]}
    assert line(offline()[1], "payparts.W005") == "WARN"


def test_a_test_store_is_called_so(offline: Doctor, bank: Simulator) -> None:
    assert line(offline()[1], "no real money moves") == "INFO"


@pytest.mark.parametrize("app", ["wagtail_payparts", "testapp"])
def test_migrations_that_were_not_run_are_told_of(offline: Doctor, app: str) -> None:
    MigrationRecorder(connection).record_unapplied(app, "0001_initial")
    code, printed = offline()
    assert line(printed, "Migrations of") == ("FAIL" if app == "wagtail_payparts" else "WARN")
    assert code == (app == "wagtail_payparts")
    assert "manage.py migrate" in printed


def test_a_urlconf_that_cannot_be_imported_is_a_line_and_no_traceback(offline: Doctor, settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.no_such_module"
    code, printed = offline()
    assert code == 1
    assert line(printed, "Settings could not be examined") == "FAIL"


def _as_a_program(tmp_path: Path, settings_text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "ill_settings.py").write_text(f"from tests.settings import *\n{settings_text}\n")
    root = Path(__file__).resolve().parent.parent
    return subprocess.run(
        [sys.executable, "-m", "django", "payparts_doctor", "--no-color", *arguments],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "ill_settings", "PYTHONPATH": f"{tmp_path}:{root}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_database_that_is_down_is_a_line_and_no_traceback(tmp_path: Path) -> None:
    nowhere = "{'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': '/nonexistent/shop.sqlite3'}}"
    ran = _as_a_program(tmp_path, f"DATABASES = {nowhere}", "--skip-network")
    assert ran.returncode == 1
    assert "Traceback" not in ran.stdout + ran.stderr
    assert line(ran.stdout, "does not answer") == "FAIL"
    assert "Payments" not in ran.stdout


def test_a_database_without_tables_is_a_line_and_no_traceback(tmp_path: Path) -> None:
    empty = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "empty.sqlite3")}}
    ran = _as_a_program(tmp_path, f"DATABASES = {empty!r}", "--skip-network")
    assert ran.returncode == 1
    assert "Traceback" not in ran.stdout + ran.stderr
    assert line(ran.stdout, "Migrations of wagtail_payparts") == "FAIL"
    assert line(ran.stdout, "Payments could not be examined") == "FAIL"

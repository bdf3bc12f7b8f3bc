"""What ``payparts_doctor`` prints, what it exits with, and what it never prints."""

from __future__ import annotations

from io import BytesIO, TextIOWrapper
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils.translation import override

from tests.bank.conftest import ScriptedBank
from tests.doctor.conftest import Doctor, free_port, line, plain
from tests.wellbeing import a_shop_in_health, a_shop_in_trouble, ended, rejected
from wagtail_payparts.management.commands.payparts_doctor import Command


pytestmark = pytest.mark.django_db


def test_a_shop_in_health_is_in_order_and_exits_with_0(offline: Doctor) -> None:
    a_shop_in_health()
    code, printed = offline(strict=True)
    assert code == 0
    assert "FAIL" not in printed
    assert "WARN" not in printed
    assert printed.rstrip().endswith("Everything is in order.")


def test_trouble_exits_with_1_and_says_under_each_line_what_to_do(offline: Doctor) -> None:
    a_shop_in_trouble()
    code, printed = offline()
    assert code == 1
    assert line(printed, "Callbacks do not arrive") == "FAIL"
    assert line(printed, "The poller (payparts_sync) stands still") == "FAIL"
    assert line(printed, "wrong signature") == "WARN"
    assert "https://shop.example.com/pay-parts/callback/" in plain(printed)
    assert "Run manage.py payparts_sync every minute by cron" in plain(printed)
    assert "28 characters of base64 expected, got 40 (hex)" in plain(printed)
    assert printed.rstrip().endswith("2 problems and 7 warnings.")


def test_a_warning_exits_with_1_only_where_one_is_strict(offline: Doctor) -> None:
    a_shop_in_health()
    rejected()
    assert offline()[0] == 0
    code, printed = offline(strict=True)
    assert code == 1
    assert printed.rstrip().endswith("1 warning.")


def test_a_fresh_installation_passes(offline: Doctor) -> None:
    code, printed = offline(strict=True)
    assert code == 0
    assert "INFO" in printed


def test_the_facts_are_said_in_the_language_of_the_site(offline: Doctor) -> None:
    ended(attention="late_success")
    with override("uk"):
        assert "Оплачено після завершення" in plain(offline()[1])


def test_colour_is_only_decoration(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    a_shop_in_trouble()
    _code, plain_text = doctor(skip_network=True)
    assert "\x1b[" not in plain_text
    _code, coloured = doctor(skip_network=True, no_color=False, force_color=True)
    assert "\x1b[" in coloured


def test_what_a_terminal_cannot_show_is_no_error(offline: Doctor) -> None:
    ended(store="крамниця")
    written = BytesIO()
    terminal = TextIOWrapper(written, encoding="ascii")
    with pytest.raises(SystemExit):
        call_command("payparts_doctor", stdout=terminal, skip_network=True, no_color=True)
    terminal.flush()
    assert b"????????" in written.getvalue()


def test_the_help_explains_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    Command().print_help("manage.py", "payparts_doctor")
    helped = plain(capsys.readouterr().out)
    assert "The exit code is 1 if anything says FAIL" in helped
    for option in ("--strict", "--skip-network", "--timeout", "--no-color"):
        assert option in helped


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
def test_a_wait_without_an_end_is_refused(doctor: Doctor, timeout: float) -> None:
    with pytest.raises(CommandError, match="above zero"):
        doctor(timeout=timeout)


def test_nothing_secret_is_printed(
    strange: ScriptedBank, doctor: Doctor, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.PAYPARTS_STORES = {
        "default": {
            "STORE_ID": settings.PAYPARTS_API_STORE_ID,
            "PASSWORD": "the-password",
            "PREVIOUS_PASSWORD": "the-one-before",
            "API_URL": f"http://staff:at-the-bank@127.0.0.1:{free_port()}/ipp/v2/",
        },
    }
    settings.PAYPARTS_BASE_URL = f"http://staff:at-the-door@127.0.0.1:{strange.server_port}"
    settings.SECURE_CSP = {"form-action": ["'self'"]}
    strange.answers(b"", status=302, Location="http://staff:at-the-end@shop.example/elsewhere/")
    a_shop_in_trouble()
    printed = doctor()[1] + caplog.text
    for secret in ("the-password", "the-one-before", "at-the-bank", "at-the-door", "at-the-end"):
        assert secret not in printed
    assert settings.PAYPARTS_API_STORE_ID not in printed

"""Say on the command line whether the shop can take payments, and what to do if not."""

from __future__ import annotations

import math
import textwrap
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from wagtail_payparts.management.doctor import network, project
from wagtail_payparts.resources import clean
from wagtail_payparts.services.diagnosis import Finding, Level, diagnose
from wagtail_payparts.services.health import examine


WIDTH = 100
INDENT = " " * 6

#: Said by the system checks as well, with the setting's name.
_SAID_BY_CHECKS = {"store_unusable"}


class Command(BaseCommand):
    help = (
        "Examine settings, database, callbacks, the poller, deliveries, the callback address, the bank and the clocks. "
        "Each line says OK, INFO (nothing to tell yet), WARN or FAIL, and what to do. The exit code is 1 if anything "
        "says FAIL; with --strict also if anything says WARN. Nothing is changed, nothing secret is printed."
    )
    # What is wrong is to be said here, and not to stop the command.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--strict", action="store_true", help="exit with 1 for a WARN as well")
        parser.add_argument("--skip-network", action="store_true", help="send no request, to ourselves or to the bank")
        parser.add_argument("--timeout", type=float, default=10.0, help="seconds to wait for each answer (10)")

    def handle(self, *args: Any, **options: Any) -> None:
        timeout = options["timeout"]
        if not (math.isfinite(timeout) and timeout > 0):
            raise CommandError("--timeout is a number of seconds above zero.")
        findings = self._section("Settings", project.examine_settings)
        database = self._section("Database", project.examine_database)
        findings += database
        if not any(finding.code == "database" and finding.level == Level.FAIL for finding in database):
            findings += self._section("Payments", _examine_payments)
        if not options["skip_network"]:
            findings += self._section("Callback address", lambda: network.examine_callback_addresses(timeout))
            findings += self._section("Bank", lambda: network.examine_banks(timeout))
        self._sum_up(findings)
        if any(finding.level >= (Level.WARN if options["strict"] else Level.FAIL) for finding in findings):
            raise SystemExit(1)

    def _section(self, title: str, examine_it: Callable[[], list[Finding]]) -> list[Finding]:
        self._say(self.style.MIGRATE_HEADING(title))
        findings = _safely(title, examine_it)
        for finding in findings:
            self._report(finding)
        return findings

    def _report(self, finding: Finding) -> None:
        styles = {Level.OK: self.style.SUCCESS, Level.WARN: self.style.WARNING, Level.FAIL: self.style.ERROR}
        word = f"{finding.level.name:<{len(INDENT)}}"
        first, *rest = _wrap(finding.text)
        self._say(styles.get(finding.level, str)(word) + first)
        for line in rest:
            self._say(INDENT + line)
        for line in _wrap(finding.advice) if finding.advice else []:
            self._say(f"{INDENT}  {line}")

    def _sum_up(self, findings: list[Finding]) -> None:
        failed = sum(finding.level == Level.FAIL for finding in findings)
        warned = sum(finding.level == Level.WARN for finding in findings)
        if not failed and not warned:
            self._say(self.style.SUCCESS("Everything is in order."))
            return
        counts = [_count(failed, "problem"), _count(warned, "warning")]
        style = self.style.ERROR if failed else self.style.WARNING
        self._say(style(f"{' and '.join(filter(None, counts))}."))

    def _say(self, line: str) -> None:
        """Whatever the terminal can show of it."""
        encoding = getattr(self.stdout, "encoding", None) or "utf-8"
        self.stdout.write(line.encode(encoding, "replace").decode(encoding))


def _examine_payments() -> list[Finding]:
    return [finding for finding in diagnose(examine()) if finding.code not in _SAID_BY_CHECKS]


def _safely(title: str, examine_it: Callable[[], list[Finding]]) -> list[Finding]:
    try:
        return examine_it()
    except Exception as error:  # noqa: BLE001 - a doctor who stumbles says so, and goes on
        text = f"{title} could not be examined ({type(error).__name__})."
        return [Finding(Level.FAIL, "not_examined", text, "manage.py check and manage.py migrate may say more.")]


def _wrap(text: str) -> list[str]:
    return textwrap.wrap(clean(text), WIDTH, break_long_words=False, break_on_hyphens=False) or [""]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number > 1 else ''}" if number else ""

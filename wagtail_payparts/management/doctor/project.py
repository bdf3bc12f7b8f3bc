"""The settings, the database and its migrations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.checks import ERROR, WARNING, CheckMessage, Tags, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor

from wagtail_payparts import conf
from wagtail_payparts.management.doctor.clocks import compare_database
from wagtail_payparts.models import Payment
from wagtail_payparts.services.diagnosis import Finding, Level


OURS = "wagtail_payparts"


def examine_settings() -> list[Finding]:
    """Django's system checks of this plugin; those for a live site only where ``DEBUG`` is off."""
    is_live = not settings.DEBUG
    messages = run_checks(tags=["payparts", Tags.security], include_deployment_checks=is_live)
    found = _from_checks(messages)
    if not any(finding.level.is_trouble for finding in found):
        found.append(
            Finding(Level.OK, "settings", f"The settings are right; stores: {', '.join(conf.store_aliases())}.")
        )
    if not is_live:
        text = "DEBUG is on: what matters on a live site only was not checked."
        found.append(Finding(Level.INFO, "debug", text))
    found += _who_may_call()
    return found + [_no_real_money(alias) for alias in conf.store_aliases() if _is_test(alias)]


def examine_database() -> list[Finding]:
    """Whether it answers, is migrated, is set up well, and goes by the same clock."""
    connection = connections[Payment.objects.db]
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, ImproperlyConfigured) as error:
        return [
            Finding(
                Level.FAIL,
                "database",
                f"The database {connection.alias!r} does not answer ({type(error).__name__}).",
                "Check that it runs and that DATABASES names it rightly; manage.py dbshell shows what it says.",
            )
        ]
    found = [Finding(Level.OK, "database", f"The database {connection.alias!r} answers.")]
    found += _from_checks(run_checks(tags=[Tags.database], databases=[connection.alias]))
    found += _migrations(connection)
    clock = compare_database(connection)
    return found + ([clock] if clock else [])


def _from_checks(messages: Iterable[CheckMessage]) -> list[Finding]:
    return [
        Finding(
            Level.FAIL if message.level >= ERROR else Level.WARN if message.level >= WARNING else Level.INFO,
            str(message.id),
            f"{message.msg} ({message.id})",
            str(message.hint or ""),
        )
        for message in messages
        if str(message.id).startswith("payparts.") and not message.is_silenced()
    ]


def _migrations(connection: Any) -> list[Finding]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    ours = [migration.name for migration, _backwards in plan if migration.app_label == OURS]
    others = sorted({migration.app_label for migration, _backwards in plan} - {OURS})
    advice = "manage.py migrate"
    if ours:
        text = f"Migrations of {OURS} have not been run: {', '.join(ours)}."
        return [Finding(Level.FAIL, "migrations", text, advice)]
    if others:
        text = f"Migrations of other apps have not been run: {', '.join(others)}."
        return [Finding(Level.WARN, "migrations", text, advice)]
    return [Finding(Level.OK, "migrations", "All migrations have been run.")]


def _who_may_call() -> list[Finding]:
    allowed = conf.bank_networks()
    if allowed is None:
        return []
    networks = ", ".join(map(str, allowed.networks)) or "nowhere"
    text = f"Callbacks are let in from {networks} only (PAYPARTS_BANK_ADDRESSES)."
    return [Finding(Level.INFO, "bank_addresses", text)]


def _is_test(alias: str) -> bool:
    try:
        store = conf.read_store(alias)
    except ImproperlyConfigured:
        return False
    return bool(store.store_id) and store.is_test


def _no_real_money(alias: str) -> Finding:
    text = f"The store {alias!r} is a test store or talks to a simulator: no real money moves, reports leave it out."
    return Finding(Level.INFO, "test_store", text)

"""What a process of the torture can be. Arguments are texts; the first tells one process of a role from another."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection

from tests.factories import make_offer
from tests.torture import desk, judge, web
from tests.torture.models import Act
from tests.torture.mortal import make_mortal


def _seed(role: str, number: str, life: str) -> random.Random:
    """Dice for this life of a process, and for what its receivers do."""
    seed = f"{settings.PLAN.seed} {role} {number} {life}"
    random.seed(seed)
    dice = random.Random(seed)
    if settings.PLAN.death_chance:
        make_mortal(settings.PLAN.death_chance, dice)
    return dice


def serve(number: str, life: str) -> None:
    _seed("web", number, life)
    web.serve(settings.PLAN.port)


def poll(number: str, life: str) -> None:
    _seed("poller", number, life)
    call_command("payparts_sync", "--loop", "--pause", "0.2")


def work_at_the_desk(number: str, life: str) -> None:
    desk.work(_seed("staff", number, life))


def create(_: str) -> None:
    """A database of our own, as the migrations leave it; what was there is gone."""
    name = connection.settings_dict["NAME"]
    quoted = connection.ops.quote_name(str(name))
    if connection.vendor == "sqlite":
        Path(name).unlink(missing_ok=True)
    else:
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {quoted}")
            utf8 = " CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci" if connection.vendor == "mysql" else ""
            cursor.execute(f"CREATE DATABASE {quoted}{utf8}")
    call_command("migrate", verbosity=0)


def empty(_: str) -> None:
    """The database of the run before, without what it did."""
    models = [*apps.get_app_config("wagtail_payparts").get_models(), get_user_model()]
    tables = [model._meta.db_table for model in models]
    with connection.cursor() as cursor:
        for statement in connection.ops.sql_flush(no_style(), tables, reset_sequences=True, allow_cascade=True):
            cursor.execute(statement)


def prepare(_: str, answer: str) -> None:
    """A table for the receivers, staff, and two offers; the ids of the offers are the answer."""
    with connection.schema_editor() as editor:
        if Act._meta.db_table in connection.introspection.table_names():
            # Of a run that was broken off.
            editor.delete_model(Act)
        editor.create_model(Act)
    get_user_model().objects.create_superuser(desk.NAME, "olena@example.com", None)
    offers = [make_offer(title=title, hold=hold) for title, hold in (("Чайник", False), ("Самовар", True))]
    Path(answer).write_text(json.dumps([offer.pk for offer in offers]))


def clear_the_desk(_: str, books: str) -> None:
    """Once the storm is over, a person looks into the bank's cabinet and settles what only a person can."""
    desk.clear(json.loads(Path(books).read_text()))


def wait_state(_: str, answer: str) -> None:
    """Tell what still waits."""
    Path(answer).write_text(json.dumps(judge.what_waits()))


def pronounce(_: str, books: str, answer: str) -> None:
    """Compare the two ledgers, and all that must be true; the verdict is the answer."""
    Path(answer).write_text(json.dumps(judge.judge(json.loads(Path(books).read_text()))))


def tidy_up(_: str) -> None:
    with connection.schema_editor() as editor:
        editor.delete_model(Act)


ROLES: dict[str, Callable[..., None]] = {
    "web": serve,
    "poller": poll,
    "staff": work_at_the_desk,
    "create": create,
    "empty": empty,
    "prepare": prepare,
    "clear": clear_the_desk,
    "waits": wait_state,
    "judge": pronounce,
    "tidy": tidy_up,
}

"""The payment of a callback: found and locked by one statement, marked by another.

The SQL of both is written once for each process: to have the ORM write it for each callback takes longer than the
database does.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import F

from wagtail_payparts.models import Payment


_COLUMNS = {field.attname: field for field in Payment._meta.concrete_fields}


class Rung(NamedTuple):
    """As much of a payment as its callback has to know."""

    pk: int
    order_id: str
    state: str
    claim_state: str


def lock_rung(store: str, order_id: str) -> Rung | None:
    """Lock a payment by what the bank calls it, within a transaction.

    Where rows cannot be locked (SQLite) it begins by writing, like ``locked``.
    """
    if not connection.features.has_select_for_update:
        Payment.objects.filter(store=store, order_id=order_id).update(lock_version=F("lock_version") + 1)
    with connection.cursor() as cursor:
        cursor.execute(_locking(connection.vendor), [store, order_id])
        found = [Rung(*row) for row in cursor.fetchall()]
    # Not what some collation takes for it.
    return next((rung for rung in found if rung.order_id == order_id), None)


def mark_rung(rung: Rung, *, now: datetime, **claim: Any) -> None:
    """Make the question to the bank due; ``claim`` is what ``claims.claim`` says. The payment is locked.

    Its event may name the buyer, which ``retention`` is to find.
    """
    values = {"texts_since": now, "rung_at": now, "next_poll_at": now, **claim}
    params = [_COLUMNS[name].get_db_prep_save(value, connection) for name, value in values.items()]
    with connection.cursor() as cursor:
        cursor.execute(_marking(connection.vendor, tuple(values)), [*params, rung.pk])


@cache
def _locking(vendor: str) -> str:
    # Not in one filter(), which would sort its parameters.
    wanted = Payment.objects.filter(store="").filter(order_id="").order_by().select_for_update()
    sql, _params = wanted.values_list(*Rung._fields).query.sql_with_params()
    return sql


@cache
def _marking(vendor: str, names: tuple[str, ...]) -> str:
    quote = connection.ops.quote_name
    columns = {name: quote(str(_COLUMNS[name].column)) for name in names}
    since = columns.pop("texts_since")
    changes = ", ".join([f"{since} = COALESCE({since}, %s)", *(f"{column} = %s" for column in columns.values())])
    return f"UPDATE {quote(Payment._meta.db_table)} SET {changes} WHERE {quote('id')} = %s"  # noqa: S608 - names of our own columns

"""What a database writes as text exactly as Python would, by vendor; and what it had better not."""

from __future__ import annotations

from datetime import timezone
from typing import Any

from django.db import models
from django.db.models import CharField, Func, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast


#: SQLite keeps decimals as floating numbers: of more digits it would lose the last.
EXACT_ON_SQLITE = 15

_KNOWN = {"postgresql", "mysql", "sqlite"}


def is_text(field: models.Field[Any, Any]) -> bool:
    """Whether the database holds, as text, just what Python gets."""
    return isinstance(field, (models.CharField, models.TextField)) and _is_plain(field)


def is_integer(field: models.Field[Any, Any]) -> bool:
    return isinstance(field, models.IntegerField) and _is_plain(field)


def decimal_text(source: Combinable, field: models.Field[Any, Any], connection: Any) -> Combinable | None:
    """``12500.50``, with the places of the field."""
    if not isinstance(field, models.DecimalField) or not _is_plain(field):
        return None
    if connection.vendor in {"postgresql", "mysql"}:
        return Cast(source, CharField())
    if connection.vendor != "sqlite" or not field.max_digits or field.max_digits > EXACT_ON_SQLITE:
        return None
    return Func(Value(f"%.{field.decimal_places}f"), source, function="printf", output_field=CharField())


def integer_text(source: Combinable, connection: Any) -> Combinable | None:
    """Elsewhere than on PostgreSQL the driver's numbers cost less than this text."""
    return Cast(source, CharField()) if connection.vendor == "postgresql" else None


def uuid_text(source: Combinable, field: models.Field[Any, Any], connection: Any) -> Combinable | None:
    if isinstance(field, models.UUIDField) and connection.vendor == "postgresql":
        return Cast(source, CharField())
    return None


def json_text(source: Combinable, field: models.Field[Any, Any], connection: Any) -> Combinable | None:
    """What ``json.loads`` reads as the model's field would."""
    if isinstance(field, models.JSONField) and field.decoder is None and connection.vendor in _KNOWN:
        return Cast(source, models.TextField())
    return None


def moment_text(source: Combinable, field: models.Field[Any, Any], connection: Any) -> Combinable | None:
    """``2026-10-25 00:15:30`` of UTC, without what is less than a second."""
    if not _is_moment(field, connection):
        return None
    if connection.vendor == "postgresql":
        return _postgres_utc(source, "YYYY-MM-DD HH24:MI:SS")
    if connection.vendor == "mysql":
        return Func(source, Value("%Y-%m-%d %H:%i:%s"), function="DATE_FORMAT", output_field=CharField())
    return Func(source, Value(1), Value(19), function="substr", output_field=CharField())


def exact_text(source: Combinable, field: models.Field[Any, Any], connection: Any) -> Combinable | None:
    """A value as text that the same database, given it back, takes for just that value: where a page of rows ends."""
    if is_text(field) or is_integer(field):
        return source
    if isinstance(field, models.DecimalField) and _is_plain(field):
        return Cast(source, CharField())
    if _is_moment(field, connection):
        if connection.vendor == "postgresql":
            return _postgres_utc(source, 'YYYY-MM-DD HH24:MI:SS.US"+00"')
        return Cast(source, CharField())
    return None


def _postgres_utc(source: Combinable, template: str) -> Combinable:
    return Func(
        source,
        Value(template),
        template="to_char(%(expressions)s)",
        arg_joiner=" AT TIME ZONE 'UTC', ",
        output_field=CharField(),
    )


def _is_moment(field: models.Field[Any, Any], connection: Any) -> bool:
    # A database that other programs write may hold the time of another zone.
    return (
        isinstance(field, models.DateTimeField)
        and _is_plain(field)
        and connection.timezone == timezone.utc
        and connection.vendor in _KNOWN
    )


def _is_plain(field: models.Field[Any, Any]) -> bool:
    """Whether the model's field does nothing of its own to what comes from the database."""
    return not hasattr(field, "from_db_value")

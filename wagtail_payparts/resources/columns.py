"""A Resource compiled: how the cells of each of its columns come to be, a whole column at a time.

What is a column of the database, shown by a widget of ours, is asked for as text that is ready for the file. Other
widgets get the value from the database and render it; only what needs an instance gets one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import F
from django.db.models.expressions import Combinable
from django.db.models.query_utils import DeferredAttribute
from django.utils.timezone import get_default_timezone
from import_export.fields import Field
from import_export.resources import Resource

from wagtail_payparts.resources import databases
from wagtail_payparts.resources.fields import ComputedField
from wagtail_payparts.resources.moments import SiteClock
from wagtail_payparts.resources.widgets import AsIs, Lines, SiteMoment, UtcMoment, Words, YesNo


Cells = Sequence[Any]


class Kind(Enum):
    """What the cells of a column are."""

    TEXT = "text that somebody else may have written"
    PLAIN = "text without anything that a file could misunderstand"
    INTEGER = "whole numbers as text, or nothing"
    DECIMAL = "decimal numbers as text with a point, or nothing"
    MOMENT = "moments as text, 2026-10-25 03:15:30, or nothing"
    ANY = "whatever Python has"


@dataclass(frozen=True)
class Column:
    """``ask`` is what the database is asked for, and ``read`` makes cells of its answers; both are absent where an
    instance is needed."""

    field: Field
    kind: Kind
    ask: Combinable | None = None
    read: Callable[[Cells], Cells] | None = None


@dataclass(frozen=True)
class Source:
    """Where the database has a field's value."""

    expression: Combinable
    model_field: models.Field[Any, Any]
    may_be_null: bool


def compile_columns(
    resource: Resource, model: type[models.Model], names: Sequence[str] | None, connection: Any
) -> list[Column]:
    """The columns that are exported, in their order."""
    by_instance = type(resource).export_field is not Resource.export_field
    return [
        Column(field, Kind.ANY) if by_instance else _compile(resource, field, model, connection)
        for field in resource.get_export_fields(names)
    ]


def _compile(resource: Resource, field: Field, model: type[models.Model], connection: Any) -> Column:
    source = None if _is_dehydrated(resource, field) else _find_source(field, model)
    if source is None:
        return Column(field, Kind.ANY)
    compiler = _COMPILERS.get(type(field.widget))
    column = compiler(field, source, connection) if compiler else None
    return column or _rendered(field, source)


def _is_dehydrated(resource: Resource, field: Field) -> bool:
    method = field.get_dehydrate_method(resource.get_field_name(field))
    return callable(method) or getattr(resource, method, None) is not None


def _find_source(field: Field, model: type[models.Model]) -> Source | None:
    kind = type(field)
    if kind is ComputedField:
        return Source(field.expression, field.expression.output_field, field.expression.output_field.null)
    if kind.get_value is not Field.get_value or kind.export is not Field.export or not field.attribute:
        return None
    *relations, name = field.attribute.split("__")
    may_be_null = False
    for relation in relations:
        found = _model_field(model, relation)
        if not isinstance(found, models.ForeignKey) or found.name != relation:
            return None
        may_be_null, model = True, found.related_model
    column = _model_field(model, name)
    if column is None or name != column.attname:
        return None
    return Source(F(field.attribute), column, may_be_null or column.null)


def _model_field(model: type[models.Model], name: str) -> models.Field[Any, Any] | None:
    """A concrete field that gives its instances just what the database holds."""
    try:
        found = model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    if not isinstance(found, models.Field) or not found.concrete:
        return None
    descriptor = getattr(model, found.attname, None)
    return found if type(descriptor) in {DeferredAttribute, _ForeignKeyColumn} else None


_ForeignKeyColumn = models.ForeignKey.descriptor_class


def _rendered(field: Field, source: Source) -> Column:
    """Each value through the field's own widget."""
    render = field.widget.render
    return Column(field, Kind.ANY, source.expression, lambda values: [render(value) for value in values])


def _unchanged(values: Cells) -> Cells:
    return values


def _without_null(values: Cells) -> Cells:
    return ["" if value is None else value for value in values]


def _as_text(values: Cells) -> Cells:
    return ["" if value is None else str(value) for value in values]


def _as_is(field: Field, source: Source, connection: Any) -> Column:
    read = _without_null if source.may_be_null else _unchanged
    where, what = source.expression, source.model_field
    if databases.is_text(what):
        return Column(field, Kind.TEXT, where, read)
    if databases.is_integer(what):
        text = databases.integer_text(where, connection)
        return Column(field, Kind.INTEGER, text, read) if text else Column(field, Kind.INTEGER, where, _as_text)
    if text := databases.decimal_text(where, what, connection):
        return Column(field, Kind.DECIMAL, text, read)
    if text := databases.uuid_text(where, what, connection):
        return Column(field, Kind.TEXT, text, read)
    return Column(field, Kind.ANY, where, read)


def _site_moment(field: Field, source: Source, connection: Any) -> Column | None:
    text = databases.moment_text(source.expression, source.model_field, connection)
    if text is None:
        return None
    clock = SiteClock(get_default_timezone())
    return Column(field, Kind.MOMENT, text, lambda values: clock.read(_without_null(values)))


def _utc_moment(field: Field, source: Source, connection: Any) -> Column | None:
    text = databases.moment_text(source.expression, source.model_field, connection)
    if text is None:
        return None
    return Column(field, Kind.PLAIN, text, _with_t_and_z)


def _with_t_and_z(moments: Cells) -> Cells:
    if all(moments):
        return ("Z\n".join(moments).replace(" ", "T") + "Z").split("\n")
    return [f"{moment.replace(' ', 'T')}Z" if moment else "" for moment in moments]


class _Remembered(dict[Any, str]):
    """What a widget makes of a value; the same few values come again and again."""

    MOST = 2000

    def __init__(self, render: Callable[[Any], str]) -> None:
        super().__init__()
        self.render = render

    def __missing__(self, value: Any) -> str:
        if len(self) >= self.MOST:
            self.clear()
        self[value] = cell = self.render(value)
        return cell

    def read(self, values: Cells) -> Cells:
        return list(map(self.__getitem__, values))


def _words(field: Field, source: Source, connection: Any) -> Column | None:
    if not databases.is_text(source.model_field):
        return None
    return Column(field, Kind.TEXT, source.expression, _Remembered(field.widget.render).read)


def _yes_no(field: Field, source: Source, connection: Any) -> Column | None:
    if not isinstance(source.model_field, models.BooleanField):
        return None
    return Column(field, Kind.TEXT, source.expression, _Remembered(field.widget.render).read)


def _lines(field: Field, source: Source, connection: Any) -> Column | None:
    text = databases.json_text(source.expression, source.model_field, connection)
    if text is None:
        return None
    return Column(field, Kind.TEXT, text, _Remembered(field.widget.render_json).read)


_COMPILERS: dict[type, Callable[[Field, Source, Any], Column | None]] = {
    AsIs: _as_is,
    SiteMoment: _site_moment,
    UtcMoment: _utc_moment,
    Words: _words,
    YesNo: _yes_no,
    Lines: _lines,
}

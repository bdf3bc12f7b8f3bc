"""What a Resource exports of a queryset: page by page, and within a page column by column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import connections
from django.db.models import F, ForeignKey, Model, QuerySet
from django.db.models.expressions import Combinable
from django.utils.translation import get_language, override
from import_export.resources import Resource

from wagtail_payparts.resources import keyset
from wagtail_payparts.resources.columns import Cells, Column, Kind, compile_columns


#: The first rows come at once; of later ones so many that a page costs little and takes little memory.
FIRST_PAGE, PAGE = 200, 2000
#: Instances are large.
PAGE_OF_INSTANCES = 1000


class Table:
    """The rows that ``resource`` exports of ``queryset``, with the columns named, in the language of now.

    The cells are those of ``resource.export_resource(instance)``; ``Kind`` says how they are written down. A page is
    a query of its own; rows that are ``is_costly_to_find`` are found once, at the beginning.
    """

    def __init__(
        self,
        resource: Resource,
        queryset: QuerySet[Any],
        *,
        names: Sequence[str] | None = None,
        is_costly_to_find: bool = False,
    ) -> None:
        resource.before_export(queryset)
        self.resource = resource
        self.is_costly_to_find = is_costly_to_find
        self.queryset: QuerySet[Any] = resource.filter_export(queryset)
        self.names = list(names) if names is not None else None
        self.language = get_language()
        self.headings: list[str] = resource.get_export_headers(self.names)
        model = self.queryset.model
        # A Resource may have its own idea of a row.
        self.by_row = type(resource).export_resource is not Resource.export_resource
        if self.by_row:
            self.columns = [Column(field, Kind.ANY) for field in resource.get_export_fields(self.names)]
        else:
            self.columns = compile_columns(resource, model, self.names, connections[self.queryset.db])
        # Two columns about the same ask the database once.
        asked = dict.fromkeys(column.ask for column in self.columns if column.ask is not None)
        self.places = {ask: number for number, ask in enumerate(asked)}
        self.page = min(PAGE, PAGE_OF_INSTANCES) if any(column.ask is None for column in self.columns) else PAGE
        self.instances = self._with_related(self.queryset)

    def in_its_language(self) -> AbstractContextManager[None]:
        """A file is sent after the request is over, and its language with it."""
        return override(self.language)

    def pages(self) -> Iterator[list[Cells]]:
        """The cells of a page, for each column."""
        for page, _nothing in self._pages(None):
            yield page

    def pages_with(self, field: str) -> Iterator[tuple[list[Cells], Cells]]:
        """The cells of a page, for each column, and beside them what a field of the model says of each row."""
        return self._pages(F(field))

    def _pages(self, beside: Combinable | None) -> Iterator[tuple[list[Cells], Cells]]:
        for rows in self._rows(beside):
            with self.in_its_language():
                page, said = self._cells(rows, is_beside=beside is not None)
            # Or the rows of two pages would be in memory while the next is fetched.
            rows.clear()
            if page and page[0]:
                yield page, said
            del page, said

    def _rows(self, beside: Combinable | None) -> Iterator[list[tuple[Any, ...]]]:
        """What the database answers, with the primary key before it."""
        asked = {f"export_{number}": ask for ask, number in self.places.items()}
        if beside is not None:
            asked["export_beside"] = beside
        keys = None if self.is_costly_to_find else keyset.find_keys(self.queryset)
        if keys is None:
            yield from self._rows_by_primary_key(asked)
            return
        hidden = {f"export_key_{number}": key.ask for number, key in enumerate(keys)}
        ordered = self.queryset.annotate(**hidden, **asked).order_by(*(key.order for key in keys))
        ordered = ordered.values_list("pk", *asked, *hidden)
        size, rest = FIRST_PAGE, ordered
        while rows := list(rest[:size]):
            is_last, end = len(rows) < size, rows[-1][-len(keys) :]
            yield rows
            if is_last:
                return
            rest, size = ordered.filter(keyset.after(keys, end)), self.page

    def _rows_by_primary_key(self, asked: dict[str, Any]) -> Iterator[list[tuple[Any, ...]]]:
        table = self.queryset.model._default_manager.using(self.queryset.db).order_by().annotate(**asked)
        for chosen in keyset.in_pieces(keyset.find_primary_keys(self.queryset), FIRST_PAGE, self.page):
            found = {row[0]: row for row in table.filter(pk__in=chosen).values_list("pk", *asked)}
            yield [found[key] for key in chosen if key in found]

    def _cells(self, rows: list[tuple[Any, ...]], *, is_beside: bool) -> tuple[list[Cells], Cells]:
        made: dict[int, Cells] = {}
        wanted = [number for number, column in enumerate(self.columns) if column.ask is None]
        if wanted:
            rows, instances = self._pair(rows)
            if not rows:
                return [], ()
            fields = [self.columns[number].field for number in wanted]
            by_row = [self._export(fields, each) for each in instances]
            made = dict(zip(wanted, zip(*by_row, strict=True), strict=True))
        _primary_keys, *answers = zip(*rows, strict=True)
        cells = [
            made[number] if column.ask is None or column.read is None else column.read(answers[self.places[column.ask]])
            for number, column in enumerate(self.columns)
        ]
        return cells, answers[len(self.places)] if is_beside else ()

    def _export(self, fields: list[Any], instance: Any) -> list[Any]:
        if self.by_row:
            return list(self.resource.export_resource(instance, selected_fields=self.names))
        return [self.resource.export_field(field, instance) for field in fields]

    def _pair(self, rows: list[tuple[Any, ...]]) -> tuple[list[tuple[Any, ...]], list[Any]]:
        """The rows with their instances, without those that have gone in between."""
        found = {each.pk: each for each in self.instances.filter(pk__in=[row[0] for row in rows])}
        paired = [row for row in rows if row[0] in found]
        return paired, [found[row[0]] for row in paired]

    def _with_related(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        whole: QuerySet[Any]
        if queryset.query.combinator:
            whole = queryset.model._default_manager.using(queryset.db).all()
        else:
            whole = queryset.all()
            whole.query.clear_limits()
            whole = whole.order_by()
        model = queryset.model
        attributes = [field.attribute or "" for field in self.resource.fields.values()]
        related = {path for attribute in attributes if (path := _relations(model, attribute))}
        return whole.select_related(*sorted(related)) if related else whole


def _relations(model: type[Model], attribute: str) -> str:
    """The relations that an attribute such as ``buyer_order__number`` goes through, for ``select_related``."""
    path: list[str] = []
    for name in attribute.split("__")[:-1]:
        try:
            field = model._meta.get_field(name)
        except FieldDoesNotExist:
            break
        if not isinstance(field, ForeignKey):
            break
        path.append(name)
        model = field.related_model
    return "__".join(path)

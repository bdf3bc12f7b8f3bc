"""The rows of a queryset in pages that begin where the one before ended.

No cursor is kept open and no transaction: memory stays flat on every database, whatever stands between it and us, and
a slow reader holds nothing up. Rows with equal keys are told apart by their primary key: none comes twice or is lost.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connections
from django.db.models import F, Q, QuerySet, TextField, Value
from django.db.models.expressions import Combinable, OrderBy

from wagtail_payparts.resources import databases


@dataclass(frozen=True)
class Key:
    """One column of an order, never null."""

    name: str
    descending: bool
    ask: Combinable

    @property
    def order(self) -> str:
        return f"-{self.name}" if self.descending else self.name

    def beyond(self, value: Any) -> Q:
        return Q(**{f"{self.name}__{'lt' if self.descending else 'gt'}": _given_back(value)})

    def same(self, value: Any) -> Q:
        return Q(**{self.name: _given_back(value)})

    def not_before(self, value: Any) -> Q:
        return Q(**{f"{self.name}__{'lte' if self.descending else 'gte'}": _given_back(value)})


def _given_back(value: Any) -> Any:
    """As the database has written it: what Python would make of it might not be equal any more."""
    return Value(value, output_field=TextField()) if isinstance(value, str) else value


def find_keys(queryset: QuerySet[Any]) -> list[Key] | None:
    """The order of a queryset as keys that end with the primary key; none where it cannot be paged by them."""
    query = queryset.query
    # Rows of which one is no row of the table, and orders that nobody can go on from.
    if query.is_sliced or query.combinator or query.distinct or query.group_by is not None or query.extra_order_by:
        return None
    if not query.standard_ordering:
        return None
    ordering = query.order_by or (queryset.model._meta.ordering if query.default_ordering else ())
    keys: list[Key] = []
    for item in (*ordering, "pk"):
        key = _read_key(item, queryset)
        if key is None:
            return None
        keys.append(key)
        if key.name == queryset.model._meta.pk.name:
            return keys
    return None


def _read_key(item: Any, queryset: QuerySet[Any]) -> Key | None:
    descending = False
    if isinstance(item, OrderBy):
        if item.nulls_first or item.nulls_last:
            return None
        item, descending = item.expression, item.descending
    if isinstance(item, F):
        item = item.name  # type: ignore[attr-defined]
    if not isinstance(item, str):
        return None
    if item.startswith("-"):
        item, descending = item[1:], not descending
    meta = queryset.model._meta
    field = {each.name: each for each in meta.concrete_fields}.get(meta.pk.name if item == "pk" else item)
    if field is None or field.null or field.is_relation or field.name in queryset.query.annotations:
        return None
    ask = databases.exact_text(F(field.name), field, connections[queryset.db])
    return Key(field.name, descending, ask) if ask is not None else None


def after(keys: Sequence[Key], values: Sequence[Any]) -> Q:
    """The rows that come after the one with these values."""
    anything = Q()
    equal = Q()
    for key, value in zip(keys, values, strict=True):
        anything |= equal & key.beyond(value)
        equal &= key.same(value)
    # By itself the alternative would lead no database to the right place of an index.
    return keys[0].not_before(values[0]) & anything


def find_primary_keys(queryset: QuerySet[Any]) -> Sequence[Any]:
    """All of them, in the order of the queryset: for those that cannot be paged by keys."""
    found: Iterator[Any] = queryset.values_list("pk", flat=True).iterator(chunk_size=2000)
    return array("q", found) if databases.is_integer(queryset.model._meta.pk) else list(found)


def in_pieces(rows: Sequence[Any], first: int, others: int) -> Iterator[Sequence[Any]]:
    start, size = 0, first
    while start < len(rows):
        yield rows[start : start + size]
        start, size = start + size, others

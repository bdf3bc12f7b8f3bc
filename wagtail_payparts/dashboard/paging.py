"""Pages of a listing of any length: counted so far as a person would page, then older and newer from a row.

``?p=7`` is a page by its number. Where the numbers end, ``?p=after-…`` and ``?p=before-…`` go on from a row: the
value that the listing is sorted by, in its smallest unit, and the row's key. Both are one parameter, so whatever
resets the page in Wagtail (a filter, a sort, a search) resets either.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from django.core.exceptions import ValidationError
from django.core.paginator import Page
from django.db.models import (
    BigIntegerField,
    BooleanField,
    Count,
    F,
    Func,
    IntegerField,
    QuerySet,
    Subquery,
    Value,
    Window,
)
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThan, LessThan
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from wagtail.admin.paginator import WagtailPaginator


EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MICROSECOND = timedelta(microseconds=1)
PLACE = re.compile(r"(after|before)-(\d{1,18})-(\d{1,18})", re.ASCII)
#: And no number leads further.
MOST_COUNTED = 10_000
#: Where more than one filter is in force, of which the database's indexes serve one.
MOST_COUNTED_SLOWLY = 1_000
#: Of the query of a listing in a link to one of its rows.
LONGEST_QUERY = 2000
#: What only the answer to a script needs, and what would be a download.
NOT_KEPT = ("_w_filter_fragment", "export")


class Counted(Subquery):
    """How many rows a query has, as a value of another: one round trip less."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) payparts_counted)"
    output_field = IntegerField()


class Among(Subquery):
    """The rows of a query with a limit, for ``IN``: MariaDB takes a limit there only one level down."""

    template = "(SELECT * FROM (%(subquery)s) payparts_among)"


class _Row(Func):
    """``(amount, id)``: compared as a whole, which an index of the same columns serves."""

    template = "(%(expressions)s)"
    output_field = BooleanField()


@dataclass(frozen=True)
class Place:
    """A row's place in the order of a listing. ``text`` is what an address says of it."""

    value: datetime | Decimal
    pk: int

    @classmethod
    def of(cls, row: Any, field: Any) -> Place:
        return cls(getattr(row, field.attname), row.pk)

    @classmethod
    def read(cls, value: str, pk: str, field: Any) -> Place | None:
        """``None`` where no row could have it."""
        try:
            units = int(value)
            known = Decimal(units) / 100 if field.get_internal_type() == "DecimalField" else EPOCH + units * MICROSECOND
            field.run_validators(known)
        except (OverflowError, ValidationError):
            return None
        return cls(known, int(pk))

    @property
    def text(self) -> str:
        units = (self.value - EPOCH) // MICROSECOND if isinstance(self.value, datetime) else int(self.value.scaleb(2))
        return f"{units}-{self.pk}"


class LedgerPage(Page):  # type: ignore[type-arg]
    """A page by its number, or (``number`` 0) a stretch that begins or ends at a row."""

    #: What to tell people whose address could not be followed.
    note = ""
    #: Addresses (the value of ``p``) of the rows before and after these, where no number leads to them.
    before = after = ""

    @property
    def is_numbered(self) -> bool:
        return bool(self.number)


class BoundedPaginator(WagtailPaginator):
    """Counts no further than ``limit``; the numbered pages end there. ``first_key`` is what the rows are sorted by."""

    def __init__(
        self,
        rows: QuerySet[Any],
        per_page: int,
        *,
        first_key: str,
        limit: int = MOST_COUNTED,
        is_short: bool = False,
        **kwargs: Any,
    ) -> None:
        """``is_short``: there are so few rows in any case that they are counted best while they are read."""
        super().__init__(rows, per_page, **kwargs)
        self.limit, self.is_short = limit, is_short
        self.is_descending = first_key.startswith("-")
        self.field = rows.model._meta.get_field(first_key.removeprefix("-"))

    @property
    def numbered_rows(self) -> int:
        """Whole pages of them."""
        per_page: int = self.per_page
        return max(self.limit // per_page, 1) * per_page

    @cached_property
    def counted(self) -> int:
        """All rows, or one more than have a number."""
        return self._countable().count()

    @property
    def is_bounded(self) -> bool:
        """There are more than were counted."""
        return self.counted > self.numbered_rows

    @cached_property
    def count(self) -> int:
        return min(self.counted, self.numbered_rows)

    @property
    def count_label(self) -> str:
        """``1,234`` or ``10,000+``."""
        return number_format(self.count, force_grouping=True) + ("+" if self.is_bounded else "")

    @cached_property
    def items_count_label(self) -> str:
        return _("Total: %(count)s") % {"count": self.count_label}

    def get_page(self, number: Any) -> LedgerPage:
        """The page that ``?p=`` asks for; where it asks for none that there is, the nearest, with a note."""
        if place := PLACE.fullmatch(number or ""):
            return self._stretch(*place.groups())
        try:
            wanted, is_number = int(number or 1), True
        except ValueError:
            wanted, is_number = 1, False
        page = self._numbered(min(max(wanted, 1), self.numbered_rows // self.per_page))
        if not is_number or wanted < 1:
            page.note = _("There is no such page. This is the first one.")
        elif wanted > page.number:
            page.note = _("There is no page with that number. This is the last that has one.")
        return page

    def _numbered(self, number: int) -> LedgerPage:
        rows = self._rows(number)
        if not rows and number > 1:
            number = self.num_pages
            rows = self._rows(number)
        page = LedgerPage(rows, number, self)
        if rows and number == self.num_pages and self.is_bounded:
            page.after = self._address("after", rows[-1])
        return page

    def _rows(self, number: int) -> list[Any]:
        start = (number - 1) * self.per_page
        if start and not self.is_short:
            # The index alone tells which rows are wanted; those that are skipped are not read.
            keys = self.object_list.select_related(None).values("pk")[start : start + self.per_page]
            return self._read(self.object_list.filter(pk__in=Among(keys)))
        rows = self._read(self.object_list, start, start + self.per_page)
        if not start and not rows:
            self.__dict__["counted"] = 0
        return rows

    def _stretch(self, direction: str, value: str, pk: str) -> LedgerPage:
        """The rows after, or before, a row; the first page where there are none or no such row could be."""
        place = Place.read(value, pk, self.field)
        rows = self._beyond(place, direction) if place else []
        has_more, rows = len(rows) > self.per_page, rows[: self.per_page]
        if not rows or (direction == "before" and not has_more):
            page = self._numbered(1)
            page.note = "" if rows else _("There is nothing further. This is the first page.")
            return page
        if direction == "before":
            rows.reverse()
        page = LedgerPage(rows, 0, self)
        page.before = self._address("before", rows[0])
        page.after = self._address("after", rows[-1]) if has_more or direction == "before" else ""
        return page

    def _beyond(self, place: Place, direction: str) -> list[Any]:
        is_back = direction == "before"
        is_less = self.is_descending != is_back
        name, key = self.field.name, self.object_list.model._meta.pk
        rows_there = _Row(F(name), F(key.name))
        row_here = _Row(Value(place.value, self.field), Value(place.pk, BigIntegerField()))
        # Said twice: PostgreSQL finds its way by the comparison of rows, MariaDB by that of their first column only.
        rows = self.object_list.filter(
            LessThan(rows_there, row_here) if is_less else GreaterThan(rows_there, row_here),
            **{f"{name}__{'lte' if is_less else 'gte'}": place.value},
        )
        return self._read(rows.reverse() if is_back else rows, 0, self.per_page + 1)

    def _read(self, rows: QuerySet[Any], start: int | None = None, end: int | None = None) -> list[Any]:
        """Rows, and with the same query how many there are in all."""
        in_all = Window(Count("*")) if self.is_short else Counted(self._countable())
        found = list(rows.annotate(payparts_counted=in_all)[start:end])
        if found:
            self.__dict__["counted"] = found[0].payparts_counted
        return found

    def _countable(self) -> QuerySet[Any]:
        keys: QuerySet[Any] = self.object_list.order_by().select_related(None).values("pk")
        return keys[: self.numbered_rows + 1]

    def _address(self, direction: str, row: Any) -> str:
        return f"{direction}-{Place.of(row, self.field).text}"


class PagedView:
    """Mixin of a listing: pages as above, and links to its rows from which there is a way back to the same page."""

    paginator_class = BoundedPaginator
    request: HttpRequest
    #: What the rows are sorted by for each value of ``?ordering=``.
    orderings: Mapping[str, tuple[str, ...]]
    ordering: str
    #: No filter or search leaves more than a few hundred rows.
    is_short = False
    most_counted = MOST_COUNTED

    def get_paginator(self, queryset: QuerySet[Any], per_page: int, **kwargs: Any) -> BoundedPaginator:
        ordering = self.orderings[self.ordering]
        if self.is_short:
            queryset = sorted_apart(queryset, ordering)
        kwargs |= {"first_key": ordering[0], "limit": self.most_counted, "is_short": self.is_short}
        return self.paginator_class(queryset, per_page, **kwargs)

    def get_context_data(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(*args, **kwargs)  # type: ignore[misc]
        page = context["page_obj"]
        context["elided_page_range"] = page.paginator.get_elided_page_range(max(page.number, 1))
        context["notes"] = self.notes(page)
        context["walk"] = self.walk_words()
        return context

    def notes(self, page: LedgerPage) -> list[str]:
        """What people should know of these rows."""
        return [page.note] if page.note else []

    def walk_words(self) -> dict[str, str]:
        """What the links to the rows before and after these are called."""
        newer, older = _("Newer"), _("Older")
        return {
            "-created_at": {"before": newer, "after": older},
            "created_at": {"before": older, "after": newer},
        }.get(self.ordering, {"before": _("Previous"), "after": _("Next")})

    @cached_property
    def query_kept(self) -> str:
        """The filters, the sort and the page, as they stand in the address."""
        query = self.request.GET.copy()
        for name in NOT_KEPT:
            query.pop(name, None)
        return query.urlencode()

    def page_link(self, url_name: str, row: Any) -> str:
        """The address of a row's page, which remembers this one. See ``back_to``."""
        address = reverse(url_name, args=[row.pk])
        return f"{address}?from={quote(self.query_kept, safe='')}" if self.query_kept else address


def back_to(request: HttpRequest, url_name: str) -> str:
    """The address of a listing, as it was where the link to this page stood.

    Only the query is taken from the request, so it leads nowhere else.
    """
    query = request.GET.get("from", "")
    kept = QueryDict(query[:LONGEST_QUERY], mutable=True) if len(query) <= LONGEST_QUERY else QueryDict(mutable=True)
    for name in NOT_KEPT:
        kept.pop(name, None)
    address = reverse(url_name)
    return f"{address}?{kept.urlencode()}" if kept else address


def sorted_apart(queryset: QuerySet[Any], ordering: tuple[str, ...]) -> QuerySet[Any]:
    """The same order, which no index serves.

    A search finds a few rows by the indexes of what was searched. A planner that expects more of them would rather
    walk the whole ledger in its order until it has met fifty, and where there is one it walks to the end.
    """
    first, *others = ordering
    name = first.removeprefix("-")
    by_value = Coalesce(name, name)
    return queryset.order_by(by_value.desc() if first.startswith("-") else by_value.asc(), *others)

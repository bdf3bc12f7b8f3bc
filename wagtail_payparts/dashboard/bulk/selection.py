"""Which payments a person has chosen in the listing, read from the request of a bulk action."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import resolve, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from wagtail_payparts.models import Payment
from wagtail_payparts.resources import clean


#: So many are written, one by one, within one request.
MAX_SELECTED = 500
#: What "select all in listing" sends instead of ids.
ALL = "all"
#: The field in which a confirmation sends back what it has shown.
SHOWN = "payments"

_ID = re.compile("[0-9]{1,18}")
#: What the address of a bulk action has beside the listing's own query.
_NOT_OF_THE_LISTING = ("id", "next", "childOf", "p", "export", "_w_filter_fragment")
_LONGEST_ERROR = 300


class SelectionRefused(Exception):
    """The selection cannot be acted on. ``lines`` say why, for the person at the keyboard."""

    def __init__(self, *lines: str) -> None:
        super().__init__(" ".join(lines))
        self.lines = lines


@dataclass(frozen=True)
class Selection:
    """The chosen payments, newest first, and how many of the chosen are not here (any more)."""

    payments: list[Payment]
    missing: int = 0


def read_selection(request: HttpRequest) -> Selection:
    """The payments that were ticked, or all that the listing finds.

    Raises ``SelectionRefused`` for none, too many, or a filter that cannot be read: Wagtail would take that for no
    filter at all.
    """
    # A confirmation is about what it showed, not about what a filter would find by now.
    ids = request.POST[SHOWN].split() if SHOWN in request.POST else request.GET.getlist("id")
    if ALL in ids:
        return Selection(_all_listed(request))
    wanted = set(ids)
    if len(wanted) > MAX_SELECTED:
        raise SelectionRefused(too_many())
    known = [int(pk) for pk in wanted if _ID.fullmatch(pk)]
    payments = list(_listing(request).get_base_queryset().filter(pk__in=known).order_by("-created_at", "-pk"))
    if not wanted:
        raise SelectionRefused(_("No payment was chosen: tick some in the list first."))
    if not payments:
        raise SelectionRefused(_("The payments that were chosen are not here any more."))
    return Selection(payments, len(wanted) - len(payments))


def is_all(request: HttpRequest) -> bool:
    return ALL in request.GET.getlist("id")


def filters_of(request: HttpRequest) -> str:
    """The listing's own query, without what the bulk action added. Raises ``SelectionRefused`` if it is unreadable."""
    _readable_listing(request)
    query = request.GET.copy()
    for name in _NOT_OF_THE_LISTING:
        query.pop(name, None)
    return query.urlencode()


def too_many() -> str:
    return ngettext(
        "At most one payment can be chosen at once: narrow the list by filters.",
        "At most %(count)s payments can be chosen at once: narrow the list by filters.",
        MAX_SELECTED,
    ) % {"count": MAX_SELECTED}


def _all_listed(request: HttpRequest) -> list[Payment]:
    found: QuerySet[Payment] = _readable_listing(request).get_queryset()
    payments = list(found[: MAX_SELECTED + 1])
    if len(payments) > MAX_SELECTED:
        raise SelectionRefused(too_many())
    if not payments:
        raise SelectionRefused(_("No payment matches these filters."))
    return payments


def _readable_listing(request: HttpRequest) -> Any:
    view = _listing(request)
    if view.filter_errors:
        errors = [clean(error)[:_LONGEST_ERROR] for error in view.filter_errors]
        raise SelectionRefused(_("Nothing was done, since a filter cannot be read."), *errors)
    return view


def _listing(request: HttpRequest) -> Any:
    """The view of the listing, as the site has it, looking at this request's query: the same filters and search."""
    index = resolve(reverse("payparts_payments:index")).func
    view = index.view_class(**index.view_initkwargs)  # type: ignore[attr-defined]
    view.setup(request)
    return view

"""What the search box of a listing means: the beginning of a number, for some people of a phone or an e-mail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connections
from django.db.models import QuerySet

from wagtail_payparts.dashboard.paging import Among
from wagtail_payparts.forms import normalise_phone


#: Of the payments that one column finds. More than a page: who sees as many types on.
MOST_FOUND = 100

_PHONE = re.compile(r"\+?[\d\s()-]{3,20}", re.ASCII)


def search_payments(
    queryset: QuerySet[Any], words: str, *, with_buyer: bool, is_complete: bool = False, through: str = ""
) -> QuerySet[Any]:
    """Payments by the beginning of their order id, reference or order's number; or of the buyer's phone or e-mail.

    ``through`` leads from rows of another kind to their payment (``payment__``).

    At most ``MOST_FOUND`` of each, unless it has to be complete. An OR over several columns uses none of their
    indexes, so each column is asked for keys by itself.
    """
    keys = queryset.order_by().select_related(None).values("pk")
    lookups = _payment_lookups(words.strip(), with_buyer=with_buyer)
    parts = [keys.filter(**{through + lookup: words}) for lookup, words in lookups]
    if is_complete:
        return queryset.filter(pk__in=Among(_all_of(parts)))
    if connections[queryset.db].features.supports_slicing_ordering_in_compound:
        parts = [part[:MOST_FOUND] for part in parts]
    # SQLite has one limit for all of them.
    found = _all_of(parts)[: MOST_FOUND * len(parts)]
    return queryset.filter(pk__in=Among(found))


def _all_of(parts: list[QuerySet[Any, Any]]) -> QuerySet[Any, Any]:
    first, *others = parts
    # Django 6.1 gives what is united the model's own order again, by a column that is not there.
    return first.union(*others, all=True).order_by() if others else first


def _payment_lookups(words: str, *, with_buyer: bool) -> Iterator[tuple[str, str]]:
    for number in _spellings(words, words.upper()):
        yield "reference__startswith", number
        if "@" not in words:
            yield "order_id__startswith", number
            yield "buyer_order__number__startswith", number
    if with_buyer:
        for email in _spellings(words, words.lower()):
            yield "buyer_order__buyer_email__startswith", email
        if phone := phone_beginning(words):
            yield "buyer_order__buyer_phone__startswith", phone


def _spellings(*spellings: str) -> list[str]:
    """Our own ids are in capitals and most e-mails are not, and people type either otherwise."""
    return list(dict.fromkeys(spellings))


def phone_beginning(words: str) -> str:
    """What orders hold of a number, or of the beginning of one, as people of Ukraine type it; nothing if it is none."""
    if whole := _phone(words):
        return whole
    if not _PHONE.fullmatch(words):
        return ""
    digits = re.sub(r"\D", "", words)
    if digits.startswith("0") and "+" not in words:
        return f"+38{digits}"
    return f"+{digits}" if "+" in words or digits.startswith("380") else ""


def _phone(words: str) -> str:
    """The number as orders hold it, or nothing if ``words`` is none."""
    try:
        return normalise_phone(words)
    except ValidationError:
        return ""

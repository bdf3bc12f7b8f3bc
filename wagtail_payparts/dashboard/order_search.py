"""What the search box of the orders means: the beginning of a number, and for some people of a phone or an e-mail."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Q, QuerySet

from wagtail_payparts.forms import normalise_phone
from wagtail_payparts.models import Order


#: No more are looked up in each column; who sees that many has to write more.
MOST_FOUND = 500
#: Shorter beginnings of a phone are those of half the country.
SHORTEST_PHONE = 4
_LAST_CHARACTER = "\U0010ffff"


class FoundOrders:
    """The orders that a search means, looked up column by column: an OR over columns would use the index of none."""

    def __init__(self, words: str, *, with_buyer: bool) -> None:
        self.ids: set[int] = set()
        #: Whether more match than were looked up.
        self.is_cut = False
        for condition in _conditions(words.strip(), with_buyer=with_buyer):
            found = list(Order.objects.filter(condition).order_by().values_list("pk", flat=True)[: MOST_FOUND + 1])
            self.is_cut = self.is_cut or len(found) > MOST_FOUND
            self.ids.update(found[:MOST_FOUND])

    def among(self, orders: QuerySet[Order]) -> QuerySet[Order]:
        return orders.filter(pk__in=self.ids)


def begins_with(field: str, words: str) -> Q:
    """Rows whose ``field`` begins with ``words``, found by an index on every database.

    PostgreSQL has an index for LIKE. The others compare it in a way for which theirs are of no use, but know which
    values lie between two.
    """
    begins = Q(**{f"{field}__startswith": words})
    if connection.vendor == "postgresql":
        return begins
    return Q(**{f"{field}__gte": words, f"{field}__lte": words + _LAST_CHARACTER}) & begins


def phone_beginning(words: str) -> str:
    """How a phone begins as orders hold it, or nothing if ``words`` begins none."""
    digits = "".join(char for char in words if char in "0123456789")
    if len(digits) < SHORTEST_PHONE or not set(words) <= set("0123456789+()- \N{NO-BREAK SPACE}"):
        return ""
    try:
        return normalise_phone(words)
    except ValidationError:
        pass
    if "+" in words or digits.startswith("380"):
        return f"+{digits}"
    if digits.startswith("80"):
        return f"+3{digits}"
    return f"+38{digits}" if digits.startswith("0") else f"+380{digits}"


def _conditions(words: str, *, with_buyer: bool) -> Iterable[Any]:
    if not words or "\0" in words:
        return
    yield from (begins_with("number", number) for number in _numbers(words))
    if with_buyer:
        yield from (begins_with("buyer_email", address) for address in {words, words.lower()})
        if phone := phone_beginning(words):
            yield begins_with("buyer_phone", phone)


def _numbers(words: str) -> set[str]:
    """Also in capitals and in groups of four: our own numbers are, and people type them otherwise."""
    plain = "".join(char for char in words.upper() if char.isalnum())
    grouped = "-".join(plain[start : start + 4] for start in range(0, len(plain), 4))
    return {words, words.upper(), grouped} - {""}

"""While a store's password is being changed: which callbacks the bank still signs with the previous one."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured

from wagtail_payparts import conf
from wagtail_payparts.models import EventType, PaymentEvent, Verdict


logger = logging.getLogger(__name__)

#: The store's former password, as ``bank.Callback.password_of`` calls it.
PREVIOUS = "previous"
#: Where an event's payload says so. The bank writes no such key; one that came without being signed is not believed.
_MARK = "signed_with"
_WARN_EVERY = 3600
#: What may have become of a callback that was signed. With its moment, an index finds the recent ones.
_SIGNED = (
    Verdict.RECEIVED,
    Verdict.APPLIED,
    Verdict.STALE,
    Verdict.CONFLICT,
    Verdict.UNKNOWN_STATE,
    Verdict.UNKNOWN_ORDER,
)
COUNTED = 1000


@dataclass(frozen=True)
class Rotation:
    """A store that has a previous password. ``count``: recent callbacks that were signed with it, up to ``COUNTED``."""

    count: int = 0
    last: datetime | None = None


def mark(payload: Mapping[str, Any], password: str) -> dict[str, Any]:
    """The payload to be stored of a callback that was signed with the ``current`` or the ``previous`` password."""
    kept = {key: value for key, value in payload.items() if key != _MARK}
    return kept | {_MARK: PREVIOUS} if password == PREVIOUS else kept


def warn_of_previous(alias: str) -> None:
    """Write to the log once an hour."""
    if cache.add(f"payparts-previous-password-{alias}", 1, _WARN_EVERY):
        logger.warning("store %s: the bank still signs callbacks with the previous password", alias)


def rotations(now: datetime, *, lately: timedelta) -> dict[str, Rotation]:
    """By alias, the stores that have a previous password. One query, and none where there is no such store."""
    store_ids = {}
    for alias in conf.store_aliases():
        try:
            store = conf.read_store(alias)
        except ImproperlyConfigured:
            continue
        if store.previous_password:
            store_ids[store.store_id] = alias
    if not store_ids:
        return {}
    signed = PaymentEvent.objects.filter(verdict__in=_SIGNED, created_at__gte=now - lately, type=EventType.CALLBACK)
    marked = signed.filter(store_id__in=store_ids, **{f"payload__{_MARK}": PREVIOUS}).order_by("-created_at")
    found = {alias: Rotation() for alias in store_ids.values()}
    for store_id, at in marked.values_list("store_id", "created_at")[:COUNTED]:
        so_far = found[store_ids[store_id]]
        found[store_ids[store_id]] = Rotation(so_far.count + 1, so_far.last or at)
    return found

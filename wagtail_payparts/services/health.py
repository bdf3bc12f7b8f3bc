"""How callbacks, the poller and deliveries fare: plain facts for the admin's page and ``payparts_doctor``.

The number of queries does not depend on that of stores or payments, and each is served by an index.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.models import Count, F, OuterRef, Q, Subquery
from django.utils import timezone

from wagtail_payparts import conf
from wagtail_payparts.models import (
    EventType,
    Heartbeat,
    Payment,
    PaymentEvent,
    Source,
    Verdict,
)
from wagtail_payparts.services.addresses import callback_url
from wagtail_payparts.services.deliveries import failed_results
from wagtail_payparts.services.desk import unknown_callbacks
from wagtail_payparts.services.rotation import Rotation, rotations
from wagtail_payparts.services.sync import HEARTBEAT
from wagtail_payparts.states import FINAL


LATELY = timedelta(days=7)
NO_AMOUNT_LATELY = timedelta(days=30)
SHOWN_REJECTIONS = 50
SHOWN_UNKNOWN = SHOWN_FAILING = 20
#: A question to the bank may wait so long for the poller's next pass.
OVERDUE_AFTER = timedelta(minutes=10)
#: Beyond so many, "more than a thousand" says as much as the number would.
COUNTED = 1000


@dataclass(frozen=True)
class Some:
    """How many, up to ``COUNTED``; ``is_more`` beyond."""

    count: int = 0
    is_more: bool = False


@dataclass(frozen=True)
class Rejection:
    """A callback that was not believed, without any of its signature.

    ``alias`` is empty if it names no store of ours.
    """

    at: datetime
    alias: str
    store_id: str
    order_id: str
    reason: str
    signature: Mapping[str, Any]
    message: str
    address: str = ""


@dataclass(frozen=True)
class Decided:
    """Real payments that came to an end lately, by what told us of it.

    ``expected``: those of ``by_asking`` of which the bank should have told us. Of one that was long given up it may
    say nothing.
    """

    by_callback: int = 0
    by_asking: int = 0
    expected: int = 0

    @property
    def total(self) -> int:
        return self.by_callback + self.by_asking

    def __add__(self, other: Decided) -> Decided:
        return Decided(
            self.by_callback + other.by_callback, self.by_asking + other.by_asking, self.expected + other.expected
        )


@dataclass(frozen=True)
class StoreHealth:
    """One store. ``is_usable``: the settings let it be used; ``is_configured``: they name it at all."""

    alias: str
    is_usable: bool = True
    is_configured: bool = True
    last_valid: datetime | None = None
    last_rejected: Rejection | None = None
    #: Rejected callbacks that name this store, lately.
    rejected: int = 0
    decided: Decided = Decided()
    #: What is known of its change of password, while it has a previous one.
    rotation: Rotation | None = None


@dataclass(frozen=True)
class UnknownOrder:
    """A signed callback for an order that we do not know. ``other_store``: we know it in that store of ours."""

    pk: int
    at: datetime
    alias: str
    order_id: str
    state: str
    other_store: str


@dataclass(frozen=True)
class FailingDelivery:
    """A signal that a receiver has not taken."""

    payment_id: int
    order_id: str
    signal: str
    receiver: str
    error: str
    attempts: int
    next_attempt_at: datetime | None
    given_up_at: datetime | None


@dataclass(frozen=True)
class Overdue:
    """Questions to the bank whose time has passed."""

    count: Some = Some()
    since: datetime | None = None


@dataclass(frozen=True)
class Health:
    """All of it, as it was at ``now``."""

    now: datetime
    stores: tuple[StoreHealth, ...] = ()
    #: Callbacks that name no store of ours or could not be read.
    last_stranger: Rejection | None = None
    strangers: int = 0
    rejections: tuple[Rejection, ...] = ()
    unknown: tuple[UnknownOrder, ...] = ()
    unknown_count: Some = Some()
    failing: tuple[FailingDelivery, ...] = ()
    failing_count: Some = Some()
    beat_at: datetime | None = None
    overdue: Overdue = Overdue()
    #: Answers of the bank without an amount, lately.
    no_amount: Some = Some()
    #: Attention codes that wait for a person, with their payments.
    attention: Mapping[str, int] = field(default_factory=dict)
    attention_count: Some = Some()
    has_payments: bool = False
    #: The address that the bank is given for its callbacks; empty if there is none.
    callback_url: str = ""

    @property
    def decided(self) -> Decided:
        return sum((store.decided for store in self.stores), Decided())


def examine(now: datetime | None = None) -> Health:
    """Gather the facts. Reads only; at most a dozen queries."""
    now = now or timezone.now()
    aliases = _aliases_by_store_id()
    newest = _newest_callbacks(list(aliases))
    counts = _count_rejected(aliases, now)
    rejections = _rejections(aliases)
    unknown, unknown_count = _unknown(aliases)
    failing, failing_count = _failing()
    attention, attention_count = _attention()
    return Health(
        now=now,
        stores=tuple(_stores(aliases, newest, counts, now)),
        last_stranger=next((_rejection(event, aliases) for event in newest if event.store_id not in aliases), None),
        strangers=counts[""],
        rejections=rejections,
        unknown=unknown,
        unknown_count=unknown_count,
        failing=failing,
        failing_count=failing_count,
        beat_at=Heartbeat.objects.filter(name=HEARTBEAT).values_list("beat_at", flat=True).first(),
        overdue=_overdue(now),
        no_amount=_no_amount(now),
        attention=attention,
        attention_count=attention_count,
        has_payments=Payment.objects.exists(),
        callback_url=callback_url(),
    )


def _aliases_by_store_id() -> dict[str, str]:
    """Alias by the bank's id, of each store whose settings can be read."""
    found: dict[str, str] = {}
    for alias in conf.store_aliases():
        store_id = conf.store_id(alias)
        if store_id:
            found.setdefault(store_id, alias)
    return found


def _is_usable(alias: str) -> bool:
    try:
        conf.get_store(alias)
    except ImproperlyConfigured:
        return False
    return True


def _stores(
    aliases: Mapping[str, str],
    newest: Sequence[PaymentEvent],
    counts: Mapping[str, int],
    now: datetime,
) -> list[StoreHealth]:
    decided = _decided(now)
    changing = rotations(now, lately=LATELY)
    configured = conf.store_aliases()
    # Nobody can ask about the payments of a store that the settings no longer name.
    forgotten = sorted(set(decided) - set(configured))
    named = [event for event in newest if event.store_id in aliases]
    valid = {aliases[event.store_id]: event.created_at for event in named if event.verdict != Verdict.REJECTED}
    rejected = {aliases[event.store_id]: event for event in named if event.verdict == Verdict.REJECTED}
    return [
        StoreHealth(
            alias=alias,
            is_usable=_is_usable(alias),
            is_configured=alias in configured,
            last_valid=valid.get(alias),
            last_rejected=_rejection(rejected[alias], aliases) if alias in rejected else None,
            rejected=counts.get(alias, 0),
            decided=decided.get(alias, Decided()),
            rotation=changing.get(alias),
        )
        for alias in [*configured, *forgotten]
    ]


def _newest_callbacks(store_ids: Sequence[str]) -> list[PaymentEvent]:
    """Of each store the newest valid and the newest rejected callback, and the newest that names none of them."""
    callbacks = PaymentEvent.objects.filter(type=EventType.CALLBACK)
    rejected = callbacks.filter(verdict=Verdict.REJECTED).order_by("-created_at", "-pk")
    wanted = [rejected.exclude(store_id__in=store_ids)]
    for store_id in store_ids:
        wanted.append(callbacks.filter(store_id=store_id).exclude(verdict=Verdict.REJECTED).order_by("-pk"))
        wanted.append(rejected.filter(store_id=store_id))
    # Not pk__in, in which MariaDB takes a single subquery for a list, and such a one may have no LIMIT.
    is_wanted = [Q(pk=Subquery(newest.values("pk")[:1])) for newest in wanted]
    return list(PaymentEvent.objects.filter(reduce(or_, is_wanted)))


def _count_rejected(aliases: Mapping[str, str], now: datetime) -> dict[str, int]:
    """How many callbacks were rejected lately, by store; under the empty alias those that name none of ours."""
    names_it = {f"store_{number}": Q(store_id=store_id) for number, store_id in enumerate(aliases)}
    lately = PaymentEvent.objects.filter(verdict=Verdict.REJECTED, created_at__gte=now - LATELY)
    counts = lately.aggregate(total=Count("pk"), **{name: Count("pk", filter=q) for name, q in names_it.items()})
    found = {alias: counts[name] for name, alias in zip(names_it, aliases.values(), strict=True)}
    return found | {"": counts["total"] - sum(found.values())}


def _decided(now: datetime) -> dict[str, Decided]:
    """By store, the real payments that came to the bank's final word lately. Test payments prove nothing.

    A create request that was refused at once is left out: nothing was awaited.
    """
    ended = Payment.objects.real().filter(settled_at__gte=now - LATELY, settled_at__lte=now, state__in=FINAL)
    expected = Q(settled_at__lte=F("created_at") + conf.expire_after())
    found: dict[str, Decided] = {}
    by_how = (
        ended.order_by()
        .values("store", "settled_by")
        .annotate(total=Count("pk"), expected=Count("pk", filter=expected))
    )
    for row in by_how:
        if row["settled_by"] == Source.CALLBACK:
            more = Decided(by_callback=row["total"])
        elif row["settled_by"] in {Source.POLL, Source.STAFF}:
            more = Decided(by_asking=row["total"], expected=row["expected"])
        else:
            continue
        found[row["store"]] = found.get(row["store"], Decided()) + more
    return found


def _rejections(aliases: Mapping[str, str]) -> tuple[Rejection, ...]:
    rejected = PaymentEvent.objects.filter(verdict=Verdict.REJECTED).order_by("-created_at", "-pk")
    return tuple(_rejection(event, aliases) for event in rejected[:SHOWN_REJECTIONS])


def _rejection(event: PaymentEvent, aliases: Mapping[str, str]) -> Rejection:
    payload = event.payload if isinstance(event.payload, dict) else {}
    signature = payload.get("signature")
    return Rejection(
        at=event.created_at,
        alias=aliases.get(event.store_id, ""),
        store_id=event.store_id,
        order_id=event.order_id,
        # Before the reason was stored as a code it was the beginning of the message.
        reason=str(payload.get("reason") or event.message.partition(":")[0]),
        signature=signature if isinstance(signature, dict) else {},
        message=event.message,
        address=str(payload.get("address", "")),
    )


def _unknown(aliases: Mapping[str, str]) -> tuple[tuple[UnknownOrder, ...], Some]:
    known = Payment.objects.filter(order_id=OuterRef("order_id")).order_by().values("store")[:1]
    newest = list(unknown_callbacks().annotate(known_in=Subquery(known))[: SHOWN_UNKNOWN + 1])
    shown = tuple(
        UnknownOrder(
            pk=event.pk,
            at=event.created_at,
            alias=aliases.get(event.store_id, ""),
            order_id=event.order_id,
            state=event.state,
            other_store=event.known_in or "",
        )
        for event in newest[:SHOWN_UNKNOWN]
    )
    return shown, _some(len(newest), SHOWN_UNKNOWN)


def _failing() -> tuple[tuple[FailingDelivery, ...], Some]:
    failed = failed_results().order_by("-pk")
    needed = failed.select_related("delivery__payment").only(
        "receiver",
        "last_error",
        "attempts",
        "next_attempt_at",
        "given_up_at",
        "delivery__signal",
        "delivery__payment__order_id",
    )
    newest = list(needed[: SHOWN_FAILING + 1])
    shown = tuple(
        FailingDelivery(
            payment_id=result.delivery.payment_id,
            order_id=result.delivery.payment.order_id,
            signal=result.delivery.signal,
            receiver=result.receiver,
            error=result.last_error,
            attempts=result.attempts,
            next_attempt_at=result.next_attempt_at,
            given_up_at=result.given_up_at,
        )
        for result in newest[:SHOWN_FAILING]
    )
    return shown, _some(len(newest), SHOWN_FAILING)


def _overdue(now: datetime) -> Overdue:
    due = Payment.objects.filter(next_poll_at__lt=now - OVERDUE_AFTER).order_by("next_poll_at")
    moments = list(due.values_list("next_poll_at", flat=True)[: COUNTED + 1])
    return Overdue(_some(len(moments), COUNTED), moments[0] if moments else None)


def _no_amount(now: datetime) -> Some:
    """Notes of ``services.observations`` where an answer named no amount.

    Of their empty verdict there are few; of their type, and of those of a month, there may be many.
    """
    notes = PaymentEvent.objects.filter(verdict="", created_at__gte=now - NO_AMOUNT_LATELY)
    by_poller = notes.filter(type=EventType.NOTE, source=Source.POLL, payload__note="no_amount")
    return _some(len(by_poller.order_by("-created_at").values_list("pk", flat=True)[: COUNTED + 1]), COUNTED)


def _attention() -> tuple[dict[str, int], Some]:
    # "Not equal" would not use the index.
    waiting = list(
        Payment.objects.filter(attention__gt="").order_by().values_list("attention", flat=True)[: COUNTED + 1]
    )
    codes = Counter(code for attention in waiting[:COUNTED] for code in attention.split())
    return dict(codes.most_common()), _some(len(waiting), COUNTED)


def _some(found: int, limit: int) -> Some:
    return Some(min(found, limit), found > limit)

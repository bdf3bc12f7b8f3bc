"""Everything that ever happened to a payment, ready to be read from top to bottom."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from wagtail.admin.utils import get_user_display_name

from wagtail_payparts.dashboard.attention import explain
from wagtail_payparts.dashboard.columns import WAITING, state_kind
from wagtail_payparts.dashboard.moments import write_moment, write_seconds
from wagtail_payparts.models import EventType, Payment, PaymentEvent, ReceiverResult, SignalDelivery, Verdict
from wagtail_payparts.resources import clean
from wagtail_payparts.states import PaymentState, from_bank


#: The newest so many are shown; a payment in good health has a dozen.
MAX_EVENTS = 200
#: A message is shown up to here, the rest on request.
CLIP = 280
#: A contract that the bank sent whole would weigh more than the page.
MAX_SHOWN = 20_000

_VERDICT_KINDS: dict[str, str] = {
    Verdict.APPLIED: "good",
    Verdict.CONFLICT: "bad",
    Verdict.REJECTED: "bad",
    Verdict.REFUSED: "bad",
    Verdict.BAD_ANSWER: "bad",
    Verdict.MISMATCH: "bad",
    Verdict.UNKNOWN_STATE: "bad",
}


@dataclass(frozen=True)
class Text:
    """A text of unknown length: its beginning, and the whole where that is more."""

    short: str
    whole: str = ""
    is_cut: bool = False


@dataclass(frozen=True)
class Outcome:
    """What one receiver did with a signal."""

    receiver: str
    kind: str
    label: str
    error: Text


@dataclass(frozen=True)
class Announcement:
    """A signal that was owed because of an event."""

    signal: str
    outcomes: list[Outcome]
    is_done: bool


@dataclass
class Entry:
    """One event of the timeline, in words."""

    at: str
    iso: str
    title: str
    state: str
    state_tag: str
    verdict: str
    verdict_tag: str
    who: str
    text: Text
    facts: list[str]
    payload: str
    announcements: list[Announcement] = field(default_factory=list)


@dataclass(frozen=True)
class Timeline:
    entries: list[Entry]
    #: How many older events are not shown.
    left_out: int


def build_timeline(payment: Payment, *, with_buyer: bool) -> Timeline:
    """The events of a payment, oldest first, with what receivers did. Four queries at most.

    ``with_buyer``: whether to show what can name the buyer.
    """
    events = list(payment.events.select_related("user__wagtail_userprofile").order_by("-pk")[: MAX_EVENTS + 1])
    left_out = payment.events.count() - MAX_EVENTS if len(events) > MAX_EVENTS else 0
    events = events[:MAX_EVENTS][::-1]
    announced: dict[int, list[Announcement]] = {}
    deliveries = payment.deliveries.filter(event__in=[event.pk for event in events]).order_by("pk")
    for delivery in deliveries.prefetch_related("results"):
        announced.setdefault(delivery.event_id, []).append(_announcement(delivery))
    return Timeline([_entry(event, announced.get(event.pk, []), with_buyer) for event in events], left_out)


def clip(text: str) -> Text:
    """The beginning of a text, and all of it (within reason) where that is more."""
    plain = clean(text).strip()
    if len(plain) <= CLIP:
        return Text(plain)
    return Text(plain[:CLIP].rstrip() + "…", plain[:MAX_SHOWN], len(plain) > MAX_SHOWN)


def bank_text(text: str, state: str, *, with_buyer: bool) -> Text:
    """What the bank says beside its word ``state``.

    The contract of a paid payment names the buyer and the card; why a payment was not made does not, and is what
    the shop's staff are asked for.
    """
    if not text or with_buyer or not state or from_bank(state) in {PaymentState.FAIL, PaymentState.CANCELED}:
        return clip(text)
    return Text(_("Shown to those who have the permission to see the buyer’s details."))


def _entry(event: PaymentEvent, announcements: list[Announcement], with_buyer: bool) -> Entry:
    is_attention = event.type == EventType.ATTENTION
    known = from_bank(event.state) or (event.state if event.state in PaymentState.values else None)
    return Entry(
        at=write_seconds(event.created_at),
        iso=event.created_at.isoformat(),
        title=explain(event.message).label if is_attention else event.get_type_display(),
        state=clean(event.get_state_display()),
        state_tag=state_kind(known) if known else WAITING,
        verdict=event.get_verdict_display(),
        verdict_tag=_VERDICT_KINDS.get(event.verdict, WAITING),
        who=get_user_display_name(event.user) if event.user else event.get_source_display(),
        text=Text("") if is_attention else bank_text(event.message, event.state, with_buyer=with_buyer),
        facts=_facts(event),
        payload=_payload(event) if with_buyer else "",
        announcements=announcements,
    )


def _facts(event: PaymentEvent) -> list[str]:
    facts = []
    if event.repeats:
        facts.append(
            ngettext("and once more", "and %(count)s times more", event.repeats) % {"count": event.repeats},
        )
    if event.http_status:
        facts.append(f"HTTP {event.http_status}")
    if event.duration_ms is not None:
        facts.append(_("%(count)s ms") % {"count": event.duration_ms})
    if event.trace_id:
        facts.append(f"Trace-Id: {clean(event.trace_id)}")
    return facts


def _payload(event: PaymentEvent) -> str:
    if not event.payload:
        return ""
    return clean(json.dumps(event.payload, ensure_ascii=False, indent=2, sort_keys=True))[:MAX_SHOWN]


def _announcement(delivery: SignalDelivery) -> Announcement:
    results: Iterable[Any] = delivery.results.all()
    return Announcement(delivery.signal, [_outcome(result) for result in results], delivery.done_at is not None)


def _outcome(result: ReceiverResult) -> Outcome:
    if result.delivered_at:
        kind, label = "good", _("delivered %(at)s") % {"at": write_moment(result.delivered_at)}
    elif result.given_up_at:
        kind, label = "bad", _("given up %(at)s") % {"at": write_moment(result.given_up_at)}
    else:
        kind, label = "bad", _("failed; again %(at)s") % {"at": write_moment(result.next_attempt_at)}
    if result.attempts > 1:
        label += ", " + _("attempts: %(count)s") % {"count": result.attempts}
    return Outcome(result.receiver, kind, label, clip(result.last_error))

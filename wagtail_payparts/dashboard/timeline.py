"""Everything that ever happened to a payment, ready to be read from top to bottom."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from wagtail.admin.utils import get_user_display_name

from wagtail_payparts.dashboard.announcements import Announcement, announcements_of
from wagtail_payparts.dashboard.attention import explain
from wagtail_payparts.dashboard.columns import WAITING, state_kind
from wagtail_payparts.dashboard.exchanges import explain_exchange, is_technical
from wagtail_payparts.dashboard.moments import write_seconds
from wagtail_payparts.dashboard.texts import MAX_SHOWN, Text, bank_text, clip
from wagtail_payparts.formats import format_hryvnias
from wagtail_payparts.models import Action, EventType, Payment, PaymentEvent, RefundState, Verdict
from wagtail_payparts.resources import clean
from wagtail_payparts.states import PaymentState, from_bank


#: So many are shown at once, from the newest back; a payment in good health has a dozen.
MAX_EVENTS = 200

_VERDICT_KINDS: dict[str, str] = {
    Verdict.APPLIED: "good",
    Verdict.CONFLICT: "bad",
    Verdict.REJECTED: "bad",
    Verdict.REFUSED: "bad",
    Verdict.BAD_ANSWER: "bad",
    Verdict.MISMATCH: "bad",
    Verdict.UNKNOWN_STATE: "bad",
}
#: What people have done: their words are all there is to it.
_BY_HAND = frozenset({EventType.NOTE, EventType.RESOLVED, EventType.REDELIVERY})
#: What we have told the bank, or decided ourselves; the bank's reply to it has a verdict.
_MONEY = frozenset({EventType.ACTION, EventType.REFUND})


@dataclass
class Entry:
    """One event of the timeline, in words. ``technical`` is for those who look for a fault."""

    at: str
    iso: str
    title: str
    subject: str
    state: str
    state_tag: str
    verdict: str
    verdict_tag: str
    who: str
    explanation: str
    text: Text
    technical: Text
    facts: list[str]
    payload: str
    announcements: list[Announcement] = field(default_factory=list)


@dataclass(frozen=True)
class Timeline:
    entries: list[Entry]
    #: The id of the oldest event that is shown, if there are older ones.
    before: int | None
    #: Whether newer ones are left out.
    is_past: bool


def build_timeline(payment: Payment, *, with_buyer: bool, before: int | None = None) -> Timeline:
    """The newest events of a payment, or the newest older than ``before``, oldest first. Two queries.

    ``with_buyer``: whether to show what can name the buyer.
    """
    past = payment.events.filter(pk__lt=before) if before is not None else payment.events.all()
    events = list(past.select_related("user").order_by("-pk")[: MAX_EVENTS + 1])
    has_older = len(events) > MAX_EVENTS
    events = events[:MAX_EVENTS][::-1]
    deliveries = payment.deliveries.filter(event__in=[event.pk for event in events])
    announced = announcements_of(deliveries, with_buyer=with_buyer)
    return Timeline(
        entries=[_entry(event, announced.get(event.pk, []), with_buyer) for event in events],
        before=events[0].pk if has_older else None,
        is_past=before is not None,
    )


def _entry(event: PaymentEvent, announcements: list[Announcement], with_buyer: bool) -> Entry:
    is_attention = event.type == EventType.ATTENTION
    technical = not is_attention and is_technical(event)
    known = from_bank(event.state) or (event.state if event.state in PaymentState.values else None)
    words = "" if is_attention or technical else event.message
    return Entry(
        at=write_seconds(event.created_at),
        iso=event.created_at.isoformat(),
        title=explain(clean(event.message)).label if is_attention else event.get_type_display(),
        subject=_subject(event),
        state=clean(event.get_state_display()),
        state_tag=state_kind(known) if known else WAITING,
        verdict=event.get_verdict_display(),
        verdict_tag=_VERDICT_KINDS.get(event.verdict, WAITING),
        who=_who(event),
        explanation=explain_exchange(event) if technical else "",
        text=bank_text(words, event.state, with_buyer=with_buyer),
        technical=clip(event.message) if technical and event.type != EventType.NOTE else Text(""),
        facts=_facts(event),
        payload=_payload(event) if with_buyer else "",
        announcements=announcements,
    )


def _subject(event: PaymentEvent) -> str:
    """What was decided, which action was begun, or how much is refunded and how that stands."""
    if event.type == EventType.RESOLVED:
        return explain(clean(str(event.payload.get("code", "")))).label
    if not _is_ours(event):
        return ""
    if event.type == EventType.ACTION:
        action = event.payload.get("action")
        return str(Action(action).label) if action in Action.values else ""
    state = event.payload.get("state")
    return " · ".join(
        filter(None, [_amount(event), str(RefundState(state).label) if state in RefundState.values else ""])
    )


def _amount(event: PaymentEvent) -> str:
    try:
        return format_hryvnias(Decimal(str(event.payload["amount"])))
    except (KeyError, InvalidOperation):
        return ""


def _is_ours(event: PaymentEvent) -> bool:
    return event.type in _MONEY and not event.verdict


def _who(event: PaymentEvent) -> str:
    if event.user:
        return _name(event.user)
    if event.type in _BY_HAND and event.source == "staff":
        return _("somebody whose account is gone")
    return str(event.get_source_display())


def _name(user: Any) -> str:
    return clean(str(get_user_display_name(user)))


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
    if not event.payload or event.type in _BY_HAND or _is_ours(event):
        return ""
    return clean(json.dumps(event.payload, ensure_ascii=False, indent=2, sort_keys=True))[:MAX_SHOWN]

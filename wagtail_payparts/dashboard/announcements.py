"""The signals that were owed for an event, and what each receiver did with them, in words."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from wagtail_payparts.dashboard.attention import explain
from wagtail_payparts.dashboard.moments import write_moment
from wagtail_payparts.dashboard.texts import Text, error_text
from wagtail_payparts.models import ReceiverResult, SignalDelivery
from wagtail_payparts.resources import clean
from wagtail_payparts.states import PaymentState


_SIGNALS = {
    "payment_state_changed": pgettext_lazy("a signal", "The state has changed"),
    "payment_succeeded": pgettext_lazy("a signal", "Paid"),
    "payment_late_success": pgettext_lazy("a signal", "Paid late, or twice"),
    "payment_locked": pgettext_lazy("a signal", "On hold"),
    "payment_failed": pgettext_lazy("a signal", "Refused"),
    "payment_canceled": pgettext_lazy("a signal", "Cancelled"),
    "payment_expired": pgettext_lazy("a signal", "Expired"),
    "payment_refunded": pgettext_lazy("a signal", "Refunded"),
    "payment_needs_attention": pgettext_lazy("a signal", "Needs attention"),
}
#: Our own receivers; a shop's are called by their names in its code.
_RECEIVERS = {
    "wagtail_payparts.order.await_payment": gettext_lazy("The order waits for the payment"),
    "wagtail_payparts.order.hold": gettext_lazy("The order is put on hold"),
    "wagtail_payparts.order.pay": gettext_lazy("The order is marked as paid"),
    "wagtail_payparts.order.pay_late": gettext_lazy("The order is marked as paid"),
    "wagtail_payparts.order.refund": gettext_lazy("The refund is written into the order"),
    "wagtail_payparts.order.fail": gettext_lazy("The order is cancelled, if no other payment can pay it"),
    "wagtail_payparts.order.cancel": gettext_lazy("The order is cancelled, if no other payment can pay it"),
    "wagtail_payparts.order.expire": gettext_lazy("The order is cancelled, if no other payment can pay it"),
}
#: What is read of a result.
_RESULT = ("receiver", "attempts", "last_error", "next_attempt_at", "delivered_at", "given_up_at")


@dataclass(frozen=True)
class Outcome:
    """What one receiver did with a signal. ``name`` is empty where ``receiver`` already says it."""

    receiver: str
    name: str
    kind: str
    label: str
    error: Text


@dataclass(frozen=True)
class Announcement:
    """A signal that was owed because of an event."""

    label: str
    signal: str
    about: str
    outcomes: list[Outcome]
    is_done: bool


def signal_label(signal: str) -> str:
    """A signal in words; one of another version of the plugin is called by its name."""
    return str(_SIGNALS.get(signal, signal))


def receiver_label(receiver: str) -> str:
    """What a receiver of ours does, in words; a shop's is called by its name."""
    return str(_RECEIVERS.get(receiver, clean(receiver)))


def announcements_of(deliveries: QuerySet[SignalDelivery], *, with_buyer: bool) -> dict[int, list[Announcement]]:
    """Deliveries with their results, in words, by the id of their event. One query.

    ``with_buyer``: whether to show what can name the buyer.
    """
    results = [f"results__{name}" for name in _RESULT]
    rows = deliveries.order_by("pk", "results__pk").values("pk", "event_id", "signal", "arguments", "done_at", *results)
    by_event: dict[int, list[Announcement]] = {}
    for _pk, group in groupby(rows, key=itemgetter("pk")):
        of_one = list(group)
        by_event.setdefault(of_one[0]["event_id"], []).append(_announcement(of_one, with_buyer=with_buyer))
    return by_event


def _announcement(rows: list[dict[str, Any]], *, with_buyer: bool) -> Announcement:
    """``rows``: the delivery, once for each of its results, or alone."""
    delivery = rows[0]
    is_done = delivery["done_at"] is not None
    results = [ReceiverResult(**{name: row[f"results__{name}"] for name in _RESULT}) for row in rows]
    return Announcement(
        label=signal_label(delivery["signal"]),
        signal=delivery["signal"] if delivery["signal"] in _SIGNALS else "",
        about=_about(delivery["arguments"]),
        outcomes=[_outcome(result, is_done, with_buyer) for result in results if result.receiver],
        is_done=is_done,
    )


def _about(arguments: dict[str, Any]) -> str:
    if arguments.get("new_state"):
        words = dict(PaymentState.choices)
        old, new = (arguments.get(name, "") for name in ("old_state", "new_state"))
        return clean(f"{words.get(old, old)} → {words.get(new, new)}")
    return explain(arguments["code"]).label if arguments.get("code") else ""


def _outcome(result: ReceiverResult, is_done: bool, with_buyer: bool) -> Outcome:
    kind, label = _what_became(result, is_done=is_done)
    if result.attempts > 1:
        label += ", " + _("attempts: %(count)s") % {"count": result.attempts}
    name = clean(result.receiver) if result.receiver in _RECEIVERS else ""
    return Outcome(
        receiver_label(result.receiver), name, kind, label, error_text(result.last_error, with_buyer=with_buyer)
    )


def _what_became(result: ReceiverResult, *, is_done: bool) -> tuple[str, str]:
    if result.delivered_at:
        return "good", _("delivered %(at)s") % {"at": write_moment(result.delivered_at)}
    if result.given_up_at:
        return "bad", _("given up %(at)s") % {"at": write_moment(result.given_up_at)}
    if result.next_attempt_at and result.attempts:
        return "bad", _("failed; again %(at)s") % {"at": write_moment(result.next_attempt_at)}
    if is_done:
        return "over", _("this receiver is no longer there")
    return "waiting", _("about to be delivered")

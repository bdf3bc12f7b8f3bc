"""What the facts of ``services.health`` mean, in the reader's language: for the admin's page and the doctor alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from wagtail_payparts.models import AttentionCode
from wagtail_payparts.services.health import LATELY, Health, Some, StoreHealth
from wagtail_payparts.services.rejections import explain_rejection
from wagtail_payparts.services.rotation import COUNTED


#: After so long without a sign of life something is wrong with the poller; after so long it does not run.
STALE_AFTER, GONE_AFTER = timedelta(minutes=10), timedelta(hours=1)
#: So many payments that only a question to the bank has decided are no accident.
SILENT_FROM = 3


class Level(IntEnum):
    """How bad it is. ``INFO``: nothing to tell yet."""

    OK = 0
    INFO = 1
    WARN = 2
    FAIL = 3

    @property
    def is_trouble(self) -> bool:
        return self >= Level.WARN


@dataclass(frozen=True)
class Finding:
    """One verdict. ``code`` names its kind; ``advice`` says what to do, where there is something."""

    level: Level
    code: str
    text: str
    advice: str = ""


def diagnose(health: Health) -> list[Finding]:
    """Every verdict on the facts, the good ones too, in the order in which they are read."""
    findings = [_callbacks(store, health) for store in health.stores]
    found = [
        *[_signatures(store) for store in health.stores if _was_forged(store, health.now)],
        *[_rotation(store, health.now) for store in health.stores],
        _share(health),
        _strangers(health),
        _unknown_orders(health),
        _poller(health),
        _overdue(health),
        _deliveries(health),
        _no_amount(health),
        _attention(health),
    ]
    return findings + [finding for finding in found if finding is not None]


def _callbacks(store: StoreHealth, health: Health) -> Finding:
    named = {"store": store.alias}
    if not store.is_usable:
        return _unusable(store, health)
    came_lately = store.last_valid is not None and health.now - store.last_valid <= LATELY
    decided = store.decided
    if decided.expected >= SILENT_FROM and not decided.by_callback and not came_lately:
        return Finding(
            Level.FAIL,
            "callbacks_missing",
            ngettext(
                "Callbacks do not arrive: in the last 7 days %(count)d payment of the store “%(store)s” was decided, "
                "and only because the bank was asked.",
                "Callbacks do not arrive: in the last 7 days %(count)d payments of the store “%(store)s” were decided, "
                "and all of them only because the bank was asked.",
                decided.by_asking,
            )
            % (named | {"count": decided.by_asking}),
            _(
                "Check the firewall, the proxy and the address that the bank is given: %(url)s. It has to be reachable "
                "from the internet, by POST, without a login and without a redirect."
            )
            % {"url": health.callback_url or _("none, set PAYPARTS_BASE_URL")},
        )
    if came_lately and store.last_valid:
        text = _("Callbacks of the store “%(store)s” arrive; the last valid one came %(ago)s.")
        return Finding(Level.OK, "callbacks", text % (named | {"ago": ago(store.last_valid, health.now)}))
    if decided.total:
        text = _(
            "No callback of the store “%(store)s” has come in the last 7 days; too few payments were decided to say "
            "whether that is odd."
        )
    elif store.last_valid:
        text = _("The last valid callback of the store “%(store)s” came %(ago)s; since then there was little to tell.")
        named["ago"] = ago(store.last_valid, health.now)
    else:
        text = _("No callback of the store “%(store)s” has come yet, and no payment has waited for one.")
    return Finding(Level.INFO, "callbacks_unknown", text % named)


def _unusable(store: StoreHealth, health: Health) -> Finding:
    named = {"store": store.alias}
    if not store.is_configured:
        return Finding(
            Level.FAIL,
            "store_forgotten",
            _("The settings no longer name the store “%(store)s”, which has payments.") % named,
            _("The bank cannot be asked about them. Put the store back into PAYPARTS_STORES."),
        )
    return Finding(
        Level.FAIL if health.has_payments else Level.INFO,
        "store_unusable",
        _("The store “%(store)s” is not set up: nothing can be sold through it, and its callbacks are rejected.")
        % named,
        _("Run manage.py payparts_doctor: it says which setting is missing."),
    )


def _was_forged(store: StoreHealth, now: datetime) -> bool:
    last = store.last_rejected
    return last is not None and last.reason == "wrong_signature" and now - last.at <= LATELY


def _signatures(store: StoreHealth) -> Finding | None:
    last = store.last_rejected
    if last is None:
        return None
    explained = explain_rejection(last)
    advice = explained.advice
    if store.last_valid and store.last_valid > last.at:
        advice = _("Valid callbacks have come since, so the password is right. Somebody may be trying the address out.")
    return Finding(
        Level.WARN,
        "wrong_signature",
        ngettext(
            "In the last 7 days %(count)d callback for the store “%(store)s” had a wrong signature.",
            "In the last 7 days %(count)d callbacks for the store “%(store)s” had a wrong signature.",
            store.rejected,
        )
        % {"count": store.rejected, "store": store.alias},
        f"{explained.hint} {advice}".strip(),
    )


def _rotation(store: StoreHealth, now: datetime) -> Finding | None:
    if store.rotation is None:
        return None
    count, last = store.rotation.count, store.rotation.last
    if last is None:
        text = _("The store “%(store)s” still has a PREVIOUS_PASSWORD; in the last 7 days no callback has needed it.")
        advice = _("If the bank signs with the new password, take PREVIOUS_PASSWORD out of the settings.")
        return Finding(Level.INFO, "previous_password", text % {"store": store.alias}, advice)
    named = {"store": store.alias, "count": f"{count}+" if count >= COUNTED else count, "ago": ago(last, now)}
    if store.last_valid and store.last_valid > last:
        text = _(
            "The bank has begun to sign callbacks of the store “%(store)s” with its new password; the last one with "
            "the previous password came %(ago)s."
        )
        advice = _("When no more of those come, take PREVIOUS_PASSWORD out of the settings.")
        return Finding(Level.INFO, "previous_password", text % named, advice)
    text = ngettext(
        "The bank still signs with the previous password of the store “%(store)s”: %(count)s callback in the last 7 "
        "days, the last one %(ago)s.",
        "The bank still signs with the previous password of the store “%(store)s”: %(count)s callbacks in the last 7 "
        "days, the last one %(ago)s.",
        count,
    )
    return Finding(
        Level.WARN,
        "previous_password",
        text % named,
        _("Compare the password in the settings with the bank’s. Until they are equal, no payment can be started."),
    )


def _share(health: Health) -> Finding | None:
    decided = health.decided
    if not decided.total:
        text = _("No payment was decided in the last 7 days.")
        return Finding(Level.INFO, "decided", text)
    text = _(
        "Payments decided in the last 7 days: %(total)d, of them after a callback %(callback)d, only by asking the "
        "bank %(asking)d."
    )
    counts = {"total": decided.total, "callback": decided.by_callback, "asking": decided.by_asking}
    return Finding(Level.OK, "decided", text % counts)


def _strangers(health: Health) -> Finding | None:
    last = health.last_stranger
    if not health.strangers or last is None:
        return None
    one_came = any(store.last_valid and health.now - store.last_valid <= LATELY for store in health.stores)
    explained = explain_rejection(last)
    return Finding(
        Level.WARN if health.has_payments and not one_came else Level.INFO,
        "strangers",
        ngettext(
            "In the last 7 days %(count)d callback named no store of this site, was not from an address of the bank, "
            "or could not be read (%(reason)s).",
            "In the last 7 days %(count)d callbacks named no store of this site, were not from an address of the "
            "bank, or could not be read (the last one: %(reason)s).",
            health.strangers,
        )
        % {"count": health.strangers, "reason": explained.label},
        explained.advice,
    )


def _unknown_orders(health: Health) -> Finding | None:
    some = health.unknown_count
    if not some.count:
        return None
    return Finding(
        Level.WARN,
        "unknown_orders",
        ngettext(
            "%(count)s callback signed by the bank is about an order that this site does not know.",
            "%(count)s callbacks signed by the bank are about orders that this site does not know.",
            some.count,
        )
        % {"count": write_some(some)},
        _(
            "Another site may use the same store, or an order was paid whose record is lost: look the order up in "
            "the bank’s cabinet."
        ),
    )


def _poller(health: Health) -> Finding:
    advice = _("Run manage.py payparts_sync every minute by cron, or as a service with --loop.")
    if health.beat_at is None:
        level = Level.FAIL if health.has_payments else Level.INFO
        return Finding(level, "poller", _("The poller (payparts_sync) has never run."), advice)
    age = health.now - health.beat_at
    seen = {"ago": ago(health.beat_at, health.now)}
    if age <= STALE_AFTER:
        return Finding(Level.OK, "poller", _("The poller (payparts_sync) is at work; it was last seen %(ago)s.") % seen)
    return Finding(
        Level.WARN if age <= GONE_AFTER else Level.FAIL,
        "poller",
        _("The poller (payparts_sync) stands still: it was last seen %(ago)s.") % seen,
        advice,
    )


def _overdue(health: Health) -> Finding | None:
    since, some = health.overdue.since, health.overdue.count
    if since is None:
        ready = _("No question to the bank is overdue.")
        return Finding(Level.OK, "overdue", ready) if health.has_payments else None
    return Finding(
        Level.WARN,
        "overdue",
        ngettext(
            "%(count)s payment waits for the poller to ask the bank; the question was due %(ago)s.",
            "%(count)s payments wait for the poller to ask the bank; the oldest question was due %(ago)s.",
            some.count,
        )
        % {"count": write_some(some), "ago": ago(since, health.now)},
        _("The poller does not run, or does not keep up: run it as a service, payparts_sync --loop, or twice."),
    )


def _deliveries(health: Health) -> Finding | None:
    some = health.failing_count
    if not some.count:
        return Finding(Level.OK, "deliveries", _("All signals were delivered.")) if health.has_payments else None
    return Finding(
        Level.WARN,
        "deliveries",
        ngettext(
            "%(count)s signal was not taken by its receiver: %(receivers)s.",
            "%(count)s signals were not taken by their receivers: %(receivers)s.",
            some.count,
        )
        % {
            "count": write_some(some),
            "receivers": ", ".join(dict.fromkeys(delivery.receiver for delivery in health.failing)),
        },
        _(
            "The shop’s own orders may be out of date. Show the error to a developer; when it is mended, have the "
            "signals delivered again on the payment’s page."
        ),
    )


def _no_amount(health: Health) -> Finding | None:
    some = health.no_amount
    if not some.count:
        return None
    return Finding(
        Level.WARN,
        "no_amount",
        ngettext(
            "In the last 30 days the bank confirmed %(count)s payment without naming its amount.",
            "In the last 30 days the bank confirmed %(count)s payments without naming their amounts.",
            some.count,
        )
        % {"count": write_some(some)},
        _("The amount could not be compared with ours. Ask the bank to name amounts in its answers for your store."),
    )


def _attention(health: Health) -> Finding | None:
    some = health.attention_count
    if not some.count:
        return None
    labels = dict(AttentionCode.choices)
    return Finding(
        Level.WARN,
        "attention",
        ngettext(
            "%(count)s payment waits for a person to decide.",
            "%(count)s payments wait for a person to decide.",
            some.count,
        )
        % {"count": write_some(some)},
        "; ".join(f"{labels.get(code, code)}: {count}" for code, count in health.attention.items()),
    )


def write_some(some: Some) -> str:
    """``17``, or ``1000+``."""
    return f"{some.count}+" if some.is_more else str(some.count)


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, by the largest unit that fits, as it stands in a sentence."""
    minutes = int((now - moment).total_seconds() // 60)
    if minutes < 1:
        return _("just now")
    if minutes < 120:
        return ngettext("%(count)d minute ago", "%(count)d minutes ago", minutes) % {"count": minutes}
    hours = minutes // 60
    if hours < 48:
        return ngettext("%(count)d hour ago", "%(count)d hours ago", hours) % {"count": hours}
    days = hours // 24
    return ngettext("%(count)d day ago", "%(count)d days ago", days) % {"count": days}

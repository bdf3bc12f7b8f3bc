"""The page that says whether callbacks arrive, the poller runs and signals are delivered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView
from wagtail.admin.menu import MenuItem
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.views.generic.permissions import PermissionCheckedMixin
from wagtail.admin.viewsets.base import ViewSet

from wagtail_payparts.dashboard.moments import write_moment
from wagtail_payparts.dashboard.permissions import VIEW_BUYER, payment_policy
from wagtail_payparts.dashboard.texts import Text, error_text
from wagtail_payparts.resources import clean
from wagtail_payparts.services.diagnosis import Finding, Level, ago, diagnose
from wagtail_payparts.services.health import (
    Decided,
    FailingDelivery,
    Health,
    Rejection,
    StoreHealth,
    UnknownOrder,
    examine,
)
from wagtail_payparts.services.rejections import explain_rejection
from wagtail_payparts.states import PaymentState, from_bank


#: So many of the newest rejected callbacks are shown at once, the rest on request.
REJECTIONS_AT_ONCE = 10
#: As much of a foreign store's id as is needed to recognise it.
ENDING = 4

_KINDS = {Level.OK: "good", Level.INFO: "over", Level.WARN: "held", Level.FAIL: "bad"}
_LABELS = {
    Level.OK: gettext_lazy("In order"),
    Level.INFO: gettext_lazy("Nothing to tell yet"),
    Level.WARN: gettext_lazy("Warning"),
    Level.FAIL: gettext_lazy("Problem"),
}


@dataclass(frozen=True)
class Verdict:
    """A finding, or the sum of them, as it is shown."""

    kind: str
    label: str
    text: str
    advice: str = ""


@dataclass(frozen=True)
class Share:
    """How many payments were decided in one way: in words, and as the length of a bar out of a hundred."""

    words: str
    percent: int


@dataclass(frozen=True)
class StoreFacts:
    alias: str
    is_usable: bool
    last_valid: str
    last_rejected: str
    rejected_because: str
    rejected: int
    decided: Decided
    by_callback: Share
    by_asking: Share


@dataclass(frozen=True)
class RejectedCallback:
    at: str
    label: str
    hint: str
    store: str
    order_id: str


@dataclass(frozen=True)
class Failure:
    """A signal that a receiver has not taken, with the way to its payment."""

    url: str
    order_id: str
    signal: str
    receiver: str
    label: str
    error: Text


class HealthView(PermissionCheckedMixin, WagtailAdminTemplateMixin, TemplateView):
    """Everything that ``services.health`` knows. Reads only."""

    permission_policy = payment_policy
    any_permission_required = ["view"]
    page_title = gettext_lazy("Callback health")
    header_icon = "circle-check"
    template_name = "wagtail_payparts/admin/health.html"

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        return [*self.breadcrumbs_items, {"url": "", "label": self.page_title}]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        health = examine()
        with_buyer = self.request.user.has_perm(VIEW_BUYER)
        findings = diagnose(health)
        rejections = [_rejected(rejection) for rejection in health.rejections]
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {
            "verdict": _sum_up(findings, health),
            "findings": [_verdict(finding) for finding in sorted(findings, key=lambda found: -found.level)],
            "health": health,
            "callback_url": clean(health.callback_url),
            "beat_at": _moment_and_age(health.beat_at, health.now),
            "by_callback": _share(health.decided.by_callback, health.decided),
            "last_stranger": _rejected(health.last_stranger) if health.last_stranger else None,
            "stores": [_store(store, health.now) for store in health.stores],
            "rejections": rejections[:REJECTIONS_AT_ONCE],
            "older_rejections": rejections[REJECTIONS_AT_ONCE:],
            "advice": _advice(health),
            "unknown": [_unknown(callback) for callback in health.unknown],
            "failing": [_failure(delivery, with_buyer=with_buyer) for delivery in health.failing],
        }


class HealthViewSet(ViewSet):
    name = "payparts_health"
    url_prefix = "payparts/health"
    icon = "circle-check"
    menu_name = "payparts-health"
    menu_label = gettext_lazy("Callback health")

    @cached_property
    def menu_item_class(self) -> type[MenuItem]:
        class HealthMenuItem(MenuItem):
            def is_shown(self, request: Any) -> bool:
                return payment_policy.user_has_permission(request.user, "view")

        return HealthMenuItem

    def get_urlpatterns(self) -> list[URLPattern]:
        return [path("", self.construct_view(HealthView), name="index")]


def _verdict(finding: Finding) -> Verdict:
    return Verdict(_KINDS[finding.level], str(_LABELS[finding.level]), clean(finding.text), clean(finding.advice))


def _sum_up(findings: list[Finding], health: Health) -> Verdict:
    worst = max(finding.level for finding in findings)
    if worst == Level.FAIL:
        text = _("Something does not work.")
    elif worst == Level.WARN:
        text = _("Payments are taken, but something needs to be looked at.")
    elif health.has_payments:
        worst, text = Level.OK, _("Everything is in order.")
    else:
        text = _("Nothing is wrong. There are no payments yet, so there is little to tell.")
    return Verdict(_KINDS[worst], str(_LABELS[worst]), text)


def _store(store: StoreHealth, now: datetime) -> StoreFacts:
    last = store.last_rejected
    return StoreFacts(
        alias=clean(store.alias),
        is_usable=store.is_usable,
        last_valid=_moment_and_age(store.last_valid, now),
        last_rejected=_moment_and_age(last.at, now) if last else "",
        rejected_because=explain_rejection(last).label if last else "",
        rejected=store.rejected,
        decided=store.decided,
        by_callback=_share(store.decided.by_callback, store.decided),
        by_asking=_share(store.decided.by_asking, store.decided),
    )


def _share(part: int, decided: Decided) -> Share:
    """Rounded down, so that 100 % means all of them."""
    percent = part * 100 // decided.total if decided.total else 0
    words = _("%(count)d of %(total)d (%(percent)d %%)")
    return Share(words % {"count": part, "total": decided.total, "percent": percent}, percent)


def _moment_and_age(moment: datetime | None, now: datetime) -> str:
    return f"{write_moment(moment)} ({ago(moment, now)})" if moment else ""


def _rejected(rejection: Rejection) -> RejectedCallback:
    explained = explain_rejection(rejection)
    if rejection.alias:
        store = _("store “%(store)s”") % {"store": clean(rejection.alias)}
    elif rejection.store_id:
        store = _("store id ending in %(ending)s") % {"ending": clean(rejection.store_id)[-ENDING:]}
    else:
        store = ""
    return RejectedCallback(
        at=write_moment(rejection.at, "H:i:s"),
        label=clean(explained.label),
        hint=clean(explained.hint),
        store=store,
        order_id=clean(rejection.order_id),
    )


def _advice(health: Health) -> list[tuple[list[str], str]]:
    """What to do about the rejections that are shown: each advice once, with what it is for."""
    found: dict[str, dict[str, None]] = {}
    for rejection in health.rejections:
        explained = explain_rejection(rejection)
        label = f"{explained.label}. {explained.hint}".strip()
        found.setdefault(explained.advice, {})[clean(label)] = None
    return [(list(labels), advice) for advice, labels in found.items()]


def _unknown(callback: UnknownOrder) -> dict[str, str]:
    known = from_bank(callback.state)
    return {
        "at": write_moment(callback.at),
        "store": clean(callback.alias),
        "order_id": clean(callback.order_id),
        "state": str(PaymentState(known).label) if known else clean(callback.state),
        "other_store": clean(callback.other_store),
    }


def _failure(delivery: FailingDelivery, *, with_buyer: bool) -> Failure:
    if delivery.given_up_at:
        label = _("given up %(at)s") % {"at": write_moment(delivery.given_up_at)}
    else:
        label = _("failed; again %(at)s") % {"at": write_moment(delivery.next_attempt_at)}
    return Failure(
        url=reverse("payparts_payments:inspect", args=[delivery.payment_id]),
        order_id=clean(delivery.order_id),
        signal=delivery.signal,
        receiver=clean(delivery.receiver),
        label=label + ", " + _("attempts: %(count)s") % {"count": delivery.attempts},
        error=error_text(delivery.error, with_buyer=with_buyer),
    )

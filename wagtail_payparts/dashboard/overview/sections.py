"""The sections of the overview, ready for the template: every number in words, every link made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from wagtail_payparts.dashboard.overview import charts, figures
from wagtail_payparts.dashboard.overview.figures import Group, Reason, Tally, Totals
from wagtail_payparts.dashboard.overview.periods import Period, Step, step_of
from wagtail_payparts.dashboard.overview.words import (
    DASH,
    write_change,
    write_column,
    write_count,
    write_percent,
    write_points,
    write_share,
    write_tick,
)
from wagtail_payparts.formats import format_hryvnias
from wagtail_payparts.models import MerchantType
from wagtail_payparts.states import OPEN, PaymentState


@dataclass(frozen=True)
class Figure:
    """One number, what it was before, and how far that is."""

    label: str
    value: str
    before: str
    change: str
    explained: str = ""
    url: str = ""


@dataclass(frozen=True)
class Row:
    """A row of a table with a bar in it."""

    label: str
    count: str
    share: str
    bar: str
    amount: str = ""
    url: str = ""


@dataclass(frozen=True)
class Drawing:
    """A chart of columns, what it says in a sentence, and the same as a table."""

    code: str
    title: str
    says: str
    chart: charts.Chart
    head: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class Bars:
    """A table whose rows have bars, and what it says in a sentence."""

    code: str
    title: str
    says: str
    head: list[str]
    rows: list[Row]
    url: str = ""


def listing_url(period: Period | None = None, **filters: Any) -> str:
    """The real payments that a figure is made of, in the listing."""
    query: dict[str, Any] = {"is_test": "real"} | filters
    if period:
        query |= {"created_at_from": period.first.isoformat(), "created_at_to": period.last.isoformat()}
    return f"{reverse('payparts_payments:index')}?{urlencode(query, doseq=True)}"


def money_figures(now: Totals, before: Totals) -> list[Figure]:
    return [
        _money(_("Sales"), now.sales, before.sales, _("what was paid, before refunds")),
        _money(_("Refunds"), now.refunds, before.refunds, _("of these payments, up to now")),
        _money(_("Sales less refunds"), now.net, before.net),
        _money(
            _("Cost of the service"), now.fee, before.fee, _("by the tariff of the shop when the payment was created")
        ),
        _money(_("Left to the shop"), now.left, before.left, _("sales less refunds and the cost of the service")),
        _money(_("Average payment"), now.average, before.average, _("of those that were paid")),
    ]


def payment_figures(now: Totals, before: Totals, period: Period) -> list[Figure]:
    approval = Figure(
        _("Approval rate"),
        DASH if now.approval is None else write_percent(now.approval * 100),
        DASH if before.approval is None else write_percent(before.approval * 100),
        write_points(now.approval, before.approval),
        _("paid ones among those that the bank has decided: paid, refused or cancelled"),
    )
    return [
        _count(_("Payments created"), now.created, before.created, url=listing_url(period)),
        _count(_("Payments paid"), now.paid, before.paid, url=listing_url(period, state=PaymentState.SUCCESS)),
        approval,
    ]


def _money(label: str, now: Decimal | None, before: Decimal | None, explained: str = "") -> Figure:
    value, was = (DASH if amount is None else format_hryvnias(amount) for amount in (now, before))
    return Figure(label, value, was, write_change(now, before), explained)


def _count(label: str, now: int, before: int, *, url: str) -> Figure:
    return Figure(label, write_count(now), write_count(before), write_change(now, before), url=url)


def sales_chart(period: Period, slots: list[Period], sums: list[Tally]) -> Drawing:
    """Sales by day, week or month; the sentence names the best of them."""
    step = step_of(period)
    names = [write_column(slot, step, with_year=period.first.year != period.last.year) for slot in slots]
    points = [
        charts.Point(tally.amount, f"{name}: {format_hryvnias(tally.amount)}", write_tick(slot, step))
        for slot, name, tally in zip(slots, names, sums, strict=True)
    ]
    best = max(range(len(slots)), key=lambda number: sums[number].amount)
    says = _("The most was sold on these days: %(days)s, %(amount)s.")
    if step is Step.DAY:
        says = _("The most was sold on %(days)s: %(amount)s.")
    elif step is Step.MONTH:
        says = _("The best month was %(days)s: %(amount)s.")
    return Drawing(
        code="sales",
        title={Step.DAY: _("Sales by day"), Step.WEEK: _("Sales by week"), Step.MONTH: _("Sales by month")}[step],
        says=" ".join(
            [says % {"days": names[best], "amount": format_hryvnias(sums[best].amount)}, _without_sales(step, sums)]
        ).strip(),
        chart=charts.columns(points, format_hryvnias),
        head=[
            {Step.DAY: _("Day"), Step.WEEK: _("Week"), Step.MONTH: _("Month")}[step],
            _("Sales"),
            _("Payments paid"),
        ],
        rows=[
            [name, format_hryvnias(tally.amount), write_count(tally.number)]
            for name, tally in zip(names, sums, strict=True)
        ],
    )


def _without_sales(step: Step, sums: list[Tally]) -> str:
    idle = sum(not tally.number for tally in sums)
    if not idle or step is not Step.DAY:
        return ""
    return ngettext("On one day nothing was sold.", "On %(count)s days nothing was sold.", idle) % {"count": idle}


def parts_chart(found: list[Group]) -> Drawing:
    """Into how many parts paid payments are divided."""
    by_parts = figures.tally(figures.paid(found), lambda group: group.parts)
    whole = sum(tally.number for tally in by_parts.values())
    points = [
        charts.Point(
            Decimal(tally.number) * 100 / whole,
            ngettext("%(parts)s part: %(share)s", "%(parts)s parts: %(share)s", parts)
            % {"parts": parts, "share": write_share(tally.number, whole)},
            str(parts),
        )
        for parts, tally in by_parts.items()
    ]
    liked = max(by_parts, key=lambda parts: by_parts[parts].number)
    says = ngettext(
        "The most frequent choice is %(parts)s part: %(share)s of the payments paid.",
        "The most frequent choice is %(parts)s parts: %(share)s of the payments paid.",
        liked,
    )
    return Drawing(
        code="parts",
        title=_("By number of parts"),
        says=says % {"parts": liked, "share": write_share(by_parts[liked].number, whole)},
        chart=charts.columns(points, write_percent, max_ticks=12),
        head=[_("Parts"), _("Payments paid"), _("Share"), _("Sales")],
        rows=[
            [
                str(parts),
                write_count(tally.number),
                write_share(tally.number, whole),
                format_hryvnias(tally.amount),
            ]
            for parts, tally in by_parts.items()
        ],
    )


def service_bars(found: list[Group], period: Period) -> Bars:
    """Which of the bank's services the buyers took."""
    by_service = figures.tally(figures.paid(found), lambda group: group.service)
    whole = sum(tally.number for tally in by_service.values())
    labels = dict(MerchantType.choices)
    rows = [
        _row(
            str(labels.get(service, service)),
            tally.number,
            whole,
            amount=format_hryvnias(tally.amount),
            url=listing_url(period, state=PaymentState.SUCCESS, merchant_type=service),
        )
        for service, tally in sorted(by_service.items(), key=lambda item: -item[1].number)
    ]
    return Bars(
        code="services",
        title=_("By service"),
        says=_("The service taken most often: %(service)s, %(share)s of the payments paid.")
        % {"service": rows[0].label, "share": rows[0].share},
        rows=rows,
        head=[_("Service"), _("Payments paid"), _("Share"), _("Sales")],
    )


def funnel_bars(found: list[Group]) -> Bars:
    """How far payments came: each step with those that went further."""
    steps = figures.funnel(found)
    labels = [
        pgettext("a step of a payment", "Created"),
        pgettext("a step of a payment", "At the bank"),
        pgettext("a step of a payment", "Asked for the code"),
        pgettext("a step of a payment", "Paid"),
    ]
    return Bars(
        code="funnel",
        title=_("How far buyers came"),
        says=_("Of all payments created, %(share)s were paid.") % {"share": write_share(steps[-1], steps[0])},
        rows=[_row(label, count, steps[0]) for label, count in zip(labels, steps, strict=True)],
        head=[_("Step"), _("Payments"), _("Share of the first step")],
    )


def refusal_bars(reasons: list[Reason], found: list[Group], period: Period) -> Bars:
    """What the bank gave as its reasons; beyond the most frequent ones they are counted together."""
    refused = sum(group.tally.number for group in found if group.state == PaymentState.FAIL)
    rows = [_row(reason.text or _("The bank gave no reason"), reason.number, refused) for reason in reasons]
    if rest := refused - sum(reason.number for reason in reasons):
        rows.append(_row(_("Other reasons"), rest, refused))
    return Bars(
        code="refusals",
        title=_("Why the bank refused"),
        says=ngettext("The bank refused one payment.", "The bank refused %(number)s payments.", refused)
        % {"number": write_count(refused)},
        rows=rows,
        head=[_("Reason"), _("Payments"), _("Share")],
        url=listing_url(period, state=PaymentState.FAIL),
    )


def now_figures(under_way: Mapping[PaymentState, Tally]) -> list[Figure]:
    """What is open at this moment, whenever it was created."""
    held: Tally = under_way.get(PaymentState.LOCKED, Tally())
    open_now = figures.waiting(under_way)
    return [
        _now(_("On hold"), held, _("to be confirmed or cancelled"), [PaymentState.LOCKED]),
        _now(
            _("Money waiting"),
            open_now,
            _("the buyer may still pay"),
            [state for state in PaymentState if state in OPEN],
        ),
    ]


def _now(label: str, tally: Tally, explained: str, states: list[PaymentState]) -> Figure:
    payments = ngettext("%(number)s payment", "%(number)s payments", tally.number) % {
        "number": write_count(tally.number)
    }
    return Figure(label, format_hryvnias(tally.amount), payments, "", explained, listing_url(state=states))


def _row(label: str, count: int, whole: int, *, amount: str = "", url: str = "") -> Row:
    return Row(label, write_count(count), write_share(count, whole), charts.share(count, whole), amount, url)

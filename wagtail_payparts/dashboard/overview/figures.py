"""What the ledger says of a period, in a few aggregate queries over real payments.

A payment belongs to the day on which it was created: what is paid or refunded later is counted there too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Case, Count, IntegerField, Q, Sum, Value, When
from django.db.models.functions import Left

from wagtail_payparts.dashboard.overview.periods import Period
from wagtail_payparts.models import Payment
from wagtail_payparts.resources import clean
from wagtail_payparts.states import FINAL, OPEN, PROGRESS, PaymentState, further


NOTHING = Decimal("0.00")
KOPECK = Decimal("0.01")
PAID = Q(state=PaymentState.SUCCESS)
#: A reason is told apart by so many characters.
REASON_LENGTH = 200
#: So many reasons are shown; of so many different ones the most frequent are looked for.
SHOWN_REASONS, READ_REASONS = 8, 100


@dataclass(frozen=True)
class Totals:
    """Counts of payments, and UAH."""

    created: int = 0
    paid: int = 0
    #: The bank's final word is known: paid, refused or cancelled.
    decided: int = 0
    sales: Decimal = NOTHING
    refunds: Decimal = NOTHING
    fee: Decimal = NOTHING

    def __add__(self, other: Totals) -> Totals:
        return Totals(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    @property
    def net(self) -> Decimal:
        return self.sales - self.refunds

    @property
    def left(self) -> Decimal:
        return self.net - self.fee

    @property
    def approval(self) -> Decimal | None:
        """The share of decided payments that were paid, from 0 to 1."""
        return Decimal(self.paid) / self.decided if self.decided else None

    @property
    def average(self) -> Decimal | None:
        return (self.sales / self.paid).quantize(KOPECK) if self.paid else None


class Tally(NamedTuple):
    count: int = 0
    amount: Decimal = NOTHING

    def plus(self, other: Tally) -> Tally:
        return Tally(self.count + other.count, self.amount + other.amount)


class Group(NamedTuple):
    """Payments that have the same fate, service and number of parts."""

    state: PaymentState
    furthest: PaymentState
    service: str
    parts: int
    tally: Tally


class Reason(NamedTuple):
    #: Empty where the bank gave none.
    text: str
    count: int


def totals(periods: list[Period], previous: Period) -> tuple[list[Totals], Totals]:
    """The totals of each of ``periods``, which follow one another, and of the ``previous`` one. One query."""
    # Where days begin is reckoned here: it costs the database less than its own time zones, which it need not have.
    slots = [When(created_at__lt=previous.end, then=Value(-1))]
    slots += [When(created_at__lt=period.end, then=Value(number)) for number, period in enumerate(periods)]
    rows = (
        Payment.objects.real()
        .filter(_within(previous) | _within(Period(periods[0].first, periods[-1].last)))
        .annotate(slot=Case(*slots, output_field=IntegerField()))
        .order_by()
        .values("slot")
        .annotate(
            created=Count("pk"),
            paid=Count("pk", filter=PAID),
            decided=Count("pk", filter=Q(state__in=FINAL)),
            sales=Sum("amount", filter=PAID),
            refunds=Sum("refunded_amount", filter=PAID),
            costs=Sum("fee", filter=PAID),
        )
    )
    found = {row["slot"]: _totals(row) for row in rows}
    return [found.get(number, Totals()) for number in range(len(periods))], found.get(-1, Totals())


def _totals(row: dict[str, Any]) -> Totals:
    return Totals(
        row["created"],
        row["paid"],
        row["decided"],
        money(row["sales"]),
        money(row["refunds"]),
        money(row["costs"]),
    )


def groups(period: Period) -> list[Group]:
    """The payments of a period by fate, service and parts. One query of some hundred rows at most."""
    rows = (
        Payment.objects.real()
        .filter(_within(period))
        .order_by()
        .values_list("state", "furthest_state", "merchant_type", "parts_count")
        .annotate(count=Count("pk"), money=Sum("amount"))
    )
    return [
        Group(PaymentState(state), PaymentState(furthest), service, parts, Tally(count, money(amount)))
        for state, furthest, service, parts, count, amount in rows
    ]


def tally(found: Iterable[Group], key: Callable[[Group], Any]) -> dict[Any, Tally]:
    """The groups put together by ``key``, in the order of the keys."""
    sums: dict[Any, Tally] = {}
    for group in found:
        sums[key(group)] = sums.get(key(group), Tally()).plus(group.tally)
    return dict(sorted(sums.items()))


def paid(found: Iterable[Group]) -> list[Group]:
    return [group for group in found if group.state == PaymentState.SUCCESS]


def funnel(found: Iterable[Group]) -> list[int]:
    """How many were created, came to the bank's page, to the code, and to the payment: each with those further on."""
    steps = (PaymentState.NEW, PaymentState.CREATED, PaymentState.OTP_WAITING)
    reached = [(_furthest(group), group.tally.count) for group in found]
    ways = [sum(count for far, count in reached if further(step, far) == far) for step in steps]
    return [*ways, sum(group.tally.count for group in paid(found))]


def _furthest(group: Group) -> PaymentState:
    """Rows older than that column know no more than where they stand."""
    return further(group.furthest, group.state)


def refusals(period: Period) -> list[Reason]:
    """Why the bank refused, in its own words, the most frequent first. One query."""
    rows = (
        Payment.objects.real()
        .filter(_within(period), state=PaymentState.FAIL)
        .order_by()
        .values_list(Left("bank_message", REASON_LENGTH))
        .annotate(count=Count("pk"))
        .order_by("-count")[:READ_REASONS]
    )
    reasons: Counter[str] = Counter()
    for message, count in rows:
        reasons[" ".join(clean(message).split())] += count
    return [Reason(text, count) for text, count in reasons.most_common(SHOWN_REASONS)]


def under_way() -> Mapping[PaymentState, Tally]:
    """What stands between the buyer and the bank now, by state, whenever it was created. One query."""
    rows = (
        Payment.objects.real()
        .filter(state__in=PROGRESS)
        .order_by()
        .values_list("state")
        .annotate(count=Count("pk"), money=Sum("amount"))
    )
    return {PaymentState(state): Tally(count, money(amount)) for state, count, amount in rows}


def waiting(found: Mapping[PaymentState, Tally]) -> Tally:
    """Payments whose buyer may still pay."""
    total = Tally()
    for state in OPEN & found.keys():
        total = total.plus(found[state])
    return total


def money(amount: Decimal | None) -> Decimal:
    """A sum as the database gives it: nothing for no rows, and with too many places on SQLite."""
    return (amount or NOTHING).quantize(KOPECK)


def _within(period: Period) -> Q:
    return Q(created_at__gte=period.start, created_at__lt=period.end)

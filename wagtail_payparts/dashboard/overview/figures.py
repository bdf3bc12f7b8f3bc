"""What the ledger says of a period, in a few aggregate queries over real payments.

A payment belongs to the day on which it was created: what is paid or refunded later is counted there too. Each
question is asked of as few rows and columns as it needs: at a million payments that costs less than one large query.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Case, Count, IntegerField, Sum, Value, When
from django.db.models.functions import Left

from wagtail_payparts.dashboard.overview.periods import Period
from wagtail_payparts.models import Payment
from wagtail_payparts.models.payments import PaymentQuerySet
from wagtail_payparts.resources import clean
from wagtail_payparts.states import FINAL, OPEN, PROGRESS, PaymentState, further


NOTHING = Decimal("0.00")
KOPECK = Decimal("0.01")
#: A reason is told apart by so many characters.
REASON_LENGTH = 200
#: So many reasons are shown; of so many different ones the most frequent are looked for.
SHOWN_REASONS, READ_REASONS = 8, 100


@dataclass(frozen=True)
class Totals:
    """Numbers of payments, and UAH."""

    created: int = 0
    paid: int = 0
    #: The bank's final word is known: paid, refused or cancelled.
    decided: int = 0
    sales: Decimal = NOTHING
    refunds: Decimal = NOTHING
    fee: Decimal = NOTHING

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


@dataclass(frozen=True)
class Tally:
    """How many payments, and what they amount to, in UAH."""

    number: int = 0
    amount: Decimal = NOTHING
    refunds: Decimal = NOTHING
    fee: Decimal = NOTHING

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.number + other.number,
            self.amount + other.amount,
            self.refunds + other.refunds,
            self.fee + other.fee,
        )


@dataclass(frozen=True)
class Group:
    """Payments that have the same fate, service and number of parts."""

    state: PaymentState
    furthest: PaymentState
    service: str
    parts: int
    tally: Tally


@dataclass(frozen=True)
class Reason:
    #: Empty where the bank gave none.
    text: str
    number: int


def groups(period: Period) -> list[Group]:
    """The payments of a period by fate, service and parts. One query of some hundred rows."""
    return [
        Group(PaymentState(state), PaymentState(furthest), service, parts, _tally(*sums))
        for state, furthest, service, parts, *sums in _summed(
            _created_in(period), "state", "furthest_state", "merchant_type", "parts_count"
        )
    ]


def by_state(period: Period) -> dict[PaymentState, Tally]:
    """As ``groups``, where no more is asked. One query."""
    return {PaymentState(state): _tally(*sums) for state, *sums in _summed(_created_in(period), "state")}


def totals(states: Mapping[PaymentState, Tally]) -> Totals:
    paid = states.get(PaymentState.SUCCESS, Tally())
    return Totals(
        created=sum(tally.number for tally in states.values()),
        paid=paid.number,
        decided=sum(states[state].number for state in FINAL & states.keys()),
        sales=paid.amount,
        refunds=paid.refunds,
        fee=paid.fee,
    )


def sales(slots: list[Period]) -> list[Tally]:
    """What was paid in each of ``slots``, which follow one another. One query."""
    # Where days begin is reckoned here: it costs the database less than its own time zones, which it need not have.
    numbered = [When(created_at__lt=slot.end, then=Value(number)) for number, slot in enumerate(slots)]
    paid = _created_in(Period(slots[0].first, slots[-1].last)).filter(state=PaymentState.SUCCESS)
    in_slots = paid.annotate(slot=Case(*numbered, output_field=IntegerField()))
    rows = in_slots.values_list("slot").annotate(number=Count("pk"), money=Sum("amount"))
    found = {slot: _tally(*sums) for slot, *sums in rows}
    return [found.get(number, Tally()) for number in range(len(slots))]


def tally(found: Iterable[Group], key: Callable[[Group], Any]) -> dict[Any, Tally]:
    """The groups put together by ``key``, in the order of the keys."""
    sums: dict[Any, Tally] = {}
    for group in found:
        sums[key(group)] = sums.get(key(group), Tally()) + group.tally
    return dict(sorted(sums.items()))


def paid(found: Iterable[Group]) -> list[Group]:
    return [group for group in found if group.state == PaymentState.SUCCESS]


def funnel(found: Iterable[Group]) -> list[int]:
    """How many were created, came to the bank's page, to the code, and to the payment: each with those further on."""
    found = list(found)
    steps = (PaymentState.NEW, PaymentState.CREATED, PaymentState.OTP_WAITING)
    reached = [(_furthest(group), group.tally.number) for group in found]
    ways = [sum(number for far, number in reached if further(step, far) == far) for step in steps]
    return [*ways, sum(group.tally.number for group in paid(found))]


def _furthest(group: Group) -> PaymentState:
    """The state may know more: ``furthest_state`` begins where a payment stood when that column was made."""
    return further(group.furthest, group.state)


def refusals(period: Period) -> list[Reason]:
    """Why the bank refused, in its own words, the most frequent first. One query."""
    rows = (
        _created_in(period)
        .filter(state=PaymentState.FAIL)
        .values_list(Left("bank_message", REASON_LENGTH))
        .annotate(number=Count("pk"))
        .order_by("-number")[:READ_REASONS]
    )
    reasons: Counter[str] = Counter()
    for message, number in rows:
        reasons[" ".join(clean(message).split())] += number
    frequent_first = sorted(reasons.items(), key=lambda reason: (-reason[1], reason[0]))
    return [Reason(text, number) for text, number in frequent_first[:SHOWN_REASONS]]


def under_way() -> dict[PaymentState, Tally]:
    """What the buyer or the shop has yet to decide now, by state, whenever it was created. One query."""
    rows = (
        Payment.objects.real()
        .filter(state__in=PROGRESS)
        .order_by()
        .values_list("state")
        .annotate(number=Count("pk"), money=Sum("amount"))
    )
    return {PaymentState(state): _tally(number, money) for state, number, money in rows}


def waiting(found: Mapping[PaymentState, Tally]) -> Tally:
    """Payments whose buyer may still pay."""
    return sum((found[state] for state in OPEN & found.keys()), Tally())


def _created_in(period: Period) -> PaymentQuerySet:
    return Payment.objects.real().filter(created_at__gte=period.start, created_at__lt=period.end).order_by()


def _summed(payments: PaymentQuerySet, *by: str) -> Any:
    """Rows of the fields ``by``, the number of payments, and the sums of what they are about."""
    return payments.values_list(*by).annotate(
        number=Count("pk"), money=Sum("amount"), returned=Sum("refunded_amount"), cost=Sum("fee")
    )


def _tally(number: int, *amounts: Decimal) -> Tally:
    """Sums as the database gives them have too many places on SQLite."""
    return Tally(number, *(amount.quantize(KOPECK) for amount in amounts))

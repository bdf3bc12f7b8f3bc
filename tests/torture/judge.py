"""Whether the shop is right: our ledger against the bank's books, signals, receivers, and that nothing waits."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from tests.torture.leaks import find_leaks
from tests.torture.models import Act
from tests.torture.plan import ACTED_OUTSIDE
from tests.torture.receivers import ACTED_UPON
from wagtail_payparts.models import (
    AttentionCode,
    EventType,
    Payment,
    PaymentEvent,
    Refund,
    RefundState,
    SignalDelivery,
    Verdict,
)
from wagtail_payparts.models.refunds import DONE, UNSETTLED
from wagtail_payparts.states import NEGATIVE, OPEN, PaymentState, from_bank


Books = Mapping[str, Mapping[str, Any]]
#: An order id and what is wrong; the id is empty where it is about no single payment.
Difference = tuple[str, str]

MONEY = ("payment_succeeded", "payment_late_success")
OVERDUE = timedelta(seconds=5)
#: Any of these tells a person that paid and not paid have both been said of a payment.
TELLING = {
    AttentionCode.LATE_SUCCESS,
    AttentionCode.NEGATIVE_AFTER_SUCCESS,
    AttentionCode.CLAIM_CONTRADICTED,
    AttentionCode.CLAIM_OVERDUE,
}


def what_waits() -> dict[str, int]:
    """By what, how much is not over yet, and how much of it is late.

    A claim that the bank leaves open is asked about for ever, by design.
    """
    for_ever = Q(claim_state__gt="", attention__contains=AttentionCode.CLAIM_OVERDUE)
    return {
        "overdue": Payment.objects.filter(next_poll_at__lt=timezone.now() - OVERDUE * settings.PLAN.pace).count(),
        "questions": Payment.objects.filter(next_poll_at__isnull=False).exclude(for_ever).count(),
        "signals": SignalDelivery.objects.filter(done_at__isnull=True).count(),
        "deliveries": Payment.objects.filter(next_delivery_at__isnull=False).count(),
        "refunds": Refund.objects.filter(state__in=[RefundState.REQUESTED, RefundState.SENT]).count(),
        "old signals": PaymentEvent.objects.filter(type=EventType.CALLBACK, announced_at__isnull=True).count(),
        "actions": Payment.objects.filter(pending_action__gt="").count(),
    }


def judge(books: Books) -> dict[str, Any]:
    """The verdict: ``differences``, with the events of each payment in question, and what there was to see."""
    payments = {payment.order_id: payment for payment in Payment.objects.order_by("pk")}
    checks: list[Iterable[Difference]] = [
        _ledgers(payments, books),
        _refunds(payments),
        _money_signals(payments),
        _receivers(payments),
        _attention(payments),
        _orders(payments),
        _waiting(),
        (("", leak) for leak in find_leaks(settings.PLAN, {str(one["token"]) for one in books.values()})),
    ]
    differences = [difference for check in checks for difference in check]
    return {
        "differences": differences,
        "events": {order_id: _history(payments[order_id]) for order_id, _ in differences[:200] if order_id in payments},
        "counts": _counts(payments.values()),
    }


def _ledgers(payments: Mapping[str, Payment], books: Books) -> Iterator[Difference]:
    for order_id in books.keys() - payments.keys():
        yield order_id, "the bank knows a payment that we do not"
    for order_id, payment in payments.items():
        theirs = books.get(order_id)
        bank_state = str(theirs["state"]) if theirs else ""
        if theirs and _is_undone(payment, theirs):
            continue
        if not _agree(payment, bank_state):
            yield order_id, f"we say {payment.state}, the bank says {bank_state or 'nothing'}"
        refunded = Decimal(theirs["refunded"]) if theirs else Decimal(0)
        # Cancelled by the bank after it was paid, which staff have accepted: all of it went back.
        gone = payment.amount if payment.is_paid and bank_state != PaymentState.SUCCESS else refunded
        if payment.refunded_amount != gone:
            yield order_id, f"we say that {payment.refunded_amount} went back, the bank says {gone}"
        if theirs and payment.amount != Decimal(theirs["amount"]):
            yield order_id, f"we say that it is {payment.amount}, the bank says {theirs['amount']}"


def _is_undone(payment: Payment, theirs: Mapping[str, Any]) -> bool:
    """Paid and wholly refunded before we had asked: a bank that calls this cancelled has never told us of money."""
    return (
        Decimal(theirs["refunded"]) == payment.amount
        and from_bank(theirs["says"]) == payment.payment_state == PaymentState.CANCELED
    )


def _agree(payment: Payment, bank_state: str) -> bool:
    ours = payment.payment_state
    theirs = from_bank(bank_state)
    if theirs is None:
        # The bank refused to make it, or never heard of it.
        return ours in {PaymentState.FAIL, PaymentState.EXPIRED}
    if ours == theirs:
        return True
    if ours == PaymentState.EXPIRED:
        return theirs in OPEN
    if ours == PaymentState.SUCCESS and theirs in NEGATIVE:
        return AttentionCode.NEGATIVE_AFTER_SUCCESS in _raised(payment)
    # Which of the two negative words came first does not matter.
    return {ours, theirs} <= {PaymentState.CANCELED, PaymentState.FAIL}


def _refunds(payments: Mapping[str, Payment]) -> Iterator[Difference]:
    made: dict[int, Decimal] = defaultdict(Decimal)
    announced = Counter(
        delivery.arguments["refund_id"] for delivery in SignalDelivery.objects.filter(signal="payment_refunded")
    )
    for refund in Refund.objects.filter(state__in=DONE).select_related("payment"):
        made[refund.payment_id] += refund.amount
        if announced[refund.pk] != 1:
            yield refund.payment.order_id, f"refund #{refund.pk} was announced {announced[refund.pk]} times"
    for order_id, payment in payments.items():
        if made[payment.pk] != payment.refunded_amount:
            yield order_id, f"its refunds are {made[payment.pk]}, it says {payment.refunded_amount}"


def _money_signals(payments: Mapping[str, Payment]) -> Iterator[Difference]:
    by_payment = Counter(SignalDelivery.objects.filter(signal__in=MONEY).values_list("payment_id", flat=True))
    succeeded = set(SignalDelivery.objects.filter(signal=MONEY[0]).values_list("payment_id", flat=True))
    by_order: Counter[str] = Counter()
    for order_id, payment in payments.items():
        wanted = 1 if payment.is_paid else 0
        if by_payment[payment.pk] != wanted:
            yield order_id, f"{payment.state}, and {by_payment[payment.pk]} signals that it is paid"
        by_order[payment.reference] += payment.pk in succeeded
        if by_order[payment.reference] > 1:
            yield order_id, f"the second payment_succeeded of order {payment.reference}"


def _receivers(payments: Mapping[str, Payment]) -> Iterator[Difference]:
    order_ids = {payment.pk: order_id for order_id, payment in payments.items()}
    owed = {
        (event, signal): payment
        for payment, event, signal in SignalDelivery.objects.filter(signal__in=ACTED_UPON).values_list(
            "payment_id", "event_id", "signal"
        )
    }
    acted = Counter(Act.objects.values_list("event_id", "signal"))
    outside: Counter[tuple[int, str]] = Counter()
    file = settings.PLAN.path / ACTED_OUTSIDE
    for line in file.read_text().splitlines() if file.exists() else []:
        _, event, signal = line.split()
        outside[int(event), signal] += 1
    for (event, signal), payment in owed.items():
        if acted[event, signal] != 1:
            yield order_ids[payment], f"{signal}: the deduplicating receiver acted {acted[event, signal]} times"
        if not outside[event, signal]:
            yield order_ids[payment], f"{signal}: the receiver outside has not seen it"
    for event, signal in {*acted, *outside} - owed.keys():
        yield "", f"a receiver saw {signal} of event #{event}, which is owed to nobody"
    yield from _order_of_acts(order_ids)


def _order_of_acts(order_ids: Mapping[int, str]) -> Iterator[Difference]:
    """Of each payment, a receiver gets the signals in the order in which they came to be."""
    owed = dict(
        SignalDelivery.objects.filter(signal__in=ACTED_UPON).annotate(key=F("event_id")).values_list("key", "pk")
    )
    last: dict[int, int] = defaultdict(int)
    for payment, event in Act.objects.order_by("pk").values_list("payment_id", "event_id"):
        if owed.get(event, 0) < last[payment]:
            yield order_ids[payment], f"the signal of event #{event} came out of order"
        last[payment] = owed.get(event, 0)


def _attention(payments: Mapping[str, Payment]) -> Iterator[Difference]:
    told: dict[int, set[PaymentState]] = defaultdict(set)
    heard = PaymentEvent.objects.filter(type__in=[EventType.CALLBACK, EventType.POLL, EventType.EXPIRY])
    ignored = [Verdict.REJECTED, Verdict.MISMATCH]
    for payment, word in heard.exclude(verdict__in=ignored).values_list("payment_id", "state"):
        state = PaymentState.EXPIRED if word == PaymentState.EXPIRED else from_bank(word)
        if state is not None:
            told[payment].add(state)
    raised: dict[int, set[str]] = defaultdict(set)
    for payment, code in PaymentEvent.objects.filter(type=EventType.ATTENTION).values_list("payment_id", "message"):
        raised[payment].add(code)
    for order_id, payment in payments.items():
        states = told[payment.pk]
        both = PaymentState.SUCCESS in states and bool(states & NEGATIVE)
        # Nothing but a forged callback or the end of a hold was said against what the bank says: see below.
        is_gone = payment.is_paid and not payment.remainder
        if both and not raised[payment.pk] & TELLING and not is_gone:
            yield order_id, f"{', '.join(sorted(states))} were said of it, and nobody is told"
        if payment.claim_state and AttentionCode.CLAIM_OVERDUE not in raised[payment.pk]:
            yield order_id, f"a claim ({payment.claim_state}) is open, and nobody is told"


def _raised(payment: Payment) -> set[str]:
    return set(payment.events.filter(type=EventType.ATTENTION).values_list("message", flat=True))


def _orders(payments: Mapping[str, Payment]) -> Iterator[Difference]:
    """The plugin's own orders follow their payments."""
    attempts: dict[Any, list[Payment]] = defaultdict(list)
    for payment in Payment.objects.filter(buyer_order__isnull=False).select_related("buyer_order"):
        attempts[payment.buyer_order].append(payment)
    for order, made in attempts.items():
        paid = [payment for payment in made if payment.is_paid]
        left = sum((payment.remainder for payment in paid), Decimal(0))
        if paid:
            wanted = "paid" if left >= order.amount else "partially_refunded" if left else "refunded"
        else:
            wanted = "canceled" if all(payment.payment_state in NEGATIVE for payment in made) else "awaiting_payment"
        if order.status != wanted:
            yield made[0].order_id, f"its order is {order.status} and should be {wanted}"


def _waiting() -> Iterator[Difference]:
    for what, count in what_waits().items():
        if count and what != "overdue":
            yield "", f"{what} that wait: {count}"
    for payment in Payment.objects.filter(poll_leased_until__gt=timezone.now()):
        yield payment.order_id, "is leased by a poller that is gone"
    for payment in Payment.objects.filter(delivery_leased_until__gt=timezone.now()):
        yield payment.order_id, "is leased for a delivery by a process that is gone"
    for refund in Refund.objects.filter(state__in=UNSETTLED).select_related("payment"):
        yield refund.payment.order_id, f"refund #{refund.pk} is {refund.state}"


def _history(payment: Payment) -> list[str]:
    now = (
        f"now {payment.state} refunded {payment.refunded_amount} attention {payment.attention!r} "
        f"claim {payment.claim_state!r} next poll {payment.next_poll_at} settled {payment.settled_at} "
        f"created {payment.created_at}"
    )
    return [*map(_line, payment.events.order_by("pk")), now]


def _line(event: PaymentEvent) -> str:
    told = event.payload if event.type in {EventType.REFUND, EventType.ACTION} else ""
    return (
        f"{event.created_at:%H:%M:%S.%f} #{event.pk} {event.source} {event.type} {event.state} {event.verdict} "
        f"{event.message[:60]!r} {told} +{event.repeats}"
    )


def _counts(payments: Iterable[Payment]) -> dict[str, Any]:
    attention = PaymentEvent.objects.filter(type=EventType.ATTENTION).values_list("message", flat=True)
    calls = Counter(SignalDelivery.objects.filter(signal__in=ACTED_UPON).values_list("signal", flat=True))
    return {
        "states": Counter(payment.state for payment in payments),
        "refunds": Counter(Refund.objects.values_list("state", flat=True)),
        "attention": Counter(attention),
        "signals": calls,
        "events": PaymentEvent.objects.count(),
        "overdue": Payment.objects.filter(next_poll_at__lt=timezone.now() - OVERDUE * settings.PLAN.pace).count(),
        "questions": PaymentEvent.objects.filter(type=EventType.POLL).count(),
    }

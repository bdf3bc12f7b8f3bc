"""What must be true of the ledger whatever happens (design §5), and of a shop that has come to rest."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

from tests.services.world import HEALTHY, MOODY, World
from wagtail_payparts.models import (
    EventType,
    Order,
    OrderStatus,
    Payment,
    PaymentEvent,
    Refund,
    RefundState,
    SignalDelivery,
    Verdict,
)
from wagtail_payparts.models.refunds import DONE, LIVE, UNSETTLED
from wagtail_payparts.services.callbacks import ADOPT_WITHIN
from wagtail_payparts.states import DECIDED, NEGATIVE, OPEN, PaymentState, from_bank


S = PaymentState
MONEY = ("payment_succeeded", "payment_late_success")
RETRACTED = ("late_success", "negative_after_success")


class Laws:
    """Looks at the ledger after each step and remembers what it has seen."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.paid: set[int] = set()
        self.events: set[int] = set()

    def check(self) -> None:
        payments = list(Payment.objects.order_by("pk"))
        signals: dict[int, list[str]] = defaultdict(list)
        for payment_id, signal in SignalDelivery.objects.order_by("pk").values_list("payment_id", "signal"):
            signals[payment_id].append(signal)
        refunds: dict[int, list[Refund]] = defaultdict(list)
        for refund in Refund.objects.order_by("pk"):
            refunds[refund.payment_id].append(refund)
        for payment in payments:
            self._money_is_announced_once(payment, signals[payment.pk])
            self._refunds_add_up(payment, refunds[payment.pk])
            self._something_happens_next(payment, refunds[payment.pk])
        self._one_success_of_an_order(payments, signals)
        self._paid_stays_paid(payments)
        self._no_event_vanishes()
        self._each_signal_has_a_key_of_its_own()
        self._each_refund_is_sent_once(payments, refunds)
        assert not self.world.broken_tasks, self.world.broken_tasks[0]

    def _money_is_announced_once(self, payment: Payment, signals: list[str]) -> None:
        announced = sum(signals.count(signal) for signal in MONEY)
        assert announced == int(payment.state == S.SUCCESS), (payment.order_id, payment.state, signals)
        if payment.was_negative:
            assert "payment_succeeded" not in signals, payment.order_id

    def _one_success_of_an_order(self, payments: list[Payment], signals: dict[int, list[str]]) -> None:
        succeeded = Counter(
            (payment.store, payment.buyer_order_id, payment.reference)
            for payment in payments
            if "payment_succeeded" in signals[payment.pk] and (payment.buyer_order_id or payment.reference)
        )
        assert set(succeeded.values()) <= {1}, succeeded

    def _paid_stays_paid(self, payments: list[Payment]) -> None:
        paid = {payment.pk for payment in payments if payment.is_paid}
        assert self.paid <= paid
        self.paid = paid

    def _refunds_add_up(self, payment: Payment, refunds: list[Refund]) -> None:
        assert 0 <= payment.refunded_amount <= payment.amount
        assert _total(refunds, LIVE) <= payment.amount, [(one.state, one.amount) for one in refunds]
        assert _total(refunds, DONE) == payment.refunded_amount
        assert sum(one.state in UNSETTLED for one in refunds) <= 1

    def _something_happens_next(self, payment: Payment, refunds: list[Refund]) -> None:
        waits = payment.payment_state in OPEN | {S.LOCKED} or payment.claim_state or payment.pending_action
        if waits or _total(refunds, UNSETTLED):
            assert payment.next_poll_at or payment.attention, (payment.order_id, payment.state)

    def _no_event_vanishes(self) -> None:
        events = set(PaymentEvent.objects.values_list("pk", flat=True))
        assert self.events <= events
        self.events = events

    def _each_signal_has_a_key_of_its_own(self) -> None:
        keys = list(SignalDelivery.objects.values_list("event_id", "signal"))
        assert len(keys) == len(set(keys))

    def _each_refund_is_sent_once(self, payments: list[Payment], refunds: dict[int, list[Refund]]) -> None:
        told = Counter(seen.order_id for seen in self.world.bank.requests if seen.endpoint == "decline")
        never_sent = {RefundState.REQUESTED, RefundState.WITHDRAWN, RefundState.EXTERNAL}
        for payment in payments:
            sent = [one for one in refunds[payment.pk] if one.state not in never_sent]
            assert told[payment.order_id] <= len(sent), payment.order_id


def check_at_rest(world: World) -> None:
    """Every schedule has run out: our books are those of the bank, and nobody waits for anything."""
    payments = list(Payment.objects.order_by("pk"))
    for payment in payments:
        raised = _raised(payment)
        if not _is_about_another_amount(payment):
            _agrees_with_the_bank(world, payment, raised)
        _nothing_waits(payment, raised)
        if payment.is_paid and _was_retracted(payment):
            assert set(RETRACTED) & raised, (payment.order_id, raised)
    for order in Order.objects.all():
        said = status_said(order, [payment for payment in payments if payment.buyer_order_id == order.pk])
        assert said in {None, order.status}, (order.number, order.status, said)
    _everybody_has_heard(world)
    callbacks = PaymentEvent.objects.filter(type=EventType.CALLBACK)
    assert not callbacks.filter(announced_at=None).exists()
    for orphan in callbacks.filter(payment=None):
        came_later = [one for one in payments if one.order_id == orphan.order_id and _is_in_time(one, orphan)]
        assert not came_later, orphan.order_id


def _agrees_with_the_bank(world: World, payment: Payment, raised: set[str]) -> None:
    where = (payment.order_id, payment.state, payment.bank_state, raised)
    assert payment.state != S.NEW or "unknown_state" in raised, where
    if not world.is_known(payment.order_id):
        assert payment.payment_state in {S.FAIL, S.EXPIRED}, where
        return
    books = world.bank.payment(payment.order_id)
    word = from_bank(world.told(payment))
    if word is None:
        assert "unknown_state" in raised, where
    elif word in {S.CANCELED, S.FAIL}:
        assert payment.payment_state in NEGATIVE | {S.SUCCESS}, where
    elif word in DECIDED:
        assert payment.payment_state in {word, S.SUCCESS}, where
    if word is S.SUCCESS and books.refunded != payment.refunded_amount and payment.order_id not in world.lied_about:
        assert {"external_refund", "refund_uncertain", "amount_mismatch", "unknown_state"} & raised, where


def _nothing_waits(payment: Payment, raised: set[str]) -> None:
    where = (payment.order_id, payment.state, raised)
    assert payment.next_delivery_at is None, where
    if payment.claim_state:
        assert payment.next_poll_at, where
        assert "claim_overdue" in raised, where
    if payment.pending_action:
        assert payment.next_poll_at, where
        assert "action_stuck" in raised, where
    assert not payment.refunds.filter(state__in=[RefundState.REQUESTED, RefundState.SENT]).exists(), where
    if payment.refunds.filter(state=RefundState.UNCERTAIN).exists():
        assert "refund_uncertain" in raised, where


def _is_in_time(payment: Payment, callback: PaymentEvent) -> bool:
    return payment.created_at < callback.created_at + ADOPT_WITHIN - timedelta(days=1)


def _is_about_another_amount(payment: Payment) -> bool:
    """The bank's last word was about a sum that is not ours: it moves nothing, and a person looks at it."""
    last = payment.events.filter(type=EventType.POLL).order_by("-pk").first()
    if last is None or last.verdict != Verdict.MISMATCH:
        return False
    assert "amount_mismatch" in _raised(payment), payment.order_id
    return True


def _was_retracted(payment: Payment) -> bool:
    """The bank said both, and was believed both times."""
    said = payment.events.filter(type=EventType.POLL, verdict=Verdict.CONFLICT)
    return payment.was_negative or said.exists()


def status_said(order: Order, payments: list[Payment]) -> str | None:
    """What an order's payments make of it; ``None`` where they say nothing definite."""
    paid = [payment for payment in payments if payment.is_paid]
    left = sum((payment.remainder for payment in paid), Decimal(0))
    states = {payment.payment_state for payment in payments}
    if paid:
        if left >= order.amount or not any(payment.refunded_amount for payment in paid):
            return OrderStatus.PAID
        return OrderStatus.PARTIALLY_REFUNDED if left else OrderStatus.REFUNDED
    states = {one.payment_state for one in payments if one.state != S.LOCKED or not one.was_negative}
    if S.LOCKED in states:
        return OrderStatus.ON_HOLD
    if states & (OPEN - {S.NEW}):
        return OrderStatus.AWAITING_PAYMENT
    return OrderStatus.CANCELED if states and states <= NEGATIVE else None


def _everybody_has_heard(world: World) -> None:
    owed: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for payment_id, *key in SignalDelivery.objects.order_by("pk").values_list("payment_id", "event_id", "signal"):
        owed[payment_id].append((key[0], key[1]))
    given_up = set(SignalDelivery.objects.filter(results__given_up_at__isnull=False).values_list("event_id", "signal"))
    for receiver in (HEALTHY, MOODY):
        heard = list(dict.fromkeys(world.heard.get(receiver, [])))
        for keys in owed.values():
            wanted = [key for key in keys if receiver == HEALTHY or key not in given_up]
            assert [key for key in heard if key in set(wanted)] == wanted, receiver


def _raised(payment: Payment) -> set[str]:
    return set(payment.events.filter(type=EventType.ATTENTION).values_list("message", flat=True))


def _total(refunds: Iterable[Refund], states: Iterable[str]) -> Decimal:
    return sum((one.amount for one in refunds if one.state in set(states)), Decimal(0))

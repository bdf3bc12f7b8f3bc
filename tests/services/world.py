"""A shop and its bank, in which anything may happen at any moment: what the state machine's rules do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Any

from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.management import call_command
from django_tasks.base import TaskResultStatus
from django_tasks.signals import task_finished

from tests.clock import Clock
from tests.dying import die_at
from wagtail_payparts import conf
from wagtail_payparts.bank import CreateRequest, Line, PayPartsClient, StateReply, parse_callback
from wagtail_payparts.exceptions import BankError, NotAllowed, OrderIdTaken, OutcomeUnknown
from wagtail_payparts.models import (
    Heartbeat,
    Order,
    Payment,
    PaymentEvent,
    ReceiverResult,
    Refund,
    RefundState,
    SignalDelivery,
)
from wagtail_payparts.services import cancel_hold, confirm_hold, refund_payment, start_payment
from wagtail_payparts.services.actions import decision_version
from wagtail_payparts.services.callbacks import receive
from wagtail_payparts.services.desk import ask_bank, deliver_again, resolve_attention
from wagtail_payparts.services.locking import lease_poll
from wagtail_payparts.services.observations import observe_no_state, observe_state
from wagtail_payparts.services.refunds import settle_refund
from wagtail_payparts.signals import MONEY_SIGNALS
from wagtail_payparts.simulator import Simulator
from wagtail_payparts.states import PaymentState


PRICE = Decimal("400.00")
PART = Decimal("150.00")
#: No example lasts longer: the bank is asked for 30 days about what has ended.
LONGEST_DAYS = 24
STORES = ("default", "second")
#: The shop's receivers: one that never fails, and one that fails when the example says so.
HEALTHY, MOODY = "tests.healthy", "tests.moody"

_numbers = count(1)


@dataclass(frozen=True)
class Answer:
    """What the bank said to a process that has not written it down yet."""

    order_id: str
    told: StateReply | BankError
    asked_at: datetime


@dataclass
class World:
    """``failures``: how often the moody receiver fails yet. ``statements``: after how many the next process dies."""

    bank: Simulator
    clock: Clock
    failures: int = 0
    statements: int | None = None
    started_at: datetime = field(init=False)
    lied_about: set[str] = field(default_factory=set)
    heard: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    broken_tasks: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.started_at = self.clock.at
        self.boss = get_user_model().objects.get(username="boss")

    # How things are done

    def do(self, work: Callable[[], Any]) -> None:
        """In a process of its own, which may die. What the plugin refuses by name is no failure."""
        statements, self.statements = self.statements, None

        def attempt() -> None:
            with suppress(BankError, NotAllowed, OrderIdTaken, OutcomeUnknown):
                work()

        die_at(statements, attempt)

    @contextmanager
    def fault(self, order_id: str, endpoint: str, kind: str | None) -> Iterator[None]:
        if kind is not None:
            self.bank.fault(kind, endpoint=endpoint, order_id=order_id, seconds=0)
        yield
        self.bank.clear_faults()

    @contextmanager
    def shop_listens(self) -> Iterator[None]:
        """Receivers by name, and an ear for tasks that fail, which the inline backend keeps to itself."""

        def healthy(signal: Any, event: PaymentEvent, **kwargs: Any) -> None:
            self.heard.setdefault(HEALTHY, []).append((event.pk, signal.name))

        def moody(signal: Any, event: PaymentEvent, **kwargs: Any) -> None:
            if self.failures:
                self.failures -= 1
                raise ConnectionError("the shop's mail server is down")
            self.heard.setdefault(MOODY, []).append((event.pk, signal.name))

        def note_failure(task_result: Any, **kwargs: Any) -> None:
            if task_result.status == TaskResultStatus.FAILED:
                self.broken_tasks.append(task_result.errors[-1].traceback)

        for signal in MONEY_SIGNALS.values():
            signal.connect(healthy, weak=False, dispatch_uid=HEALTHY)
            signal.connect(moody, weak=False, dispatch_uid=MOODY)
        task_finished.connect(note_failure)
        try:
            yield
        finally:
            task_finished.disconnect(note_failure)
            for signal in MONEY_SIGNALS.values():
                signal.disconnect(dispatch_uid=HEALTHY)
                signal.disconnect(dispatch_uid=MOODY)

    def find(self, order_id: str) -> Payment | None:
        return Payment.objects.filter(order_id=order_id).first()

    # The buyer and the checkout

    def new_order_id(self) -> str:
        return f"A{next(_numbers):07d}"

    def start(self, order_id: str, *, store: str, hold: bool, of: str, fault: str | None) -> None:
        """``of``: the number of our own order, or the shop's own behind a ``#``, or nothing."""
        own = Order.objects.filter(number=of).first() if of and not of.startswith("#") else None
        with self.fault(order_id, "hold" if hold else "create", fault):
            self.do(
                lambda: start_payment(
                    lines=[Line("Чайник", 1, PRICE)],
                    parts_count=2,
                    store=store,
                    hold=hold,
                    order_id=order_id,
                    buyer_order=own,
                    reference=of if own is None else "",
                )
            )

    def store_of(self, order_id: str) -> str:
        """The bank knows an id once in each store; here it stays in one, so that its books are looked up by the id."""
        return Payment.objects.filter(order_id=order_id).values_list("store", flat=True).first() or conf.DEFAULT_STORE

    def make_elsewhere(self, order_id: str) -> None:
        """The bank has it under our store, and our ledger does not."""
        PayPartsClient(conf.get_store()).create(CreateRequest(order_id, PRICE, 2, "II", (Line("Чайник", 1, PRICE),)))

    # The bank

    def is_known(self, order_id: str) -> bool:
        return any(payment.order_id == order_id for payment in self.bank.payments())

    def told(self, payment: Payment) -> str:
        """What the bank answers now; of what it has given back altogether that may be another word than its books'."""
        return PayPartsClient(conf.get_store(payment.store)).state(payment.order_id).payment_state

    def says(self, order_id: str, word: str) -> None:
        if self.is_known(order_id):
            self.bank.set_state(order_id, word, "Відмова" if word == "FAIL" else "")

    def gives_back(self, order_id: str, amount: Decimal | None) -> None:
        """In its cabinet."""
        if self.is_known(order_id):
            paid = self.bank.payment(order_id)
            if paid.state == "SUCCESS" and (amount or Decimal("0.01")) <= paid.amount - paid.refunded:
                self.bank.refund(order_id, amount)

    def rings(self, order_id: str, word: str) -> None:
        """Also when it is a lie: it is signed with the right password."""
        if self.is_known(order_id):
            callback = parse_callback(self.bank.callback_body(order_id, state=word))
            self.do(lambda: receive(callback))

    # Questions to the bank

    def ask(self, order_id: str, *, fault: str | None) -> None:
        payment = self.find(order_id)
        if payment:
            cache.clear()
            with self.fault(order_id, "state", fault):
                self.do(lambda: ask_bank(payment, by=self.boss))

    def ask_slowly(self, order_id: str, *, fault: str | None) -> Answer | None:
        """A process that asks and is then held up, longer than its lease perhaps."""
        payment = self.find(order_id)
        asked_at = payment and lease_poll(payment.pk, due_only=False)
        if not payment or not asked_at:
            return None
        with self.fault(order_id, "state", fault):
            try:
                client = PayPartsClient(conf.get_store(payment.store))
                told: StateReply | BankError = client.state(
                    order_id, show_amount=True, show_refund=True, show_info=True
                )
            except BankError as error:
                told = error
        return Answer(order_id, told, asked_at)

    def write_down(self, answer: Answer) -> None:
        payment = self.find(answer.order_id)
        assert payment is not None
        if isinstance(answer.told, BankError):
            error = answer.told
            self.do(lambda: observe_no_state(payment, error, asked_at=answer.asked_at))
        else:
            reply = answer.told
            self.do(lambda: observe_state(payment, reply, asked_at=answer.asked_at))

    def run_poller(self) -> None:
        self.do(lambda: call_command("payparts_sync", verbosity=0))

    # Staff

    def is_held(self, order_id: str) -> bool:
        payment = self.find(order_id)
        return payment is not None and payment.state == PaymentState.LOCKED

    def confirm_or_cancel(self, order_id: str, *, confirm: bool, fault: str | None, then: str | None) -> None:
        payment = self.find(order_id)
        if payment:
            act = confirm_hold if confirm else cancel_hold
            with self.fault(order_id, "confirm" if confirm else "cancel", fault), self.fault(order_id, "state", then):
                self.do(lambda: act(payment, by=self.boss, reason="так"))

    def refund(self, order_id: str, amount: Decimal | None, *, fault: str | None, then: str | None) -> None:
        payment = self.find(order_id)
        if payment:
            with self.fault(order_id, "decline", fault), self.fault(order_id, "state", then):
                self.do(lambda: refund_payment(payment, amount, reason="передумав", by=self.boss))

    def decide(self, order_id: str, *, accept: bool, which: int) -> None:
        """About one of the things that need a person, as the page shows it."""
        payment = self.find(order_id)
        if payment and payment.attention:
            code = payment.attention_codes[which % len(payment.attention_codes)]
            if code in {"negative_after_success", "refund_uncertain"} and accept:
                self.lied_about.add(order_id)
            seen = decision_version(payment)
            self.do(lambda: resolve_attention(payment, code, accept=accept, note="так", by=self.boss, seen=seen))

    def settle(self, order_id: str, *, was_made: bool) -> None:
        uncertain = Refund.objects.filter(payment__order_id=order_id, state=RefundState.UNCERTAIN).first()
        if uncertain:
            if was_made:
                self.lied_about.add(order_id)
            self.do(lambda: settle_refund(uncertain, was_made=was_made, reason="з кабінету", by=self.boss))

    def deliver_again(self, order_id: str) -> None:
        payment = self.find(order_id)
        if payment:
            self.do(lambda: deliver_again(payment, by=self.boss))

    # Time

    def wait(self, **ago: float) -> None:
        """The cache, whose clock is not moved by hand, has forgotten what it knew of a silent bank."""
        self.clock.advance(**ago)
        cache.clear()

    @property
    def days_gone(self) -> int:
        return (self.clock.at - self.started_at).days

    def calm_down(self) -> None:
        """Nothing goes wrong any more, and the poller runs until the schedules have run out."""
        self.failures, self.statements = 0, None
        self.bank.clear_faults()
        for pause in ({"minutes": 12}, {"hours": 7}, {"days": 8}, {"days": 31}, {"hours": 7}):
            self.wait(**pause)
            self.run_poller()


def empty_the_ledger() -> None:
    """What an example has left; users and offers stay."""
    Payment.objects.update(claim_event=None)
    for model in (ReceiverResult, SignalDelivery, Refund, PaymentEvent, Payment, Order, Heartbeat):
        model.objects.all().delete()

"""What happens at the same moment: real threads on the database that PAYPARTS_TEST_DB names."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from tests.factories import make_order, make_payment
from tests.together import times, together
from wagtail_payparts import conf
from wagtail_payparts.bank import CreateRequest, Line, PayPartsClient
from wagtail_payparts.exceptions import BankUnreachable, OutcomeUnknown
from wagtail_payparts.models import EventType, Order, Payment, PaymentEvent, ReceiverResult, SignalDelivery
from wagtail_payparts.services import start_payment, sync_payment
from wagtail_payparts.services.callbacks import sweep
from wagtail_payparts.services.deliveries import deliver_due
from wagtail_payparts.services.order_ids import new_order_id
from wagtail_payparts.services.sync import poll_due
from wagtail_payparts.signals import (
    pay_parts_success_callback,
    payment_late_success,
    payment_needs_attention,
    payment_state_changed,
    payment_succeeded,
)
from wagtail_payparts.simulator import Simulator
from wagtail_payparts.states import PaymentState
from wagtail_payparts.use_cases import GetRedirectUrlUseCase


pytestmark = [pytest.mark.threads, pytest.mark.django_db(transaction=True)]
S = PaymentState


@pytest.fixture(autouse=True)
def nothing_is_locked(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A task or a receiver that met "database is locked", or a deadlock, is only written to the log."""
    caplog.set_level(logging.ERROR)
    yield
    assert [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.ERROR] == []


@pytest.fixture
def old_signals() -> Iterator[list[int]]:
    """The ids of the callbacks that the old package's receivers were told of."""
    heard: list[int] = []

    def receiver(log: PaymentEvent, **kwargs: Any) -> None:
        heard.append(log.pk)

    pay_parts_success_callback.connect(receiver)
    yield heard
    pay_parts_success_callback.disconnect(receiver)


@pytest.fixture
def calls() -> Iterator[Counter[tuple[str, str, Any]]]:
    """How often each signal was heard: by its name, the order id, and what it says."""
    heard: Counter[tuple[str, str, Any]] = Counter()

    def receiver(signal: Any, payment: Payment, event: PaymentEvent, **said: Any) -> None:
        heard[signal.name, payment.order_id, said.get("new_state") or said.get("code") or ""] += 1

    signals = (payment_state_changed, payment_succeeded, payment_late_success, payment_needs_attention)
    for signal in signals:
        signal.connect(receiver, weak=False, dispatch_uid=f"tests.races.{signal.name}")
    yield heard
    for signal in signals:
        signal.disconnect(dispatch_uid=f"tests.races.{signal.name}")


def _start(**changes: Any) -> Payment:
    terms = {
        "lines": [{"name": "Чайник", "count": 1, "price": "400.00"}],
        "parts_count": 2,
        "redirect_url": "https://shop.example/",
    }
    return start_payment(**terms | changes)


def _ring(body: bytes) -> Callable[[], int]:
    def post() -> int:
        return Client().post("/pay-parts/callback/", body, content_type="application/json").status_code

    return post


def _fresh(payment: Payment) -> Payment:
    return Payment.objects.get(pk=payment.pk)


def _back_date_polls() -> None:
    Payment.objects.update(next_poll_at=timezone.now())


def _asked(bank: Simulator) -> Counter[str]:
    return Counter(request.order_id for request in bank.requests if request.endpoint == "state")


@pytest.fixture(params=["as configured", "sqlite as it comes"])
def transactions(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for a project that leaves SQLite's ``transaction_mode`` alone, where a transaction that reads before it
    writes meets "database is locked" at once, however long the time-out.
    """
    if request.param == "sqlite as it comes":
        if connection.vendor != "sqlite":
            pytest.skip("A way to begin transactions that only SQLite has; the run on SQLite takes it.")
        as_it_comes = {"timeout": 30, "init_command": "PRAGMA journal_mode=WAL;"}
        monkeypatch.setitem(connections.settings["default"], "OPTIONS", as_it_comes)


@pytest.mark.usefixtures("transactions")
def test_one_callback_twenty_times_at_once(
    bank: Simulator, old_signals: list[int], calls: Counter[tuple[str, str, Any]]
) -> None:
    payment = _start(buyer_order=make_order())
    bank.pay(payment.order_id)
    assert together(*times(20, _ring(bank.callback_body(payment.order_id)))) == [200] * 20
    deliver_due()
    event = payment.events.get(type=EventType.CALLBACK)
    assert event.repeats == 19
    assert old_signals == [event.pk]
    paid = _fresh(payment)
    assert (paid.state, paid.claim_state, paid.attention) == (S.SUCCESS, "", "")
    assert payment.events.filter(type=EventType.POLL, verdict="applied").count() == 1
    assert calls[payment_succeeded.name, payment.order_id, ""] == 1
    assert calls[payment_state_changed.name, payment.order_id, "SUCCESS"] == 1
    assert set(calls.values()) == {1}
    assert Order.objects.get().status == "paid"
    # Each may have come after the answer to the one before it.
    assert 1 <= _asked(bank)[payment.order_id] <= 20


@pytest.mark.usefixtures("transactions")
def test_one_callback_of_an_unknown_order_twenty_times_at_once(bank: Simulator, old_signals: list[int]) -> None:
    """There is no row to lock: the unique fingerprint alone keeps them apart."""
    order_id = new_order_id()
    line = Line("Чайник", 1, Decimal("400.00"))
    PayPartsClient(conf.get_store()).create(CreateRequest(order_id, Decimal("400.00"), 2, "II", (line,)))
    assert together(*times(20, _ring(bank.callback_body(order_id, state="SUCCESS")))) == [200] * 20
    event = PaymentEvent.objects.get()
    assert (event.payment, event.repeats) == (None, 19)
    assert old_signals == [event.pk]


def test_different_callbacks_of_one_payment_at_once(
    bank: Simulator, old_signals: list[int], calls: Counter[tuple[str, str, Any]]
) -> None:
    payment = _start()
    bank.pay(payment.order_id)
    states = ["CLIENT_WAIT", "OTP_WAITING", "PP_CREATION", "SUCCESS"] * 3
    assert set(together(*(_ring(bank.callback_body(payment.order_id, state=state)) for state in states))) == {200}
    _back_date_polls()
    poll_due()
    assert payment.events.filter(type=EventType.CALLBACK).count() == 4
    assert len(old_signals) == len(set(old_signals)) == 4
    paid = _fresh(payment)
    assert (paid.state, paid.claim_state, paid.attention) == (S.SUCCESS, "", "")
    assert calls[payment_succeeded.name, payment.order_id, ""] == 1


@pytest.mark.usefixtures("transactions")
def test_callbacks_polls_and_the_return_page_at_once(bank: Simulator, calls: Counter[tuple[str, str, Any]]) -> None:
    payment = _start()
    bank.pay(payment.order_id)
    _back_date_polls()
    ring = _ring(bank.callback_body(payment.order_id))
    together(
        *times(4, ring), *times(2, poll_due), *times(2, lambda: sync_payment(payment)), *times(2, deliver_due), sweep
    )
    deliver_due()
    assert _fresh(payment).state == S.SUCCESS
    assert calls[payment_succeeded.name, payment.order_id, ""] == 1
    assert set(calls.values()) == {1}


@pytest.mark.usefixtures("transactions")
def test_two_pollers_ask_about_each_of_thirty_payments_once_and_announce_it_once(
    bank: Simulator, calls: Counter[tuple[str, str, Any]]
) -> None:
    payments = [_start() for _number in range(30)]
    for payment in payments:
        bank.pay(payment.order_id)
    _back_date_polls()
    passes = together(poll_due, poll_due)
    deliver_due()
    assert _asked(bank) == Counter({payment.order_id: 1 for payment in payments})
    assert sum(done.moved for done in passes) >= 30
    assert set(Payment.objects.values_list("state", flat=True)) == {S.SUCCESS}
    assert {calls[payment_succeeded.name, payment.order_id, ""] for payment in payments} == {1}
    assert set(calls.values()) == {1}
    assert not SignalDelivery.objects.filter(done_at__isnull=True).exists()


def _start_or_hear_that_it_is_too_early(**fields: Any) -> Payment | None:
    """A second call may come before the bank has answered the first: there is no page to send the buyer to yet."""
    try:
        return _start(**fields)
    except OutcomeUnknown:
        return None


def test_the_same_order_id_twice_at_once_is_one_payment(bank: Simulator) -> None:
    started = together(*times(2, lambda: _start_or_hear_that_it_is_too_early(order_id="order-123")))
    assert Payment.objects.get() in started
    assert {one.redirect_url for one in started if one} == {Payment.objects.get().redirect_url}
    assert [request.endpoint for request in bank.requests] == ["create"]
    assert Payment.objects.get().state == S.CREATED


@pytest.mark.usefixtures("transactions")
def test_the_same_idempotency_key_many_times_at_once_is_one_payment(bank: Simulator) -> None:
    started = together(*times(8, lambda: _start_or_hear_that_it_is_too_early(idempotency_key="press-1")))
    assert {one for one in started if one} == {Payment.objects.get()}
    assert [request.endpoint for request in bank.requests] == ["create"]


def test_a_double_press_through_the_old_way_in_makes_one_payment_and_sends_nobody_astray(bank: Simulator) -> None:
    """The second press may come before the bank has answered the first: it is told so, or gets the same page."""

    def press() -> str:
        try:
            return GetRedirectUrlUseCase().execute(
                {
                    "order_id": "order-123",
                    "amount": 400.00,
                    "products": [{"name": "Чайник", "count": 1, "price": 400.00}],
                    "redirect_url": "https://shop.example/",
                }
            )
        except OutcomeUnknown:
            return "too early"

    pages = set(together(*times(2, press)))
    payment = Payment.objects.get()
    assert payment.redirect_url in pages
    assert pages <= {payment.redirect_url, "too early"}
    assert press() == payment.redirect_url
    assert [request.endpoint for request in bank.requests] == ["create"]


def test_a_refused_order_id_is_tried_again_once_by_two_at_once(bank: Simulator, settings: Any) -> None:
    payment = make_payment(order_id="order-123", state="FAIL", was_negative=True, amount="400.00")
    Payment.objects.update(parts_count=2, settled_at=timezone.now())
    started = together(*times(2, lambda: _start_or_hear_that_it_is_too_early(order_id="order-123")))
    assert {one for one in started if one} == {payment}
    assert [request.endpoint for request in bank.requests] == ["create"]
    assert _fresh(payment).state == S.CREATED


@pytest.mark.usefixtures("transactions")
def test_two_attempts_of_one_order_paid_at_once_are_one_success(
    bank: Simulator, calls: Counter[tuple[str, str, Any]]
) -> None:
    for round_number in range(5):
        order = make_order(number=f"{round_number}")
        attempts = [_start(buyer_order=order) for _time in range(2)]
        for attempt in attempts:
            bank.pay(attempt.order_id)
        together(*(_ring(bank.callback_body(attempt.order_id)) for attempt in attempts))
        deliver_due()
        assert [_fresh(attempt).state for attempt in attempts] == [S.SUCCESS, S.SUCCESS]
        assert [_fresh(attempt).attention for attempt in attempts] == ["double_payment", "double_payment"]
        succeeded = [calls[payment_succeeded.name, attempt.order_id, ""] for attempt in attempts]
        late = [calls[payment_late_success.name, attempt.order_id, ""] for attempt in attempts]
        assert sorted(succeeded) == sorted(late) == [0, 1]
        assert succeeded != late
        assert [calls[payment_needs_attention.name, one.order_id, "double_payment"] for one in attempts] == [1, 1]
        assert {_asked(bank)[attempt.order_id] for attempt in attempts} == {1}
    assert {request.endpoint for request in bank.requests} == {"create", "state"}


@pytest.mark.usefixtures("transactions")
def test_several_processes_deliver_each_signal_to_each_receiver_once(
    bank: Simulator, calls: Counter[tuple[str, str, Any]]
) -> None:
    payments = [make_payment(state="SUCCESS", settled_at=timezone.now()) for _number in range(6)]
    for payment in payments:
        for new_state in ("CREATED", "CLIENT_WAIT", "SUCCESS"):
            event = PaymentEvent.objects.create(payment=payment, type=EventType.POLL, state=new_state)
            SignalDelivery.objects.create(
                payment=payment,
                event=event,
                signal=payment_state_changed.name,
                arguments={"old_state": "", "new_state": new_state},
            )
    Payment.objects.update(next_delivery_at=timezone.now())
    together(*times(4, deliver_due))
    assert len(calls) == 18
    assert set(calls.values()) == {1}
    assert not ReceiverResult.objects.exclude(attempts=1).exists()
    assert not Payment.objects.filter(next_delivery_at__isnull=False).exists()


def test_a_signal_owed_while_another_process_delivers_is_not_forgotten(
    bank: Simulator, calls: Counter[tuple[str, str, Any]]
) -> None:
    """The bank's next word comes while a slow receiver is still at the last one."""
    payment = _start()
    deliver_due()
    bank.open(payment.order_id)
    entered, leave = threading.Event(), threading.Event()

    def slow(new_state: str, **kwargs: Any) -> None:
        if new_state == "CLIENT_WAIT":
            entered.set()
            assert leave.wait(30)

    def meanwhile() -> None:
        try:
            assert entered.wait(30)
            bank.pay(payment.order_id)
            # On SQLite nobody else can write while a receiver is at work, in whose transaction its record is.
            if connection.vendor != "sqlite":
                sync_payment(payment)
        finally:
            leave.set()

    payment_state_changed.connect(slow, weak=False, dispatch_uid="tests.races.slow")
    try:
        together(lambda: sync_payment(payment), meanwhile)
    finally:
        payment_state_changed.disconnect(dispatch_uid="tests.races.slow")
    sync_payment(payment)
    deliver_due()
    assert calls[payment_state_changed.name, payment.order_id, "CLIENT_WAIT"] == 1
    assert calls[payment_state_changed.name, payment.order_id, "SUCCESS"] == 1
    assert calls[payment_succeeded.name, payment.order_id, ""] == 1
    assert not SignalDelivery.objects.filter(done_at__isnull=True).exists()


def test_several_sweepers_re_send_an_old_signal_once(bank: Simulator, old_signals: list[int]) -> None:
    payment = _start()
    for state in ("CLIENT_WAIT", "OTP_WAITING", "PP_CREATION"):
        _ring(bank.callback_body(payment.order_id, state=state))()
    left = PaymentEvent.objects.filter(type=EventType.CALLBACK)
    left.update(announced_at=None, announcing_until=None)
    old_signals.clear()
    assert sum(together(*times(4, sweep))) == 3
    assert sorted(old_signals) == sorted(left.values_list("pk", flat=True))


@pytest.mark.usefixtures("transactions")
def test_a_callback_and_its_payment_arrive_at_once(bank: Simulator) -> None:
    """One that was stored without its payment, because that was not committed yet, is adopted."""
    for _round in range(5):
        order_id = new_order_id()
        line = Line("Чайник", 1, Decimal("400.00"))
        PayPartsClient(conf.get_store()).create(CreateRequest(order_id, Decimal("400.00"), 2, "II", (line,)))
        bank.pay(order_id)
        together(
            _ring(bank.callback_body(order_id)), lambda order_id=order_id: make_payment(order_id=order_id, amount=400)
        )
        sweep()
        _back_date_polls()
        poll_due()
        payment = Payment.objects.get(order_id=order_id)
        assert payment.state == S.SUCCESS
        assert payment.events.get(type=EventType.CALLBACK).verdict == "applied"


def test_many_payments_are_started_at_once(bank: Simulator) -> None:
    started = together(*times(12, _start))
    assert len({payment.order_id for payment in started}) == 12
    assert {payment.state for payment in started} == {S.CREATED}


def test_a_double_press_whose_first_create_gets_no_answer_makes_no_second_one(bank: Simulator) -> None:
    """The bank has made the payment all the same, and polling finds it."""
    bank.fault("timeout_after", endpoint="create", seconds=0)

    def press() -> str:
        try:
            return _start(order_id="order-123").state
        except (BankUnreachable, OutcomeUnknown):
            return "unknown"

    assert set(together(*times(2, press))) == {"unknown"}
    assert [request.endpoint for request in bank.requests] == ["create"]
    assert sync_payment(Payment.objects.get()).state == S.CREATED

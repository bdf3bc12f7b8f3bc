"""Ask the bank: about one payment now, or about all that are due (the poller)."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import OperationalError, connection, connections
from django.utils import timezone
from django_tasks import task

from wagtail_payparts import conf
from wagtail_payparts.bank import PayPartsClient
from wagtail_payparts.exceptions import BankError, NotAllowed
from wagtail_payparts.models import Heartbeat, Payment, Source
from wagtail_payparts.services import observations
from wagtail_payparts.services.breaker import Breaker
from wagtail_payparts.services.courier import Courier
from wagtail_payparts.services.deliveries import deliver_due, deliver_later
from wagtail_payparts.services.due import Due
from wagtail_payparts.services.locking import lease_poll


logger = logging.getLogger(__name__)

#: The callback view and the return page wait for the bank no longer than this: seconds to connect, and to answer.
INLINE_TIMEOUT = (1.0, 2.0)
HEARTBEAT = "payparts_sync"
#: Seconds between two signs of life, well within what ``payparts_doctor`` allows.
BEAT_EVERY = 10
#: Payments of one pass, and seconds after which it begins no question: cron starts the next one every minute.
LIMIT, PASS_LASTS = 5000, 50
#: Where one thread does everything, signals wait no longer than this for questions, and questions for signals.
DELIVER_EVERY = 5
#: A pass waits so long for receivers of signals, to count what they have taken: seconds.
SETTLE = 2
#: Who has been told to stop waits no longer for the receivers of signals than for the bank: seconds.
PATIENCE = 15


@dataclass
class Pass:
    """What one pass of the poller did. ``states``: where the payments that moved have got to."""

    asked: int = 0
    unanswered: int = 0
    #: The bank could not even be asked about them: their store has lost its settings.
    failed: int = 0
    delivered: int = 0
    announced: int = 0
    states: Counter[str] = field(default_factory=Counter)
    silent_hosts: set[str] = field(default_factory=set)
    #: Whether more was due than one pass does.
    is_cut_short: bool = False
    seconds: float = 0

    @property
    def moved(self) -> int:
        return self.states.total()

    @property
    def is_empty(self) -> bool:
        return not (self.asked or self.failed or self.delivered or self.announced)

    def add(self, late: Pass) -> None:
        """What came to its end after the pass: only deliveries and old signals do."""
        self.delivered += late.delivered
        self.announced += late.announced


def sync_payment(
    payment: Payment,
    *,
    by: AbstractBaseUser | None = None,
    source: str = Source.POLL,
    due_only: bool = False,
    timeout: tuple[float, float] | None = None,
) -> Payment:
    """Ask the bank about a payment and let it move accordingly. Returns it as it stands afterwards.

    Asks nothing if another process is asking now. ``by`` needs the permission ``ask``, else ``NotAllowed``. An
    unreachable bank is no error: it is written down and asked again.
    """
    # has_perm comes with PermissionsMixin, which every user of the admin has.
    if by is not None and not by.has_perm("wagtail_payparts.ask_payment"):  # type: ignore[attr-defined]
        raise NotAllowed("asking the bank needs the permission ask_payment")
    return _sync(payment, lease_poll(payment.pk, due_only=due_only), source=source, by=by, timeout=timeout)


def _sync(payment: Payment, asked_at: datetime | None, **how: Any) -> Payment:
    if asked_at is None:
        return Payment.objects.get(pk=payment.pk)
    after = _ask(payment, asked_at, **how)
    if after.next_delivery_at:
        deliver_later(after)
    return after


def _ask(
    payment: Payment,
    asked_at: datetime,
    *,
    source: str = Source.POLL,
    by: AbstractBaseUser | None = None,
    timeout: tuple[float, float] | None = None,
) -> Payment:
    """The question itself, for whoever has the lease."""
    store = conf.get_store(payment.store)
    breaker = Breaker(store.api_url, in_a_hurry=timeout is not None)
    try:
        reply = PayPartsClient(store).state(
            payment.order_id, show_amount=True, show_refund=True, show_info=True, timeout=timeout
        )
    except BankError as error:
        breaker.report(error)
        return observations.observe_no_state(payment, error, asked_at=asked_at, source=source, by=by)
    breaker.report(None)
    return observations.observe_state(payment, reply, asked_at=asked_at, source=source, by=by)


def sync_in_a_hurry(payment: Payment, *, due_only: bool = False) -> Payment:
    """``sync_payment`` for a request that somebody waits for: briefly, and not at all while the bank is down.

    Then the payment stays as due as it was, and the poller asks. Raises ``ImproperlyConfigured`` if the payment's
    store cannot be used.
    """
    breaker = Breaker(conf.get_store(payment.store).api_url, in_a_hurry=True)
    if not breaker.may_ask():
        return Payment.objects.get(pk=payment.pk)
    asked_at = lease_poll(payment.pk, due_only=due_only)
    if asked_at is None:
        breaker.forgo()
    return _sync(payment, asked_at, timeout=INLINE_TIMEOUT)


@task()
def check(payment_id: int) -> None:
    """Ask the bank about a payment for which a callback has come."""
    payment = Payment.objects.filter(pk=payment_id).first()
    if payment is not None:
        sync_in_a_hurry(payment, due_only=True)


def poll_due(
    limit: int = LIMIT, *, concurrency: int | None = None, must_stop: Callable[[], bool] = lambda: False
) -> Pass:
    """Ask the bank about every payment that is due, those with a claim first, and deliver what is owed."""
    poller = Poller(concurrency=concurrency, must_stop=must_stop)
    try:
        done = poller.run(limit)
    finally:
        late = poller.finish()
    done.add(late)
    return done


class Poller:
    """Asks about what is due, several questions at once, and delivers signals beside them.

    ``concurrency``: how many questions at once, by default ``PAYPARTS_SYNC_CONCURRENCY``. ``must_stop`` is asked before
    each question. ``sweep`` re-sends old signals and says how many; ``watch`` is told now and then how far a pass is.

    With one question at a time everything happens in this thread. So it does on SQLite, whose writers wait for one
    another anyway, and within a transaction, into which no other thread can see.
    """

    def __init__(
        self,
        *,
        concurrency: int | None = None,
        must_stop: Callable[[], bool] = lambda: False,
        sweep: Callable[[], int] = lambda: 0,
        watch: Callable[[Pass], None] = lambda done: None,
    ) -> None:
        alone = connection.vendor == "sqlite" or connection.in_atomic_block
        self.concurrency = 1 if alone else concurrency or conf.sync_concurrency()
        self._must_stop, self._sweep, self._watch = must_stop, sweep, watch
        self._courier = Courier() if self.concurrency > 1 else None
        self._lock = Lock()
        self._done = Pass()
        self._beat_at = self._deliver_at = 0.0

    def run(self, limit: int = LIMIT) -> Pass:
        """One pass. Receivers of signals that are still at work when it ends are counted in the next."""
        started = time.monotonic()
        self._pulse()
        self._send(self._announce)
        self._send(self._deliver_soon)
        due = Due(limit, seconds=PASS_LASTS, must_stop=self._must_stop)
        threads = min(self.concurrency, due.look_ahead())
        if threads > 1:
            self._ask_in_threads(due, threads)
        elif threads:
            self._ask_here(due)
        self._send(self._deliver_soon)
        if self._courier:
            self._courier.settle(SETTLE)
        self._pulse()
        done = self._take_done()
        done.silent_hosts, done.is_cut_short = due.silent_hosts, due.is_cut_short
        done.seconds = time.monotonic() - started
        return done

    def finish(self) -> Pass:
        """Wait for what is still being delivered; after that the poller is of no use."""
        if self._courier:
            self._courier.finish(must_stop=self._must_stop, patience=PATIENCE)
        else:
            self._deliver(self._must_stop)
        return self._take_done()

    def _ask_in_threads(self, due: Due, threads: int) -> None:
        with ThreadPoolExecutor(threads, thread_name_prefix="payparts-asker") as pool:
            askers = [pool.submit(self._ask_on_own_connection, due) for _number in range(threads)]
            try:
                while wait(askers, timeout=1).not_done:
                    self._pulse()
            finally:
                due.close()
        for asker in askers:
            asker.result()

    def _ask_on_own_connection(self, due: Due) -> None:
        try:
            while self._ask_next(due):
                pass
        finally:
            # With what one of them failed on, the others would fail too.
            due.close()
            connections.close_all()

    def _ask_here(self, due: Due) -> None:
        while self._ask_next(due):
            self._pulse()
            if time.monotonic() >= self._deliver_at:
                self._deliver_soon()

    def _ask_next(self, due: Due) -> bool:
        payment = due.take()
        if payment is None:
            return False
        try:
            self._ask(payment, due)
        finally:
            due.done(payment)
        return True

    def _ask(self, payment: Payment, due: Due) -> None:
        try:
            asked_at = lease_poll(payment.pk, due_only=True)
            after = _ask(payment, asked_at) if asked_at else None
        except OperationalError:
            raise
        except Exception:
            # One payment that cannot be asked about (its store lost its settings) must not stop the others.
            logger.exception("payment %s: could not ask the bank", payment.order_id)
            due.forgo(payment)
            observations.postpone(payment)
            with self._lock:
                self._done.failed += 1
            return
        if asked_at is None or after is None:
            # Another process was faster.
            due.forgo(payment)
            return
        has_moved = after.state_changed_at >= asked_at
        with self._lock:
            self._done.asked += 1
            self._done.unanswered += after.poll_failures > 0
            self._done.states.update([after.state] * has_moved)
        if after.next_delivery_at and self._courier:
            self._courier.send(self._deliver_soon)

    def _announce(self) -> None:
        announced = self._sweep()
        with self._lock:
            self._done.announced += announced

    def _deliver_soon(self) -> None:
        """In a thread of its own as long as there is something; in this one no longer than questions may wait."""
        last = time.monotonic() + DELIVER_EVERY
        self._deliver(self._must_stop if self._courier else lambda: self._must_stop() or time.monotonic() > last)
        self._deliver_at = time.monotonic() + DELIVER_EVERY

    def _deliver(self, must_stop: Callable[[], bool]) -> None:
        delivered = deliver_due(must_stop=must_stop)
        with self._lock:
            self._done.delivered += delivered

    def _send(self, job: Callable[[], None]) -> None:
        if self._courier:
            self._courier.send(job)
        else:
            job()

    def _pulse(self) -> None:
        if time.monotonic() >= self._beat_at:
            beat()
            self._beat_at = time.monotonic() + BEAT_EVERY
        self._watch(self._done)

    def _take_done(self) -> Pass:
        with self._lock:
            done, self._done = self._done, Pass()
        return done


def beat() -> None:
    """Leave a sign of life for ``payparts_doctor`` and the dashboard."""
    now = timezone.now()
    if not Heartbeat.objects.filter(name=HEARTBEAT).update(beat_at=now):
        Heartbeat.objects.bulk_create([Heartbeat(name=HEARTBEAT, beat_at=now)], ignore_conflicts=True)

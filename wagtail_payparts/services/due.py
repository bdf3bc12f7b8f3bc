"""Which payment the bank is asked about next: claims first, then what has waited longest; a few are read at a time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from threading import Condition

from django.core.exceptions import ImproperlyConfigured
from django.db.models import Case, IntegerField, Q, Value, When
from django.utils import timezone

from wagtail_payparts import conf
from wagtail_payparts.models import Payment
from wagtail_payparts.services.breaker import Breaker


#: So many are read at once: a claim that comes in meanwhile waits for no more than these.
CHUNK = 100


class Due:
    """Gives out the payments that are due, one at a time, to any number of threads.

    It ends with the last of them, after ``limit`` of them, after so many ``seconds``, or when ``must_stop`` says so.
    Payments whose bank is down stay where they are, and in nobody's way.
    """

    def __init__(self, limit: int, *, seconds: float, must_stop: Callable[[], bool]) -> None:
        self.is_cut_short = False
        self.silent_hosts: set[str] = set()
        self._left = limit
        self._until = time.monotonic() + seconds
        self._must_stop = must_stop
        self._is_closed = False
        self._waiting: deque[Payment] = deque()
        self._under_way: set[int] = set()
        self._changed = Condition()

    def look_ahead(self) -> int:
        """How many payments wait at least."""
        with self._changed:
            self._read_more()
            return len(self._waiting)

    def take(self) -> Payment | None:
        """The next payment, to be handed to ``done`` afterwards; ``None`` at the end.

        While others are at work there may be more in a moment: the bank may turn out to be back.
        """
        with self._changed:
            while not self._is_over():
                payment = self._next()
                if payment is not None:
                    self._left -= 1
                    self._under_way.add(payment.pk)
                    return payment
                if not self._under_way:
                    return None
                self._changed.wait()
            return None

    def done(self, payment: Payment) -> None:
        with self._changed:
            self._under_way.discard(payment.pk)
            self._changed.notify_all()

    def forgo(self, payment: Payment) -> None:
        """The bank was not asked about it after all: another one may find out whether it answers."""
        breaker = _breaker(payment.store)
        if breaker is not None:
            breaker.forgo()

    def close(self) -> None:
        """Give out nothing more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _is_over(self) -> bool:
        if self._is_closed or self._must_stop():
            return True
        if self._left > 0 and time.monotonic() < self._until:
            return False
        self.is_cut_short = True
        return True

    def _next(self) -> Payment | None:
        # A cache that contradicts itself keeps nobody here for ever.
        while not self._is_over():
            self._read_more()
            if not self._waiting:
                return None
            payment = self._waiting.popleft()
            breaker = _breaker(payment.store)
            if breaker is None or breaker.may_ask():
                return payment
            # Its store is left out when more is read.
            self.silent_hosts.add(breaker.host)
        return None

    def _read_more(self) -> None:
        if self._waiting:
            return
        now = timezone.now()
        claims_first = Case(When(claim_state="", then=Value(1)), default=Value(0), output_field=IntegerField())
        # Not what another process is asking about.
        free = Q(poll_leased_until__isnull=True) | Q(poll_leased_until__lt=now)
        due = Payment.objects.filter(free, next_poll_at__lte=now).exclude(pk__in=self._under_way)
        due = due.exclude(store__in=self._silent_stores()).order_by(claims_first, "next_poll_at")
        self._waiting.extend(due.only("order_id", "store")[: min(CHUNK, self._left)])

    def _silent_stores(self) -> list[str]:
        silent = []
        for alias in conf.store_aliases():
            breaker = _breaker(alias)
            if breaker is not None and breaker.is_open():
                self.silent_hosts.add(breaker.host)
                silent.append(alias)
        return silent


def _breaker(alias: str) -> Breaker | None:
    try:
        return Breaker(conf.read_store(alias).api_url)
    except ImproperlyConfigured:
        # There is no bank to be down: whoever asks will hear what is wrong.
        return None

"""A bank that is down is left alone: after silences in a row one question at a time, to see whether it is back.

What is known of an address is in the project's cache, so as many processes share it as share the cache; with Django's
default each process finds out by itself. It is never a reason to forget anything: a question that is not asked now
stays due. Without a working cache every question is asked, which costs time and no truth.
"""

from __future__ import annotations

import hashlib
import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlsplit

from django.core.cache import cache

from wagtail_payparts.exceptions import BadAnswer, BankError, BankUnreachable
from wagtail_payparts.services.backoff import pause_after


logger = logging.getLogger(__name__)

#: So many questions in a row without an answer: the bank is down.
SILENCES = 5
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(seconds=60)
#: A silence that nothing has followed for so long says nothing any more.
FORGOTTEN_AFTER = timedelta(minutes=10)
#: Longer than one question lasts: whoever was to find out may have died.
PROBE_LASTS = timedelta(seconds=60)
_PAUSING, _PROBING = "pausing", "probing"


class Breaker:
    """What is known of one address of the bank.

    ``in_a_hurry``: somebody waits for the answer, with less patience than the poller. Both count silences together and
    an answer to one is good news for the other, but each finds out by a question of its own: to a bank that is merely
    slow, hasty questions must not take the poller's place.
    """

    def __init__(self, api_url: str, *, in_a_hurry: bool = False) -> None:
        self.host = urlsplit(api_url).hostname or ""
        name = hashlib.sha256(api_url.encode()).hexdigest()[:32]
        self._silences = f"payparts-bank-silences-{name}"
        self._gates = [f"payparts-bank-{patience}-{name}" for patience in ("patient", "hasty")]
        self._gate = self._gates[in_a_hurry]

    def is_open(self) -> bool:
        """Whether a question would not be let through now."""
        with _cache_may_fail():
            return self._is_silent() and cache.get(self._gate) is not None
        return False

    def may_ask(self) -> bool:
        """Whether to ask now. Where the bank is down, one asker alone is told so after each pause.

        Whoever is told so has to ``report``, or to ``forgo``.
        """
        with _cache_may_fail():
            return not self._is_silent() or cache.add(self._gate, _PROBING, _seconds(PROBE_LASTS))
        return True

    def report(self, error: BankError | None) -> None:
        """What came of a question: ``None`` for an answer, else what went wrong."""
        with _cache_may_fail():
            if _is_silence(error):
                self._note_silence()
            elif cache.get(self._silences):
                if self._is_silent():
                    logger.warning("the bank at %s answers again", self.host)
                cache.delete_many([self._silences, *self._gates])

    def forgo(self) -> None:
        """Nothing was asked after all: let the next one find out."""
        with _cache_may_fail():
            if cache.get(self._gate) == _PROBING:
                cache.delete(self._gate)

    def _is_silent(self) -> bool:
        return int(cache.get(self._silences) or 0) >= SILENCES

    def _note_silence(self) -> None:
        if cache.get(self._gate) == _PAUSING:
            # It was under way when others found out.
            return
        if not cache.add(self._silences, 1, _seconds(FORGOTTEN_AFTER)):
            cache.incr(self._silences)
            cache.touch(self._silences, _seconds(FORGOTTEN_AFTER))
        excess = int(cache.get(self._silences) or 0) - SILENCES
        if excess >= 0:
            pause = pause_after(
                excess + 1,
                first=FIRST_PAUSE,
                longest=LONGEST_PAUSE,
                luck=random.random(),  # noqa: S311
            )
            cache.set(self._gate, _PAUSING, _seconds(pause))
            logger.warning("the bank at %s does not answer: next question in %s s", self.host, _seconds(pause))


def _is_silence(error: BankError | None) -> bool:
    """No reply, or none of the bank's: a gateway's fault, a page about maintenance. What it says itself is an answer.

    A refusal, or a signature that fits another password, is about one store, and the bank is there for the others.
    """
    if isinstance(error, BadAnswer):
        return error.payload is None or (error.http_status or 0) >= 500
    return isinstance(error, BankUnreachable)


def _seconds(duration: timedelta) -> int:
    return round(duration.total_seconds())


@contextmanager
def _cache_may_fail() -> Iterator[None]:
    try:
        yield
    except Exception:
        logger.warning("the cache does not say whether the bank answers", exc_info=True)

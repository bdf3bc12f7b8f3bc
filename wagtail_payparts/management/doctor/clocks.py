"""Whether clocks agree: payments are compared by time with what the bank says."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

from wagtail_payparts.services.diagnosis import Finding, Level


#: Seconds.
WARN_FROM, FAIL_FROM = 5, 60

_DATABASE_CLOCKS = {"postgresql": "SELECT clock_timestamp()", "mysql": "SELECT UTC_TIMESTAMP(6)"}


@dataclass(frozen=True)
class Interval:
    """A stretch of our own clock, in seconds, within which another clock was read."""

    started: float
    ended: float


def timed(work: Callable[[], Any]) -> tuple[Any, Interval]:
    started = time.time()
    result = work()
    return result, Interval(started, time.time())


def compare_header(whose: str, date: str, read: Interval) -> Finding | None:
    """The clock of whoever answered with this ``Date``, which is cut to the second; ``None`` if it is none."""
    try:
        moment = parsedate_to_datetime(date)
    except (TypeError, ValueError, OverflowError):
        return None
    seconds = moment.replace(tzinfo=moment.tzinfo or timezone.utc).timestamp()
    return judge(whose, _offset(seconds, seconds + 1, read))


def compare_database(connection: Any) -> Finding | None:
    """The clock of the database's server; ``None`` where it is a file beside us."""
    question = _DATABASE_CLOCKS.get(connection.vendor)
    if question is None:
        return None

    def ask() -> datetime:
        with connection.cursor() as cursor:
            cursor.execute(question)
            moment: datetime = cursor.fetchone()[0]
        return moment

    moment, read = timed(ask)
    seconds = moment.replace(tzinfo=moment.tzinfo or timezone.utc).timestamp()
    return judge("the database", _offset(seconds, seconds, read))


def judge(whose: str, offset: float) -> Finding:
    """``offset``: how many seconds the other clock is ahead of ours."""
    ahead = abs(offset)
    if ahead <= WARN_FROM:
        return Finding(Level.OK, "clock", f"The clocks of this machine and of {whose} agree.")
    return Finding(
        Level.FAIL if ahead > FAIL_FROM else Level.WARN,
        "clock",
        f"The clock of {whose} is {ahead:.0f} s {'ahead of' if offset > 0 else 'behind'} that of this machine.",
        "Have both set by NTP (timedatectl set-ntp true): what is due, overdue and late is told by the clock.",
    )


def _offset(earliest: float, latest: float, read: Interval) -> float:
    """The least difference that the two readings allow: zero if they may have been the same moment."""
    if earliest > read.ended:
        return earliest - read.ended
    return min(latest - read.started, 0.0)

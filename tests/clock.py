"""A clock that a test moves by hand, so that weeks pass at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from unittest.mock import patch


MIDDAY = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)


class Clock:
    """Stands still but for a millisecond with each look, since no two moments of a real one are the same."""

    def __init__(self) -> None:
        self.at = MIDDAY

    def now(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at

    def advance(self, **ago: float) -> None:
        self.at += timedelta(**ago)


@contextmanager
def clock_by_hand() -> Iterator[Clock]:
    """What Django takes for the time is what this clock says."""
    clock = Clock()
    with patch("django.utils.timezone.now", clock.now):
        yield clock

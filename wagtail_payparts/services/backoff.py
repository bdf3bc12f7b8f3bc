"""Pauses that grow with each failure, so that what is broken is left alone for longer and longer."""

from __future__ import annotations

from datetime import timedelta


#: What failed at the same moment shall not come back at the same moment: a pause is this share shorter at most.
SPREAD = 0.25


def pause_after(failures: int, *, first: timedelta, longest: timedelta, luck: float = 0) -> timedelta:
    """``first`` after one failure, twice as long after each further one, up to ``longest``; ``luck`` is from 0 to 1."""
    return min(first * (1 << min(failures - 1, 20)), longest) * (1 - SPREAD * luck)

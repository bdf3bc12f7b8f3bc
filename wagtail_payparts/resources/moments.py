"""Moments as text: from UTC, as databases hold them, to the clock of the site."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone, tzinfo


class SiteClock:
    """Turns ``2026-10-25 00:15:30`` of UTC into the same moment by the clock of ``zone``; ``""`` stays.

    Not left to the database, which has a table of time zones of its own: an old one, or none. Hours are remembered,
    so that a moment costs a look into a dictionary.
    """

    def __init__(self, zone: tzinfo) -> None:
        self.hours = _Hours(zone)

    def read(self, moments: Sequence[str]) -> list[str]:
        hours = self.hours
        try:
            return [hours[moment[:13]] + moment[13:] for moment in moments]
        except _UnevenHour:
            return [self._exact(moment) for moment in moments]

    def _exact(self, moment: str) -> str:
        return _by_the_clock(datetime.fromisoformat(moment), self.hours.zone).isoformat(" ") if moment else ""


class _UnevenHour(Exception):
    """The clock of the zone stands apart from UTC by something else than whole hours, or is changed in that hour."""


class _Hours(dict[str, str]):
    """``2026-10-25 00`` of UTC to the hour of the site's clock."""

    MOST = 100_000

    def __init__(self, zone: tzinfo) -> None:
        super().__init__({"": ""})
        self.zone = zone

    def __missing__(self, hour: str) -> str:
        if len(self) >= self.MOST:
            self.clear()
            self[""] = ""
        # No zone changes its clock twice within a day.
        midnight = self._begin(f"{hour[:10]} 00", timedelta(days=1))
        if midnight is not None:
            self._add_day(hour[:10], midnight)
        elif (begin := self._begin(hour, timedelta(hours=1))) is not None:
            self[hour] = begin.isoformat(" ")[:13]
        else:
            raise _UnevenHour
        return self[hour]

    def _begin(self, hour: str, length: timedelta) -> datetime | None:
        """What the site's clock shows when that hour begins, if it goes on evenly from there."""
        first = datetime.fromisoformat(f"{hour}:00:00")
        last = first + length - timedelta(seconds=1)
        here = _by_the_clock(first, self.zone)
        is_even = _by_the_clock(last, self.zone) - here == last - first
        return here if is_even and not here.minute and not here.second else None

    def _add_day(self, day: str, midnight: datetime) -> None:
        days = (midnight.date().isoformat(), (midnight + timedelta(days=1)).date().isoformat())
        for number in range(24):
            later, shown = divmod(midnight.hour + number, 24)
            self[f"{day} {number:02}"] = f"{days[later]} {shown:02}"


def _by_the_clock(moment: datetime, zone: tzinfo) -> datetime:
    return moment.replace(tzinfo=timezone.utc).astimezone(zone).replace(tzinfo=None)

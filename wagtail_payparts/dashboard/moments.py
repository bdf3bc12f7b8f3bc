"""How moments are written for staff."""

from __future__ import annotations

from datetime import datetime

from django.utils.formats import date_format, get_format
from django.utils.timezone import get_default_timezone, localtime


def write_moment(moment: datetime | None, time_format: str = "H:i") -> str:
    """A moment by the clock of the site (``TIME_ZONE``), as in exports; empty for ``None``.

    Not by the zone that a person has chosen in the admin: a payment's day is the shop's day, for everybody.
    """
    if moment is None:
        return ""
    day_format = get_format("SHORT_DATE_FORMAT")
    if day_format.startswith(("m", "n")):
        # 11/03 is March to some and November to others.
        day_format = "j M Y"
    return date_format(localtime(moment, get_default_timezone()), f"{day_format}, {time_format}")


def write_seconds(moment: datetime) -> str:
    """As ``write_moment``, to the second, for the timeline."""
    return write_moment(moment, "H:i:s")

"""The clock of the site, as exports write it without asking Python for each moment."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from wagtail_payparts.resources.moments import SiteClock


ZONES = ["Europe/Kyiv", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC", "America/St_Johns"]
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - as databases hold it
YEAR = 365 * 86_400


@given(
    st.integers(-180 * YEAR, 930 * YEAR).map(lambda seconds: EPOCH + timedelta(seconds=seconds)),
    st.sampled_from([*ZONES, "Africa/Monrovia"]),
)
def test_the_clock_of_the_site_is_that_of_python(moment: datetime, zone: str) -> None:
    expected = moment.replace(tzinfo=timezone.utc).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    clock = SiteClock(ZoneInfo(zone))
    for _again in range(2):
        assert clock.read([moment.isoformat(" "), ""]) == [expected.isoformat(" "), ""]

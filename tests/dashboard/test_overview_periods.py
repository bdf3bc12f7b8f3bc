"""Which days the overview is about and what they are compared with, how a chart cuts them, and numbers in words."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.utils import translation

from wagtail_payparts.dashboard.overview.charts import Point, columns, round_up
from wagtail_payparts.dashboard.overview.periods import Period, choose, cut
from wagtail_payparts.dashboard.overview.words import write_change, write_percent, write_period, write_points


TODAY = date(2026, 11, 20)


def _days(first: str, last: str) -> Period:
    return Period(date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    ("preset", "period", "previous"),
    [
        ("today", _days("2026-11-20", "2026-11-20"), _days("2026-11-19", "2026-11-19")),
        ("yesterday", _days("2026-11-19", "2026-11-19"), _days("2026-11-18", "2026-11-18")),
        ("last_7_days", _days("2026-11-14", "2026-11-20"), _days("2026-11-07", "2026-11-13")),
        ("this_month", _days("2026-11-01", "2026-11-20"), _days("2026-10-01", "2026-10-20")),
        ("last_month", _days("2026-10-01", "2026-10-31"), _days("2026-09-01", "2026-09-30")),
        ("last_30_days", _days("2026-10-22", "2026-11-20"), _days("2026-09-22", "2026-10-21")),
        ("this_year", _days("2026-01-01", "2026-11-20"), _days("2025-01-01", "2025-11-20")),
    ],
)
def test_a_preset_is_compared_with_what_people_would_compare_it_with(
    preset: str, period: Period, previous: Period
) -> None:
    chosen = choose({"period": preset}, TODAY)
    assert (chosen.period, chosen.previous, chosen.preset) == (period, previous, preset)


def test_without_a_choice_it_is_this_month() -> None:
    assert choose({}, TODAY).preset == "this_month"


def test_a_month_with_fewer_days_is_compared_whole() -> None:
    chosen = choose({"period": "this_month"}, date(2026, 3, 31))
    assert chosen.previous == _days("2026-02-01", "2026-02-28")
    assert choose({"period": "this_year"}, date(2028, 2, 29)).previous == _days("2027-01-01", "2027-02-28")
    assert choose({"period": "this_month"}, date(2026, 1, 5)).previous == _days("2025-12-01", "2025-12-05")


@pytest.mark.parametrize(
    ("period", "previous"),
    [
        (_days("2026-11-05", "2026-11-14"), _days("2026-10-26", "2026-11-04")),
        (_days("2026-10-01", "2026-12-31"), _days("2026-07-01", "2026-09-30")),
        (_days("2026-01-01", "2026-01-31"), _days("2025-12-01", "2025-12-31")),
    ],
)
def test_days_of_ones_own_are_compared_with_as_many_before_and_months_with_months(
    period: Period, previous: Period
) -> None:
    chosen = choose({"first": period.first.isoformat(), "last": period.last.isoformat()})
    assert (chosen.period, chosen.previous) == (period, previous)


def test_days_of_ones_own_go_before_a_preset() -> None:
    chosen = choose({"period": "today", "first": "2026-11-01", "last": "2026-11-02"}, TODAY)
    assert (chosen.preset, chosen.period) == ("", _days("2026-11-01", "2026-11-02"))


def test_a_long_period_is_cut_into_weeks_and_a_longer_one_into_months() -> None:
    assert len(cut(_days("2026-10-01", "2026-11-30"))) == 61
    # The first of October is a Thursday.
    weeks = cut(_days("2026-10-01", "2026-12-31"))
    assert weeks[:2] == [_days("2026-10-01", "2026-10-04"), _days("2026-10-05", "2026-10-11")]
    assert weeks[-1] == _days("2026-12-28", "2026-12-31")
    months = cut(_days("2025-01-15", "2026-11-20"))
    assert months[:2] == [_days("2025-01-15", "2025-01-31"), _days("2025-02-01", "2025-02-28")]
    assert (len(months), months[-1]) == (23, _days("2026-11-01", "2026-11-20"))


@pytest.mark.parametrize(
    ("now", "before", "change"),
    [
        (112, 100, "+12%"),
        (88, 100, "−12%"),
        (100, 100, "no change"),
        (1001, 1000, "+0.1%"),
        (100001, 100000, "no change"),
        (5, 0, "—"),
        (0, 5, "−100%"),
        (Decimal("5.00"), Decimal("-1.00"), "—"),
        (None, Decimal("1.00"), "—"),
        (1234500, 100, "+1,234,400%"),
    ],
)
def test_a_change_is_written_with_its_sign(
    now: Decimal | int | None, before: Decimal | int | None, change: str
) -> None:
    assert write_change(now, before) == change


def test_a_share_changes_by_points() -> None:
    assert write_points(Decimal("0.60"), Decimal("1")) == "−40 pp"
    assert write_points(Decimal("0.615"), Decimal("0.58")) == "+3.5 pp"
    assert write_points(Decimal("0.7771"), Decimal("0.7774")) == "no change"
    assert write_points(None, Decimal("1")) == "—"


def test_numbers_are_written_as_the_language_writes_them() -> None:
    with translation.override("uk"):
        assert write_percent(Decimal("3.14")).startswith("3,1")
        assert write_period(_days("2026-11-01", "2026-11-20")) == "1–20 листопада 2026"


def test_a_period_is_written_as_shortly_as_it_can_be() -> None:
    assert write_period(_days("2026-11-01", "2026-11-01")) == "1 November 2026"
    assert write_period(_days("2026-11-01", "2026-11-20")) == "1–20 November 2026"
    assert write_period(_days("2026-10-28", "2026-11-03")) == "28 October – 3 November 2026"
    assert write_period(_days("2025-12-28", "2026-01-03")) == "28 December 2025 – 3 January 2026"


@pytest.mark.parametrize(
    ("size", "top"), [("0", "1"), ("0.01", "0.01"), ("3700", "4000"), ("10000", "10000"), ("107149", "120000")]
)
def test_the_highest_line_is_a_round_number_not_far_above(size: str, top: str) -> None:
    assert round_up(Decimal(size)) == Decimal(top)


def test_a_small_column_is_seen_and_an_empty_one_is_not_drawn() -> None:
    points = [Point(Decimal(size), str(size), "") for size in (0, 1, 1_000_000)]
    drawn = columns(points, str).columns
    assert [(column.words, column.height) for column in drawn] == [("1", "2.0"), ("1000000", "160.0")]


def test_labels_beneath_columns_keep_apart_and_within_the_chart() -> None:
    points = [Point(Decimal(1), "", str(day)) for day in range(1, 32)]
    ticks = columns(points, str).ticks
    assert [tick.text for tick in ticks] == ["1", "8", "15", "22", "29"]
    assert (ticks[0].x, ticks[0].anchor, ticks[1].anchor) == ("0.00%", "start", "middle")
    last = columns(points[:31], str, max_ticks=31).ticks[-1]
    assert (last.x, last.anchor) == ("100.00%", "end")

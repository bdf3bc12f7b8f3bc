"""The geometry of charts: lengths across are shares of the width, so that letters keep their size on every screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil


#: Heights in px: room for the label of the highest line, the columns, and the labels beneath them.
TOP, PLOT, BOTTOM = 22, 160, 24
HEIGHT = TOP + PLOT + BOTTOM
FLOOR = TOP + PLOT
#: So many labels fit beneath the columns of a chart on a phone.
MAX_TICKS = 5
#: Of which the highest line is a multiple; each has a half that reads well.
STEPS = ("1", "1.2", "1.6", "2", "2.4", "3", "4", "5", "6", "8", "10")
#: In hundredths of the width.
EDGE = 6
#: Of the room of a column.
FILLED = Decimal("0.7")
#: In px, so that the smallest sale is seen, too.
LEAST = Decimal(2)


@dataclass(frozen=True)
class Point:
    """What a column shows: its size, both its name and its size in words, and its name where there is little room."""

    size: Decimal
    words: str
    tick: str


@dataclass(frozen=True)
class Column:
    x: str
    y: str
    width: str
    height: str
    words: str


@dataclass(frozen=True)
class Tick:
    x: str
    anchor: str
    text: str


@dataclass(frozen=True)
class Line:
    y: str
    label_y: str
    label: str


@dataclass(frozen=True)
class Chart:
    columns: list[Column]
    ticks: list[Tick]
    lines: list[Line]
    height: int = HEIGHT
    floor: int = FLOOR


def columns(points: Sequence[Point], write: Callable[[Decimal], str], max_ticks: int = MAX_TICKS) -> Chart:
    """A column for each point. ``write`` puts the size of a line into words."""
    top = round_up(max((point.size for point in points), default=Decimal(0)))
    room = Decimal(100) / max(len(points), 1)
    return Chart(
        columns=[_column(point, number * room, room, top) for number, point in enumerate(points) if point.size > 0],
        ticks=_ticks(points, room, max_ticks),
        lines=[_line(size, top, write) for size in (top, top / 2)],
    )


def round_up(size: Decimal) -> Decimal:
    """The next number of which a half reads well: 3 700 becomes 4 000."""
    if size <= 0:
        return Decimal(1)
    unit = Decimal(10) ** size.adjusted()
    return next(unit * Decimal(step) for step in STEPS if size <= unit * Decimal(step))


def share(part: Decimal | int, whole: Decimal | int) -> str:
    """A length of a bar: ``37.5%``."""
    return percent(Decimal(part) * 100 / whole) if whole else "0%"


def percent(number: Decimal) -> str:
    """With a point, whatever the language: SVG knows no comma."""
    return f"{number:.2f}%"


def _column(point: Point, left: Decimal, room: Decimal, top: Decimal) -> Column:
    height = max(point.size / top * PLOT, LEAST)
    return Column(
        x=percent(left + room * (1 - FILLED) / 2),
        y=f"{FLOOR - height:.1f}",
        width=percent(room * FILLED),
        height=f"{height:.1f}",
        words=point.words,
    )


def _line(size: Decimal, top: Decimal, write: Callable[[Decimal], str]) -> Line:
    y = FLOOR - size / top * PLOT
    return Line(f"{y:.1f}", f"{y - 5:.1f}", write(size))


def _ticks(points: Sequence[Point], room: Decimal, max_ticks: int) -> list[Tick]:
    """The first column has a label, and from there every so many that they keep apart."""
    every = max(ceil(len(points) / max_ticks), 1)
    return [_tick(points[number], number * room, room) for number in range(0, len(points), every)]


def _tick(point: Point, left: Decimal, room: Decimal) -> Tick:
    """In the middle of its column, or away from the edge where half of it would be cut off."""
    middle = left + room / 2
    if middle < EDGE:
        return Tick(percent(left), "start", point.tick)
    if middle > 100 - EDGE:
        return Tick(percent(left + room), "end", point.tick)
    return Tick(percent(middle), "middle", point.tick)

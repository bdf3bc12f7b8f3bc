"""What the overview of a month costs: ``python -m benchmarks.overview [--rows 1000000]``.

Prints the milliseconds of each query over a ledger of many payments and over one of a thousand (the median of several
times), and their sum.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from statistics import median
from typing import Any

from benchmarks.ledger import setup


MONTH = {"first": "2026-10-01", "last": "2026-10-31"}
FEW = 1000
TIMES = 9
#: Milliseconds of SQL that a month may cost.
ALLOWED = 150


def measure(database: str, rows: int) -> list[tuple[str, float]]:
    """The queries of the page, each with its median in milliseconds. The first call only warms up."""
    setup(database, rows)
    from django.http import QueryDict

    from wagtail_payparts.dashboard.overview import view
    from wagtail_payparts.dashboard.overview.periods import choose

    query = QueryDict(mutable=True)
    query.update(MONTH)
    choice = choose(query)
    times = [_queries(lambda: view.read_figures(choice.period, choice.previous)) for _time in range(TIMES + 1)][1:]
    return [(queries[0][0], median(took for _sql, took in queries)) for queries in zip(*times, strict=True)]


def _queries(work: Any) -> list[tuple[str, float]]:
    """What ``work`` asks of the database, and how many milliseconds each answer took, rows read included."""
    from time import perf_counter

    from django.db import connection

    asked: list[tuple[str, float]] = []

    def clock(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        start = perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            asked.append((sql, (perf_counter() - start) * 1000))

    with connection.execute_wrapper(clock):
        work()
    return asked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--db", choices=["postgres", "mariadb", "sqlite"], default="postgres")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true", help="for the other half of the measurement")
    options = parser.parse_args()
    if options.json:
        print(json.dumps(measure(options.db, options.rows)))
        return
    measured = {rows: _apart(options.db, rows) for rows in (options.rows, FEW)}
    for (sql, many), (_sql, few) in zip(*measured.values(), strict=True):
        print(f"{many:8.1f} ms {few:8.1f} ms  {_kind(sql)}")
    many, few = (sum(took for _sql, took in queries) for queries in measured.values())
    print(f"{many:8.1f} ms {few:8.1f} ms  in sum, {len(measured[FEW])} queries; {ALLOWED} ms are allowed")
    sys.exit(many > ALLOWED)


def _apart(database: str, rows: int) -> list[tuple[str, float]]:
    """In a process of its own, since Django knows one database."""
    command = [sys.executable, "-m", "benchmarks.overview", "--json", "--db", database, "--rows", str(rows)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    measured: list[tuple[str, float]] = json.loads(done.stdout.splitlines()[-1])
    return measured


def _kind(sql: str) -> str:
    for mark, kind in {
        "CASE": "sales by day",
        "furthest_state": "fates, services and parts",
        "LEFT": "reasons of refusals",
        " IN (": "what is open now",
    }.items():
        if mark in sql:
            return kind
    return "the month before"


if __name__ == "__main__":
    main()

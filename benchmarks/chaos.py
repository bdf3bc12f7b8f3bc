"""Proof by torture: ``python -m benchmarks.chaos --payments 10000 --seed 1``. Ends with 1 at any difference.

The shop runs in several web processes, pollers and staff on a database of its own, each killed at random moments; the
bank is the simulator with every fault it knows. What it proves is in docs/reliability.md.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path


DATABASE = "payparts_chaos"


def main() -> None:
    options = _options()
    os.environ["PAYPARTS_TEST_DB"] = options.db
    from tests.torture.run import Options, run

    failed = []
    began = time.monotonic()
    for number in range(options.seeds):
        if number and options.minutes and time.monotonic() - began > options.minutes * 60:
            print(f"{number} of {options.seeds} seeds: the time is over.")
            break
        seed = options.seed + number
        directory = Path(tempfile.mkdtemp(prefix=f"payparts-chaos-{seed}-"))
        database = str(directory / "shop.sqlite3") if options.db == "sqlite" else f"{DATABASE}{options.suffix}"
        print(f"Seed {seed}: {options.payments} buyers; logs in {directory}", flush=True)
        report = run(
            Options(
                buyers=options.payments,
                seed=seed,
                database=database,
                directory=directory,
                rate=options.rate,
                crew={"web": options.web, "poller": options.pollers, "staff": options.staff},
                kill_every=options.kill_every,
                first="create" if not number or options.db == "sqlite" else "empty",
            )
        )
        print("\n".join(_lines(report)), flush=True)
        if report.differences:
            failed.append(seed)
        elif not options.keep:
            shutil.rmtree(directory)
    if failed:
        print(f"FAILED: seeds {', '.join(map(str, failed))}")
        sys.exit(1)


def _lines(report: object) -> Iterator[str]:
    from tests.torture.run import Report

    assert isinstance(report, Report)
    yield (
        f"  {report.payments} payments of {report.buyers} buyers in {report.seconds:.0f} s, of which "
        f"{report.tail_seconds:.0f} s after the last buyer; the world was {report.latest_seconds:.0f} s late at worst"
    )
    yield f"  a bank that: {', '.join(f'{name}={choice}' for name, choice in report.habits.items())}"
    yield from _table("faults", report.faults)
    yield from _table("the world", report.world)
    yield from _table("kills", report.kills)
    for name, counted in report.counts.items():
        if isinstance(counted, Mapping):
            yield from _table(name, counted)
        else:
            yield f"  {name}: {counted}"
    yield f"  DIFFERENCES: {len(report.differences)}"
    for order_id, what in report.differences:
        yield f"    {order_id or '-'}: {what}"
    for order_id, history in report.histories.items():
        yield from (f"      {order_id} {line}" for line in history)


def _table(name: str, counts: Mapping[str, int]) -> Iterable[str]:
    yield f"  {name} ({sum(counts.values())}): " + ", ".join(f"{what} {n}" for what, n in sorted(counts.items()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--payments", type=int, default=2000, help="how many buyers come (2000)")
    parser.add_argument("--seed", type=int, default=1, help="of the first run (1)")
    parser.add_argument("--seeds", type=int, default=1, help="how many runs, with one seed after the other (1)")
    parser.add_argument("--minutes", type=float, default=0, help="begin no further run after this time (no limit)")
    parser.add_argument("--rate", type=float, default=12, help="buyers a second (12)")
    parser.add_argument("--web", type=int, default=3, help="web processes (3)")
    parser.add_argument("--pollers", type=int, default=3, help="pollers, each with three questions at once (3)")
    parser.add_argument("--staff", type=int, default=2, help="people at the desk, a process each (2)")
    parser.add_argument("--kill-every", type=float, default=2, help="seconds between kills, on average (2)")
    parser.add_argument("--db", choices=["postgres", "mariadb", "sqlite"], default="postgres")
    parser.add_argument("--suffix", default="", help="of the database's name, for runs side by side")
    parser.add_argument("--keep", action="store_true", help="keep the logs of a good run too")
    return parser.parse_args()


if __name__ == "__main__":
    main()

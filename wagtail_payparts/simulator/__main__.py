"""``python -m wagtail_payparts.simulator``: the bank on this machine, until it is interrupted."""

from __future__ import annotations

import argparse
import logging
import signal
import threading

from .habits import CHOICES, Habits
from .running import BANKS_ZONE, HOLD_SECONDS, run_simulator
from .stores import TEST_STORE


def main() -> None:
    options = _options()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    interrupted = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: interrupted.set())
    with run_simulator(
        stores=dict(options.store or [TEST_STORE]),
        delay=options.delay,
        action_delay=options.action_delay,
        hold_seconds=options.hold_seconds,
        habits=dict(options.habit),
        time_zone=options.time_zone,
        callbacks="send",
        db=options.db,
        host=options.host,
        port=options.port,
    ) as simulator:
        print(f"The bank's API:   {simulator.api_url}")
        print(f"Its control page: {simulator.control_url}", flush=True)
        interrupted.wait()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m wagtail_payparts.simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--db", metavar="FILE", help="SQLite file for the bank's books (default: in memory)")
    parser.add_argument(
        "--store",
        metavar="ID:PASSWORD",
        type=_store,
        action="append",
        help="a store that the bank knows; may be repeated (default: the public test store)",
    )
    parser.add_argument(
        "--delay", type=float, default=3, metavar="SECONDS", help="how long a decision takes (default: 3)"
    )
    parser.add_argument(
        "--action-delay",
        type=float,
        default=0,
        metavar="SECONDS",
        help="how long after its reply a confirm or cancel takes effect (default: 0)",
    )
    parser.add_argument(
        "--hold-seconds",
        type=float,
        default=HOLD_SECONDS,
        metavar="SECONDS",
        help="when a hold that nobody confirms ends by itself (default: after 29 days)",
    )
    parser.add_argument(
        "--habit",
        metavar="NAME=CHOICE",
        type=_habit,
        action="append",
        default=[],
        help="what the bank does where no document says what; may be repeated. "
        + "; ".join(f"{name}: {', '.join(choices)}" for name, choices in CHOICES.items()),
    )
    parser.add_argument("--time-zone", default=BANKS_ZONE, help=f"of the control page (default: {BANKS_ZONE})")
    return parser.parse_args()


def _store(text: str) -> tuple[str, str]:
    store_id, _, password = text.partition(":")
    if not store_id or not password:
        raise argparse.ArgumentTypeError("write ID:PASSWORD")
    return store_id, password


def _habit(text: str) -> tuple[str, str]:
    name, _, choice = text.partition("=")
    try:
        Habits({name: choice})
    except ValueError as err:
        raise argparse.ArgumentTypeError(str(err)) from err
    return name, choice


if __name__ == "__main__":
    main()

"""``python -m wagtail_payparts.simulator``: the bank on this machine, until it is interrupted."""

from __future__ import annotations

import argparse
import logging
import signal
import threading

from .bank import TEST_STORE
from .running import run_simulator


def main() -> None:
    options = _options()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    interrupted = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: interrupted.set())
    with run_simulator(
        stores=dict(options.store or [TEST_STORE]),
        delay=options.delay,
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
    return parser.parse_args()


def _store(text: str) -> tuple[str, str]:
    store_id, _, password = text.partition(":")
    if not store_id or not password:
        raise argparse.ArgumentTypeError("write ID:PASSWORD")
    return store_id, password


if __name__ == "__main__":
    main()

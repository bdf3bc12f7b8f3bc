"""How many questions a poller gets answered: ``python -m benchmarks.sync [--db postgres]``.

The simulated bank runs in a process of its own and takes 100 ms for each answer, so that one question at a time could
at best be ten a second. Prints what the poller makes of each ``--concurrency`` beside that ideal, and beside as many
threads that ask with the bare client and write nothing down: what a busy machine leaves of the ideal.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from statistics import median
from time import perf_counter

import requests

from benchmarks.ledger import setup


#: Seconds that the bank takes for an answer.
ANSWER = 0.1
CONCURRENCIES = (1, 4, 8, 16)
#: Seconds that a pass lasts if it is ideal.
LASTS = 4
ROUNDS = 3
#: The share of the ideal that has to be reached with the default of four questions at once.
MEASURED, ALLOWED = 4, 0.7
LEDGER = 1000


@contextmanager
def bank(store: str, password: str) -> Iterator[str]:
    """The address of a bank in another process."""
    command = [
        sys.executable,
        "-u",
        "-m",
        "wagtail_payparts.simulator",
        "--port",
        "0",
        "--store",
        f"{store}:{password}",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            address = process.stdout.readline().rpartition(" ")[2].strip()
            yield address
        finally:
            process.terminate()


def measure(database: str) -> dict[int, list[tuple[float, float]]]:
    """Questions per second of the poller and of the bare client, in each round, by how many are asked at once."""
    setup(database, LEDGER, suffix="_sync")
    from django.conf import settings

    from wagtail_payparts.models import Payment

    with bank(settings.PAYPARTS_API_STORE_ID, settings.PAYPARTS_API_PASSWORD) as address:
        settings.PAYPARTS_API_URL = address
        Payment.objects.update(next_poll_at=None, next_delivery_at=None)
        payments = _start(round(max(CONCURRENCIES) / ANSWER * LASTS))
        slow = {"kind": "slow", "endpoint": "state", "times": None, "seconds": ANSWER}
        requests.post(address.replace("/ipp/v2/", "/api/faults"), json=slow, timeout=10).raise_for_status()
        measured: dict[int, list[tuple[float, float]]] = {concurrency: [] for concurrency in CONCURRENCIES}
        for _round in range(ROUNDS):
            for concurrency in CONCURRENCIES:
                some = payments[: round(concurrency / ANSWER * LASTS)]
                measured[concurrency].append((_ask(some, concurrency), _ask_bare(some, concurrency)))
        Payment.objects.filter(pk__in=payments).update(next_poll_at=None)
    return measured


def _start(count: int) -> list[int]:
    from wagtail_payparts.services import start_payment
    from wagtail_payparts.services.deliveries import deliver_due

    lines = [{"name": "Чайник", "count": 1, "price": 400}]
    started = [
        start_payment(lines=lines, parts_count=2, redirect_url="https://shop.example/").pk for _number in range(count)
    ]
    while deliver_due():
        pass
    return started


def _ask(payments: list[int], concurrency: int) -> float:
    """Have a poller ask about these, and no others."""
    from django.utils import timezone

    from wagtail_payparts.models import Payment
    from wagtail_payparts.services.sync import poll_due

    Payment.objects.update(next_poll_at=None)
    Payment.objects.filter(pk__in=payments).update(next_poll_at=timezone.now())
    done = poll_due(concurrency=concurrency)
    # Some fall due again while others are asked about.
    assert done.asked >= len(payments), done
    assert not done.unanswered, done
    return done.asked / done.seconds


def _ask_bare(payments: list[int], concurrency: int) -> float:
    """As many threads with the client alone: no database, no ledger."""
    from wagtail_payparts import conf
    from wagtail_payparts.bank import PayPartsClient
    from wagtail_payparts.models import Payment

    client = PayPartsClient(conf.get_store())
    order_ids = list(Payment.objects.filter(pk__in=payments).values_list("order_id", flat=True))
    start = perf_counter()
    with ThreadPoolExecutor(concurrency) as pool:
        list(pool.map(client.state, order_ids))
    return len(order_ids) / (perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--db", choices=["postgres", "mariadb"], default="postgres")
    parser.add_argument("--json", action="store_true", help="print the rounds only")
    options = parser.parse_args()
    measured = measure(options.db)
    if options.json:
        print(json.dumps(measured))
        return
    shares = {concurrency: _say(concurrency, rounds) for concurrency, rounds in measured.items()}
    print(f"{shares[MEASURED]:.2f} of the ideal with {MEASURED} at once; at least {ALLOWED} is allowed")
    sys.exit(shares[MEASURED] < ALLOWED)


def _say(concurrency: int, rounds: list[tuple[float, float]]) -> float:
    """Print a line and return the share of the ideal."""
    reached, bare = (median(both) for both in zip(*rounds, strict=True))
    ideal = concurrency / ANSWER
    print(
        f"{concurrency:3} at once: {reached:6.1f} of {ideal:4.0f} questions a second, {reached / ideal:.2f}; "
        f"the bare client {bare:6.1f}, {bare / ideal:.2f}"
    )
    return reached / ideal


if __name__ == "__main__":
    main()

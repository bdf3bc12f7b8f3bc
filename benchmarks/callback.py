"""How fast a callback is stored, and what a flood of forged ones does to it: ``python -m benchmarks.callback``.

The real view and the floor (``benchmarks.callback_floor``) take turns behind one gunicorn with two workers and
connections to PostgreSQL that are kept. All callbacks are of different payments, new, and signed beforehand. The bank
is not asked within the request (``PAYPARTS_CHECK_INLINE = False``): its speed is not ours. Then valid ones come alone
and beside 10 000 forged ones. The exit code is 1 where a limit is not kept.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

from benchmarks.ledger import setup
from benchmarks.load import Measured, drive


CALLBACK = "/pay-parts/callback/"
#: What a hold, a success and a refusal have in common is a contract of some hundred letters.
CONTRACT = "ЗАЯВА ПРО ПРИЄДНАННЯ ДО УМОВ ТА ПРАВИЛ НАДАННЯ БАНКІВСЬКИХ ПОСЛУГ. КЛІЄНТ: КОВАЛЬ О’ЛЕНА ІВАНІВНА. " * 6
FORGED = 10_000
#: Requests per second, and the 99th percentile, to the floor's.
AT_LEAST, AT_MOST = 0.5, 2.5
#: How many times as long a valid callback may take beside forged ones.
SLOWER = 2.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--requests", type=int, default=1000, help="of each round, for each of the two")
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--forgers", type=int, default=4, help="connections that post forged ones")
    parser.add_argument("--threads", type=int, default=1, help="of each of gunicorn's two workers")
    parser.add_argument("--rows", type=int, default=10_000, help="payments that are there already")
    parser.add_argument("--only", choices=["speed", "flood"])
    options = parser.parse_args()
    setup("postgres", options.rows, "_callbacks")
    from benchmarks.callback_floor import make_tables

    make_tables()
    with served(options.threads) as port:
        kept = [
            options.only == "flood" or is_fast(port, options),
            options.only == "speed" or is_not_flooded(port, options),
        ]
    sys.exit(not all(kept))


def is_fast(port: int, options: argparse.Namespace) -> bool:
    from benchmarks.callback_floor import FLOOR

    rounds: dict[str, list[Measured]] = {FLOOR: [], CALLBACK: []}
    for number in range(options.rounds + 1):
        bodies = valid_callbacks(options.requests)
        for path in random.sample(list(rounds), k=2):
            (measured,) = drive(port, stream(path, bodies, options.connections))
            assert measured.statuses == {"200": options.requests}, measured.statuses
            if number:  # the first round only warms up
                rounds[path].append(measured)
    print(f"{'':>16}  requests/s       p50 ms    p99 ms")
    for path, measured in rounds.items():
        rates = sorted(one.per_second for one in measured)
        together = _together(measured)
        print(
            f"{path.strip('/').split('/')[-1]:>16}  {median(rates):6.0f} ({rates[0]:.0f}-{rates[-1]:.0f})"
            f" {together.median:8.2f} {together.percentile(0.99):9.2f}"
        )
    speed = median(ours.per_second / floor.per_second for floor, ours in zip(*rounds.values(), strict=True))
    tail = _together(rounds[CALLBACK]).percentile(0.99) / _together(rounds[FLOOR]).percentile(0.99)
    print(f"requests per second to the floor's: {speed:.2f} (at least {AT_LEAST})")
    print(f"99th percentile to the floor's: {tail:.2f} (at most {AT_MOST})")
    return speed >= AT_LEAST and tail <= AT_MOST


def _together(rounds: list[Measured]) -> Measured:
    return Measured(sum(one.seconds for one in rounds), [ms for one in rounds for ms in one.milliseconds], {})


def is_not_flooded(port: int, options: argparse.Namespace) -> bool:
    from wagtail_payparts import conf
    from wagtail_payparts.models import PaymentEvent, Verdict

    PaymentEvent.objects.filter(verdict=Verdict.REJECTED).delete()
    few = options.connections
    forged = forged_callbacks(FORGED)
    alone, beside = [], []
    share = FORGED // options.rounds
    for number in range(options.rounds):
        valid = stream(CALLBACK, valid_callbacks(options.requests // 2), few)
        alone += drive(port, valid)
        valid = stream(CALLBACK, valid_callbacks(options.requests // 2), few)
        measured, refused = drive(
            port, valid, stream(CALLBACK, forged[number * share : (number + 1) * share], options.forgers)
        )
        assert set(refused.statuses) == {"400"}, refused.statuses
        beside.append(measured)
    slower = _together(beside).median / _together(alone).median
    rows, cap = PaymentEvent.objects.filter(verdict=Verdict.REJECTED).count(), conf.get("PAYPARTS_REJECTED_PER_HOUR")
    print(f"a valid callback beside {FORGED} forged ones takes {slower:.2f} times as long (at most {SLOWER})")
    print(f"and {rows} rows were written of them (at most {cap} an hour)")
    return slower <= SLOWER and rows <= cap


def stream(path: str, bodies: list[str], connections: int) -> dict[str, Any]:
    return {"path": path, "bodies": bodies, "connections": connections}


def valid_callbacks(count: int) -> list[str]:
    """A callback about each of so many new payments, which the floor's table has as well."""
    from django.db import connection

    from wagtail_payparts.models import Payment
    from wagtail_payparts.services.order_ids import new_order_id

    order_ids = [new_order_id() for _number in range(count)]
    lines = [{"name": "Чайник", "count": 1, "price": "400.00"}]
    Payment.objects.bulk_create(
        Payment(order_id=order_id, amount=400, parts_count=4, lines=lines, state="CREATED") for order_id in order_ids
    )
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO bench_payment (order_id) VALUES (%s)", [[one] for one in order_ids])
    return [signed_callback(order_id) for order_id in order_ids]


def forged_callbacks(count: int) -> list[str]:
    from wagtail_payparts.services.order_ids import new_order_id

    return [signed_callback(new_order_id(), password="guessed") for _number in range(count)]


def signed_callback(order_id: str, password: str = "") -> str:
    from django.conf import settings

    from wagtail_payparts.bank import signature

    said = {"store_id": settings.PAYPARTS_API_STORE_ID, "order_id": order_id, "payment_state": "SUCCESS"}
    signed = signature.callback(password or settings.PAYPARTS_API_PASSWORD, **said, message=CONTRACT)
    return json.dumps(
        {
            "storeId": said["store_id"],
            "orderId": order_id,
            "paymentState": "SUCCESS",
            "message": CONTRACT,
            "signature": str(signed),
        }
    )


@contextmanager
def served(threads: int) -> Iterator[int]:
    """The site behind gunicorn with two workers, and its port."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    port = listening.getsockname()[1]
    os.set_inheritable(listening.fileno(), True)
    command = [sys.executable, "-m", "gunicorn", "django.core.wsgi:get_wsgi_application()", "--workers=2"]
    command += [f"--threads={threads}", f"--bind=fd://{listening.fileno()}", "--log-level=warning"]
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "benchmarks.callback_site"}
    server = subprocess.Popen(command, env=environment, pass_fds=[listening.fileno()])
    listening.close()
    try:
        _wait_for(port)
        yield port
    finally:
        server.terminate()
        server.wait(30)


def _wait_for(port: int) -> None:
    for _time in range(100):
        try:
            drive(port, stream(CALLBACK, ["{}"] * 8, 4))
        except subprocess.CalledProcessError:
            time.sleep(0.2)
        else:
            return
    raise SystemExit("gunicorn does not answer")


if __name__ == "__main__":
    main()

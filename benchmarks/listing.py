"""The listing of payments over a million rows against the same view over a thousand: ``python -m benchmarks.listing``.

Each size is measured by a process of its own, since a process knows one database; the two take turns, case by case
and round by round, so that whatever else the machine does meets both alike. ``CPU`` is the processor time of the view's
process and of its PostgreSQL backend together, which other work on the machine hardly moves; ``SQL`` is what the view
waited for the database, by the clock; ``ours`` what of it went to the plugin's tables (the rest is Wagtail's, for the
person and the menu), by the clock and in processor time.

Where the small ledger has fewer rows to show than a page, the view has less to write: the ratio is then to its page 1.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

from benchmarks.ledger import setup


SIZES = (1_000, 1_000_000)
#: Bounds of the issue: of the million to the thousand, of the time in the database, of the queries.
MOST_RATIO, MOST_SQL_MS, MOST_DEEP_SQL_MS, MOST_QUERIES, MOST_DETAIL_QUERIES = 1.15, 5.0, 15.0, 10, 12
#: To fill the caches of templates, plans and pages.
WARM_UP = 2
PRINTED = {"rows": 0, "sql": 1, "ours": 1, "server": 1, "cpu": 1}

CASES: dict[str, dict[str, Any]] = {
    "page 1": {},
    "state: paid": {"state": "SUCCESS"},
    "state: on hold": {"state": "LOCKED"},
    "state: refused or cancelled": {"state": ["FAIL", "CANCELED"]},
    "open": {"progress": "open"},
    "decided": {"progress": "decided"},
    "needs attention": {"attention": "needed"},
    "nothing to decide": {"attention": "none"},
    "with refunds": {"refunds": "some"},
    "without refunds": {"refunds": "none"},
    "today": {"created_at_from": "2026-11-20", "created_at_to": "2026-11-20"},
    "a month": {"created_at_from": "2026-10-01", "created_at_to": "2026-10-31"},
    "a month two years ago": {"created_at_from": "2024-12-01", "created_at_to": "2024-12-31"},
    "amount: wide": {"amount_min": "1000", "amount_max": "20000"},
    "amount: narrow": {"amount_min": "1000", "amount_max": "1010"},
    "amount: exact": {"amount_min": "1000.01", "amount_max": "1000.01"},
    "service": {"merchant_type": "PP"},
    "service that nobody takes": {"merchant_type": "PB"},
    "parts: one number": {"parts_count_min": "6", "parts_count_max": "6"},
    "parts: a range": {"parts_count_min": "3", "parts_count_max": "6"},
    "store": {"store": "second"},
    "site": {"site": "{outlet}"},
    "site closed a year ago": {"site": "{closed}"},
    "test payments": {"is_test": "test"},
    "real payments": {"is_test": "real"},
    "paid in a month": {"state": "SUCCESS", "created_at_from": "2026-10-01", "created_at_to": "2026-10-31"},
    "real, paid, second store": {"is_test": "real", "state": "SUCCESS", "store": "second"},
    "refused tests": {"is_test": "test", "state": "FAIL"},
    "on hold in 25 parts": {"state": "LOCKED", "parts_count_min": "25", "parts_count_max": "25"},
    "refunded in a month": {"refunds": "some", "created_at_from": "2026-10-01", "created_at_to": "2026-10-31"},
    "sorted by amount": {"ordering": "-amount"},
    "sorted by amount, paid": {"ordering": "-amount", "state": "SUCCESS"},
    "oldest first": {"ordering": "created_at"},
    "search: order id": {"q": "{order_id}"},
    "search: beginning of an order id": {"q": "{order_id_begins}"},
    "search: beginning of nearly all": {"q": "01"},
    "search: reference": {"q": "{reference}"},
    "search: beginning of a reference": {"q": "SHOP-"},
    "search: order's number": {"q": "{number}"},
    "search: phone": {"q": "{phone}"},
    "search: beginning of a phone": {"q": "067000"},
    "search: e-mail": {"q": "{email}"},
    "search: beginning of an e-mail": {"q": "buyer"},
    "search: nothing": {"q": "zzz"},
    "search: beginning of nearly all, on hold": {"q": "01", "state": "LOCKED"},
    "page 200": {"p": "200"},
    "page 200, refused": {"p": "200", "state": "FAIL"},
    "older from page 200": {"p": "{deep}"},
    "older, 500 000 deep": {"p": "{middle}"},
    "newer, 500 000 deep": {"p": "{middle_back}"},
    "older by amount, deep": {"p": "{amount}", "ordering": "amount"},
    "a page number beyond the end": {"p": "99999"},
}
DETAIL = "one payment"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--db", choices=["postgres", "mariadb", "sqlite"], default="postgres")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument(
        "--only", default="", help="only the cases with these words in their names, with commas between"
    )
    parser.add_argument("--suffix", default="", help="of the databases' names, see benchmarks.ledger")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.db, options.worker, options.suffix)
    else:
        compare(options)


def compare(options: argparse.Namespace) -> None:
    workers = {rows: _start(options, rows) for rows in SIZES}
    wanted = options.only.split(",")
    # Page 1 in any case: others are compared with it.
    names = [name for name in [*CASES, DETAIL] if name == "page 1" or any(words in name for words in wanted)]
    headings = "".join(f"{heading:>16}" for heading in ("rows", "SQL, ms", "ours, ms", "ours, CPU ms", "CPU, ms"))
    print(f"{'':42}{'queries':>8}{headings}{'ratio':>7}")
    page_1 = 0.0
    for name in names:
        samples: dict[int, list[dict[str, float]]] = {rows: [] for rows in SIZES}
        for number in range(options.rounds + WARM_UP):
            for rows, worker in workers.items():
                sample = _ask(worker, name)
                if number >= WARM_UP:
                    samples[rows].append(sample)
        small, large = ({key: median(s[key] for s in samples[rows]) for key in samples[rows][0]} for rows in SIZES)
        page_1 = page_1 or small["cpu"]
        _report(name, small, large, page_1 if small["rows"] < large["rows"] else small["cpu"])
    for worker in workers.values():
        worker.stdin.close()
        worker.wait()


def _report(name: str, small: dict[str, float], large: dict[str, float], floor: float) -> None:
    is_deep = "deep" in name or "200" in name
    ratio = large["cpu"] / floor
    # What the server worked, where that can be seen: by the clock it also waits for whatever else runs.
    sql = large["server"] or large["ours"]
    over = [
        "queries" * (large["queries"] > (MOST_DETAIL_QUERIES if name == DETAIL else MOST_QUERIES)),
        "SQL" * (sql > (MOST_DEEP_SQL_MS if is_deep else MOST_SQL_MS)),
        "ratio" * (ratio > MOST_RATIO and not is_deep),
    ]
    columns = (
        f"{large['queries']:8.0f}",
        *(f"{small[key]:8.{places}f}{large[key]:8.{places}f}" for key, places in PRINTED.items()),
        f"{ratio:7.2f}  {' '.join(filter(None, over))}",
    )
    print(f"{name:42}{''.join(columns)}", flush=True)


def _start(options: argparse.Namespace, rows: int) -> Any:
    command = [sys.executable, "-m", "benchmarks.listing", "--db", options.db, "--suffix", options.suffix]
    worker = subprocess.Popen(
        [*command, "--worker", str(rows)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout is not None
    while "ready" not in (line := worker.stdout.readline()):
        if not line:
            raise SystemExit(f"The process for {rows} rows ended.")
    return worker


def _ask(worker: Any, name: str) -> dict[str, float]:
    worker.stdin.write(f"{name}\n")
    worker.stdin.flush()
    answer: dict[str, float] = json.loads(worker.stdout.readline())
    return answer


def work(database: str, rows: int, suffix: str) -> None:
    """Answer with the figures of one request for each line that names a case."""
    setup(database, rows, suffix)
    from django.conf import settings
    from django.db import connection
    from django.urls import reverse

    settings.PAYPARTS_STORES = {"default": {}, "second": {}}
    settings.ALLOWED_HOSTS = ["*"]
    connection.ensure_connection()
    client, values = _client(), _values(rows)
    print("ready", flush=True)
    for line in sys.stdin:
        name = line.strip()
        if name == DETAIL:
            address, query = reverse("payparts_payments:inspect", args=[rows // 2]), {}
        else:
            address, query = reverse("payparts_payments:index"), _filled(CASES[name], values)
        print(json.dumps(_measure(client, address, query)), flush=True)


def _measure(client: Any, address: str, query: dict[str, Any]) -> dict[str, float]:
    from django.db import connection

    every: list[float] = []
    ours: list[float] = []
    ours_server: list[float] = []

    def time_it(execute: Any, *arguments: Any) -> Any:
        server, started = _server_seconds(), perf_counter()
        try:
            return execute(*arguments)
        finally:
            every.append(perf_counter() - started)
            if "wagtail_payparts_" in arguments[0]:
                ours.append(every[-1])
                ours_server.append(_server_seconds() - server)

    with connection.execute_wrapper(time_it):
        server, own = _server_seconds(), process_time()
        response = client.get(address, query)
        own, server = process_time() - own, _server_seconds() - server
    assert response.status_code == 200, (address, query, response.status_code)
    milliseconds = {"sql": sum(every), "ours": sum(ours), "server": sum(ours_server), "cpu": own + server}
    rows = response.content.count(b'class="title payparts-identity"')
    return {"queries": len(every), "rows": rows} | {key: value * 1000 for key, value in milliseconds.items()}


def _server_seconds() -> float:
    """Processor time of this connection's backend so far; 0 where it is elsewhere or is no process of its own."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return 0.0
    try:
        return int(Path(f"/proc/{connection.connection.info.backend_pid}/schedstat").read_text().split()[0]) / 1e9
    except (OSError, ValueError):
        return 0.0


def _client() -> Any:
    """A person with the permissions of an accountant: a superuser would cost fewer queries."""
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Permission
    from django.test import Client

    user, _created = get_user_model().objects.get_or_create(username="accountant")
    codenames = ["access_admin", "view_payment", "view_order", "viewbuyer_payment", "export_payment"]
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


def _values(rows: int) -> dict[str, str]:
    from wagtail.models import Site

    from wagtail_payparts.dashboard.paging import Place
    from wagtail_payparts.models import Payment

    created, amount = Payment._meta.get_field("created_at"), Payment._meta.get_field("amount")
    odd, even = Payment.objects.get(pk=rows // 2 + 1), Payment.objects.select_related("buyer_order").get(pk=rows // 2)
    deep = Payment.objects.get(pk=max(rows - 10_000, rows // 2))
    order = even.buyer_order
    assert order is not None
    _own, outlet, closed = Site.objects.order_by("pk").values_list("pk", flat=True)
    return {
        "outlet": str(outlet),
        "closed": str(closed),
        "order_id": odd.order_id,
        "order_id_begins": odd.order_id[:10],
        "reference": odd.reference,
        "number": order.number,
        "phone": order.buyer_phone,
        "email": order.buyer_email,
        "deep": f"after-{Place.of(deep, created).text}",
        "middle": f"after-{Place.of(even, created).text}",
        "middle_back": f"before-{Place.of(even, created).text}",
        "amount": f"after-{Place.of(even, amount).text}",
    }


def _filled(query: dict[str, Any], values: dict[str, str]) -> dict[str, Any]:
    return {name: value.format(**values) if isinstance(value, str) else value for name, value in query.items()}


if __name__ == "__main__":
    main()

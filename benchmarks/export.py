"""What an export costs, beside simpler and other ways to write the same rows: ``python -m benchmarks.export``.

Each variant runs in a process of its own. CPU is that of this process (``time.process_time``); beside it stands, where
it can be seen, that of the PostgreSQL server for the same rows. Growth is the highest resident memory less that before
the first query. Rounds of the variants alternate, and the best round of each counts: others use the machine too.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from benchmarks.ledger import setup


#: The 20 columns of the file.
COLUMNS = [
    "order_id",
    "reference",
    "order_number",
    "state",
    "attention",
    "amount",
    "refunded_amount",
    "net_amount",
    "parts_count",
    "merchant_type",
    "offer_title",
    "page_title",
    "page_url",
    "bank_state",
    "store",
    "is_test",
    "created",
    "created_utc",
    "changed",
    "changed_utc",
]
#: The columns of the table that say the same; ``net_amount`` is none, and another amount stands for it.
SAME = [
    "order_id",
    "reference",
    "buyer_order__number",
    "state",
    "attention",
    "amount",
    "refunded_amount",
    "fee",
    "parts_count",
    "merchant_type",
    "offer_title",
    "page_title",
    "page_url",
    "bank_state",
    "store",
    "is_test",
    "created_at",
    "created_at",
    "state_changed_at",
    "state_changed_at",
]
#: No moment is read twice: numbers stand for the second reading.
DIFFERENT = [*dict.fromkeys(SAME), "id", "poll_count"]

SIZES = {"postgres": (100_000, 1_000_000), "sqlite": (100_000,), "mariadb": (100_000,)}
#: Ratios are to ``floor``; a stricter floor stands beside it.
FLOOR = "floor"
CSV_VARIANTS = ("floor", "floor-different", "compiled", "one-by-instance", "uncompiled", "stock", "wagtail")
XLSX_VARIANTS = ("xlsx-wagtail", "xlsx")
#: They hold everything in memory, or take minutes.
NOT_OF_A_MILLION = {"stock", "wagtail", "uncompiled", "xlsx-wagtail", "xlsx"}


class Count:
    """A file that nothing is kept of, which knows when it got its first row."""

    def __init__(self) -> None:
        self.bytes = self.writes = 0
        self.first = 0.0

    def write(self, piece: Any) -> int:
        self.writes += 1
        self.bytes += len(piece)
        if self.writes == 2:
            self.first = time.perf_counter()
        return len(piece)

    def take(self, pieces: Iterator[bytes]) -> None:
        for piece in pieces:
            self.write(piece)


def _payments() -> Any:
    from wagtail_payparts.models import Payment

    return Payment.objects.order_by("-created_at", "-pk")


def _floor(out: Count, columns: list[str]) -> None:
    from django.db import transaction

    writer = csv.writer(out)
    writer.writerow(columns)
    with transaction.atomic():
        for row in _payments().values_list(*columns).iterator(chunk_size=2000):
            writer.writerow(row)


def _compiled(out: Count, kind: str = "plain") -> None:
    from wagtail_payparts.resources import CsvFile, Table

    out.take(CsvFile(Table(_resource(kind), _payments(), names=COLUMNS)).pieces())


def _resource(kind: str = "plain") -> Any:
    from wagtail_payparts.resources import PaymentResource

    class OneByInstance(PaymentResource):
        def dehydrate_reference(self, payment: Any) -> str:
            return payment.reference.lower()

    class Uncompiled(PaymentResource):
        def export_field(self, field: Any, instance: Any, **kwargs: Any) -> Any:
            return super().export_field(field, instance, **kwargs)

    return {"plain": PaymentResource, "one": OneByInstance, "none": Uncompiled}[kind]()


def _stock(out: Count) -> None:
    """django-import-export by itself."""
    queryset = _payments().select_related("buyer_order")
    out.write(b"")
    out.write(_resource().export(queryset, export_fields=COLUMNS).csv.encode())


def _wagtails_view() -> Any:
    from wagtail.admin.views.mixins import SpreadsheetExportMixin

    class View(SpreadsheetExportMixin):
        # It would fail for a payment without an order.
        list_export = [name.replace("buyer_order__number", "buyer_order_id") for name in DIFFERENT]

    return View()


def _wagtail(out: Count) -> None:
    """Wagtail by itself: its views load the queryset first."""
    out.take(_wagtails_view().stream_csv(_payments().select_related("buyer_order")))


def _xlsx_wagtail(out: Count) -> None:
    """Wagtail's way, over an iterator."""
    queryset = _payments().select_related("buyer_order")

    class Rows:
        model = queryset.model

        def __iter__(self) -> Iterator[Any]:
            return iter(queryset.iterator(chunk_size=2000))

    file = BytesIO()
    out.write(b"")
    _wagtails_view().write_xlsx(Rows(), file)
    out.write(file.getvalue())


def _xlsx(out: Count) -> None:
    from wagtail_payparts.resources import Table, XlsxFile

    out.take(XlsxFile(Table(_resource(), _payments(), names=COLUMNS)).pieces())


VARIANTS: dict[str, Callable[[Count], None]] = {
    "floor": lambda out: _floor(out, SAME),
    "floor-different": lambda out: _floor(out, DIFFERENT),
    "compiled": _compiled,
    "one-by-instance": lambda out: _compiled(out, "one"),
    "uncompiled": lambda out: _compiled(out, "none"),
    "stock": _stock,
    "wagtail": _wagtail,
    "xlsx": _xlsx,
    "xlsx-wagtail": _xlsx_wagtail,
}


def measure(variant: str, database: str, rows: int, suffix: str) -> dict[str, Any]:
    setup(database, rows, suffix)
    from django.db import connection

    _payments().values_list("pk").first()
    server = _server_clock(connection)
    before_server = server()
    _forget_peak()
    before = _memory("VmRSS")
    out = Count()
    start, cpu = time.perf_counter(), time.process_time()
    VARIANTS[variant](out)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - start
    return {
        "cpu": cpu,
        "wall": wall,
        "server": server() - before_server,
        "growth": _memory("VmHWM") - before,
        "first": (out.first - start) * 1000,
        "bytes": out.bytes,
    }


def _server_clock(connection: Any) -> Callable[[], float]:
    """CPU seconds of the server's process for this connection, if it runs here and has one."""
    if connection.vendor != "postgresql":
        return lambda: float("nan")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        stat = Path(f"/proc/{cursor.fetchone()[0]}/stat")

    def read() -> float:
        try:
            user, system = stat.read_text().rpartition(")")[2].split()[11:13]
        except OSError:
            return float("nan")
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    return read


def _memory(name: str) -> float:
    """Of this process, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise LookupError(name)


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _run(variant: str, database: str, rows: int, suffix: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.export", "--one", variant, "--db", database, "--rows", str(rows)]
    command += ["--suffix", suffix]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def compare(database: str, rows: int, variants: list[str], rounds: int, suffix: str) -> None:
    best: dict[str, dict[str, Any]] = {}
    for _round in range(rounds):
        for variant in variants:
            found = _run(variant, database, rows, suffix)
            if variant not in best or found["cpu"] < best[variant]["cpu"]:
                best[variant] = found
    print(f"\n{database}, {rows:,} rows, {len(COLUMNS)} columns, best of {rounds}\n")
    heading = ("variant", "CPU s", "rows/CPU s", "ratio", "server CPU s", "wall s", "growth MB", "first row ms")
    print("| " + " | ".join(heading) + " |\n|" + " --- |" * len(heading))
    for variant, found in best.items():
        against = "xlsx-wagtail" if variant.startswith("xlsx") else FLOOR
        ratio = f"{best[against]['cpu'] / found['cpu']:.2f}" if against in best else "—"
        server = "—" if found["server"] != found["server"] else f"{found['server']:.2f}"
        cells = (
            variant,
            f"{found['cpu']:.2f}",
            f"{rows / found['cpu']:,.0f}",
            ratio,
            server,
            f"{found['wall']:.2f}",
            f"{found['growth']:.0f}",
            f"{found['first']:.0f}",
        )
        print("| " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--db", choices=list(SIZES), help="only this database")
    parser.add_argument("--rows", type=int, help="only this many rows")
    parser.add_argument("--variants", nargs="+", choices=list(VARIANTS), default=[*CSV_VARIANTS, *XLSX_VARIANTS])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--suffix", default="", help="of the databases' names, see benchmarks.ledger")
    parser.add_argument("--one", choices=list(VARIANTS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one, options.db, options.rows, options.suffix)))
        return
    for database in [options.db] if options.db else SIZES:
        for rows in [options.rows] if options.rows else SIZES[database]:
            too_much = NOT_OF_A_MILLION if rows > 100_000 else set()
            variants = [variant for variant in options.variants if variant not in too_much]
            compare(database, rows, variants, options.rounds, options.suffix)


if __name__ == "__main__":
    main()

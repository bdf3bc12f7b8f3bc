"""A ledger of any size to measure against: ``python -m benchmarks.ledger --db postgres --rows 1000000``.

The same seed gives the same payments: two years of a shop's life up to a fixed day, each with an event, every second
one with an order, most on one of three sites. What is there already is kept, unless another migration made it.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any


LAST_DAY = datetime(2026, 11, 20, 20, 0, tzinfo=timezone.utc)
FIRST_DAY = LAST_DAY - timedelta(days=730)
#: Of a thousand payments.
STATES = {
    "SUCCESS": 700,
    "FAIL": 120,
    "CANCELED": 80,
    "EXPIRED": 90,
    "CLIENT_WAIT": 5,
    "OTP_WAITING": 2,
    "LOCKED": 3,
}
REASONS = (
    "Відмовлено: недостатньо кредитного ліміту",
    "Клієнт не підтвердив платіж паролем",
    "Картка заблокована",
    "Перевищено ліміт кількості частин",
    "Термін дії картки закінчився",
)
ATTENTION = ("late_success", "claim_overdue", "amount_mismatch", "negative_after_success", "delivery_failing")
NAMES = ("Олена Коваль", "Іван Шевченко", "Марія Бондар", "Петро Ткаченко", "=SUM(A1)", "Ірина Мельник")
#: The shop's own, a second one, and one that closed a year ago.
SITES = ("shop.example.com", "outlet.example.com", "closed.example.com")
BATCH = 5000
#: To be raised when the rows below change.
EDITION = "2"
MIGRATION = Path(__file__).resolve().parent.parent / "wagtail_payparts/migrations/0001_initial.py"


def setup(database: str, rows: int, suffix: str = "") -> None:
    """Point Django at the database of that many rows; make and fill it where it is missing or out of date.

    A ``suffix`` to its name makes one that nobody else measures, for experiments.
    """
    os.environ["BENCH_DB"], os.environ["BENCH_ROWS"], os.environ["BENCH_SUFFIX"] = database, str(rows), suffix
    os.environ["PAYPARTS_TEST_DB"] = database
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    edition = hashlib.sha256(MIGRATION.read_bytes() + EDITION.encode()).hexdigest()
    if _edition_there(connection) == edition:
        return
    connection.close()
    _create_database(connection)
    call_command("migrate", verbosity=0)
    _fill(connection, rows)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE payparts_bench (edition varchar(64))")
        cursor.execute("INSERT INTO payparts_bench VALUES (%s)", [edition])


def _edition_there(connection: Any) -> str:
    """What the database was made by; nothing if it is not there, is half made or is older than this table."""
    from django.db import DatabaseError

    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT edition FROM payparts_bench")
            return str(cursor.fetchone()[0])
    except DatabaseError:
        return ""


def _create_database(connection: Any) -> None:
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        Path(name).unlink(missing_ok=True)
        return
    with connection._nodb_cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
            cursor.execute(f'CREATE DATABASE "{name}"')
        else:
            cursor.execute(f"DROP DATABASE IF EXISTS `{name}`")
            cursor.execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")


def _fill(connection: Any, rows: int) -> None:
    from wagtail_payparts.models import Order, Payment, PaymentEvent

    made_payments = payments(rows, _sites())
    for model, made in ((Order, orders(rows)), (Payment, made_payments), (PaymentEvent, events(rows))):
        _load(connection, model, made)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for model in (Order, Payment, PaymentEvent):
                table = model._meta.db_table
                cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), MAX(id)) FROM {table}")
            connection.commit()
            cursor.execute("VACUUM ANALYZE")
        elif connection.vendor == "mysql":
            cursor.execute("ANALYZE TABLE " + ", ".join(m._meta.db_table for m in (Order, Payment, PaymentEvent)))
        else:
            cursor.execute("ANALYZE")


def _sites() -> list[int]:
    from wagtail.models import Site

    root = Site.objects.order_by("pk").values_list("root_page_id", flat=True)[0]
    Site.objects.all().delete()
    return [
        Site.objects.create(hostname=hostname, root_page_id=root, is_default_site=not number).pk
        for number, hostname in enumerate(SITES)
    ]


def _load(connection: Any, model: Any, rows: Iterable[dict[str, Any]]) -> None:
    """COPY on PostgreSQL, long INSERTs elsewhere; columns that a row does not name get the model's default."""
    fields = model._meta.concrete_fields
    defaults = {field.column: _default(field) for field in fields}
    columns = list(defaults)
    table = model._meta.db_table
    names = ", ".join(connection.ops.quote_name(column) for column in columns)
    written = ([_text(connection, (defaults | row)[column]) for column in columns] for row in rows)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in written:
                    copy.write_row(row)
        else:
            insert = f"INSERT INTO {table} ({names}) VALUES ({', '.join(['%s'] * len(columns))})"
            while batch := list(islice(written, BATCH)):
                cursor.executemany(insert, batch)
                connection.commit()
    print(f"{table}: filled")


def _default(field: Any) -> Any:
    default = field.get_default()
    return "{}" if default == {} else "[]" if default == [] else default


def _text(connection: Any, value: Any) -> Any:
    if isinstance(value, datetime):
        written = value.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f")
        return f"{written}+00" if connection.vendor == "postgresql" else written
    if isinstance(value, bool) and connection.vendor != "postgresql":
        return int(value)
    return str(value) if isinstance(value, Decimal) else value


def _moment(number: int, rows: int) -> datetime:
    return FIRST_DAY + (LAST_DAY - FIRST_DAY) * (number / rows)


def _order_id(number: int) -> str:
    return f"01{number:010d}{random.Random(number).randrange(36**8):014d}"


def payments(rows: int, sites: list[int]) -> Iterator[dict[str, Any]]:
    own, outlet, closed = sites
    dice = random.Random(rows)
    states = dice.choices(list(STATES), list(STATES.values()), k=min(rows, 10_007))
    for number in range(1, rows + 1):
        state = states[number % len(states)]
        created = _moment(number, rows)
        settled = created + timedelta(seconds=40 + number % 100)
        amount = Decimal(30_000 + (number * 7919) % 4_000_000) / 100
        is_paid = state == "SUCCESS"
        refunded = amount if is_paid and number % 50 == 0 else Decimal("0.00")
        over = state not in {"CLIENT_WAIT", "OTP_WAITING", "LOCKED"}
        parts = 2 + number % 24
        yield {
            "id": number,
            "order_id": _order_id(number),
            "store": "default" if number % 5 else "second",
            "is_test": number % 97 == 0,
            "amount": amount,
            "refunded_amount": refunded,
            "fee": (amount * parts / 200).quantize(Decimal("0.01")),
            "parts_count": parts,
            "merchant_type": "II" if number % 5 < 3 else "PP",
            "lines": '[{"name": "Чайник «Ранок» {0}", "count": 1, "price": "1"}]',
            "token": "t" * 32,
            "state": state,
            "furthest_state": "SUCCESS" if is_paid else "OTP_WAITING" if number % 3 else "CLIENT_WAIT",
            "state_changed_at": settled,
            "was_negative": state in {"FAIL", "CANCELED", "EXPIRED"},
            "bank_state": state,
            "bank_message": REASONS[number % len(REASONS)] if state == "FAIL" else "",
            "settled_at": settled if over else None,
            "settled_by": ("callback" if number % 10 else "poll") if over else "",
            "next_poll_at": None if over else settled,
            "attention": ATTENTION[number % len(ATTENTION)] if number % 2003 == 0 else "",
            "reference": f"SHOP-{number:07d}" if number % 2 else "",
            "buyer_order_id": None if number % 2 else number,
            "offer_title": f"Набір {number % 200}",
            "site_id": closed if number % 7 == 0 and number < rows / 2 else outlet if number % 10 == 0 else own,
            "page_title": f"Сторінка {number % 50}",
            "page_url": f"https://shop.example.com/page-{number % 50}/",
            "page_id": 1 + number % 50,
            "created_at": created,
        }


def orders(rows: int) -> Iterator[dict[str, Any]]:
    for number in range(2, rows + 1, 2):
        created = _moment(number, rows)
        yield {
            "id": number,
            "number": f"ORD{number:09d}",
            "status": "paid",
            "amount": Decimal(30_000 + (number * 7919) % 4_000_000) / 100,
            "buyer_name": NAMES[number % len(NAMES)],
            "buyer_phone": f"+38067{number:07d}",
            "buyer_email": f"buyer{number}@example.com",
            "created_at": created,
            "status_changed_at": created,
        }


def events(rows: int) -> Iterator[dict[str, Any]]:
    for number in range(1, rows + 1):
        yield {
            "id": number,
            "payment_id": number,
            "type": "callback" if number % 2 else "poll",
            "source": "callback" if number % 2 else "poll",
            "state": "SUCCESS",
            "store_id": "4AAD1369CF734B64B70F",
            "order_id": _order_id(number),
            "verdict": "applied",
            "announced_at": _moment(number, rows),
            "created_at": _moment(number, rows),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--db", choices=["postgres", "mariadb", "sqlite"], default="postgres")
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--suffix", default="", help="of the database's name, for one that nobody else measures")
    options = parser.parse_args()
    setup(options.db, options.rows, options.suffix)


if __name__ == "__main__":
    main()

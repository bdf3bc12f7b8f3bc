"""A search for secrets where none may be: in the whole database and in the logs of every process."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from django.db import connection

from tests.torture.plan import Plan


#: SHA-1 in base64: what every signature of the bank's protocol looks like (payparts-api §1).
SIGNATURE = re.compile(r"(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{27}=(?![A-Za-z0-9+/=])")
TOKEN = re.compile(r"(?<![0-9A-F])[0-9A-F]{32}(?![0-9A-F])")
#: Where a token belongs: it is the way to the bank's page.
TOKEN_COLUMNS = {("wagtail_payparts_payment", "token"), ("wagtail_payparts_paymentevent", "token")}


def find_leaks(plan: Plan, tokens: set[str]) -> Iterator[str]:
    passwords = [plan.password, plan.previous_password]
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            # Every table that there is: a name that nobody typed.
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            columns = [column[0] for column in cursor.description]
            while rows := cursor.fetchmany(2000):
                for place, column in enumerate(columns):
                    text = "\n".join(str(row[place]) for row in rows)
                    allowed = (table, column) in TOKEN_COLUMNS
                    for secret in _secrets(text, passwords, set() if allowed else tokens):
                        yield f"{secret} in the database, {table}.{column}"
    for log in sorted(Path(plan.directory).glob("*.log")):
        with log.open(errors="replace") as lines:
            for number, line in enumerate(lines, start=1):
                for secret in _secrets(line, passwords, tokens):
                    yield f"{secret} in {log.name}, line {number}"


def _secrets(text: str, passwords: list[str], tokens: set[str]) -> Iterator[str]:
    if any(password in text for password in passwords):
        yield "a password"
    if SIGNATURE.search(text):
        yield "a signature"
    if tokens and not tokens.isdisjoint(TOKEN.findall(text)):
        yield "a token"

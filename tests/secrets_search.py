"""Looks for secrets where they must not be: in every column of the database, in logs, pages and files.

Also for the torture run: ``search_database(secrets)`` and ``search_texts(secrets, texts)`` return what was found,
without saying the secrets themselves.
"""

from __future__ import annotations

import html
import io
import logging
import re
import zipfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import unquote

from django.contrib.sessions.backends.db import SessionStore
from django.db import connections


PASSWORD, SIGNATURE, TOKEN = "password", "signature", "token"
#: A payment's token is what the bank's page is opened with: it is stored, and hidden in every admin.
ALLOWED: Mapping[str, Collection[str]] = {
    TOKEN: {"wagtail_payparts_payment.token", "wagtail_payparts_paymentevent.token"}
}
#: Whatever is signed, by whomever: SHA-1 in base64. Found also where nobody has written down that it was sent.
_SIGNATURE_SHAPED = re.compile(r"(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{27}=(?![A-Za-z0-9+/=])")
_RUN = re.compile(r"[A-Za-z0-9+/_-]{8,}=*")


@dataclass(frozen=True, order=True)
class Found:
    """``kind`` of the secret and the place where it is, not the secret."""

    kind: str
    place: str


class Secrets:
    """Secrets by their values, found in a text in one go, however many they are.

    Those of letters and digits are looked up run by run, and in each window of a longer run; the rest one by one.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._plain = {value: kind for value, kind in secrets.items() if _RUN.fullmatch(value)}
        self._odd = {value: kind for value, kind in secrets.items() if value and value not in self._plain}
        self._lengths = sorted({len(value) for value in self._plain})

    def kinds_in(self, text: str) -> set[str]:
        found: set[str] = set()
        for spelling in _spellings(text):
            found |= {kind for value, kind in self._odd.items() if value in spelling}
            found |= {SIGNATURE} if _SIGNATURE_SHAPED.search(spelling) else set()
            for run in set(_RUN.findall(spelling)):
                found |= self._kinds_in_run(run)
        return found

    def _kinds_in_run(self, run: str) -> set[str]:
        return {
            self._plain[run[start : start + length]]
            for length in self._lengths
            for start in range(len(run) - length + 1)
            if run[start : start + length] in self._plain
        }


def search_database(
    secrets: Mapping[str, str], *, using: str = "default", allowed: Mapping[str, Collection[str]] = ALLOWED
) -> list[Found]:
    """Search every column of every table by raw SQL. ``secrets``: kind by value; ``allowed``: columns by kind."""
    known = Secrets(secrets)
    found = {
        Found(kind, place)
        for place, text in dump_database(using)
        for kind in known.kinds_in(text)
        if place not in allowed.get(kind, ())
    }
    return sorted(found)


def search_texts(secrets: Mapping[str, str], texts: Mapping[str, str | bytes]) -> list[Found]:
    """Search texts and files, each under the name of its place; archives (XLSX) are opened."""
    known = Secrets(secrets)
    return sorted({Found(kind, place) for place, text in texts.items() for kind in known.kinds_in(_readable(text))})


def dump_database(using: str = "default") -> Iterator[tuple[str, str]]:
    """Every value of the database as text, with ``table.column``."""
    connection = connections[using]
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
    for table in tables:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 - a name of our own
            columns = [column[0] for column in cursor.description]
            while rows := cursor.fetchmany(1000):
                for row in rows:
                    for column, value in zip(columns, row, strict=True):
                        if value not in (None, ""):
                            yield f"{table}.{column}", _value(table, column, value)


def _value(table: str, column: str, value: object) -> str:
    if (table, column) == ("django_session", "session_data"):
        return str(SessionStore().decode(str(value)))
    return _readable(bytes(value) if isinstance(value, (bytes, memoryview)) else str(value))


def _readable(text: str | bytes) -> str:
    if isinstance(text, str):
        return text
    if text.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(text)) as archive:
            return "\n".join(archive.read(name).decode(errors="replace") for name in archive.namelist())
    return text.decode(errors="replace")


def _spellings(text: str) -> set[str]:
    """As it is, and as a browser or a JSON parser would read it."""
    plain = html.unescape(text) if "&" in text else text
    unquoted = unquote(plain) if "%" in plain else plain
    return {text, plain, unquoted, unquoted.replace("\\/", "/")}


@contextmanager
def all_logs() -> Iterator[io.StringIO]:
    """Everything that any logger says at any level, with tracebacks and what is attached to a record."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(_Everything())
    root = logging.getLogger()
    others = [each for each in root.manager.loggerDict.values() if isinstance(each, logging.Logger)]
    before = {each: each.level for each in [root, *others]}
    ears = [root, *(each for each in others if not each.propagate)]
    for each in before:
        each.setLevel(logging.DEBUG)
    for each in ears:
        each.addHandler(handler)
    try:
        yield written
    finally:
        for each in ears:
            each.removeHandler(handler)
        for each, level in before.items():
            each.setLevel(level)


class _Everything(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        attached = {name: value for name, value in vars(record).items() if name not in {"msg", "exc_info", "exc_text"}}
        return f"{record.name} {super().format(record)} {attached!r}"

"""The bank's books: payments, what happened to them, and callbacks sent, in SQLite of its own."""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

from .wire import hryvnias


CREATED = "CREATED"
CLIENT_WAIT = "CLIENT_WAIT"
OTP_WAITING = "OTP_WAITING"
PP_CREATION = "PP_CREATION"
LOCKED = "LOCKED"
SUCCESS = "SUCCESS"
CANCELED = "CANCELED"
FAIL = "FAIL"
STATES = (CREATED, CLIENT_WAIT, OTP_WAITING, PP_CREATION, LOCKED, SUCCESS, CANCELED, FAIL)
FINAL_STATES = frozenset({SUCCESS, CANCELED, FAIL})

SCHEMA = """
CREATE TABLE IF NOT EXISTS payment (
    id INTEGER PRIMARY KEY,
    store_id TEXT NOT NULL, order_id TEXT NOT NULL, token TEXT NOT NULL UNIQUE,
    kopecks INTEGER NOT NULL, parts_count INTEGER NOT NULL, merchant_type TEXT NOT NULL,
    lines TEXT NOT NULL, response_url TEXT NOT NULL, redirect_url TEXT NOT NULL,
    state TEXT NOT NULL, message TEXT NOT NULL DEFAULT '', card TEXT NOT NULL DEFAULT '',
    decide_at REAL, created_at REAL NOT NULL,
    UNIQUE (store_id, order_id)
);
CREATE TABLE IF NOT EXISTS step (
    payment_id INTEGER NOT NULL REFERENCES payment,
    state TEXT NOT NULL, message TEXT NOT NULL, at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS attempt (
    payment_id INTEGER NOT NULL REFERENCES payment,
    state TEXT NOT NULL, note TEXT NOT NULL, at REAL NOT NULL, http_status INTEGER, answer TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS step_payment ON step (payment_id);
CREATE INDEX IF NOT EXISTS attempt_payment ON attempt (payment_id);
"""


@dataclass(frozen=True)
class Line:
    """A product of a payment; ``kopecks`` is the price of one."""

    name: str
    count: int
    kopecks: int

    @property
    def total_kopecks(self) -> int:
        return self.count * self.kopecks


@dataclass(frozen=True, kw_only=True)
class NewPayment:
    """What a shop asks the bank to make."""

    store_id: str
    order_id: str
    kopecks: int
    parts_count: int
    merchant_type: str
    lines: tuple[Line, ...]
    response_url: str
    redirect_url: str

    @property
    def amount(self) -> Decimal:
        """In hryvnias."""
        return hryvnias(self.kopecks)


@dataclass(frozen=True, kw_only=True)
class Payment(NewPayment):
    """A payment in the books. ``card`` is the number of the customer's test card, once it is known."""

    id: int
    token: str
    state: str
    message: str
    card: str
    decide_at: float | None
    created_at: datetime

    @property
    def is_final(self) -> bool:
        return self.state in FINAL_STATES


@dataclass(frozen=True)
class Step:
    """A state that a payment has had."""

    state: str
    message: str
    at: datetime


@dataclass(frozen=True)
class Attempt:
    """A callback sent, or kept back. ``http_status`` is ``None`` where the shop gave no answer."""

    state: str
    note: str
    at: datetime
    http_status: int | None
    answer: str


class Ledger:
    """Safe to use from several threads. ``path=None`` keeps the books in memory."""

    def __init__(self, path: str | Path | None = None) -> None:
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Nobody else reads or writes meanwhile; an error undoes what was written."""
        with self._lock:
            if self._db.in_transaction:
                yield
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def add(self, new: NewPayment) -> Payment:
        """Raises ``LookupError`` when the store already has a payment with that order id."""
        token = secrets.token_hex(16).upper()
        lines = json.dumps([[line.name, line.count, line.kopecks] for line in new.lines], ensure_ascii=False)
        with self.transaction():
            if self.by_order(new.order_id, store_id=new.store_id):
                raise LookupError(new.order_id)
            cursor = self._db.execute(
                "INSERT INTO payment (store_id, order_id, token, kopecks, parts_count, merchant_type, lines,"
                " response_url, redirect_url, state, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    new.store_id,
                    new.order_id,
                    token,
                    new.kopecks,
                    new.parts_count,
                    new.merchant_type,
                    lines,
                    new.response_url,
                    new.redirect_url,
                    CREATED,
                    time.time(),
                ),
            )
            payment = self.get(cursor.lastrowid or 0)
            self._add_step(payment)
            return payment

    def move(
        self,
        payment: Payment,
        state: str,
        message: str = "",
        *,
        card: str = "",
        decide_at: float | None = None,
    ) -> Payment:
        """Write a new state; an empty ``card`` leaves the known one."""
        with self.transaction():
            self._db.execute(
                "UPDATE payment SET state = ?, message = ?, card = ?, decide_at = ? WHERE id = ?",
                (state, message, card or payment.card, decide_at, payment.id),
            )
            moved = self.get(payment.id)
            self._add_step(moved)
            return moved

    def get(self, payment_id: int) -> Payment:
        return self._payments("id = ?", payment_id)[0]

    def by_order(self, order_id: str, *, store_id: str | None = None) -> Payment | None:
        """Without ``store_id``: of whichever store, the newest first."""
        if store_id is None:
            found = self._payments("order_id = ?", order_id)
        else:
            found = self._payments("order_id = ? AND store_id = ?", order_id, store_id)
        return found[0] if found else None

    def by_token(self, token: str) -> Payment | None:
        found = self._payments("token = ?", token)
        return found[0] if found else None

    def waiting(self) -> list[Payment]:
        """The payments that the bank has not decided yet."""
        return self._payments("state = ? AND decide_at IS NOT NULL", PP_CREATION)

    def payments(self, *, limit: int = -1) -> list[Payment]:
        """The newest first."""
        return self._payments("1", limit=limit)

    def steps(self, payment: Payment) -> list[Step]:
        rows = self._rows("SELECT * FROM step WHERE payment_id = ? ORDER BY rowid", payment.id)
        return [Step(row["state"], row["message"], _moment(row["at"])) for row in rows]

    def add_attempt(self, payment: Payment, *, state: str, note: str, http_status: int | None, answer: str) -> None:
        with self.transaction():
            self._db.execute(
                "INSERT INTO attempt VALUES (?, ?, ?, ?, ?, ?)",
                (payment.id, state, note, time.time(), http_status, answer),
            )

    def attempts(self, payment: Payment) -> list[Attempt]:
        rows = self._rows("SELECT * FROM attempt WHERE payment_id = ? ORDER BY rowid", payment.id)
        return [
            Attempt(row["state"], row["note"], _moment(row["at"]), row["http_status"], row["answer"]) for row in rows
        ]

    def _add_step(self, payment: Payment) -> None:
        self._db.execute(
            "INSERT INTO step VALUES (?, ?, ?, ?)", (payment.id, payment.state, payment.message, time.time())
        )

    def _rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def _payments(self, where: str, *values: object, limit: int = -1) -> list[Payment]:
        # ``where`` is one of the fixed texts above.
        query = f"SELECT * FROM payment WHERE {where} ORDER BY id DESC LIMIT ?"  # noqa: S608
        rows = self._rows(query, *values, limit)
        return [_payment(dict(row)) for row in rows]


def _payment(row: dict[str, Any]) -> Payment:
    row["lines"] = tuple(Line(*values) for values in json.loads(row["lines"]))
    row["created_at"] = _moment(row["created_at"])
    return Payment(**row)


def _moment(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, timezone.utc)

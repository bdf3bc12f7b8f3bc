"""The bank's books: payments, what was done to them, and callbacks sent, in SQLite of its own."""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .records import CREATED, REFUND, Act, Attempt, Line, NewPayment, Payment


SCHEMA = """
CREATE TABLE IF NOT EXISTS payment (
    id INTEGER PRIMARY KEY,
    store_id TEXT NOT NULL, order_id TEXT NOT NULL, token TEXT NOT NULL UNIQUE, hold INTEGER NOT NULL,
    kopecks INTEGER NOT NULL, parts_count INTEGER NOT NULL, merchant_type TEXT NOT NULL,
    lines TEXT NOT NULL, response_url TEXT NOT NULL, redirect_url TEXT NOT NULL,
    state TEXT NOT NULL, message TEXT NOT NULL DEFAULT '', card TEXT NOT NULL DEFAULT '',
    description TEXT NOT NULL DEFAULT '',
    refunded_kopecks INTEGER NOT NULL DEFAULT 0 CHECK (refunded_kopecks BETWEEN 0 AND kopecks),
    due_at REAL, due_state TEXT NOT NULL DEFAULT '', created_at REAL NOT NULL,
    UNIQUE (store_id, order_id)
);
CREATE TABLE IF NOT EXISTS act (
    payment_id INTEGER NOT NULL REFERENCES payment,
    by TEXT NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL, message TEXT NOT NULL, kopecks INTEGER, at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS attempt (
    payment_id INTEGER NOT NULL REFERENCES payment,
    state TEXT NOT NULL, note TEXT NOT NULL, at REAL NOT NULL, http_status INTEGER, answer TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS act_payment ON act (payment_id);
CREATE INDEX IF NOT EXISTS attempt_payment ON attempt (payment_id);
"""
# Books kept before there were holds and refunds.
UPGRADE = """
ALTER TABLE payment ADD COLUMN hold INTEGER NOT NULL DEFAULT 0;
ALTER TABLE payment ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE payment ADD COLUMN refunded_kopecks INTEGER NOT NULL DEFAULT 0;
ALTER TABLE payment ADD COLUMN due_state TEXT NOT NULL DEFAULT '';
ALTER TABLE payment RENAME COLUMN decide_at TO due_at;
INSERT INTO act SELECT payment_id, '', '', state, message, NULL, at FROM step ORDER BY rowid;
DROP TABLE step;
"""


class Ledger:
    """Safe to use from several threads. ``path=None`` keeps the books in memory."""

    def __init__(self, path: str | Path | None = None) -> None:
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        is_old = self._rows("SELECT 1 FROM sqlite_master WHERE name = 'step'")
        self._db.executescript(f"BEGIN; {SCHEMA} {UPGRADE if is_old else ''} COMMIT")

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

    def add(self, new: NewPayment, *, by: str, act: str) -> Payment:
        """Raises ``LookupError`` when the store already has a payment with that order id."""
        lines = json.dumps([[line.name, line.count, line.kopecks] for line in new.lines], ensure_ascii=False)
        row = vars(new) | {
            "token": secrets.token_hex(16).upper(),
            "lines": lines,
            "state": CREATED,
            "created_at": time.time(),
        }
        names = ", ".join(row)
        places = ", ".join(f":{name}" for name in row)
        with self.transaction():
            if self.by_order(new.order_id, store_id=new.store_id):
                raise LookupError(new.order_id)
            # The names are those of the dataclass.
            cursor = self._db.execute(f"INSERT INTO payment ({names}) VALUES ({places})", row)  # noqa: S608
            payment = self.get(cursor.lastrowid or 0)
            self._write_down(payment, by=by, act=act)
            return payment

    def move(
        self,
        payment: Payment,
        state: str,
        message: str = "",
        *,
        by: str,
        act: str,
        card: str = "",
        due_at: float | None = None,
        due_state: str = "",
    ) -> Payment:
        """Write a new state; an empty ``card`` leaves the known one."""
        with self.transaction():
            self._db.execute(
                "UPDATE payment SET state = ?, message = ?, card = ?, due_at = ?, due_state = ? WHERE id = ?",
                (state, message, card or payment.card, due_at, due_state, payment.id),
            )
            moved = self.get(payment.id)
            self._write_down(moved, by=by, act=act)
            return moved

    def refund(self, payment: Payment, kopecks: int, *, by: str) -> Payment:
        """Add to what has gone back to the customer."""
        with self.transaction():
            self._db.execute(
                "UPDATE payment SET refunded_kopecks = refunded_kopecks + ? WHERE id = ?", (kopecks, payment.id)
            )
            refunded = self.get(payment.id)
            self._write_down(refunded, by=by, act=REFUND, kopecks=kopecks)
            return refunded

    def describe(self, payment: Payment, description: str, *, by: str) -> Payment:
        with self.transaction():
            self._db.execute("UPDATE payment SET description = ? WHERE id = ?", (description, payment.id))
            described = self.get(payment.id)
            self._write_down(described, by=by, act="description")
            return described

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

    def of_store(self, store_id: str) -> list[Payment]:
        """The newest first."""
        return self._payments("store_id = ?", store_id)

    def waiting(self) -> list[Payment]:
        """The payments that will move by themselves."""
        return self._payments("due_at IS NOT NULL")

    def payments(self, *, limit: int = -1) -> list[Payment]:
        """The newest first."""
        return self._payments("1", limit=limit)

    def acts(self, payment: Payment) -> list[Act]:
        """Everything done to a payment, the oldest first."""
        rows = self._rows("SELECT * FROM act WHERE payment_id = ? ORDER BY rowid", payment.id)
        return [
            Act(row["by"], row["name"], row["state"], row["message"], row["kopecks"], _moment(row["at"]))
            for row in rows
        ]

    def steps(self, payment: Payment) -> list[Act]:
        """The acts by which a payment got a state that it did not have."""
        acts = self.acts(payment)
        return [
            act for before, act in zip([None, *acts], acts, strict=False) if not before or before.state != act.state
        ]

    def refunds(self, payment: Payment) -> list[Act]:
        """What has gone back, the oldest first."""
        return [act for act in self.acts(payment) if act.name == REFUND]

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

    def _write_down(self, payment: Payment, *, by: str, act: str, kopecks: int | None = None) -> None:
        self._db.execute(
            "INSERT INTO act VALUES (?, ?, ?, ?, ?, ?, ?)",
            (payment.id, by, act, payment.state, payment.message, kopecks, time.time()),
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
    row["hold"] = bool(row["hold"])
    row["created_at"] = _moment(row["created_at"])
    return Payment(**row)


def _moment(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, timezone.utc)

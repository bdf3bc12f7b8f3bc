"""What a callback asks of the database: each statement, with its reason. One more is a decision."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.callbacks.conftest import URL
from tests.callbacks.signing import signed
from tests.factories import make_payment
from wagtail_payparts.models import Payment
from wagtail_payparts.services.callbacks import sweep
from wagtail_payparts.signals import pay_parts_success_callback


pytestmark = pytest.mark.django_db(transaction=True)

Statements = Callable[[bytes], list[str]]

FIRST_WRITE = ["UPDATE payment SET lock_version"]
TO_LOCK = [
    # All of it or nothing.
    "BEGIN",
    # SQLite has no row locks, and fails where a transaction that has read wants to write.
    *(FIRST_WRITE if connection.vendor == "sqlite" else []),
    # Whose callback it is, and what its claim has to be compared with; nobody changes it until we are done.
    "SELECT payment" if connection.vendor == "sqlite" else "SELECT payment FOR UPDATE",
]
#: What the bank signed, once: the unique fingerprint tells a repeat.
STORED = "INSERT paymentevent"
#: MariaDB's driver forgets a statement that was refused.
REFUSED = "None" if connection.vendor == "mysql" else STORED
#: The claim, and the question to the bank that is due at once.
CLAIM = "UPDATE payment SET texts_since, rung_at, next_poll_at, claim_state, claim_event_id, claim_at"


@pytest.fixture
def statements(settings: Any) -> Statements:
    """What a callback makes the database do, in short. The bank is not asked within the request."""
    cache.clear()
    settings.PAYPARTS_CHECK_INLINE = False

    def run(body: bytes) -> list[str]:
        client = Client()
        with CaptureQueriesContext(connection) as captured:
            client.post(URL, body, content_type="application/json")
        return [_in_short(query["sql"]) for query in captured.captured_queries]

    return run


def _in_short(sql: str) -> str:
    words = sql.replace('"', "").replace("`", "").replace("wagtail_payparts_", "").split()
    verb = words[0]
    if verb == "UPDATE":
        columns = re.findall(r"(\w+) = ", sql.replace("`", "").replace('"', "").partition(" WHERE ")[0])
        return " ".join(["UPDATE", words[1], "SET", ", ".join(columns)])
    if verb == "SELECT":
        return f"SELECT {words[words.index('FROM') + 1]}{' FOR UPDATE' if sql.endswith('FOR UPDATE') else ''}"
    return f"INSERT {words[2]}" if verb == "INSERT" else verb


def test_a_new_callback_is_one_read_one_insert_and_one_update(statements: Statements) -> None:
    payment = make_payment(state="CREATED")
    said = statements(signed(payment.order_id, "SUCCESS"))
    assert said == [*TO_LOCK, STORED, CLAIM, "COMMIT"]
    payment.refresh_from_db()
    assert (payment.claim_state, payment.claim_event) == ("SUCCESS", payment.events.get())


def test_a_stronger_claim_keeps_the_time_of_the_first(statements: Statements) -> None:
    payment = make_payment(state="CREATED")
    statements(signed(payment.order_id, "LOCKED"))
    since = Payment.objects.get().claim_at
    said = statements(signed(payment.order_id, "SUCCESS"))
    assert said == [*TO_LOCK, STORED, CLAIM.removesuffix(", claim_at"), "COMMIT"]
    payment.refresh_from_db()
    assert (payment.claim_state, payment.claim_at) == ("SUCCESS", since)


def test_a_word_about_a_step_claims_nothing(statements: Statements) -> None:
    payment = make_payment(state="CREATED")
    said = statements(signed(payment.order_id, "CLIENT_WAIT"))
    assert said == [*TO_LOCK, STORED, "UPDATE payment SET texts_since, rung_at, next_poll_at", "COMMIT"]


def test_a_repeat_is_counted(statements: Statements) -> None:
    payment = make_payment(state="CREATED")
    body = signed(payment.order_id, "CLIENT_WAIT")
    statements(body)
    assert statements(body) == [
        # To look first would cost every callback a question; the database says no.
        *[*TO_LOCK, REFUSED, "ROLLBACK"],
        *TO_LOCK,
        "UPDATE paymentevent SET repeats",
        # What it claims, and whether it is known yet whose it is.
        "SELECT paymentevent",
        "UPDATE payment SET texts_since, rung_at, next_poll_at",
        "COMMIT",
    ]


def test_a_callback_of_an_unknown_order_is_kept(statements: Statements) -> None:
    assert statements(signed("UNKNOWN", "SUCCESS")) == [*TO_LOCK, STORED, "COMMIT"]


def test_a_receiver_of_the_old_signal_costs_one_more_for_the_note_that_it_was_told(statements: Statements) -> None:
    payment = make_payment(state="CREATED")

    def receiver(**kwargs: Any) -> None:
        """Somebody listens."""

    pay_parts_success_callback.connect(receiver)
    try:
        said = statements(signed(payment.order_id, "SUCCESS"))
    finally:
        pay_parts_success_callback.disconnect(receiver)
    assert said == [*TO_LOCK, STORED, CLAIM, "COMMIT", "UPDATE paymentevent SET announced_at"]


def test_where_nobody_listens_the_sweeper_finds_nothing_left(statements: Statements) -> None:
    statements(signed(make_payment(state="CREATED").order_id, "SUCCESS"))
    assert sweep() == 0


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"storeId": "NOT-OURS", "orderId": "1", "paymentState": "SUCCESS", "signature": "x"}'],
)
def test_nothing_is_asked_before_a_signature_is_verified(body: bytes, statements: Statements, settings: Any) -> None:
    settings.PAYPARTS_REJECTED_PER_HOUR = 0
    assert statements(body) == []
    assert statements(signed(make_payment().order_id, "SUCCESS", password="guess")) == []


@pytest.mark.parametrize("already", [None, datetime(2026, 1, 1, tzinfo=timezone.utc)])
def test_what_the_bank_has_written_is_found_again_when_its_time_has_come(
    already: datetime | None, statements: Statements
) -> None:
    """The purge looks at payments by the time since which they may hold something; it has emptied that of old ones."""
    payment = make_payment(state="CREATED")
    Payment.objects.update(texts_since=already)
    statements(signed(payment.order_id, "SUCCESS"))
    payment.refresh_from_db()
    assert payment.texts_since == (already or payment.rung_at)

"""Statements of a store's payments (payparts-api §9) and the accounts that it has told of (§10).

What an item of a statement looks like is documented nowhere: here it is one payment or one refund.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from typing import Any

from . import signatures
from .incoming import Refused, Unreadable, read_optional, read_word
from .ledger import Ledger
from .records import REFUND, SUCCESS, Act, Payment
from .stores import Recipe, Stores


Reply = dict[str, Any]


class Statements:
    """Days are days in ``zone``. Replies are not signed."""

    def __init__(self, *, ledger: Ledger, stores: Stores, zone: tzinfo) -> None:
        self._ledger = ledger
        self._stores = stores
        self._zone = zone
        self._lock = threading.Lock()
        self._recipients: set[tuple[str, str, str]] = set()

    def of_store(self, body: Mapping[str, Any]) -> Reply:
        """Raises ``Unreadable`` or ``Refused``, as all here."""
        return self._statement(body, signatures.terms_request)

    def by_okpo(self, body: Mapping[str, Any]) -> Reply:
        """Empty unless the store has a recipient of this code."""
        okpo = read_word(body, "okpo")
        return self._statement(body, signatures.terms_by_okpo_request, {okpo})

    def by_accounts(self, body: Mapping[str, Any]) -> Reply:
        """Empty unless the store has a recipient with one of these accounts."""
        accounts = body.get("accounts")
        if not isinstance(accounts, list) or not all(isinstance(one, str) for one in accounts):
            raise Unreadable("bad value: accounts must be a list of texts")
        return self._statement(body, signatures.terms_by_accounts_request, set(accounts))

    def add_recipient(self, body: Mapping[str, Any]) -> Reply:
        """payparts-api §10."""
        store_id, account = read_word(body, "identifier"), read_word(body, "account")
        okpo = read_optional(body, "okpo")
        self._stores.check_signature(body, signatures.recipient_request, store_id)
        with self._lock:
            self._recipients.add((store_id, account, okpo))
        return {"state": "SUCCESS"}

    def _statement(self, body: Mapping[str, Any], recipe: Recipe, recipients: set[str] | None = None) -> Reply:
        store_id = read_word(body, "storeId")
        first, last = _day(body, "dateFrom"), _day(body, "dateTo")
        self._stores.check_signature(body, recipe, store_id)
        if last < first:
            raise Refused("bad value: dateTo is before dateFrom")
        is_asked_for = recipients is None or self._has_recipient(store_id, recipients)
        terms = self._terms(store_id, first, last) if is_asked_for else []
        return {"state": "SUCCESS", "message": "", "terms": terms}

    def _has_recipient(self, store_id: str, wanted: set[str]) -> bool:
        with self._lock:
            return any(store == store_id and {account, okpo} & wanted for store, account, okpo in self._recipients)

    def _terms(self, store_id: str, first: date, last: date) -> list[Reply]:
        entries = [
            (act.at.astimezone(self._zone), payment, act)
            for payment in self._ledger.of_store(store_id)
            for act in self._money_acts(payment)
        ]
        due = [entry for entry in entries if first <= entry[0].date() <= last]
        return [_term(*entry) for entry in sorted(due, key=lambda entry: entry[0])]

    def _money_acts(self, payment: Payment) -> list[Act]:
        if payment.state != SUCCESS:
            return []
        paid = next(step for step in reversed(self._ledger.steps(payment)) if step.state == SUCCESS)
        return [paid, *self._ledger.refunds(payment)]


def _term(at: datetime, payment: Payment, act: Act) -> Reply:
    return {
        "orderId": payment.order_id,
        "date": f"{at:%Y-%m-%d %H:%M:%S}",
        "type": "REFUND" if act.name == REFUND else "PAYMENT",
        "amount": payment.amount if act.amount is None else act.amount,
        "partsCount": payment.parts_count,
        "merchantType": payment.merchant_type,
    }


def _day(body: Mapping[str, Any], name: str) -> date:
    text = read_word(body, name)
    try:
        # strptime would also take 2026111 for a day.
        if len(text) != 8:
            raise ValueError(text)
        return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007
    except ValueError as err:
        raise Unreadable(f"bad value: {name} is not a day like 20160115") from err

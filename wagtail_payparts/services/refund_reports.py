"""What a state reply tells of refunds. Its shape is not documented (payparts-api §6): what can be recognised is used.

The callers hold the lock of the payment and save it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils import timezone

from wagtail_payparts.models import AttentionCode, EventType, Payment, PaymentEvent, Refund, RefundState, Source
from wagtail_payparts.models.refunds import DONE
from wagtail_payparts.services.journal import add_attention, drop_attention, owe, record


_AMOUNT_KEYS = ("amount", "refundamount", "sum", "refundsum")
_LONGEST_LIST = 100


def read_amounts(report: Any) -> list[Decimal] | None:
    """The amounts in UAH that a report names, or ``None`` where nothing can be recognised in it."""
    if report is None or report == "":
        return []
    entries = report if isinstance(report, list) else [report]
    amounts = [_read_amount(entry) for entry in entries[:_LONGEST_LIST]]
    return [amount for amount in amounts if amount is not None] if None not in amounts else None


def reconcile(row: Payment, report: Any, event: PaymentEvent) -> None:
    """Compare the bank's refunds with ours: a matching uncertain one was made, what we know nothing of is external.

    An amount that no longer fits into the payment raises attention and is otherwise left to a person.
    """
    amounts = read_amounts(report)
    if amounts is None:
        add_attention(row, AttentionCode.EXTERNAL_REFUND, event)
        return
    known = list(row.refunds.exclude(state__in=[RefundState.REJECTED, RefundState.WITHDRAWN]).order_by("pk"))
    unexplained = _without_known(amounts, known)
    if not unexplained:
        return
    for refund in known:
        if refund.state == RefundState.UNCERTAIN and refund.amount in unexplained:
            unexplained.remove(refund.amount)
            _accept(row, refund)
    for amount in unexplained:
        _write_external(row, amount)
        add_attention(row, AttentionCode.EXTERNAL_REFUND, event)


def drop_uncertain(row: Payment) -> None:
    """Nobody is needed any more once every uncertain refund is settled."""
    if not row.refunds.filter(state=RefundState.UNCERTAIN).exists():
        drop_attention(row, AttentionCode.REFUND_UNCERTAIN)


def _without_known(amounts: list[Decimal], known: Iterable[Refund]) -> list[Decimal]:
    """The amounts that are none of our refunds. One that is on its way counts as known: its own reply settles it."""
    certain = Counter(refund.amount for refund in known if refund.state != RefundState.UNCERTAIN)
    if sum(amounts) == sum(refund.amount for refund in known if refund.state in DONE):
        # One total for several refunds says the same as each of them.
        return []
    unexplained = []
    for amount in amounts:
        if certain[amount]:
            certain[amount] -= 1
        else:
            unexplained.append(amount)
    return unexplained


def _accept(row: Payment, refund: Refund) -> None:
    refund.state, refund.state_changed_at = RefundState.ACCEPTED, timezone.now()
    refund.save()
    row.refunded_amount = min(row.refunded_amount + refund.amount, row.amount)
    _announce(row, refund)
    drop_uncertain(row)


def _write_external(row: Payment, amount: Decimal) -> None:
    fitting = min(amount, row.remainder)
    if not row.is_paid or fitting <= 0:
        return
    refund = Refund.objects.create(payment=row, amount=fitting, state=RefundState.EXTERNAL)
    row.refunded_amount += fitting
    _announce(row, refund)


def _announce(row: Payment, refund: Refund) -> None:
    event = record(
        row,
        type=EventType.REFUND,
        source=Source.POLL,
        payload={"refund": refund.pk, "amount": f"{refund.amount:.2f}", "state": str(refund.state)},
    )
    owe(row, event, "payment_refunded", refund_id=refund.pk)


def _read_amount(entry: Any) -> Decimal | None:
    if isinstance(entry, dict):
        lowered = {str(key).replace("_", "").casefold(): value for key, value in entry.items()}
        entry = next((lowered[key] for key in _AMOUNT_KEYS if key in lowered), None)
    if isinstance(entry, bool) or not isinstance(entry, (int, str, Decimal)):
        return None
    try:
        amount = Decimal(entry)
    except InvalidOperation:
        return None
    return amount.quantize(Decimal("0.01")) if amount.is_finite() and 0 < amount < 10**9 else None

"""What a state reply tells of refunds. Its shape is not documented (payparts-api §6): what can be recognised is used.

The callers hold the lock of the payment and save it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils import timezone

from wagtail_payparts.models import AttentionCode, EventType, Payment, PaymentEvent, Refund, RefundState, Source
from wagtail_payparts.models.refunds import DONE, LIVE
from wagtail_payparts.services.journal import add_attention, drop_attention, owe, record


#: Not "sum": in kopecks somewhere, perhaps.
_AMOUNT_KEYS = ("amount", "refundamount")
_LONGEST_LIST = 100


@dataclass(frozen=True)
class Report:
    """Amounts in UAH: of each refund, or one total of all."""

    amounts: tuple[Decimal, ...]
    is_total: bool = False


def read_report(told: Any) -> Report | None:
    """What a report names, or ``None`` where it says something that cannot be recognised."""
    if told is None or isinstance(told, bool) or told in ("", [], {}):
        return Report(())
    if not isinstance(told, (list, dict)):
        total = _read_amount(told, least=Decimal(0))
        return None if total is None else Report((total,), is_total=True)
    entries = told if isinstance(told, list) else [told]
    amounts = [_read_entry(entry) for entry in entries[:_LONGEST_LIST]]
    known = tuple(amount for amount in amounts if amount is not None)
    return Report(known) if len(known) == len(entries) else None


def reconcile(row: Payment, told: Any, event: PaymentEvent) -> None:
    """Compare the bank's refunds with ours: a matching uncertain one was made, what we know nothing of is external.

    What cannot be recognised, and what is more than the payment has left, is left to a person.
    """
    if not row.is_paid:
        return
    report = read_report(told)
    if report is None:
        add_attention(row, AttentionCode.EXTERNAL_REFUND, event)
        return
    known = list(row.refunds.filter(state__in=LIVE).order_by("pk"))
    unexplained = _unexplained(report, known)
    for refund in known:
        if refund.state == RefundState.UNCERTAIN and refund.amount in unexplained:
            unexplained.remove(refund.amount)
            _accept(row, refund)
    for amount in unexplained:
        if amount <= row.remainder:
            _write_external(row, amount)
        add_attention(row, AttentionCode.EXTERNAL_REFUND, event)


def drop_uncertain(row: Payment) -> None:
    """Nobody is needed any more once every uncertain refund is settled."""
    if not row.refunds.filter(state=RefundState.UNCERTAIN).exists():
        drop_attention(row, AttentionCode.REFUND_UNCERTAIN)


def _unexplained(report: Report, known: list[Refund]) -> list[Decimal]:
    """The amounts that are none of our refunds. One that is on its way counts as known: its own reply settles it."""
    certain = [refund.amount for refund in known if refund.state != RefundState.UNCERTAIN]
    if report.is_total:
        done = sum((refund.amount for refund in known if refund.state in DONE), Decimal(0))
        rest = report.amounts[0] - done
        return [rest] if rest > 0 and report.amounts[0] != sum(certain) else []
    left = Counter(report.amounts)
    left.subtract(certain)
    return [amount for amount, times in left.items() for _time in range(max(times, 0))]


def _accept(row: Payment, refund: Refund) -> None:
    refund.state, refund.state_changed_at = RefundState.ACCEPTED, timezone.now()
    refund.save()
    row.refunded_amount = min(row.refunded_amount + refund.amount, row.amount)
    _announce(row, refund)
    drop_uncertain(row)


def _write_external(row: Payment, amount: Decimal) -> None:
    refund = Refund.objects.create(payment=row, amount=amount, state=RefundState.EXTERNAL)
    row.refunded_amount += amount
    _announce(row, refund)


def _announce(row: Payment, refund: Refund) -> None:
    event = record(
        row,
        type=EventType.REFUND,
        source=Source.POLL,
        payload={"refund": refund.pk, "amount": f"{refund.amount:.2f}", "state": str(refund.state)},
    )
    owe(row, event, "payment_refunded", refund_id=refund.pk)


def _read_entry(entry: Any) -> Decimal | None:
    if isinstance(entry, dict):
        lowered = {str(key).replace("_", "").casefold(): value for key, value in entry.items()}
        entry = next((lowered[key] for key in _AMOUNT_KEYS if key in lowered), None)
    return _read_amount(entry, least=Decimal("0.01"))


def _read_amount(told: Any, *, least: Decimal) -> Decimal | None:
    if isinstance(told, bool) or not isinstance(told, (int, str, Decimal)):
        return None
    try:
        amount = Decimal(told)
    except InvalidOperation:
        return None
    if not amount.is_finite() or not least <= amount < 10**9:
        return None
    exact = amount.quantize(Decimal("0.01"))
    return exact if exact == amount else None

"""What a state reply tells of refunds. Its shape is not documented (payparts-api §6): what can be recognised is used.

The callers hold the lock of the payment and save it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import Sum
from django.utils import timezone

from wagtail_payparts.models import AttentionCode, EventType, Payment, PaymentEvent, Refund, RefundState, Source
from wagtail_payparts.models.refunds import DONE, LIVE, UNSETTLED
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
    """Compare the bank's refunds with ours: a matching uncertain one was made, what is beyond ours is external.

    Only what all together is more than ours counts, since the bank may name each refund, the latest, or one total.
    What cannot be recognised, and what is more than the payment has left, is left to a person.
    """
    if not row.is_paid:
        return
    report = read_report(told)
    if report is None:
        add_attention(row, AttentionCode.EXTERNAL_REFUND, event)
        return
    known = list(row.refunds.filter(state__in=LIVE).order_by("pk"))
    for refund in known:
        if refund.state == RefundState.UNCERTAIN and _tells_of(report, refund, known):
            _accept(row, refund)
    if any(refund.state in UNSETTLED for refund in known):
        # What is on its way, or not known yet, could be what the bank means.
        return
    beyond = total(report) - sum((refund.amount for refund in known), Decimal(0))
    if beyond <= 0:
        return
    if beyond <= row.remainder and _names_all(report, known):
        _write_external(row, beyond)
    add_attention(row, AttentionCode.EXTERNAL_REFUND, event)


def total(report: Report) -> Decimal:
    return sum(report.amounts, Decimal(0))


def explains(row: Payment, told: Any, amount: Decimal) -> bool:
    """Whether ``amount`` is what is left of a paid payment after the refunds that the bank names, or we have sent."""
    report = read_report(told)
    sent = row.refunds.filter(state__in=UNSETTLED).aggregate(total=Sum("amount"))["total"] or Decimal(0)
    gone = {row.refunded_amount, row.refunded_amount + sent, total(report) if report else Decimal(0)}
    return row.amount - amount in gone


def drop_uncertain(row: Payment) -> None:
    """Nobody is needed any more once every uncertain refund is settled."""
    if not row.refunds.filter(state=RefundState.UNCERTAIN).exists():
        drop_attention(row, AttentionCode.REFUND_UNCERTAIN)


def _names_all(report: Report, known: list[Refund]) -> bool:
    """Whether the rest is certainly not ours: the bank gives the total, or each of ours among the others."""
    ours = Counter(refund.amount for refund in known)
    return report.is_total or ours <= Counter(report.amounts)


def _tells_of(report: Report, refund: Refund, known: list[Refund]) -> bool:
    """Whether the bank names this refund: its amount once more than our others, or the sum of all."""
    others = [other.amount for other in known if other is not refund and other.state in DONE]
    if total(report) == sum(others, Decimal(0)) + refund.amount:
        return True
    return not report.is_total and report.amounts.count(refund.amount) > others.count(refund.amount)


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

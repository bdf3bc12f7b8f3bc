"""How long what names people is kept: the purge by periods, and the erasure of one buyer who asks for it."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from wagtail.log_actions import log

from wagtail_payparts import conf
from wagtail_payparts.models import EventType, Order, Payment, PaymentEvent, Verdict
from wagtail_payparts.services.erasure import (
    ended,
    erase_contacts,
    erase_events,
    erase_metadata,
    erase_notes,
    erase_texts,
    has_open_payment,
    settled,
)
from wagtail_payparts.services.permissions import RESOLVE, VIEW_BUYER, require


logger = logging.getLogger(__name__)

#: An action in Wagtail's log.
BUYER_ERASED = "wagtail_payparts.erase_buyer"
#: So many rows are worked on in one transaction: others wait no longer than that takes.
BATCH = 50


@dataclass
class Purged:
    """What a purge has erased or, in a dry run, would erase.

    ``left``: payments that are old enough and may yet move, or wait for a person or a receiver.
    """

    payments: int = 0
    orders: int = 0
    metadata: int = 0
    callbacks: int = 0
    rejected: int = 0
    left: int = 0


@dataclass(frozen=True)
class Buyer:
    """What one buyer has left here. ``payments`` are those without an order of ours.

    ``open``: those of all these payments that have not ended. They, and their orders, are not erased before.
    """

    orders: tuple[Order, ...]
    payments: tuple[Payment, ...]
    open: tuple[Payment, ...]

    def __bool__(self) -> bool:
        return bool(self.orders or self.payments)


def purge(*, dry_run: bool = False) -> Purged:
    """Erase what is older than ``PAYPARTS_RETENTION`` says, of payments that are settled; the ledger stays.

    Works in short transactions beside everything else, and goes on where it stood if it is run again. A buyer who
    was erased while a payment could still move is erased from that payment too, once it is settled.
    """
    now = timezone.now()
    before = {name: now - period for name, period in conf.retention().items() if period is not None}
    done = Purged()
    of_erased = settled().filter(
        texts_since__isnull=False, buyer_order__in=Order.objects.filter(erased_at__isnull=False)
    )
    done.payments += _purge_texts(of_erased, at=now, dry_run=dry_run)
    if "bank_texts" in before:
        old = _are_old(before["bank_texts"])
        more = settled().filter(old, texts_since__lt=before["bank_texts"])
        if dry_run:
            more = more.exclude(pk__in=of_erased.values("pk"))
        done.payments += _purge_texts(more, at=now, dry_run=dry_run)
        done.callbacks = _purge_dismissed(before["bank_texts"], dry_run=dry_run)
        done.left = Payment.objects.filter(old, texts_since__lt=before["bank_texts"]).count()
        done.left -= more.count() if dry_run else 0
    if "buyers" in before:
        done.orders = _purge_orders(before["buyers"], at=now, dry_run=dry_run)
    if "metadata" in before:
        done.metadata = _purge_metadata(before["metadata"], dry_run=dry_run)
    if "rejected_callbacks" in before:
        done.rejected = _delete_rejected(before["rejected_callbacks"], dry_run=dry_run)
    logger.info("purge%s: %s", " (dry run)" if dry_run else "", done)
    return done


def find_buyer(*, email: str = "", phone: str = "", number: str = "") -> Buyer:
    """What one buyer has left here, by exactly one of: an e-mail, a phone as it is stored (``+380671234567``), or the
    number of an order (ours, the shop's own ``reference``, or the bank's order id).
    """
    if sum(map(bool, (email, phone, number))) != 1:
        raise ValueError("name a buyer by exactly one of email, phone and number")
    if number:
        named = Q(order_id=number) | Q(reference=number)
        payments = Payment.objects.filter(named, buyer_order__isnull=True)
        theirs = Payment.objects.filter(named, buyer_order__isnull=False).values("buyer_order")
        orders = Order.objects.filter(Q(number=number) | Q(pk__in=theirs))
    else:
        payments = Payment.objects.none()
        orders = Order.objects.filter(**({"buyer_email__iexact": email} if email else {"buyer_phone": phone}))
    found = tuple(orders.order_by("pk"))
    alone = tuple(payments.order_by("pk"))
    all_payments = Payment.objects.filter(Q(buyer_order__in=found) | Q(pk__in=[payment.pk for payment in alone]))
    not_ended = all_payments.exclude(pk__in=ended().values("pk"))
    return Buyer(found, alone, tuple(not_ended.order_by("pk")))


def erase_buyer(
    *, email: str = "", phone: str = "", number: str = "", with_metadata: bool = False, by: Any = None
) -> Buyer:
    """Erase one buyer (``find_buyer``) from orders, payments and their history, whatever the periods say.

    Who may ask for it is for the caller to find out. Orders with a payment that has not ended are left as they are,
    since their buyer has to be served: they are in ``open`` of what is returned, and erased by a second call once it
    has. What the bank writes later about an erased buyer is erased by the next ``purge`` after the payment is settled.
    ``metadata`` is the shop's own and erased only on request. Each erased order gets an entry in Wagtail's log.

    Raises ``NotAllowed`` unless ``by`` may see buyers and resolve.
    """
    require(by, VIEW_BUYER)
    require(by, RESOLVE)
    buyer = find_buyer(email=email, phone=phone, number=number)
    now = timezone.now()
    waiting = {payment.buyer_order_id for payment in buyer.open}
    keys = [order.pk for order in buyer.orders if order.pk not in waiting]
    theirs = Payment.objects.filter(buyer_order__in=keys) | Payment.objects.filter(
        pk__in=[payment.pk for payment in buyer.payments]
    )
    for batch in _batches(ended().filter(pk__in=theirs.values("pk")), by="created_at"):
        erase_texts(batch, ended(), at=now)
        erase_notes(Payment.objects.filter(pk__in=batch))
        if with_metadata:
            erase_metadata(batch, ended())
    erased = erase_contacts(keys, Order.objects.filter(~has_open_payment()), at=now)
    for order in buyer.orders:
        if order.pk in erased:
            # Wagtail keeps one entry for each uuid and action, and gives a whole request the same uuid.
            log(order, BUYER_ERASED, user=by, uuid=uuid.uuid4())
    logger.info("erased a buyer: %s orders, %s left for open payments", len(erased), len(buyer.open))
    return buyer


def _are_old(before: datetime) -> Q:
    """An expired payment was never settled by the bank."""
    return Q(settled_at__lt=before) | Q(settled_at__isnull=True, state_changed_at__lt=before)


def _purge_texts(payments: QuerySet[Payment], *, at: datetime, dry_run: bool) -> int:
    if dry_run:
        return payments.count()
    return sum(erase_texts(batch, payments, at=at) for batch in _batches(payments, by="texts_since"))


def _purge_orders(before: datetime, *, at: datetime, dry_run: bool) -> int:
    old = Order.objects.filter(erased_at__isnull=True, created_at__lt=before, status_changed_at__lt=before)
    orders = old.filter(~has_open_payment())
    if dry_run:
        return orders.count()
    done = 0
    for batch in _batches(orders, by="created_at"):
        with_texts = Payment.objects.filter(buyer_order__in=batch, texts_since__isnull=False)
        erase_texts(list(with_texts.values_list("pk", flat=True)), ended(), at=at)
        done += len(erase_contacts(batch, orders, at=at))
    return done


def _purge_metadata(before: datetime, *, dry_run: bool) -> int:
    payments = settled().filter(_are_old(before)).exclude(metadata={})
    if dry_run:
        return payments.count()
    return sum(erase_metadata(batch, payments) for batch in _batches(payments, by="created_at"))


def _purge_dismissed(before: datetime, *, dry_run: bool) -> int:
    """Callbacks for orders that we do not know. They are put aside by hand, so there are few."""
    dismissed = PaymentEvent.objects.filter(
        verdict=Verdict.DISMISSED, type=EventType.CALLBACK, payment__isnull=True, created_at__lt=before
    )
    if dry_run:
        return dismissed.exclude(message="").count()
    return sum(
        erase_events(PaymentEvent.objects.filter(pk__in=batch)) for batch in _batches(dismissed, by="created_at")
    )


def _delete_rejected(before: datetime, *, dry_run: bool) -> int:
    """Nobody has signed them, so they are no part of the ledger."""
    rejected = PaymentEvent.objects.filter(
        verdict=Verdict.REJECTED, type=EventType.CALLBACK, payment__isnull=True, created_at__lt=before
    )
    if dry_run:
        return rejected.count()
    for_batch = (PaymentEvent.objects.filter(pk__in=batch) for batch in _batches(rejected, by="created_at"))
    return sum(batch.delete()[0] for batch in for_batch)


def _batches(rows: QuerySet[Any], *, by: str) -> Iterator[list[int]]:
    """Keys of ``rows`` from the oldest on. Those that stay what they are, are passed by, not met again."""
    rows = rows.order_by(by, "pk")
    found = list(rows.values_list(by, "pk")[:BATCH])
    while found:
        yield [pk for _moment, pk in found]
        moment, last = found[-1]
        after = rows.filter(**{f"{by}__gte": moment}).exclude(**{by: moment, "pk__lte": last})
        found = list(after.values_list(by, "pk")[:BATCH])

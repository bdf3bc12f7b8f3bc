"""Money back to the buyer. ``decline`` has no idempotency key: it is sent once, and what is not known stays so."""

from __future__ import annotations

import logging
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from wagtail_payparts import conf
from wagtail_payparts.bank import ActionReply, PayPartsClient, clean_text
from wagtail_payparts.exceptions import AlreadyResolved, BankError, BankRefused, NotAllowed
from wagtail_payparts.formats import format_hryvnias
from wagtail_payparts.models import Action, AttentionCode, EventType, Payment, Refund, RefundState, Source
from wagtail_payparts.models.refunds import LIVE, UNSETTLED
from wagtail_payparts.services import actions
from wagtail_payparts.services.deliveries import deliver_later
from wagtail_payparts.services.journal import add_attention, owe, record
from wagtail_payparts.services.locking import locked, retry_deadlocks
from wagtail_payparts.services.permissions import REFUND, RESOLVE, require
from wagtail_payparts.services.refund_reports import drop_uncertain
from wagtail_payparts.services.schedule import ACTION_STUCK_AFTER
from wagtail_payparts.services.sync import sync_payment


logger = logging.getLogger(__name__)
KOPECK = Decimal("0.01")


def refund_payment(
    payment: Payment,
    amount: Decimal | None = None,
    *,
    reason: str,
    by: Any = None,
    seen: str | None = None,
    on_begun: Callable[[Refund], None] | None = None,
) -> Refund:
    """Give ``amount`` UAH back to the buyer, all that is left where it is ``None`` (payparts-api §5).

    The refund is committed as requested and then as sent before the bank is told, so this refuses to run inside a
    transaction (``RuntimeError``). It comes back ``accepted`` or ``rejected`` only where the bank's signature says
    so, else ``uncertain``: then no further refund of this payment begins until the bank's answer to a state query,
    or a person (``settle_refund``), has settled it. It is never sent twice.

    ``seen``: the ``actions.decision_version`` on which the decision rests; nothing is done if it is another one by
    now. ``on_begun`` is called when the refund is committed, before the bank is told; it must not raise.

    Raises ``NotAllowed`` without the permission ``refund``; for an amount that is not above zero, has parts of a
    kopeck or is more than is left; for a part where the store's ``PARTIAL_REFUNDS`` is off; for a payment that has
    changed since it was ``seen``. ``AlreadyResolved`` where no amount could be refunded: see ``why_no_refund``.
    """
    require(by, REFUND)
    store = conf.get_store(payment.store)
    refund = retry_deadlocks(lambda: _request(payment, amount, reason.strip(), by, seen, partial=store.partial_refunds))
    if on_begun is not None:
        on_begun(refund)
    retry_deadlocks(lambda: _mark_sent(refund))
    told: ActionReply | BankError
    try:
        told = PayPartsClient(store).decline(payment.order_id, refund.amount)
    except BankError as error:
        told = error
    refund = retry_deadlocks(lambda: _note_outcome(refund, told, by))
    if refund.state == RefundState.UNCERTAIN:
        sync_payment(payment, source=Source.STAFF if by else Source.POLL)
        refund.refresh_from_db()
    deliver_later(payment)
    return refund


def settle_refund(refund: Refund, *, was_made: bool, reason: str, by: Any) -> Refund:
    """Say of an uncertain refund, after a look into the bank's cabinet, whether it was made.

    Raises ``NotAllowed`` without ``resolve``, and ``AlreadyResolved`` where it is not uncertain any more.
    """
    require(by, RESOLVE)

    def work() -> Refund:
        with locked(refund.payment_id) as row:
            fresh = Refund.objects.get(pk=refund.pk)
            if fresh.state != RefundState.UNCERTAIN:
                raise AlreadyResolved(
                    f"the refund is {fresh.state}",
                    user_message=_("This refund is settled already: nothing was done."),
                )
            event_message = reason.strip()
            _settle(row, fresh, RefundState.ACCEPTED if was_made else RefundState.REJECTED, by=by, why=event_message)
            row.save()
            return fresh

    settled = retry_deadlocks(work)
    deliver_later(settled.payment)
    return settled


def settle_uncertain(row: Payment, *, was_made: bool, by: Any) -> None:
    """As ``settle_refund``, for whoever holds the payment's lock and saves it, and has written down why."""
    for refund in row.refunds.filter(state=RefundState.UNCERTAIN).order_by("pk"):
        _settle(row, refund, RefundState.ACCEPTED if was_made else RefundState.REJECTED, by=by)


def settle_left_behind() -> int:
    """What a process that died has left: a refund that was never sent is withdrawn, a sent one is uncertain."""
    stale = Refund.objects.filter(
        state__in=[RefundState.REQUESTED, RefundState.SENT],
        state_changed_at__lt=timezone.now() - ACTION_STUCK_AFTER,
    )
    count = 0
    for refund in list(stale.order_by("pk")[:100]):
        count += retry_deadlocks(lambda refund=refund: _settle_stale(refund))  # type: ignore[misc]
    return count


def refundable(payment: Payment) -> Decimal:
    """What could still be given back, in UAH: what was paid less refunds made, under way and uncertain."""
    if not payment.is_paid:
        return Decimal("0.00")
    spoken_for = sum((refund.amount for refund in payment.refunds.all() if refund.state in LIVE), Decimal(0))
    return max(payment.amount - spoken_for, Decimal(0)).quantize(KOPECK)


def why_no_refund(payment: Payment, *, partial: bool) -> str:
    """Why nothing of a payment as it stands can be refunded here, for people; empty where something can.

    ``partial``: whether the store allows refunds of a part.
    """
    if not payment.is_paid:
        return _("Only a paid payment can be refunded; this one is “%(state)s”.") % {
            "state": payment.get_state_display()
        }
    if under_way := actions.what_is_under_way(payment):
        return under_way
    if any(refund.state in UNSETTLED for refund in payment.refunds.all()):
        return _(
            "A refund of this payment is not settled yet. Find out in the bank’s cabinet whether it was made first."
        )
    left = refundable(payment)
    if not left:
        return _("Nothing is left to refund.")
    if left != payment.amount and not partial:
        return _(
            "A part of this payment has gone back already, and the store does not allow refunds of a part. Refund the "
            "rest in the bank’s cabinet."
        )
    return ""


def check_amount(payment: Payment, wanted: Decimal, *, partial: bool) -> None:
    """Raises ``NotAllowed`` for an amount (UAH) that cannot be refunded of a payment of which something can."""
    left = refundable(payment)
    if not wanted.is_finite() or wanted <= 0:
        raise _no(_("A refund is at least one kopeck."))
    if wanted > left:
        raise _no(_("At most %(amount)s can be refunded.") % {"amount": format_hryvnias(left)})
    if wanted != wanted.quantize(KOPECK):
        raise _no(_("An amount has two decimals at most."))
    if wanted != payment.amount and not partial:
        raise _no(
            _(
                "The store does not allow refunds of a part. Refund the whole amount, %(amount)s, or a part of it in "
                "the bank’s cabinet."
            )
            % {"amount": format_hryvnias(payment.amount)}
        )


def _request(
    payment: Payment, amount: Decimal | None, reason: str, by: Any, seen: str | None, *, partial: bool
) -> Refund:
    with locked(payment.pk, durable=True) as row:
        if why_not := why_no_refund(row, partial=partial):
            raise AlreadyResolved(why_not, user_message=why_not)
        if seen is not None and seen != actions.decision_version(row):
            raise _no(actions.has_changed())
        wanted = refundable(row) if amount is None else amount
        check_amount(row, wanted, partial=partial)
        actions.begin(row, Action.REFUND)
        refund = Refund.objects.create(payment=row, amount=wanted, reason=reason, requested_by=by)
        record(
            row,
            type=EventType.REFUND,
            source=Source.STAFF if by else Source.POLL,
            user=by,
            message=reason,
            payload={"refund": refund.pk, "amount": f"{wanted:.2f}", "state": str(refund.state)},
        )
        row.save()
        return refund


def _no(text: str) -> NotAllowed:
    return NotAllowed(text, user_message=text)


def _mark_sent(refund: Refund) -> None:
    with locked(refund.payment_id, durable=True):
        sent = Refund.objects.filter(pk=refund.pk, state=RefundState.REQUESTED)
        if not sent.update(state=RefundState.SENT, state_changed_at=timezone.now()):
            raise _no(_("The refund was withdrawn before it was sent."))


def _note_outcome(refund: Refund, told: ActionReply | BankError, by: Any) -> Refund:
    with locked(refund.payment_id) as row:
        fresh = Refund.objects.get(pk=refund.pk)
        event = actions.record_reply(row, EventType.REFUND, told, by=by)
        if isinstance(told, (ActionReply, BankRefused)):
            # Of what is no answer the event keeps our own words.
            fresh.bank_message = clean_text(str(told) if isinstance(told, BankRefused) else told.message)
        if fresh.state in UNSETTLED:
            if isinstance(told, ActionReply) and told.verified:
                _settle(row, fresh, RefundState.ACCEPTED, by=by)
            elif actions.is_certain_refusal(told):
                _settle(row, fresh, RefundState.REJECTED, by=by)
            else:
                _settle(row, fresh, RefundState.UNCERTAIN, by=by)
                add_attention(row, AttentionCode.REFUND_UNCERTAIN, event)
        row.save()
        return fresh


def _settle_stale(refund: Refund) -> int:
    with locked(refund.payment_id) as row:
        fresh = Refund.objects.get(pk=refund.pk)
        if fresh.state == RefundState.REQUESTED:
            _settle(row, fresh, RefundState.WITHDRAWN)
        elif fresh.state == RefundState.SENT:
            _settle(row, fresh, RefundState.UNCERTAIN)
            add_attention(row, AttentionCode.REFUND_UNCERTAIN)
            row.next_poll_at = timezone.now()
        else:
            return 0
        row.save()
        return 1


def _settle(row: Payment, refund: Refund, state: RefundState, *, by: Any = None, why: str = "") -> None:
    """Move a refund; the caller holds the payment's lock and saves it."""
    # While it was open, nothing that the bank named beyond it could be told apart: look again.
    row.next_poll_at = timezone.now()
    refund.state, refund.state_changed_at = state, timezone.now()
    refund.save()
    if row.pending_action == Action.REFUND:
        actions.end(row)
    logger.info("payment %s: refund #%s is %s", row.order_id, refund.pk, state)
    event = record(
        row,
        type=EventType.REFUND,
        source=Source.STAFF if by else Source.POLL,
        user=by,
        message=why,
        payload={"refund": refund.pk, "amount": f"{refund.amount:.2f}", "state": str(state)},
    )
    if state == RefundState.ACCEPTED:
        row.refunded_amount = min(row.refunded_amount + refund.amount, row.amount)
        owe(row, event, "payment_refunded", refund_id=refund.pk)
    if state in {RefundState.ACCEPTED, RefundState.REJECTED}:
        drop_uncertain(row)

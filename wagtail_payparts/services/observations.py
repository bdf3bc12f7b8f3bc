"""The only place where a payment's state is written: everything that the bank says when asked passes here.

Each function locks the payment, records an event, decides, moves the payment and writes down which signals are
owed, in one transaction.
"""

from __future__ import annotations

import logging
import random
from datetime import datetime
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from wagtail_payparts import conf
from wagtail_payparts.bank import CreateReply, StateReply, clean_text
from wagtail_payparts.exceptions import BankError, BankRefused
from wagtail_payparts.models import Action, AttentionCode, EventType, Payment, PaymentEvent, Source, Verdict
from wagtail_payparts.services.actions import end as end_action
from wagtail_payparts.services.actions import verdict_of, was_refused
from wagtail_payparts.services.claims import settle
from wagtail_payparts.services.journal import add_attention, drop_attention, owe, record
from wagtail_payparts.services.locking import locked, retry_deadlocks
from wagtail_payparts.services.refund_reports import explains, reconcile
from wagtail_payparts.services.schedule import ACTION_STUCK_AFTER, CLAIM_OVERDUE_AFTER, DAY, HOLD_REMINDER, next_poll
from wagtail_payparts.states import (
    DECIDED,
    FINAL,
    Decision,
    Move,
    PaymentState,
    decide,
    from_bank,
    further,
)


logger = logging.getLogger(__name__)

#: The last question about a payment is asked again a day later if its answer was of no use, so many times.
LAST_TRIES = 5
#: An action that is over once the bank holds the money no more.
HOLD_ACTIONS = (Action.CONFIRM, Action.CANCEL)

_VERDICTS = {
    Move.APPLY: Verdict.APPLIED,
    Move.LATE: Verdict.APPLIED,
    Move.QUIET: Verdict.APPLIED,
    Move.DUPLICATE: Verdict.DUPLICATE,
    Move.STALE: Verdict.STALE,
    Move.CONFLICT: Verdict.CONFLICT,
}

_SIGNALS = {
    PaymentState.SUCCESS: "payment_succeeded",
    PaymentState.LOCKED: "payment_locked",
    PaymentState.FAIL: "payment_failed",
    PaymentState.CANCELED: "payment_canceled",
    PaymentState.EXPIRED: "payment_expired",
}


def observe_created(payment: Payment, reply: CreateReply) -> Payment:
    """The bank made the payment and gave a token (payparts-api §2.1). Never moves a payment back."""

    def work() -> Payment:
        with locked(payment.pk) as row:
            decision = decide(row.payment_state, PaymentState.CREATED, was_negative=row.was_negative)
            row.token = reply.token
            event = record(
                row,
                type=EventType.PAYMENT_CREATE,
                source=Source.CHECKOUT,
                state=PaymentState.CREATED,
                verdict=_VERDICTS[decision.move],
                message=reply.message,
                token=reply.token,
                exchange=reply.exchange,
            )
            _move(row, decision, event)
            _plan_and_save(row, at_once=row.rung_at is not None)
            return row

    return retry_deadlocks(work)


def observe_not_created(payment: Payment, error: BankError) -> Payment:
    """The create request failed. Only a verified refusal of a new id is an outcome; the rest is settled by polling."""

    def work() -> Payment:
        with locked(payment.pk) as row:
            refused = (
                isinstance(error, BankRefused)
                and error.verified
                and not error.already_exists
                and row.state == PaymentState.NEW
            )
            event = record(
                row,
                type=EventType.PAYMENT_CREATE,
                source=Source.CHECKOUT,
                state=PaymentState.FAIL if isinstance(error, BankRefused) else "",
                verdict=verdict_of(error),
                message=str(error),
                exchange=error,
            )
            if refused:
                row.bank_message = clean_text(str(error))
                _move(row, decide(row.payment_state, PaymentState.FAIL, was_negative=row.was_negative), event)
            _plan_and_save(row, at_once=row.rung_at is not None)
            return row

    return retry_deadlocks(work)


def observe_state(
    payment: Payment,
    reply: StateReply,
    *,
    asked_at: datetime,
    source: str = Source.POLL,
    by: AbstractBaseUser | None = None,
) -> Payment:
    """What the bank answered when asked (payparts-api §6), verified: moves the payment and settles its claim.

    ``asked_at``: when the question left. The answer says nothing of callbacks that came after that.
    """

    def work() -> Payment:
        with locked(payment.pk) as row:
            now = timezone.now()
            row.poll_count += 1
            row.poll_failures = 0
            row.poll_leased_until = None
            row.bank_state = reply.payment_state
            if reply.receipt:
                row.receipt = row.receipt | {key: clean_text(text) for key, text in reply.receipt.items()}
            observed = from_bank(reply.payment_state)
            # After a refund the bank may name what is left.
            mismatch = reply.amount not in {None, row.amount} and not explains(row, reply.refunds, reply.amount)
            decision = None
            if observed is None:
                verdict = Verdict.UNKNOWN_STATE
            elif mismatch:
                verdict = Verdict.MISMATCH
            else:
                decision = decide(
                    row.payment_state,
                    observed,
                    was_negative=row.was_negative,
                    fully_refunded=row.refunded_amount == row.amount,
                )
                verdict = _VERDICTS[decision.move]
            if reply.message or (decision is not None and decision.move.moves):
                # Not what was said of another state: a contract names the buyer, a refusal does not.
                row.bank_message = clean_text(reply.message)
            event = record(
                row,
                type=EventType.POLL,
                source=source,
                user=by,
                state=reply.payment_state,
                verdict=verdict,
                message=reply.message,
                exchange=reply.exchange,
            )
            if observed is None:
                add_attention(row, AttentionCode.UNKNOWN_STATE, event)
            if mismatch:
                add_attention(row, AttentionCode.AMOUNT_MISMATCH, event)
            if decision is not None and observed is not None:
                if reply.amount is None and decision.move.moves and observed in DECIDED:
                    _note_missing_amount(row)
                _move(row, decision, event)
                if settle(row, observed, asked_at):
                    add_attention(row, AttentionCode.CLAIM_CONTRADICTED, event)
                if observed in {PaymentState.CREATED, PaymentState.CLIENT_WAIT} and not _rang_since(row, asked_at):
                    _expire_if_due(row)
            if row.state != PaymentState.LOCKED:
                drop_attention(row, AttentionCode.HOLD_EXPIRING)
                if row.pending_action in HOLD_ACTIONS:
                    end_action(row)
            elif decision is not None and _was_refused(row, observed, asked_at):
                end_action(row)
            if not mismatch:
                reconcile(row, reply.refunds, event)
            _watch(row, event, now)
            _plan_and_save(row, at_once=_rang_since(row, asked_at), useless=event if decision is None else None)
            return row

    return retry_deadlocks(work)


def observe_no_state(
    payment: Payment,
    error: BankError,
    *,
    asked_at: datetime,
    source: str = Source.POLL,
    by: AbstractBaseUser | None = None,
) -> Payment:
    """The question was not answered, or the bank said that it failed: the payment stays where it is."""

    def work() -> Payment:
        with locked(payment.pk) as row:
            row.poll_leased_until = None
            answered = isinstance(error, BankRefused) and error.verified
            if answered:
                row.poll_count += 1
                row.poll_failures = 0
            else:
                row.poll_failures += 1
            event = record(
                row,
                type=EventType.POLL,
                source=source,
                user=by,
                verdict=Verdict.UNKNOWN_ORDER if answered else verdict_of(error),
                message=str(error),
                exchange=error,
            )
            _watch(row, event, timezone.now())
            rang = _rang_since(row, asked_at)
            if answered and row.state == PaymentState.NEW and _times_unknown(row) >= 2 and not rang:
                _expire_if_due(row)
            # That it does not know a payment which it never made is all that it can say.
            is_known = bool(row.token or row.bank_state)
            # A bank that does not answer is not asked again at once, whoever rings.
            _plan_and_save(row, at_once=rang and answered, useless=event if is_known else None)
            return row

    return retry_deadlocks(work)


def postpone(payment: Payment) -> None:
    """The bank could not even be asked (the store has lost its settings): try again later, less and less often."""
    with locked(payment.pk) as row:
        row.poll_leased_until = None
        row.poll_failures += 1
        _plan_and_save(row)


def reopen_refused(payment: Payment, **terms: Any) -> Payment | None:
    """Take a payment whose create was refused back to the start, with new ``terms``; ``None`` if it is not such a one.

    The bank never made it, so no money can come of what was refused. The clocks of polling and expiry start anew.
    """

    def work() -> Payment | None:
        with locked(payment.pk) as row:
            if row.state != PaymentState.FAIL or row.token or row.bank_state or row.claim_state:
                return None
            old_state = row.state
            for field, term in terms.items():
                setattr(row, field, term)
            row.state = row.furthest_state = PaymentState.NEW
            row.state_changed_at = row.created_at = timezone.now()
            row.was_negative, row.settled_at, row.settled_by, row.bank_message = False, None, "", ""
            row.poll_failures = 0
            event = record(row, type=EventType.REOPENED, source=Source.CHECKOUT, state=PaymentState.NEW)
            owe(row, event, "payment_state_changed", old_state=old_state, new_state=PaymentState.NEW)
            _plan_and_save(row)
            return row

    return retry_deadlocks(work)


def _move(row: Payment, decision: Decision, event: PaymentEvent) -> None:
    if decision.move.moves:
        old_state, row.state = row.state, decision.state
        row.state_changed_at = timezone.now()
        row.was_negative = decision.was_negative
        row.furthest_state = further(PaymentState(row.furthest_state), decision.state)
        if decision.state in FINAL:
            row.settled_at = row.state_changed_at
            row.settled_by = Source.CALLBACK if row.claim_state else event.source
        logger.info("payment %s: %s -> %s", row.order_id, old_state, row.state)
        owe(row, event, "payment_state_changed", old_state=old_state, new_state=row.state)
        signal = _SIGNALS.get(decision.state)
        if decision.state == PaymentState.SUCCESS and (not _take_order(row, event) or decision.move is Move.LATE):
            signal = "payment_late_success"
        late_lock = decision.move is Move.LATE and decision.state == PaymentState.LOCKED
        if signal and decision.move is not Move.QUIET and not late_lock:
            owe(row, event, signal)
        if decision.state == PaymentState.LOCKED and not row.hold:
            add_attention(row, AttentionCode.UNEXPECTED_HOLD, event)
    if decision.attention:
        add_attention(row, decision.attention, event)


def _take_order(row: Payment, event: PaymentEvent) -> bool:
    """Whether this is the first payment that pays its order; the second needs a person, and so does the first then.

    Also where the first has gone back: a shop that has been told of its order once may have acted on it.
    """
    key = _order_key(row)
    if not key:
        return True
    first = Payment.objects.filter(settles=key).exclude(pk=row.pk).first()
    if first is None:
        try:
            with transaction.atomic():
                Payment.objects.filter(pk=row.pk).update(settles=key)
            row.settles = key
            return True
        except IntegrityError:
            # The other payment committed between our look and our claim.
            first = Payment.objects.filter(settles=key).exclude(pk=row.pk).first()
    add_attention(row, AttentionCode.DOUBLE_PAYMENT, event)
    if first is not None:
        with locked(first.pk) as other:
            add_attention(other, AttentionCode.DOUBLE_PAYMENT, None)
            other.save()
    return False


def _order_key(row: Payment) -> str:
    if row.buyer_order_id:
        return f"{row.store}:order:{row.buyer_order_id}"
    return f"{row.store}:reference:{row.reference}" if row.reference else ""


def _watch(row: Payment, event: PaymentEvent, now: datetime) -> None:
    """What waits too long needs a person, whether or not the bank answers."""
    if row.claim_state and row.claim_at and now - row.claim_at >= CLAIM_OVERDUE_AFTER:
        _remind(row, AttentionCode.CLAIM_OVERDUE, event, since=row.claim_at)
    if row.pending_action and row.pending_since and now - row.pending_since >= ACTION_STUCK_AFTER:
        add_attention(row, AttentionCode.ACTION_STUCK, event)
    if row.hold_ends_at is not None and now >= row.hold_ends_at - HOLD_REMINDER:
        _remind(row, AttentionCode.HOLD_EXPIRING, event, since=row.state_changed_at)


def _remind(row: Payment, code: AttentionCode, event: PaymentEvent, *, since: datetime) -> None:
    """Once for each claim and each hold: what a person has decided since it began is not asked again."""
    decided = row.events.filter(type=EventType.RESOLVED, created_at__gte=since).values_list("payload", flat=True)
    if code not in row.attention_codes and not any(payload.get("code") == code for payload in decided):
        add_attention(row, code, event)


def _expire_if_due(row: Payment) -> None:
    waiting = {PaymentState.NEW, PaymentState.CREATED, PaymentState.CLIENT_WAIT}
    if row.state not in waiting or row.claim_state or timezone.now() - row.created_at < conf.expire_after():
        return
    event = record(row, type=EventType.EXPIRY, source=Source.POLL, state=PaymentState.EXPIRED, verdict=Verdict.APPLIED)
    _move(row, Decision(Move.APPLY, PaymentState.EXPIRED, was_negative=True), event)


def _was_refused(row: Payment, observed: PaymentState | None, asked_at: datetime) -> bool:
    """The bank said no to what is under way, and still holds the money when it was asked afterwards."""
    is_held = observed == PaymentState.LOCKED and row.pending_action in HOLD_ACTIONS
    return is_held and was_refused(row, before=asked_at)


def _times_unknown(row: Payment) -> int:
    unknown = row.events.filter(type=EventType.POLL, verdict=Verdict.UNKNOWN_ORDER)
    return sum(1 + repeats for repeats in unknown.values_list("repeats", flat=True))


def _note_missing_amount(row: Payment) -> None:
    record(
        row,
        type=EventType.NOTE,
        source=Source.POLL,
        message=_("The bank's answer named no amount, so it could not be compared with ours."),
        # So that it can be told in the language of whoever reads it.
        payload={"note": "no_amount"},
    )


def _rang_since(row: Payment, asked_at: datetime) -> bool:
    """Whether a callback has come after the question had left: then the answer is already old."""
    return row.rung_at is not None and row.rung_at > asked_at


def _plan_and_save(row: Payment, *, at_once: bool = False, useless: PaymentEvent | None = None) -> None:
    """``useless``: an answer that told nothing of the state. It is not the last that we want to hear."""
    now = timezone.now()
    row.next_poll_at = now if at_once else next_poll(row, now, luck=random.random())  # noqa: S311
    if row.next_poll_at is None and useless is not None and useless.repeats < LAST_TRIES:
        row.next_poll_at = now + DAY
    row.save()

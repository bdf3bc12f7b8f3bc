"""What staff do at their desk: ask the bank, write a note, have signals delivered again, decide what needs a person.

Each function checks the permission of ``by``, records who did it, and returns what stands there afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from wagtail_payparts.bank import clean_text
from wagtail_payparts.exceptions import AlreadyResolved, NotAllowed
from wagtail_payparts.models import (
    AttentionCode,
    EventType,
    Payment,
    PaymentEvent,
    Refund,
    RefundState,
    SignalDelivery,
    Source,
    Verdict,
)
from wagtail_payparts.models.refunds import UNSETTLED
from wagtail_payparts.services import actions, deliveries
from wagtail_payparts.services.deliveries import deliver_later
from wagtail_payparts.services.journal import owe, record
from wagtail_payparts.services.limits import may_ask_bank
from wagtail_payparts.services.locking import locked, retry_deadlocks
from wagtail_payparts.services.observations import postpone
from wagtail_payparts.services.permissions import ASK, RESOLVE, require
from wagtail_payparts.services.refunds import settle_uncertain
from wagtail_payparts.services.sync import sync_payment


#: A person waits for the bank this long: seconds to connect, and to answer.
DESK_TIMEOUT = (2.0, 8.0)


@dataclass(frozen=True)
class Asked:
    """The payment after the bank was asked, and what was written down of its answer.

    ``event`` is ``None`` if nothing was asked, since somebody else is asking now, or did a moment ago.
    """

    payment: Payment
    event: PaymentEvent | None


def ask_bank(payment: Payment, *, by: Any) -> Asked:
    """Ask the bank about a payment now. An unreachable bank is no error: it is written down and asked again.

    Raises ``NotAllowed`` without ``ask``, and ``ImproperlyConfigured`` if the payment's store cannot be used.
    """
    require(by, ASK)
    newest = payment.events.order_by("-pk").values_list("pk", flat=True).first() or 0
    if not may_ask_bank(payment):
        return Asked(Payment.objects.get(pk=payment.pk), None)
    try:
        after = sync_payment(payment, by=by, source=Source.STAFF, timeout=DESK_TIMEOUT)
    except ImproperlyConfigured:
        postpone(payment)
        raise
    return Asked(after, after.events.filter(pk__gt=newest, type=EventType.POLL, user=by).first())


def add_note(payment: Payment, text: str, *, by: Any) -> PaymentEvent:
    """Write a note into the payment's history; the same one twice in a row is written once.

    Raises ``NotAllowed`` without ``ask`` or ``resolve``, and for a note that says nothing.
    """
    require(by, ASK, RESOLVE)
    text = _reason(text)
    return retry_deadlocks(lambda: _write_note(payment, text, by))


def _write_note(payment: Payment, text: str, by: Any) -> PaymentEvent:
    with locked(payment.pk) as row:
        last = row.events.order_by("-pk").first()
        if last and (last.type, last.user_id, last.message) == (EventType.NOTE, by.pk, text):
            return last
        return record(row, type=EventType.NOTE, source=Source.STAFF, user=by, message=text)


def deliver_again(payment: Payment, *, by: Any) -> Payment:
    """Call at once every receiver that has failed on a signal of this payment, also where it was given up.

    Receivers that have taken a signal are not called again. Raises ``NotAllowed`` without ``resolve``, and
    ``AlreadyResolved`` if nothing has failed, or a delivery is under way.
    """
    require(by, RESOLVE)

    def work() -> Payment:
        with locked(payment.pk) as row:
            if row.delivery_leased_until and row.delivery_leased_until > timezone.now():
                # It would write down its own count of attempts over ours.
                raise AlreadyResolved(
                    "a delivery is under way",
                    user_message=_("Signals of this payment are being delivered just now. Look again in a minute."),
                )
            failed = failed_results(row)
            owed = set(failed.values_list("delivery_id", flat=True))
            if not owed:
                raise AlreadyResolved(
                    "nothing has failed",
                    user_message=_("No signal of this payment waits for a receiver that failed: nothing was done."),
                )
            event = record(row, type=EventType.REDELIVERY, source=Source.STAFF, user=by)
            # With a moment: a process that does not know the receiver then waits for one that does.
            failed.update(attempts=0, next_attempt_at=event.created_at, given_up_at=None)
            SignalDelivery.objects.filter(pk__in=owed).update(done_at=None)
            row.next_delivery_at = event.created_at
            if AttentionCode.DELIVERY_FAILING in row.attention_codes:
                _take_away(row, AttentionCode.DELIVERY_FAILING)
            row.save()
            return row

    row = retry_deadlocks(work)
    deliver_later(row)
    return row


def failed_results(payment: Any) -> Any:
    """What receivers could not do with signals of a payment, so far or for good."""
    return deliveries.failed_results().filter(delivery__payment=payment)


def resolve_attention(
    payment: Payment, code: str, *, accept: bool, note: str, by: Any, seen: str | None = None
) -> Payment:
    """Decide one thing that needed a person: ``accept`` it as true and dealt with, or dismiss it.

    Accepting ``negative_after_success`` means that the money went back by way of the bank: a refund ``external`` of
    all that was left is written down and announced. Accepting ``refund_uncertain`` means that the refund was made, and
    dismissing it that it was not. Either answer to ``action_stuck`` frees the payment for another action. Everything
    else changes nothing but the attention, so what is still wrong when the bank is asked next comes back.

    ``seen``: the ``actions.decision_version`` on which the decision rests; nothing is done if it is another one by now.
    ``note`` says why, and is required. Raises ``NotAllowed`` without ``resolve``, and where a refund would be written
    down while another one has no outcome yet; ``AlreadyResolved`` if somebody was quicker: nothing is done twice.
    """
    require(by, RESOLVE)
    note = _reason(note)

    def work() -> Payment:
        with locked(payment.pk) as row:
            if code not in row.attention_codes:
                raise AlreadyResolved(f"{code} is not open", user_message=_who_was_quicker(row, code, by))
            if seen is not None and seen != actions.decision_version(row):
                raise AlreadyResolved("the payment has changed", user_message=actions.has_changed())
            gone_back = accept and code == AttentionCode.NEGATIVE_AFTER_SUCCESS and bool(row.remainder)
            if gone_back:
                _refuse_beside_an_open_refund(row)
            event = record(
                row,
                type=EventType.RESOLVED,
                source=Source.STAFF,
                verdict=Verdict.ACCEPTED if accept else Verdict.DISMISSED,
                user=by,
                message=note,
                payload={"code": code},
            )
            _take_away(row, code)
            if gone_back:
                _write_external_refund(row, event, note, by)
            elif code == AttentionCode.ACTION_STUCK:
                actions.end(row)
            elif code == AttentionCode.REFUND_UNCERTAIN:
                settle_uncertain(row, was_made=accept, by=by)
            row.save()
            return row

    row = retry_deadlocks(work)
    if row.next_delivery_at:
        deliver_later(row)
    return row


def _refuse_beside_an_open_refund(row: Payment) -> None:
    """What is left cannot be known before it has an outcome."""
    if row.refunds.filter(state__in=UNSETTLED).exists():
        raise NotAllowed(
            "a refund has no outcome yet",
            user_message=_("A refund of this payment has no outcome yet: settle that first."),
        )


def _write_external_refund(row: Payment, event: PaymentEvent, reason: str, by: Any) -> None:
    refund = Refund.objects.create(
        payment=row, amount=row.remainder, reason=reason, requested_by=by, state=RefundState.EXTERNAL
    )
    row.refunded_amount = row.amount
    owe(row, event, "payment_refunded", refund_id=refund.pk)


def dismiss_callback(event: PaymentEvent, *, note: str, by: Any) -> None:
    """Put aside a callback for an order that we do not know (attention ``unknown_order``), saying why.

    It stays in the log. Raises ``NotAllowed`` without ``resolve``, and ``AlreadyResolved`` if somebody was quicker
    or its payment has appeared.
    """
    require(by, RESOLVE)
    note = _reason(note)
    with transaction.atomic():
        waiting = unknown_callbacks().order_by().filter(pk=event.pk)
        if not waiting.update(verdict=Verdict.DISMISSED):
            raise AlreadyResolved(
                "the callback is not open",
                user_message=_("Somebody else was quicker, or the payment has appeared: nothing was done."),
            )
        PaymentEvent.objects.create(
            type=EventType.RESOLVED,
            source=Source.STAFF,
            verdict=Verdict.DISMISSED,
            user=by,
            message=note,
            store_id=event.store_id,
            order_id=event.order_id,
            payload={"code": AttentionCode.UNKNOWN_ORDER.value, "callback": event.pk},
        )


def unknown_callbacks() -> Any:
    """Signed callbacks for orders that we do not know, which nobody has put aside, newest first."""
    return PaymentEvent.objects.filter(
        verdict=Verdict.UNKNOWN_ORDER, type=EventType.CALLBACK, payment__isnull=True
    ).order_by("-created_at", "-pk")


def _reason(text: str) -> str:
    reason = clean_text(text).strip()
    if not reason:
        raise NotAllowed("a note is required", user_message=_("Say why, in a few words: others will read it here."))
    return reason


def _take_away(row: Payment, code: str) -> None:
    row.attention = " ".join(other for other in row.attention_codes if other != code)


def _who_was_quicker(row: Payment, code: str, by: Any) -> str:
    decided = row.events.filter(type=EventType.RESOLVED, user__isnull=False).select_related("user").order_by("-pk")
    for event in decided[:20]:
        user: Any = event.user
        if event.payload.get("code") == code:
            if user == by:
                return _("You have already decided this: nothing was done again.")
            # A project's own user model may have no full names.
            name = getattr(user, "get_full_name", str)() or user.get_username()
            return _("%(user)s has already decided this: nothing was done.") % {"user": name}
    return _("This does not need a decision any more: nothing was done.")

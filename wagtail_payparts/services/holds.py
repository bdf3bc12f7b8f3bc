"""Two-stage payments: take the held money, or let it go. Only what the bank answers when asked settles it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _

from wagtail_payparts import conf
from wagtail_payparts.bank import ActionReply, PayPartsClient
from wagtail_payparts.exceptions import AlreadyResolved, BankError
from wagtail_payparts.models import Action, EventType, Payment, Source
from wagtail_payparts.services import actions
from wagtail_payparts.services.journal import record
from wagtail_payparts.services.locking import locked, retry_deadlocks
from wagtail_payparts.services.permissions import HOLD, require
from wagtail_payparts.services.sync import sync_payment
from wagtail_payparts.states import PaymentState


#: Called when an action is committed as begun, before the bank is told. It must not raise.
OnBegun = Callable[[Payment], None]


def confirm_hold(payment: Payment, *, by: Any = None, reason: str = "", on_begun: OnBegun | None = None) -> Payment:
    """Take the money of a hold (payparts-api §4). Returns the payment as the bank says it is afterwards.

    The reply is not believed: the bank is asked at once, and by the poller until it says something else than
    "on hold". Commits what it is about to do before it tells the bank, so it refuses to run inside a transaction
    (``RuntimeError``). Raises ``NotAllowed`` without ``hold``, and ``AlreadyResolved`` if nothing is held, or while
    another action is under way. An unreachable bank is no error: the payment keeps its ``pending_action``.
    """
    return _act(payment, Action.CONFIRM, by=by, reason=reason, on_begun=on_begun)


def cancel_hold(payment: Payment, *, by: Any = None, reason: str = "", on_begun: OnBegun | None = None) -> Payment:
    """Let the money of a hold go (payparts-api §4); otherwise like ``confirm_hold``."""
    return _act(payment, Action.CANCEL, by=by, reason=reason, on_begun=on_begun)


def why_no_hold(payment: Payment) -> str:
    """Why a payment as it stands has no hold to be confirmed or cancelled, for people; empty where it has."""
    if payment.state != PaymentState.LOCKED:
        return _("Nothing is held any more: this payment is “%(state)s” now.") % {"state": payment.get_state_display()}
    return actions.what_is_under_way(payment)


def _act(payment: Payment, action: Action, *, by: Any, reason: str, on_begun: OnBegun | None) -> Payment:
    require(by, HOLD)
    client = PayPartsClient(conf.get_store(payment.store))
    begun = retry_deadlocks(lambda: _begin(payment, action, by, reason))
    if on_begun is not None:
        on_begun(begun)
    told: ActionReply | BankError
    try:
        told = client.confirm(payment.order_id) if action == Action.CONFIRM else client.cancel(payment.order_id)
    except BankError as error:
        told = error
    retry_deadlocks(lambda: _write_down(payment, told, by))
    return sync_payment(payment, source=Source.STAFF if by else Source.POLL)


def _begin(payment: Payment, action: Action, by: Any, reason: str) -> Payment:
    with locked(payment.pk, durable=True) as row:
        if row.state != PaymentState.LOCKED:
            raise AlreadyResolved(f"the payment is {row.state}, not LOCKED", user_message=why_no_hold(row))
        actions.begin(row, action)
        record(
            row,
            type=EventType.ACTION,
            source=Source.STAFF if by else Source.POLL,
            user=by,
            message=reason,
            payload={"action": str(action)},
        )
        row.save()
        return row


def _write_down(payment: Payment, told: ActionReply | BankError, by: Any) -> None:
    with locked(payment.pk) as row:
        actions.record_reply(row, EventType.ACTION, told, by=by)

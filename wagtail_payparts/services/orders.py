"""What staff do with an order: hand it over, take that back, write a note. The money is none of its business.

Each function checks the permission of ``by``, writes an entry into Wagtail's log, and returns the order as it stands
afterwards.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from wagtail.log_actions import log
from wagtail.log_actions import registry as logs

from wagtail_payparts.exceptions import AlreadyResolved, NotAllowed
from wagtail_payparts.models import Order
from wagtail_payparts.services.locking import retry_deadlocks
from wagtail_payparts.services.permissions import require


#: The permission to do any of this.
HANDOVER = "wagtail_payparts.handover_order"

#: Actions in Wagtail's log.
HANDED_OVER = "wagtail_payparts.hand_over"
TAKEN_BACK = "wagtail_payparts.take_back"
NOTE_WRITTEN = "wagtail_payparts.order_note"


def hand_over(order: Order, *, by: Any, seen_status: str | None = None) -> Order:
    """Mark an order as handed over to its buyer.

    ``seen_status``: the status that the person saw when deciding; where it has changed since, nothing is done.

    Raises ``NotAllowed`` without the permission or for a status that has changed, and ``AlreadyResolved``, which
    names who was quicker, if the order has been handed over.
    """
    require(by, HANDOVER)

    def work() -> Order:
        with locked_order(order.pk) as row:
            if row.handed_over_at:
                raise AlreadyResolved("handed over already", user_message=_who_handed_over(row))
            if seen_status is not None and seen_status != row.status:
                raise NotAllowed(
                    f"the status was {seen_status}, now it is {row.status}",
                    user_message=_("The status of this order has changed meanwhile, so nothing was done: look again."),
                )
            row.handed_over_at, row.handed_over_by = timezone.now(), by
            row.save(update_fields=["handed_over_at", "handed_over_by"])
            _log(row, HANDED_OVER, by, status=row.status)
            return row

    return retry_deadlocks(work)


def take_back(order: Order, *, by: Any) -> Order:
    """Remove the mark that an order was handed over. Raises ``AlreadyResolved`` if it bears none."""
    require(by, HANDOVER)

    def work() -> Order:
        with locked_order(order.pk) as row:
            if not row.handed_over_at:
                raise AlreadyResolved(
                    "not handed over",
                    user_message=_("This order is not marked as handed over (any more): nothing was done."),
                )
            since = row.handed_over_at.isoformat()
            row.handed_over_at = row.handed_over_by = None
            row.save(update_fields=["handed_over_at", "handed_over_by"])
            _log(row, TAKEN_BACK, by, status=row.status, handed_over_at=since)
            return row

    return retry_deadlocks(work)


def write_note(order: Order, text: str, *, seen: str, by: Any) -> Order:
    """Replace the staff's note on an order.

    ``seen``: ``note_version`` of the note that the person saw when writing. Raises ``NotAllowed`` without the
    permission, and ``AlreadyResolved`` if somebody else has changed the note since: nothing is overwritten unread.
    """
    require(by, HANDOVER)
    text = text.replace("\r\n", "\n").strip()

    def work() -> Order:
        with locked_order(order.pk) as row:
            if row.staff_note == text:
                return row
            if seen != note_version(row.staff_note):
                raise AlreadyResolved("the note has changed", user_message=_who_changed_the_note(row))
            row.staff_note = text
            row.save(update_fields=["staff_note"])
            _log(row, NOTE_WRITTEN, by)
            return row

    return retry_deadlocks(work)


def note_version(text: str) -> str:
    """Tells one text of a note from another, and is short enough for a form to carry."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@contextmanager
def locked_order(order_id: int) -> Iterator[Order]:
    """The order, alone, in a transaction which begins by writing (see ``locking.locked``)."""
    with transaction.atomic():
        Order.objects.filter(pk=order_id).update(status=F("status"))
        row = Order.objects.select_for_update().filter(pk=order_id).first()
        if row is None:
            raise AlreadyResolved("the order is gone", user_message=_("This order has been deleted meanwhile."))
        yield row


def _log(order: Order, action: str, by: Any, **data: Any) -> None:
    # Wagtail keeps one entry for each uuid and action, and gives a whole request the same uuid.
    log(order, action, user=by, uuid=uuid.uuid4(), data=data)


def _who_handed_over(row: Order) -> str:
    if row.handed_over_by is None:
        return _("This order has already been handed over: nothing was done.")
    return _("%(user)s has already handed this order over: nothing was done.") % {
        "user": row.handed_over_by.get_username()
    }


def _who_changed_the_note(row: Order) -> str:
    entry = logs.get_logs_for_instance(row).filter(action=NOTE_WRITTEN).select_related("user").first()
    if entry is None or entry.user is None:
        return _("Somebody else has changed the note meanwhile, so yours was not saved.")
    return _("%(user)s has changed the note meanwhile, so yours was not saved.") % {"user": entry.user.get_username()}

"""What staff do, in Wagtail's own log: beside the ledger of a payment, where it stands in full."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.log_actions import LogFormatter, log

from wagtail_payparts.dashboard.attention import explain
from wagtail_payparts.formats import format_hryvnias
from wagtail_payparts.models import Verdict
from wagtail_payparts.resources import clean


logger = logging.getLogger(__name__)

ASKED = "wagtail_payparts.ask"
DELIVERED = "wagtail_payparts.deliver"
RESOLVED = "wagtail_payparts.resolve"
NOTED = "wagtail_payparts.note"
CONFIRMED_HOLD = "wagtail_payparts.confirm_hold"
CANCELED_HOLD = "wagtail_payparts.cancel_hold"
REFUNDED = "wagtail_payparts.refund"


def write_log(row: models.Model, action: str, **data: Any) -> None:
    """Write down what was done. It is done: a log that cannot be written must not say otherwise."""
    try:
        # With its own transaction, inside another one it would leave that unusable.
        with transaction.atomic():
            # Wagtail keeps one entry for each uuid and action, and gives a whole request the same uuid.
            log(row, action, data=data, uuid=uuid.uuid4())
    except Exception:
        logger.exception("%s of %s #%s could not be logged", action, type(row).__name__, row.pk)


def write_log_of_each(rows: Iterable[models.Model], action: str, **data: Any) -> None:
    for row in rows:
        write_log(row, action, **data)


class Asked(LogFormatter):
    label = gettext_lazy("Ask the bank")

    def format_message(self, log_entry: Any) -> str:
        verdict = str(log_entry.data.get("verdict", ""))
        words = {"verdict": dict(Verdict.choices).get(verdict, verdict)}
        return _("The bank was asked: %(verdict)s") % words if verdict else _("The bank was asked")


class Resolved(LogFormatter):
    label = gettext_lazy("Decide what needs attention")

    def format_message(self, log_entry: Any) -> str:
        words = {"what": explain(clean(str(log_entry.data.get("code", "")))).label}
        if log_entry.data.get("accepted"):
            return _("Accepted: %(what)s") % words
        return _("Dismissed: %(what)s") % words


class Refunded(LogFormatter):
    """Written before the bank is told: what came of it is in the payment's history."""

    label = gettext_lazy("Refund")

    def format_message(self, log_entry: Any) -> str:
        try:
            amount = format_hryvnias(Decimal(log_entry.data["amount"]))
        except (KeyError, TypeError, InvalidOperation):
            return _("The bank was told to refund")
        return _("The bank was told to refund %(amount)s") % {"amount": amount}


def register_actions(actions: Any) -> None:
    """For Wagtail's hook ``register_log_actions``."""
    actions.register_action(ASKED)(Asked)
    actions.register_action(RESOLVED)(Resolved)
    actions.register_action(REFUNDED)(Refunded)
    actions.register_action(
        CONFIRMED_HOLD, gettext_lazy("Confirm the hold"), gettext_lazy("The bank was told to confirm the hold")
    )
    actions.register_action(
        CANCELED_HOLD, gettext_lazy("Cancel the hold"), gettext_lazy("The bank was told to cancel the hold")
    )
    actions.register_action(DELIVERED, gettext_lazy("Deliver signals again"), gettext_lazy("Signals delivered again"))
    actions.register_action(NOTED, gettext_lazy("Write a note"), gettext_lazy("A note was written"))

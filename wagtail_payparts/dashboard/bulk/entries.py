"""What bulk actions leave in Wagtail's own log: an entry for each payment."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy as _
from wagtail.log_actions import log

from wagtail_payparts.models import Payment


ASKED = "wagtail_payparts.ask"
RESOLVED = "wagtail_payparts.resolve"

_WORDS = {
    ASKED: (_("Ask the bank"), _("The bank was to be asked about the payment")),
    RESOLVED: (_("Resolve"), _("What needed attention was decided")),
}


def register_bulk_log_actions(actions: Any) -> None:
    for action, words in _WORDS.items():
        # The actions on a single payment leave the same entries.
        if action not in actions.formatters:
            actions.register_action(action, *words)


def log_each(payments: Iterable[Payment], action: str, **data: Any) -> None:
    for payment in payments:
        # Wagtail keeps one entry for each uuid and action, and gives a whole request the same uuid.
        log(payment, action, data=data, uuid=uuid.uuid4())

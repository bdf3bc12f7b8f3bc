"""What a person should know about each thing that needs one."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from wagtail_payparts.models import AttentionCode


class Explained(NamedTuple):
    label: str
    advice: str


_ADVICE = {
    AttentionCode.UNKNOWN_STATE: _(
        "The payment stays where it was and is asked about again. Look it up in the bank's cabinet."
    ),
    AttentionCode.UNKNOWN_ORDER: _("A message of the bank could not be matched with a payment of this site."),
    AttentionCode.LATE_SUCCESS: _(
        "The money came after the payment had been cancelled, refused or given up. Make sure that the goods are "
        "still there; if not, give the money back."
    ),
    AttentionCode.LATE_LOCK: _(
        "The bank holds money for a payment that had ended. Confirm the hold only if the goods are still there."
    ),
    AttentionCode.NEGATIVE_AFTER_SUCCESS: _(
        "The payment still counts as paid here. Ask the bank whether the money went back to the buyer."
    ),
    AttentionCode.AMOUNT_MISMATCH: _(
        "The bank's answer was not applied. Compare the amounts here and in the bank's cabinet before you ship."
    ),
    AttentionCode.DOUBLE_PAYMENT: _("The buyer paid for one order with two payments. One of them has to go back."),
    AttentionCode.CLAIM_OVERDUE: _(
        "A callback told of a decision half an hour ago or longer, and the bank has not confirmed it when asked. "
        "The payment moves when it does."
    ),
    AttentionCode.CLAIM_CONTRADICTED: _(
        "A callback with a valid signature said something else than the bank itself. If it happens again, somebody "
        "may know the store's password: change it at the bank."
    ),
    AttentionCode.UNEXPECTED_HOLD: _("The money is held and not yet paid: it has to be confirmed or cancelled."),
    AttentionCode.HOLD_EXPIRING: _("Confirm the hold or cancel it, before the bank lets the money go."),
    AttentionCode.ACTION_STUCK: _("The bank was told to act and it is not known whether it did. Ask it again."),
    AttentionCode.REFUND_UNCERTAIN: _(
        "Do not repeat the refund before the bank's cabinet says whether it was made: it could be made twice."
    ),
    AttentionCode.EXTERNAL_REFUND: _("Money went back to the buyer by way of the bank's cabinet. Check the order."),
    AttentionCode.DELIVERY_FAILING: _(
        "A part of the site that is told of payments keeps failing, so the shop's own order may be out of date. "
        "Its error is in the timeline: show it to a developer."
    ),
}


def explain(code: str) -> Explained:
    """A code in words, and what to do about it. One of another version of the plugin explains itself."""
    if code not in AttentionCode.values:
        return Explained(code, "")
    known = AttentionCode(code)
    return Explained(str(known.label), str(_ADVICE[known]))

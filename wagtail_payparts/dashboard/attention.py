"""What a person should know about each thing that needs one, and what deciding it means."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from wagtail_payparts.models import AttentionCode


class Explained(NamedTuple):
    label: str
    advice: str


class Meaning(NamedTuple):
    """What a person says by accepting, and by dismissing."""

    accept: str
    dismiss: str


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

_MEANING = {
    AttentionCode.UNKNOWN_STATE: (
        _("You have found out what the bank means, and have dealt with it."),
        _("The word is of no importance for this payment."),
    ),
    AttentionCode.UNKNOWN_ORDER: (
        _("You have found out which order the bank means, and have dealt with it."),
        _("The message is of no importance."),
    ),
    AttentionCode.LATE_SUCCESS: (
        _("The money came late, and you have dealt with it: the buyer gets the goods, or the money goes back."),
        _("The money came late, and there is nothing to do about it: the goods were waiting for it."),
    ),
    AttentionCode.LATE_LOCK: (
        _("The hold came late, and you have dealt with it: it is confirmed or cancelled."),
        _("The hold came late, and there is nothing to do about it."),
    ),
    AttentionCode.NEGATIVE_AFTER_SUCCESS: (
        _("The bank has confirmed that the money went back to the buyer."),
        _("The money did not go back: the payment stays paid."),
    ),
    AttentionCode.AMOUNT_MISMATCH: (
        _("The amounts do differ, and you have dealt with it. The payment stays where it is."),
        _("It is a mistake of the bank's that does not matter. The payment stays where it is."),
    ),
    AttentionCode.DOUBLE_PAYMENT: (
        _("The order was paid twice, and one of the two payments goes back to the buyer."),
        _("Both payments are right: the buyer owed both."),
    ),
    AttentionCode.CLAIM_OVERDUE: (
        _("You have asked the bank what became of the payment, and have dealt with it."),
        _("There is nothing to do: the bank will say so itself when it is asked again."),
    ),
    AttentionCode.CLAIM_CONTRADICTED: (
        _("You have looked into it: the bank has explained it, or the store's password is changed."),
        _("It happened once and does not matter."),
    ),
    AttentionCode.UNEXPECTED_HOLD: (
        _("You have dealt with the hold: it is confirmed or cancelled."),
        _("There is nothing to do: the bank ends the hold by itself."),
    ),
    AttentionCode.HOLD_EXPIRING: (
        _("You have dealt with the hold: it is confirmed or cancelled."),
        _("The hold may end: nothing is to be done."),
    ),
    AttentionCode.ACTION_STUCK: (
        _("You know from the bank what became of the action. Another one may begin."),
        _("It does not matter what became of the action. Another one may begin."),
    ),
    AttentionCode.REFUND_UNCERTAIN: (
        _("The bank's cabinet shows that the refund was made."),
        _("The bank's cabinet shows that the refund was not made."),
    ),
    AttentionCode.EXTERNAL_REFUND: (
        _("The refund is right, and you have dealt with the order."),
        _("There is nothing to do about this refund."),
    ),
    AttentionCode.DELIVERY_FAILING: (
        _("The fault is found, and the shop's own order was put right."),
        _("It does not matter that this part of the site was not told."),
    ),
}
_MEANING_OF_OTHERS = (_("It is so, and you have dealt with it."), _("It is not so, or does not matter."))


def explain(code: str) -> Explained:
    """A code in words, and what to do about it. One of another version of the plugin explains itself."""
    if code not in AttentionCode.values:
        return Explained(code, "")
    known = AttentionCode(code)
    return Explained(str(known.label), str(_ADVICE[known]))


def meaning_of(code: str) -> Meaning:
    """What accepting and dismissing a code say, in words."""
    accept, dismiss = _MEANING[AttentionCode(code)] if code in AttentionCode.values else _MEANING_OF_OTHERS
    return Meaning(str(accept), str(dismiss))

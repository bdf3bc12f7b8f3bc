"""What went wrong between us and the bank, in words for staff: our client notes it in English, for the log."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from wagtail_payparts.dashboard.texts import Text, bank_text, clip
from wagtail_payparts.models import EventType, PaymentEvent, Refund, RefundState, Verdict
from wagtail_payparts.resources import clean
from wagtail_payparts.states import PaymentState


#: What ``bank`` writes down in words of its own (the rest of what it writes down are the bank's words).
_NO_REASON = "refused without a reason"
_OURS = frozenset({Verdict.UNREACHABLE, Verdict.BAD_ANSWER})
_ANSWERED_NO = frozenset({Verdict.REFUSED, Verdict.UNKNOWN_ORDER})

#: What we have noted ourselves, with what it is about.
_NOTES: dict[str, str | Promise] = {
    "no_amount": gettext_lazy("The bank's answer named no amount, so it could not be compared with ours."),
    "receiver_gone": gettext_lazy(
        "The receiver “%(receiver)s” is no longer there. It had not taken the signal “%(signal)s”, which does not wait "
        "for it any more."
    ),
}

_NO_REPLY: tuple[tuple[str, str | Promise], ...] = (
    ("Timeout", gettext_lazy("The bank did not answer in time.")),
    ("SSL", gettext_lazy("No secure connection with the bank could be made.")),
    ("Proxy", gettext_lazy("The proxy through which the bank is asked did not let us through.")),
    ("ConnectionError", gettext_lazy("No connection with the bank could be made.")),
)
_UNBELIEVABLE: tuple[tuple[str, str | Promise], ...] = (
    (
        "the signature is not the bank's",
        gettext_lazy("The answer is not signed with the store's password, so it was not believed."),
    ),
    ("the reply is about another order", gettext_lazy("The answer is about another order, so it was not believed.")),
    ("the reply does not name its order", gettext_lazy("The answer names no order, so it was not believed.")),
    ("the reply does not say the payment's state", gettext_lazy("The answer does not say how the payment stands.")),
    ("more than the bank ever sends", gettext_lazy("The answer is longer than the bank's ever are.")),
    ("the bank redirects elsewhere", gettext_lazy("The bank's address leads elsewhere: check it in the settings.")),
    ("the reply cannot be read", gettext_lazy("The answer cannot be read.")),
)


def is_technical(event: PaymentEvent) -> bool:
    """Whether the event's message is a note of ours for the log, and not somebody's words."""
    if event.type == EventType.NOTE:
        return event.payload.get("note") in _NOTES
    return event.verdict in _OURS or (event.message == _NO_REASON and event.verdict in _ANSWERED_NO)


def what_it_says(message: str) -> str:
    """A sentence about why the bank refused, with its own words."""
    if message in ("", _NO_REASON):
        return _("The bank gave no reason.")
    return _("The bank says: “%(words)s”") % {"words": clip(message).short}


def refund_message(refund: Refund, *, with_buyer: bool) -> Text:
    """What the bank said of a refund, for those who may read it."""
    if refund.bank_message == _NO_REASON:
        return Text(_("The bank gave no reason."))
    word = PaymentState.FAIL if refund.state == RefundState.REJECTED else PaymentState.SUCCESS
    return bank_text(refund.bank_message, word, with_buyer=with_buyer)


def explain_exchange(event: PaymentEvent) -> str:
    """What an event with a technical message means for those who do not know HTTP; else nothing."""
    if event.type == EventType.NOTE:
        about = {name: clean(str(value)) for name, value in event.payload.items()}
        return str(_NOTES[about["note"]]) % about
    if event.verdict == Verdict.UNREACHABLE:
        return _first(_NO_REPLY, event.message) or _("The bank did not answer.")
    if event.verdict == Verdict.BAD_ANSWER:
        return _explain_bad_answer(event)
    return _("The bank gave no reason.")


def _explain_bad_answer(event: PaymentEvent) -> str:
    status = event.http_status or 0
    if status >= 500:
        return _("The bank has a fault of its own (HTTP %(status)s).") % {"status": status}
    if status >= 400:
        return _("The bank's address does not take our question (HTTP %(status)s): check it in the settings.") % {
            "status": status
        }
    return _first(_UNBELIEVABLE, event.message) or _("The answer is not what the bank sends, so it was not believed.")


def _first(known: tuple[tuple[str, str | Promise], ...], message: str) -> str:
    return next((str(words) for sign, words in known if sign in message), "")

"""What staff do to a payment: ask the bank, deliver signals again, decide what needs attention, write a note."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.widgets.button import Button

from wagtail_payparts.dashboard.actions import NoteForm, PaymentAction
from wagtail_payparts.dashboard.announcements import receiver_label, signal_label
from wagtail_payparts.dashboard.attention import explain, meaning_of
from wagtail_payparts.dashboard.log import ASKED, DELIVERED, NOTED, RESOLVED
from wagtail_payparts.dashboard.moments import write_moment
from wagtail_payparts.dashboard.money_actions import CancelHold, ConfirmHold, RefundPayment
from wagtail_payparts.formats import format_hryvnias
from wagtail_payparts.models import AttentionCode, Payment, RefundState, Verdict
from wagtail_payparts.resources import clean
from wagtail_payparts.services import desk
from wagtail_payparts.services.actions import decision_version
from wagtail_payparts.states import PaymentState


#: So many failed deliveries are named before they are done again.
NAMED = 10

ACCEPT, DISMISS = "accept", "dismiss"

_NO_ANSWER = {
    Verdict.UNREACHABLE: gettext_lazy("The bank did not answer. Nothing has changed, and it is asked again by itself."),
    Verdict.BAD_ANSWER: gettext_lazy(
        "The bank's answer could not be believed, and nothing has changed. The history says what was wrong with it."
    ),
    Verdict.REFUSED: gettext_lazy("The bank refused to say how the payment stands. Nothing has changed."),
    Verdict.UNKNOWN_ORDER: gettext_lazy("The bank says that it does not know this payment."),
    Verdict.MISMATCH: gettext_lazy("The bank names another amount: its answer was not applied, and needs a person."),
    Verdict.UNKNOWN_STATE: gettext_lazy("The bank used a word that we do not know: its answer needs a person."),
    Verdict.CONFLICT: gettext_lazy("The bank contradicts what it said before: its answer needs a person."),
}


class AskBank(PaymentAction):
    name = "ask"
    label = gettext_lazy("Ask the bank now")
    icon_name = "resubmit"
    any_permission_required = ["ask"]
    log_action = ASKED
    asked: desk.Asked | None = None

    def consequences(self) -> list[str]:
        return [
            _("The bank is asked how this payment stands. That takes a few seconds."),
            _("The payment moves as the bank says, and the shop is told of it, as if the bank were asked by itself."),
        ]

    def do(self, data: dict[str, Any]) -> None:
        before = self.object.state
        try:
            self.asked = desk.ask_bank(self.object, by=self.request.user)
        except ImproperlyConfigured:
            store = clean(self.object.store)
            text = _("The bank cannot be asked: the settings of the store “%(store)s” are missing or wrong.")
            self.tell("error", text % {"store": store})
            return
        self._say_what_the_bank_said(before, self.asked)

    def _say_what_the_bank_said(self, before: str, asked: desk.Asked) -> None:
        after = asked.payment.state
        if after != before:
            text = _("The bank has answered, and the payment has moved from “%(old)s” to “%(new)s”.")
            self.tell("success", text % {"old": PaymentState(before).label, "new": PaymentState(after).label})
        elif asked.event is None:
            text = _("The bank is being asked about this payment, or was a moment ago. Look again in a few seconds.")
            self.tell("warning", text)
        elif asked.event.verdict in _NO_ANSWER:
            self.tell("warning", str(_NO_ANSWER[Verdict(asked.event.verdict)]))
        else:
            self.tell("success", _("The bank has answered, and there is nothing new."))

    def log_data(self, data: dict[str, Any]) -> dict[str, Any] | None:
        event = self.asked.event if self.asked else None
        return {"verdict": event.verdict, "state": event.state} if event else None


class DeliverAgain(PaymentAction):
    name = "deliver"
    label = gettext_lazy("Deliver signals again")
    icon_name = "rotate"
    any_permission_required = ["resolve"]
    log_action = DELIVERED

    @classmethod
    def is_sensible(cls, payment: Payment) -> bool:
        # The payment's page asks for it together with the payment.
        known = getattr(payment, "has_failed", None)
        return bool(desk.failed_results(payment).exists() if known is None else known)

    def why_not(self) -> str:
        if self.is_sensible(self.object):
            return ""
        return _("No signal of this payment waits for a receiver that failed: nothing was done.")

    def facts(self) -> list[tuple[str, str]]:
        failed = desk.failed_results(self.object).select_related("delivery").order_by("pk")
        named = [
            _("“%(signal)s” → %(receiver)s")
            % {"signal": signal_label(result.delivery.signal), "receiver": receiver_label(result.receiver)}
            for result in failed[: NAMED + 1]
        ]
        if len(named) > NAMED:
            named[NAMED:] = ["…"]
        return [*super().facts(), (_("Signals that failed"), "; ".join(named))]

    def consequences(self) -> list[str]:
        return [
            _("Each receiver that has failed is called at once, also where it was given up."),
            _("Receivers that have taken a signal are not called again."),
        ]

    def do(self, data: dict[str, Any]) -> None:
        desk.deliver_again(self.object, by=self.request.user)
        self.tell("success", _("The signals are being delivered again. The history says what each receiver did."))


class DecisionForm(NoteForm):
    decision = forms.ChoiceField(label=gettext_lazy("Decision"), widget=forms.RadioSelect)
    #: What the person has before the eyes.
    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    field_order = ["decision", "note"]

    def __init__(self, data: Any = None, *, code: str, seen: str) -> None:
        super().__init__(data, initial={"seen": seen})
        meaning = meaning_of(code)
        decision: Any = self.fields["decision"]
        decision.choices = [
            (ACCEPT, _("Accept: %(meaning)s") % {"meaning": meaning.accept}),
            (DISMISS, _("Dismiss: %(meaning)s") % {"meaning": meaning.dismiss}),
        ]


class Decide(PaymentAction):
    """One thing that needs attention; its code is the last piece of the address."""

    name = "resolve"
    route = "<slug:code>/"
    label = gettext_lazy("Decide")
    icon_name = "check"
    any_permission_required = ["resolve"]
    log_action = RESOLVED

    @property
    def code(self) -> str:
        return str(self.kwargs["code"])

    def get_form(self, data: Any = None) -> DecisionForm:
        return DecisionForm(data, code=self.code, seen=decision_version(self.object))

    def why_not(self) -> str:
        return "" if self.code in self.object.attention_codes else _("This does not need a decision any more.")

    def facts(self) -> list[tuple[str, str]]:
        what = explain(self.code)
        facts = super().facts()
        if self.code == AttentionCode.REFUND_UNCERTAIN:
            for refund in self.object.refunds.filter(state=RefundState.UNCERTAIN).order_by("pk"):
                words = f"{format_hryvnias(refund.amount)}, {write_moment(refund.created_at)}"
                facts.append((_("Refund whose outcome is unknown"), words))
        return [*facts, (_("Needs attention"), f"{what.label}. {what.advice}" if what.advice else what.label)]

    def consequences(self) -> list[str]:
        said = [_("The decision and your note are written into the payment’s history. They stay there.")]
        if self.code == AttentionCode.NEGATIVE_AFTER_SUCCESS and self.object.remainder:
            money = {"amount": format_hryvnias(self.object.remainder)}
            return [
                _(
                    "If you accept: a refund of %(amount)s, made at the bank, is written down, the payment counts as "
                    "refunded in full, and the shop is told of it. No money is moved by this."
                )
                % money,
                _(
                    "If you dismiss: the payment stays paid. If the bank still says otherwise when it is asked next, "
                    "this comes back."
                ),
                *said,
            ]
        if self.code == AttentionCode.REFUND_UNCERTAIN:
            return [
                _("If you accept: the refund counts as made, and the shop is told of it. No money is moved by this."),
                _("If you dismiss: the refund counts as not made, and can be made again."),
                *said,
            ]
        if self.code == AttentionCode.ACTION_STUCK:
            return [
                _("Either way the action counts as over, and another one may begin. No money is moved by this."),
                *said,
            ]
        return [
            _("Nothing else changes: no money is moved, and the payment stays where it is."),
            _("What is still wrong when the bank is asked next comes back."),
            *said,
        ]

    def do(self, data: dict[str, Any]) -> None:
        accept = data["decision"] == ACCEPT
        decision = {"accept": accept, "note": data["note"], "seen": data["seen"] or None}
        desk.resolve_attention(self.object, self.code, by=self.request.user, **decision)
        self.tell("success", _("Decided, and written into the history."))

    def log_data(self, data: dict[str, Any]) -> dict[str, Any] | None:
        return {"code": self.code, "accepted": data["decision"] == ACCEPT}


class WriteNote(PaymentAction):
    name = "note"
    label = gettext_lazy("Write a note")
    icon_name = "edit"
    any_permission_required = ["ask", "resolve"]
    form_class = NoteForm
    log_action = NOTED

    def consequences(self) -> list[str]:
        return [_("The note is written into the payment’s history with your name. It stays there.")]

    def do(self, data: dict[str, Any]) -> None:
        desk.add_note(self.object, data["note"], by=self.request.user)
        self.tell("success", _("The note is written into the history."))


#: Each has an address; those that need no more than the payment have a button at the head of its page.
PAYMENT_ACTIONS: tuple[type[PaymentAction], ...] = (
    AskBank,
    ConfirmHold,
    CancelHold,
    RefundPayment,
    DeliverAgain,
    Decide,
    WriteNote,
)


def buttons(payment: Payment, user: Any) -> list[Button]:
    """What a person may do with a payment as it stands, for the head of its page."""
    return [
        action.button(payment)
        for action in PAYMENT_ACTIONS
        if not action.route and action.is_allowed(user) and action.is_sensible(payment)
    ]


def open_questions(payment: Payment, user: Any, *, back_to: str = "") -> list[dict[str, str]]:
    """What needs attention in a payment, in words, each with the address where it is decided by those who may."""
    may_decide = Decide.is_allowed(user)
    return [
        {
            "code": code,
            **explain(clean(code))._asdict(),
            "url": Decide.url(payment, code, back_to=back_to) if may_decide and _is_slug(code) else "",
        }
        for code in payment.attention_codes
    ]


def _is_slug(code: str) -> bool:
    """Only then it can stand in an address."""
    return bool(code) and code.isascii() and code.replace("_", "").replace("-", "").isalnum()

"""What staff do to the money of a payment: take a hold, let it go, give money back.

Each is in Wagtail's log before the bank is told, whatever comes of it; what came of it is in the payment's history.
"""

from __future__ import annotations

from abc import abstractmethod
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from wagtail_payparts import conf
from wagtail_payparts.dashboard.actions import NoteForm, PaymentAction
from wagtail_payparts.dashboard.amounts import HryvniasField, write_plainly
from wagtail_payparts.dashboard.exchanges import what_it_says
from wagtail_payparts.dashboard.holds import hold_ends
from wagtail_payparts.dashboard.log import CANCELED_HOLD, CONFIRMED_HOLD, REFUNDED, write_log
from wagtail_payparts.exceptions import NotAllowed
from wagtail_payparts.formats import format_hryvnias
from wagtail_payparts.models import EventType, Payment, Refund, RefundState, Verdict
from wagtail_payparts.resources import clean
from wagtail_payparts.services import cancel_hold, confirm_hold, refund_payment
from wagtail_payparts.services.actions import decision_version, has_changed
from wagtail_payparts.services.holds import why_no_hold
from wagtail_payparts.services.refunds import check_amount, refundable, why_no_refund
from wagtail_payparts.states import PaymentState


class ReasonForm(NoteForm):
    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.fields["note"].label = _("Reason")


class MoneyAction(PaymentAction):
    """The bank is told by ``act``, and the log before it by what ``act`` hands to the service as ``on_begun``."""

    form_class: type[forms.Form] = ReasonForm
    is_serious = True

    @abstractmethod
    def act(self, data: dict[str, Any]) -> None:
        """Tell the bank by a service, and say what came of it by ``self.tell``."""

    def do(self, data: dict[str, Any]) -> None:
        try:
            self.act(data)
        except ImproperlyConfigured:
            self.tell("error", _store_is_missing(self.object))

    def log_data(self, data: dict[str, Any]) -> dict[str, Any] | None:
        return None


class HoldAction(MoneyAction):
    any_permission_required = ["hold"]

    @classmethod
    def is_sensible(cls, payment: Payment) -> bool:
        return not why_no_hold(payment)

    def why_not(self) -> str:
        try:
            conf.get_store(self.object.store)
        except ImproperlyConfigured:
            return _store_is_missing(self.object)
        return why_no_hold(self.object)

    def facts(self) -> list[tuple[str, str]]:
        ends = hold_ends(self.object)
        return [*super().facts(), *([(_("The hold ends"), f"{ends.moment} ({ends.left})")] if ends else [])]

    def act(self, data: dict[str, Any]) -> None:
        service = confirm_hold if self.log_action == CONFIRMED_HOLD else cancel_hold
        payment = service(
            self.object,
            by=self.request.user,
            reason=data["note"],
            on_begun=lambda begun: write_log(begun, self.log_action, reason=data["note"]),
        )
        if payment.state != PaymentState.LOCKED:
            self.say_where_it_is(payment)
        else:
            self._say_why_it_is_still_held(payment)

    @abstractmethod
    def say_where_it_is(self, payment: Payment) -> None:
        """The bank holds the money no more."""

    def say_otherwise(self, payment: Payment) -> None:
        text = _("The hold is over, but not as you wanted: the bank says that the payment is “%(state)s”.")
        self.tell("warning", text % {"state": payment.get_state_display()})

    def _say_why_it_is_still_held(self, payment: Payment) -> None:
        reply = payment.events.filter(type=EventType.ACTION).exclude(verdict="").order_by("-pk").first()
        verdict = reply.verdict if reply else ""
        if verdict == Verdict.REFUSED and reply and not payment.pending_action:
            refused = _("The bank has refused, and still holds the money.")
            self.tell("error", f"{refused} {what_it_says(reply.message)}")
        elif verdict == Verdict.RECEIVED:
            self.tell(
                "warning",
                _(
                    "The bank has been told, and has not decided yet: the money is still held. It is asked again by "
                    "itself, and nothing else can be done with this hold until it has answered."
                ),
            )
        else:
            self.tell(
                "error",
                _(
                    "The bank gave no answer that can be believed, so it is not known whether it has acted. Do not "
                    "ship or sell the goods to others yet: the bank is asked again by itself, and the payment moves "
                    "when it answers."
                ),
            )


class ConfirmHold(HoldAction):
    name = "confirm"
    label = gettext_lazy("Confirm the hold")
    icon_name = "circle-check"
    log_action = CONFIRMED_HOLD

    def consequences(self) -> list[str]:
        return [
            _("The bank is told to take the %(amount)s that it holds: the buyer has paid then.")
            % {"amount": format_hryvnias(self.object.amount)},
            _("It cannot be taken back; money goes to the buyer again only as a refund."),
            _("The payment moves when the bank says so. The shop is told of it."),
        ]

    def say_where_it_is(self, payment: Payment) -> None:
        if payment.is_paid:
            self.tell("success", _("The hold is confirmed: the bank says that the payment is paid."))
        else:
            self.say_otherwise(payment)


class CancelHold(HoldAction):
    name = "cancel"
    label = gettext_lazy("Cancel the hold")
    icon_name = "cross"
    log_action = CANCELED_HOLD

    def consequences(self) -> list[str]:
        return [
            _("The bank is told to let the %(amount)s go: the buyer pays nothing, and the shop gets nothing.")
            % {"amount": format_hryvnias(self.object.amount)},
            _("It cannot be taken back; the buyer would have to pay anew."),
            _("The payment moves when the bank says so. The shop is told of it."),
        ]

    def say_where_it_is(self, payment: Payment) -> None:
        if payment.is_paid:
            self.say_otherwise(payment)
        else:
            self.tell("success", _("The hold is cancelled: the bank has let the money go."))


class RefundForm(ReasonForm):
    amount = HryvniasField(label=gettext_lazy("Amount, UAH"))
    #: What the person has before the eyes.
    seen = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)
    field_order = ["amount", "note"]

    def __init__(self, data: Any = None, *, payment: Payment, partial: bool, is_repeated: bool = False) -> None:
        """``is_repeated``: on the second page, which says in words what was filled in on the first."""
        left = refundable(payment)
        super().__init__(data, initial={"amount": write_plainly(left), "seen": decision_version(payment)})
        self.payment, self.partial = payment, partial
        amount = self.fields["amount"]
        if partial:
            amount.help_text = _("At most %(amount)s can be refunded.") % {"amount": format_hryvnias(left)}
        else:
            amount.disabled = True
            amount.help_text = _("The store does not allow refunds of a part: the whole amount goes back.")
        if is_repeated:
            amount.widget = self.fields["note"].widget = forms.HiddenInput()

    def clean_amount(self) -> Any:
        amount = self.cleaned_data["amount"]
        try:
            check_amount(self.payment, amount, partial=self.partial)
        except NotAllowed as error:
            raise forms.ValidationError(error.user_message) from error
        return amount


class RefundPayment(MoneyAction):
    """Two pages: how much and why; then the amount in full, and whether. Only the second does anything."""

    name = "refund"
    label = pgettext_lazy("to do", "Refund")
    icon_name = "payparts-refund"
    any_permission_required = ["refund"]
    log_action = REFUNDED
    is_serious = False
    #: What is to be done, on the second page.
    wanted: dict[str, Any] | None = None

    @classmethod
    def is_sensible(cls, payment: Payment) -> bool:
        try:
            return not why_no_refund(payment, partial=_allows_parts(payment))
        except ImproperlyConfigured:
            return False

    def why_not(self) -> str:
        try:
            return why_no_refund(self.object, partial=_allows_parts(self.object))
        except ImproperlyConfigured:
            return _store_is_missing(self.object)

    def get_form(self, data: Any = None) -> RefundForm:
        return RefundForm(data, payment=self.object, partial=_allows_parts(self.object))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if reason := self.why_not():
            return self._back_with(reason)
        form = self.get_form(request.POST)
        if not form.is_valid() or "change" in request.POST:
            return self._ask(form)
        version = decision_version(self.object)
        if form.cleaned_data["seen"] != version:
            typed = request.POST.copy()
            typed["seen"] = version
            form = self.get_form(typed)
            form.add_error(None, has_changed())
            return self._ask(form)
        if request.POST.get("confirmed") != _exactly(form.cleaned_data["amount"]):
            return self._repeat(form)
        return super().post(request, *args, **kwargs)

    def _repeat(self, form: RefundForm) -> HttpResponseBase:
        self.wanted = form.cleaned_data
        self.is_serious = True
        return self._ask(RefundForm(form.data, payment=self.object, partial=form.partial, is_repeated=True))

    def facts(self) -> list[tuple[str, str]]:
        left = refundable(self.object)
        if self.wanted is None:
            return [*super().facts(), (_("Left to refund"), format_hryvnias(left))]
        return [
            *super().facts(),
            (_("Goes back to the buyer"), format_hryvnias(self.wanted["amount"])),
            (_("Left to refund afterwards"), format_hryvnias(left - self.wanted["amount"])),
            (_("Reason"), self.wanted["note"]),
        ]

    def consequences(self) -> list[str]:
        if self.wanted is None:
            return [_("Nothing yet: the next page repeats the amount and asks.")]
        return [
            _("The bank is told to give %(amount)s back to the buyer. It is told once, and cannot be stopped then.")
            % {"amount": format_hryvnias(self.wanted["amount"])},
            _("When the bank accepts, the shop is told of it."),
            _(
                "If no answer comes, nobody knows whether the money went back: look into the bank’s cabinet then, "
                "and do not repeat the refund before."
            ),
        ]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        if self.wanted is None:
            return context | {"submit_label": _("Continue")}
        amount = self.wanted["amount"]
        words = {"amount": format_hryvnias(amount)}
        return context | {
            "confirmed": _exactly(amount),
            "question": _("Give %(amount)s back to the buyer?") % words,
            "submit_label": _("Refund %(amount)s") % words,
        }

    def act(self, data: dict[str, Any]) -> None:
        refund = refund_payment(
            self.object,
            data["amount"],
            reason=data["note"],
            by=self.request.user,
            seen=data["seen"],
            on_begun=lambda begun: write_log(
                self.object, self.log_action, refund=begun.pk, amount=_exactly(begun.amount), reason=begun.reason
            ),
        )
        self._say_what_became_of(refund)

    def _say_what_became_of(self, refund: Refund) -> None:
        amount = {"amount": format_hryvnias(refund.amount)}
        if refund.state == RefundState.ACCEPTED:
            self.tell("success", _("The bank has accepted the refund: %(amount)s goes back to the buyer.") % amount)
        elif refund.state == RefundState.REJECTED:
            text = _("The bank has refused to refund %(amount)s: nothing went back.") % amount
            self.tell("error", f"{text} {what_it_says(refund.bank_message)}")
        else:
            text = _(
                "It is not known whether the bank has refunded %(amount)s. Do not repeat it. Look into the bank’s "
                "cabinet, and then say under “Needs attention” whether the refund was made; until then no other refund "
                "of this payment can begin."
            )
            self.tell("error", text % amount)


def _store_is_missing(payment: Payment) -> str:
    text = _("The bank cannot be told: the settings of the store “%(store)s” are missing or wrong.")
    return text % {"store": clean(payment.store)}


def _allows_parts(payment: Payment) -> bool:
    return conf.get_store(payment.store).partial_refunds


def _exactly(amount: Decimal) -> str:
    return f"{amount:.2f}"

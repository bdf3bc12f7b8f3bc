"""The bulk action that decides what needed a person, the same for each of the chosen payments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django import forms
from django.http import HttpResponseBase
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from wagtail.admin import messages
from wagtail.admin.widgets import AdminAutoHeightTextInput

from wagtail_payparts.dashboard.attention import explain
from wagtail_payparts.dashboard.bulk.base import ConfirmedBulkAction
from wagtail_payparts.dashboard.log import RESOLVED, write_log_of_each
from wagtail_payparts.models import AttentionCode, Payment
from wagtail_payparts.services.bulk import ONE_AT_A_TIME, resolve_each


ACCEPT, DISMISS = "accept", "dismiss"


class CodeField(forms.ChoiceField):
    """Takes every code that can be decided for several payments, also one that is open for none of them any more.

    What somebody else has decided meanwhile is counted as that, and is no mistake of this person.
    """

    def valid_value(self, value: Any) -> bool:
        return value in set(AttentionCode.values) - ONE_AT_A_TIME or bool(super().valid_value(value))


class ResolveForm(forms.Form):
    code = CodeField(label=_("What is decided"), widget=forms.RadioSelect)
    decision = forms.ChoiceField(
        label=_("Decision"),
        widget=forms.RadioSelect,
        choices=[
            (ACCEPT, _("Accept: it is true, and it has been dealt with")),
            (DISMISS, _("Dismiss: there is nothing to deal with")),
        ],
    )
    note = forms.CharField(
        label=_("Note"),
        help_text=_("Why. It is kept in the history of each payment."),
        max_length=2000,
        widget=AdminAutoHeightTextInput,
    )

    #: What the person had before the eyes: the payments with the codes that were open.
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, codes: Counter[str], seen: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen"].initial = seen
        field = self.fields["code"]
        field.choices = [(code, _with_count(code, count)) for code, count in codes.items()]  # type: ignore[attr-defined]
        if len(codes) == 1:
            field.initial = next(iter(codes))


class ResolveBulkAction(ConfirmedBulkAction):
    display_name = _("Resolve")
    aria_label = _("Resolve what needs attention in the chosen payments")
    action_type = "payparts_resolve"
    action_priority = 30
    permission = "resolve"
    template_name = "wagtail_payparts/admin/bulk/resolve.html"
    form_class = ResolveForm
    question = _("Resolve what needs attention")
    submit_label = _("Resolve")

    def get_form_kwargs(self) -> dict[str, Any]:
        kwargs: dict[str, Any] = super().get_form_kwargs()
        return kwargs | {"codes": self._open_codes(), "seen": _write_seen(self.payments)}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        alone = [payment for payment in self.payments if ONE_AT_A_TIME & set(payment.attention_codes)]
        return context | {
            "codes": [explain(code) for code in self._open_codes()],
            "with_attention": True,
            "one_at_a_time": len(alone),
            "one_at_a_time_codes": [explain(code).label for code in sorted(ONE_AT_A_TIME)],
        }

    def can_act(self) -> bool:
        return bool(self._open_codes())

    def form_invalid(self, form: Any) -> HttpResponseBase:
        # The form stands below a long list.
        messages.validation_error(self.request, _("Nothing was done: the form below has errors."), form)
        response: HttpResponseBase = super().form_invalid(form)
        return response

    def act(self, form: Any) -> None:
        code, decision, note = (form.cleaned_data[name] for name in ("code", "decision", "note"))
        accept = decision == ACCEPT
        shown = _shown_with(code, self.payments, form.cleaned_data["seen"])
        resolved = resolve_each(shown, code, accept=accept, note=note, by=self.request.user)
        write_log_of_each(resolved.done, RESOLVED, code=code, accepted=accept, note=note)
        if resolved.done:
            messages.success(self.request, _resolved(len(resolved.done)))
        if resolved.decided_before:
            messages.warning(self.request, _decided_before(len(resolved.decided_before)))
        if not resolved.done and not resolved.decided_before:
            messages.warning(self.request, _("None of the chosen payments waits for this decision: nothing was done."))

    def _open_codes(self) -> Counter[str]:
        """The codes that can be decided here, those of most payments first."""
        counted = Counter(code for payment in self.payments for code in set(payment.attention_codes))
        return Counter({code: count for code, count in counted.most_common() if code not in ONE_AT_A_TIME})


def _write_seen(payments: Iterable[Payment]) -> str:
    return ";".join(f"{payment.pk}:{payment.attention}" for payment in payments if payment.attention)


def _shown_with(code: str, payments: Iterable[Payment], seen: str) -> list[Payment]:
    """The payments that were shown with this code. What has come up since has been seen by nobody."""
    if not seen:
        return list(payments)
    shown = dict(entry.partition(":")[::2] for entry in seen.split(";"))
    return [payment for payment in payments if code in shown.get(str(payment.pk), "").split()]


def _with_count(code: str, count: int) -> str:
    return ngettext("%(code)s: %(count)s payment", "%(code)s: %(count)s payments", count) % {
        "code": explain(code).label,
        "count": count,
    }


def _resolved(count: int) -> str:
    return ngettext("%(count)s payment was resolved.", "%(count)s payments were resolved.", count) % {"count": count}


def _decided_before(count: int) -> str:
    return ngettext(
        "%(count)s payment had already been decided by somebody: nothing was done twice.",
        "%(count)s payments had already been decided by somebody: nothing was done twice.",
        count,
    ) % {"count": count}

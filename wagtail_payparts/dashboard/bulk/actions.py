"""The bulk actions that decide nothing: ask the bank, export the selection."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from wagtail.admin import messages

from wagtail_payparts.dashboard.bulk.base import ConfirmedBulkAction, PaymentBulkAction
from wagtail_payparts.dashboard.bulk.selection import filters_of, is_all, read_selection
from wagtail_payparts.dashboard.log import ASKED, write_log_of_each
from wagtail_payparts.services.bulk import ask_soon, poller_is_silent


class AskBulkAction(ConfirmedBulkAction):
    display_name = _("Ask the bank")
    aria_label = _("Ask the bank about the chosen payments")
    action_type = "payparts_ask"
    action_priority = 10
    permission = "ask"
    question = _("Ask the bank about these payments?")
    submit_label = _("Yes, ask the bank")

    def act(self, form: Any) -> None:
        asked = ask_soon(self.payments, by=self.request.user)
        write_log_of_each(asked.marked, ASKED)
        if asked.at_once:
            messages.success(self.request, _asked_now(asked.at_once))
        if asked.later:
            messages.success(self.request, _asked_later(asked.later))
            if poller_is_silent():
                messages.warning(self.request, _POLLER_IS_SILENT)


class ExportBulkAction(PaymentBulkAction):
    """Leads to the page of the export, which asks for columns and format."""

    http_method_names = ["get", "head", "options"]
    display_name = _("Export")
    aria_label = _("Export the chosen payments")
    action_type = "payparts_export"
    action_priority = 20
    permission = "export"

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method not in {"GET", "HEAD"}:
            return super().http_method_not_allowed(request)  # type: ignore[no-any-return]
        if is_all(request):
            # An export streams: it may be of any size.
            query = filters_of(request)
        else:
            query = urlencode({"id": [payment.pk for payment in read_selection(request).payments]}, doseq=True)
        page = reverse("payparts_payments:index") + "export/"
        return redirect(f"{page}?{query}" if query else page)


_POLLER_IS_SILENT = _(
    "The poller (manage.py payparts_sync) has not been seen for more than five minutes: until it runs again, these "
    "questions wait. Tell whoever looks after the site."
)


def _asked_now(count: int) -> str:
    return ngettext(
        "The bank is being asked about %(count)s payment now: reload the list to see what it says.",
        "The bank is being asked about %(count)s payments now: reload the list to see what it says.",
        count,
    ) % {"count": count}


def _asked_later(count: int) -> str:
    return ngettext(
        "The bank will be asked about %(count)s payment within a few minutes.",
        "The bank will be asked about %(count)s payments within a few minutes.",
        count,
    ) % {"count": count}

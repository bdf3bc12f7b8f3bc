"""The page on which a person chooses what is exported of a listing, or of a selection from it, and how."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.urls import resolve, reverse
from django.utils.formats import number_format
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views import View
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.views.generic.permissions import PermissionCheckedMixin

from wagtail_payparts.dashboard.export_form import REMEMBERED, ExportForm
from wagtail_payparts.dashboard.exports import (
    COUNTED,
    TOO_MANY_FOR_XLSX,
    XLSX,
    count_up_to,
    describe,
    export_response,
    filters_of,
    resource_for,
)
from wagtail_payparts.models import Payment, Refund
from wagtail_payparts.resources import MAX_XLSX_ROWS, clean


#: As many as an address can carry in practice; whole listings come by their filters.
MOST_SELECTED = 5000
_IDS = re.compile("[0-9]{1,18}(,[0-9]{1,18})*")


class ExportView(ABC, PermissionCheckedMixin, WagtailAdminTemplateMixin, View):
    """Takes the listing's query: filters, search, order."""

    http_method_names = ["get", "head", "options", "post"]
    model: type[Model]
    index_url_name = ""
    permission_required = "export"
    any_permission_required = ["view"]
    header_icon = "download"
    template_name = "wagtail_payparts/admin/export.html"
    #: In words: what is exported, all of it, and the way back to the listing.
    rows_label: Any = ""
    all_label: Any = ""
    back_label: Any = ""
    #: Of the session: what was chosen the last time.
    remembered = REMEMBERED

    @staticmethod
    @abstractmethod
    def count_in_words(count: int) -> str:
        """``count``: of the rows, no more than one above ``COUNTED``."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        return self._answer(self._form())

    def post(self, request: HttpRequest) -> HttpResponseBase:
        form = self._form(request.POST)
        if self.problems or not form.is_valid() or self._is_too_much(form):
            return self._answer(form)
        request.session[self.remembered] = form.cleaned_data
        return export_response(
            request,
            self.rows,
            options=form.options(),
            described=self._described(),
            is_search=bool(self.listing.is_searching),
        )

    @cached_property
    def listing(self) -> Any:
        """The listing's own view, as the site has it: the same filters, search and order."""
        index = resolve(reverse(self.index_url_name)).func
        view = index.view_class(**index.view_initkwargs)  # type: ignore[attr-defined]
        view.setup(self.request)
        view.is_complete = True
        return view

    @cached_property
    def selected(self) -> list[int] | None:
        """Primary keys of the rows that were chosen; none where it is the listing as a whole."""
        return None

    @cached_property
    def problems(self) -> list[str]:
        """Why nothing can be exported, in words."""
        return [clean(error)[:300] for error in self.listing.filter_errors]

    @cached_property
    def rows(self) -> QuerySet[Any]:
        found: QuerySet[Any] = self.listing.get_queryset()
        return found if self.selected is None else found.filter(pk__in=self.selected)

    def _form(self, data: Any = None) -> ExportForm:
        remembered = self.request.session.get(self.remembered)
        return ExportForm(
            data,
            resource=resource_for(self.request.user, self.model),
            remembered=remembered if isinstance(remembered, dict) else {},
        )

    def _is_too_much(self, form: ExportForm) -> bool:
        if form.cleaned_data["format"] != XLSX or count_up_to(self.rows, MAX_XLSX_ROWS) <= MAX_XLSX_ROWS:
            return False
        form.add_error("format", TOO_MANY_FOR_XLSX)
        return True

    def _described(self) -> dict[str, Any]:
        described = describe(self.request)
        return described if self.selected is None else described | {"selected": self.selected}

    def _answer(self, form: ExportForm) -> HttpResponseBase:
        context = self.get_context_data(form=form)
        # A filter that cannot be read is no filter for Wagtail: nothing is exported by it.
        response: HttpResponseBase = self.render_to_response(context, status=400 if self.problems else 200)
        return response

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        return [
            *self.breadcrumbs_items,
            {"url": reverse(self.index_url_name), "label": self.rows_label},
            {"url": "", "label": self.page_title},
        ]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context |= {"problems": self.problems, "listing_url": self._listing_url()}
        if self.problems:
            return context
        return context | {
            "filters": self._filters(),
            "search": clean(self.listing.search_query),
            "selected": self.selected,
            "count": self.count_in_words(count_up_to(self.rows, COUNTED)),
            "groups": list(kwargs["form"].column_groups()),
        }

    def _filters(self) -> dict[str, str]:
        found: dict[str, list[str]] = {}
        for each in self.listing.active_filters:
            found.setdefault(str(each.field_label), []).append(clean(str(each.value)))
        return {label: ", ".join(values) for label, values in found.items()}

    def _listing_url(self) -> str:
        query, address = filters_of(self.request), reverse(self.index_url_name)
        return f"{address}?{query}" if query and not self.problems else address


class PaymentExportView(ExportView):
    """Also takes, for a selection from the listing, ``id=``: many times, or with commas between."""

    model = Payment
    page_title = gettext_lazy("Export payments")
    rows_label = gettext_lazy("Payments")
    all_label = gettext_lazy("none: every payment, test payments too")
    back_label = gettext_lazy("Back to the payments")

    @staticmethod
    def count_in_words(count: int) -> str:
        if count > COUNTED:
            message = _("More than %(count)s payments: CSV holds any number of them.")
            return message % {"count": number_format(COUNTED, force_grouping=True)}
        return ngettext("%(count)s payment", "%(count)s payments", count) % {
            "count": number_format(count, force_grouping=True)
        }

    @cached_property
    def selected(self) -> list[int] | None:
        written = self.request.GET.getlist("id")
        if not written or not _are_readable(written):
            return None
        return sorted({int(key) for each in written for key in each.split(",")})

    @cached_property
    def problems(self) -> list[str]:
        if not _are_readable(self.request.GET.getlist("id")):
            return [_("The address does not say which payments were chosen: choose them again in the list.")]
        if len(self.selected or ()) > MOST_SELECTED:
            message = _("More than %(count)s payments were chosen: narrow the list by filters and export it whole.")
            return [message % {"count": number_format(MOST_SELECTED, force_grouping=True)}]
        return super().problems


class RefundExportView(ExportView):
    model = Refund
    page_title = gettext_lazy("Export refunds")
    rows_label = gettext_lazy("Refunds")
    all_label = gettext_lazy("none: every refund, of test payments too")
    back_label = gettext_lazy("Back to the refunds")
    remembered = f"{REMEMBERED}_refunds"

    @staticmethod
    def count_in_words(count: int) -> str:
        if count > COUNTED:
            message = _("More than %(count)s refunds: CSV holds any number of them.")
            return message % {"count": number_format(COUNTED, force_grouping=True)}
        return ngettext("%(count)s refund", "%(count)s refunds", count) % {
            "count": number_format(count, force_grouping=True)
        }


def _are_readable(written: list[str]) -> bool:
    return all(_IDS.fullmatch(each) for each in written)

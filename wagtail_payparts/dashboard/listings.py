"""The listings of payments and orders, and the export of what a listing shows."""

from __future__ import annotations

import logging
import tempfile
import uuid
from contextlib import ExitStack
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.http import content_disposition_header
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from import_export.resources import Resource
from wagtail.admin.ui.tables import Column
from wagtail.admin.views import generic
from wagtail.log_actions import log

from wagtail_payparts import conf
from wagtail_payparts.dashboard.columns import order_columns, payment_columns
from wagtail_payparts.dashboard.filters import OrderFilterSet, PaymentFilterSet
from wagtail_payparts.dashboard.permissions import VIEW_BUYER
from wagtail_payparts.dashboard.searching import search_orders, search_payments
from wagtail_payparts.models import Payment
from wagtail_payparts.resources import MAX_XLSX_ROWS, stream_csv, to_export, write_xlsx


logger = logging.getLogger(__name__)

EXPORTED = "wagtail_payparts.export"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

#: What no column of the listing shows and can be long.
NOT_LISTED = ("bank_message", "lines", "metadata", "receipt", "response_url", "return_url")


class LedgerIndexView(generic.IndexView):
    """A listing whose order is stable, and which shows nothing, and says why, where a filter cannot be read."""

    any_permission_required = ["view"]
    results_template_name = "wagtail_payparts/admin/listing_results.html"
    #: The last column of each order is the primary key, in the direction in which the index runs.
    orderings: dict[str, tuple[str, ...]] = {
        "created_at": ("created_at", "pk"),
        "-created_at": ("-created_at", "-pk"),
    }
    default_ordering = "-created_at"
    is_searchable = True

    @property
    def with_buyer(self) -> bool:
        return bool(self.request.user.has_perm(VIEW_BUYER))

    def order_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.order_by(*self.orderings[self.ordering])

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.filter_errors:
            return queryset.none()
        return super().filter_queryset(queryset)  # type: ignore[no-any-return]

    @cached_property
    def filter_errors(self) -> list[str]:
        """What is wrong with the filters or the search, in words; empty when nothing is."""
        return [
            f"{form.fields[name].label}: {' '.join(errors)}"
            for form in (self.filters.form, self.search_form)
            for name, errors in form.errors.items()
        ]


class PaymentIndexView(LedgerIndexView):
    filterset_class = PaymentFilterSet
    orderings = LedgerIndexView.orderings | {
        "amount": ("amount", "-pk"),
        "-amount": ("-amount", "pk"),
    }

    @cached_property
    def columns(self) -> list[Column]:
        return payment_columns()

    def get_base_queryset(self) -> QuerySet[Payment]:
        return Payment.objects.select_related("buyer_order").defer(*NOT_LISTED)

    def search_queryset(self, queryset: QuerySet[Payment]) -> QuerySet[Payment]:
        if not self.is_searching:
            return queryset
        return search_payments(queryset, self.search_query, with_buyer=self.with_buyer)

    @cached_property
    def show_export_buttons(self) -> bool:
        return self.user_has_permission("export") and not self.filter_errors

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # Before anything of the listing is made: Wagtail would load every row to count it.
        return self.export(request.GET["export"]) if self.is_export else super().get(request, *args, **kwargs)

    def export(self, spreadsheet_format: str) -> HttpResponseBase:
        """The payments of this listing, in its order, as a file. Refused where a filter cannot be read."""
        if not self.user_has_permission("export"):
            raise PermissionDenied
        if self.filter_errors:
            return _refuse(_("Nothing was exported, since a filter cannot be read."), *self.filter_errors)
        resource = export_resource(with_buyer=self.with_buyer)
        payments = to_export(resource, self.get_queryset().defer(None))
        if spreadsheet_format == self.FORMAT_XLSX and payments.count() > MAX_XLSX_ROWS:
            return _refuse(_("These are more payments than a workbook can hold. Choose fewer, or take CSV."))
        self._log(spreadsheet_format)
        name = f"payments-{timezone.localdate(timezone=timezone.get_default_timezone())}.{spreadsheet_format}"
        if spreadsheet_format == self.FORMAT_XLSX:
            return _xlsx_response(resource, payments, name)
        response = StreamingHttpResponse(stream_csv(resource, payments), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = content_disposition_header(True, name)
        # nginx would collect the whole of it first.
        response["X-Accel-Buffering"] = "no"
        return response

    def _log(self, spreadsheet_format: str) -> None:
        """Before the first row leaves. The entry is about no payment in particular: Wagtail's log wants one."""
        filters = self.request.GET.copy()
        filters.pop("export")
        data = {"format": spreadsheet_format, "filters": filters.urlencode(), "buyer": self.with_buyer}
        # Wagtail keeps one entry for each uuid and action, and gives a whole request the same uuid.
        log(Payment(pk=0), EXPORTED, title=_("Payments"), data=data, uuid=uuid.uuid4())
        logger.info("user %s exports payments as %s", self.request.user.pk, spreadsheet_format)


class OrderIndexView(LedgerIndexView):
    filterset_class = OrderFilterSet

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if self.is_export:
            # Wagtail would make one of every column, the buyer's too.
            return _refuse(_("Orders are not exported. Export their payments."))
        listing: HttpResponseBase = super().get(request, *args, **kwargs)
        return listing

    @cached_property
    def columns(self) -> list[Column]:
        return order_columns(with_buyer=self.with_buyer)

    def search_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.is_searching:
            return queryset
        return search_orders(queryset, self.search_query, with_buyer=self.with_buyer)


def export_resource(*, with_buyer: bool) -> Resource:
    """The project's Resource (``PAYPARTS_EXPORT_RESOURCE``)."""
    return import_string(conf.get("PAYPARTS_EXPORT_RESOURCE"))(with_buyer=with_buyer)


def _refuse(*lines: str) -> HttpResponse:
    return HttpResponse("\n".join(lines) + "\n", status=400, content_type="text/plain; charset=utf-8")


def _xlsx_response(resource: Resource, payments: QuerySet[Payment], name: str) -> FileResponse:
    with ExitStack() as on_failure:
        file = on_failure.enter_context(tempfile.TemporaryFile())
        write_xlsx(resource, payments, file)
        # From here on it is closed, and so removed, by the response.
        on_failure.pop_all()
    return FileResponse(file, as_attachment=True, filename=name, content_type=XLSX)

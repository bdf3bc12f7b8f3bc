"""What a listing shows, as a file."""

from __future__ import annotations

import logging
import tempfile
import uuid
from contextlib import ExitStack
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from import_export.resources import Resource
from wagtail.log_actions import log

from wagtail_payparts import conf
from wagtail_payparts.models import Payment
from wagtail_payparts.resources import MAX_XLSX_ROWS, stream_csv, to_export, write_xlsx


logger = logging.getLogger(__name__)

EXPORTED = "wagtail_payparts.export"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def export_listing(view: Any, spreadsheet_format: str) -> HttpResponseBase:
    """The payments of a listing, in its order, as a file. Refused where a filter cannot be read."""
    if not view.user_has_permission("export"):
        raise PermissionDenied
    if view.filter_errors:
        return refuse(_("Nothing was exported, since a filter cannot be read."), *view.filter_errors)
    resource = export_resource(with_buyer=view.with_buyer)
    payments = to_export(resource, view.get_queryset().defer(None))
    if spreadsheet_format == view.FORMAT_XLSX and payments.count() > MAX_XLSX_ROWS:
        return refuse(_("These are more payments than a workbook can hold. Choose fewer, or take CSV."))
    _log(view, spreadsheet_format)
    name = f"payments-{timezone.localdate(timezone=timezone.get_default_timezone())}.{spreadsheet_format}"
    if spreadsheet_format == view.FORMAT_XLSX:
        return _xlsx_response(resource, payments, name)
    response = StreamingHttpResponse(stream_csv(resource, payments), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, name)
    # nginx would collect the whole of it first.
    response["X-Accel-Buffering"] = "no"
    return response


def export_resource(*, with_buyer: bool) -> Resource:
    """The project's Resource (``PAYPARTS_EXPORT_RESOURCE``)."""
    return import_string(conf.get("PAYPARTS_EXPORT_RESOURCE"))(with_buyer=with_buyer)


def refuse(*lines: str) -> HttpResponse:
    return HttpResponse("\n".join(lines) + "\n", status=400, content_type="text/plain; charset=utf-8")


def _log(view: Any, spreadsheet_format: str) -> None:
    """Before the first row leaves. The entry is about no payment in particular: Wagtail's log wants one."""
    filters = view.request.GET.copy()
    filters.pop("export")
    data = {"format": spreadsheet_format, "filters": filters.urlencode(), "buyer": view.with_buyer}
    # Wagtail keeps one entry for each uuid and action, and gives a whole request the same uuid.
    log(Payment(pk=0), EXPORTED, title=_("Payments"), data=data, uuid=uuid.uuid4())
    logger.info("user %s exports payments as %s", view.request.user.pk, spreadsheet_format)


def _xlsx_response(resource: Resource, payments: QuerySet[Payment], name: str) -> FileResponse:
    with ExitStack() as on_failure:
        file = on_failure.enter_context(tempfile.TemporaryFile())
        write_xlsx(resource, payments, file)
        # From here on it is closed, and so removed, by the response.
        on_failure.pop_all()
    return FileResponse(file, as_attachment=True, filename=name, content_type=XLSX)

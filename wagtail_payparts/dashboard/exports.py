"""Payments and refunds as a file that is sent while it is made."""

from __future__ import annotations

import logging
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.core.exceptions import PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from import_export.resources import Resource
from wagtail.admin.widgets.button import Button
from wagtail.log_actions import log

from wagtail_payparts import conf
from wagtail_payparts.dashboard.permissions import VIEW_BUYER, payment_policy
from wagtail_payparts.models import Payment, PaymentEvent, Refund
from wagtail_payparts.resources import MAX_XLSX_ROWS, CsvFile, RefundResource, Table, XlsxFile


logger = logging.getLogger(__name__)

EXPORTED = "wagtail_payparts.export"
CSV, XLSX = "csv", "xlsx"
CONTENT_TYPES = {
    CSV: "text/csv; charset=utf-8",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
#: Counted so far and no further, where it is only said how many there are.
COUNTED = 10_000
#: Of a listing's address, what says nothing of which payments it shows.
NOT_A_FILTER = ("export", "id", "p", "_w_filter_fragment")
TOO_MANY_FOR_XLSX = gettext_lazy("These are more rows than a workbook can hold. Choose fewer, or take CSV.")
#: What a file is called, and the log's entry about it.
NAMES: dict[type[Model], tuple[str, Any]] = {
    Payment: ("payments", gettext_lazy("Payments")),
    Refund: ("refunds", gettext_lazy("Refunds")),
    PaymentEvent: ("log", gettext_lazy("Logs")),
}


@dataclass(frozen=True)
class ExportOptions:
    """What a person has chosen: ``columns`` are names of the Resource's fields (``None``: all), ``preset`` is what
    they are called in the log, and without ``delimiter`` CSV has that of the language."""

    format: str = CSV
    columns: tuple[str, ...] | None = None
    preset: str = "all"
    delimiter: str = ""


def export_response(
    request: HttpRequest,
    rows: QuerySet[Any],
    *,
    options: ExportOptions,
    described: Mapping[str, Any],
    is_search: bool = False,
) -> HttpResponseBase:
    """``rows`` (payments or refunds) as a file, in their order, logged before the first of them leaves.

    ``described`` tells the log which ones they are. Where finding them costs more than reading them
    (``is_search``) that is done once and not again for each page. Raises ``PermissionDenied`` for whoever may not
    export; the buyer is left out for those who may not see who it is.
    """
    if not payment_policy.user_has_permission(request.user, "export"):
        raise PermissionDenied
    resource = resource_for(request.user, rows.model)
    table = Table(resource, rows.defer(None), names=options.columns, is_costly_to_find=is_search)
    return send_table(request, table, options=options, described=described)


def send_table(
    request: HttpRequest, table: Table, *, options: ExportOptions, described: Mapping[str, Any]
) -> HttpResponseBase:
    """A table as a file, logged. Who may have it is the caller's business."""
    is_xlsx = options.format == XLSX
    most = MAX_XLSX_ROWS if is_xlsx else COUNTED
    rows = count_up_to(table.queryset, most)
    if is_xlsx and rows > most:
        return refuse(str(TOO_MANY_FOR_XLSX))
    _log(request.user, options, table, {"rows": rows if rows <= most else f"{most}+", **described})
    file = XlsxFile(table, rows=rows) if is_xlsx else CsvFile(table, delimiter=options.delimiter)
    pieces = _until_it_breaks(file, request.user.pk)
    response = StreamingHttpResponse(
        _in_a_thread(pieces) if isinstance(request, ASGIRequest) else pieces, content_type=CONTENT_TYPES[options.format]
    )
    today = timezone.localdate(timezone=timezone.get_default_timezone())
    name = f"{NAMES[table.queryset.model][0]}-{today}.{options.format}"
    response["Content-Disposition"] = content_disposition_header(True, name)
    # nginx would collect the whole of it first.
    response["X-Accel-Buffering"] = "no"
    return response


def export_listing(view: Any, spreadsheet_format: str) -> HttpResponseBase:
    """The rows of a listing with all columns. Refused where a filter cannot be read."""
    if not view.user_has_permission("export"):
        raise PermissionDenied
    if view.filter_errors:
        return refuse(_("Nothing was exported, since a filter cannot be read."), *view.filter_errors)
    return export_response(
        view.request,
        view.get_queryset(),
        options=ExportOptions(format=spreadsheet_format),
        described=describe(view.request),
        is_search=bool(view.is_searching),
    )


def export_button(view: Any) -> Button:
    """Leads from a listing to the page on which columns and format are chosen, with the listing's filters."""
    query = filters_of(view.request)
    address = reverse(view.export_url_name)
    return Button(_("Export…"), url=f"{address}?{query}" if query else address, icon_name="download", priority=80)


def resource_class() -> type[Resource]:
    """The project's Resource (``PAYPARTS_EXPORT_RESOURCE``)."""
    found: type[Resource] = import_string(conf.get("PAYPARTS_EXPORT_RESOURCE"))
    return found


def resource_for(user: Any, model: type[Model] = Payment) -> Resource:
    """The columns that ``user`` may see."""
    found = RefundResource if model is Refund else resource_class()
    return found(with_buyer=bool(user.has_perm(VIEW_BUYER)))


def filters_of(request: HttpRequest) -> str:
    query = request.GET.copy()
    for name in NOT_A_FILTER:
        query.pop(name, None)
    return query.urlencode()


def describe(request: HttpRequest) -> dict[str, Any]:
    """Which rows these are, for the log: who may read that need not know whom somebody looked for."""
    query = QueryDict(filters_of(request), mutable=True)
    searched = any(words.strip() for words in query.pop("q", []))
    return {"filters": query.urlencode(), **({"searched": True} if searched else {})}


def count_up_to(rows: QuerySet[Any], most: int) -> int:
    """How many there are; ``most + 1`` for any number that is greater."""
    return rows.order_by()[: most + 1].count()


def refuse(*lines: str) -> HttpResponse:
    return HttpResponse("\n".join(lines) + "\n", status=400, content_type="text/plain; charset=utf-8")


def _log(user: Any, options: ExportOptions, table: Table, described: Mapping[str, Any]) -> None:
    """The entry is about no payment in particular: Wagtail's log wants one."""
    filename, title = NAMES[table.queryset.model]
    data = {
        "format": options.format,
        "preset": options.preset,
        "columns": [table.resource.get_field_name(column.field) for column in table.columns],
        "buyer": bool(user.has_perm(VIEW_BUYER)),
        **described,
    }
    # Wagtail keeps one entry for each uuid and action, and gives a whole request the same uuid.
    log(Payment(pk=0), EXPORTED, user=user, title=str(title), data=data, uuid=uuid.uuid4())
    logger.info("user %s exports %s as %s", user.pk, filename, options.format)


def _until_it_breaks(file: CsvFile | XlsxFile, user_pk: Any) -> Iterator[bytes]:
    """A file that breaks off says so: the transfer is aborted, an archive cannot be opened, CSV has a last line.

    Not every server between us and a person passes an aborted transfer on.
    """
    try:
        yield from file.pieces()
    except Exception:
        logger.exception("an export of user %s broke off", user_pk)
        if isinstance(file, CsvFile):
            with file.table.in_its_language():
                yield file.line(_("THE EXPORT BROKE OFF HERE: this file is not complete. Export again."))
        raise
    logger.info("an export of user %s is complete", user_pk)


def _next_piece(pieces: Iterator[bytes]) -> bytes | None:
    return next(pieces, None)


async def _in_a_thread(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Django would collect the whole of an ordinary iterator in memory before it sends anything by ASGI."""
    while (piece := await sync_to_async(_next_piece)(pieces)) is not None:
        yield piece

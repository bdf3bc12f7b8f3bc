"""The Django admin's lists of payments and of the log, for projects that live there; nothing in them can be changed.

Where django-import-export is among the project's apps, both are exported by its mixin.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from import_export.admin import ExportActionMixin
from import_export.formats import base_formats
from import_export.forms import ExportForm
from import_export.resources import Resource
from import_export.signals import post_export

from wagtail_payparts.dashboard.exports import CSV, XLSX, ExportOptions, describe, resource_class, send_table
from wagtail_payparts.dashboard.permissions import VIEW_BUYER, payment_policy
from wagtail_payparts.models import Payment, PaymentEvent
from wagtail_payparts.resources import CsvFile, PaymentEventResource, Table, XlsxFile


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    show_full_result_count = False
    #: Shown to nobody, and only to those who may see the buyer.
    hidden: tuple[str, ...] = ()
    personal: tuple[str, ...] = ()

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.hidden if request.user.has_perm(VIEW_BUYER) else (*self.hidden, *self.personal)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only what the list offers: by other lookups what is hidden could be guessed, a letter at a time."""
        offered = (_filter_name(each) for each in (*self.list_filter, self.date_hierarchy) if each)
        is_offered = any(lookup == name or lookup.startswith(f"{name}__") for name in offered)
        return is_offered and super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _filter_name(filter_item: Any) -> str:
    """By what name an item of ``list_filter`` stands in the address: a project's subclass may have any kind."""
    if isinstance(filter_item, (list, tuple)):
        filter_item = filter_item[0]
    return str(getattr(filter_item, "parameter_name", filter_item))


class StreamingExport(ExportActionMixin):
    """django-import-export's pages and permissions; the file itself is ours: streamed, neutralised, logged."""

    export_formats = [base_formats.CSV, base_formats.XLSX]
    # Its other form asks the Resource for its columns without saying who asks.
    export_form_class = ExportForm
    show_change_form_export = False
    #: So many hidden fields a form can send back.
    most_selected = 500

    def has_export_permission(self, request: HttpRequest) -> bool:
        may_export: bool = payment_policy.user_has_permission(request.user, "export")
        return may_export and self.has_view_permission(request)

    def get_export_resource_classes(self, request: HttpRequest) -> list[type[Resource]]:
        return [PaymentEventResource if self.model is PaymentEvent else resource_class()]

    def get_export_resource_kwargs(self, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        return {"with_buyer": bool(request.user.has_perm(VIEW_BUYER))}

    def get_valid_export_item_pks(self, request: HttpRequest) -> list[int]:
        """Of those that were chosen; the mixin would load the primary key of every row."""
        chosen = [int(each) for each in request.POST.getlist("export_items") if each.isascii() and each.isdigit()]
        return list(self.model._default_manager.filter(pk__in=chosen).values_list("pk", flat=True))

    # An action like any other: the mixin's get_actions() does not know that Django 6.1 asks for the place of one.
    get_actions = admin.ModelAdmin.get_actions
    actions = ["export_admin_action"]

    @admin.action(permissions=["export"], description=gettext_lazy("Export selected %(verbose_name_plural)s"))
    def export_admin_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        if queryset.order_by()[: self.most_selected + 1].count() > self.most_selected:
            messages.error(request, _("These are too many to choose one by one: use “Export” above the list."))
            return None
        return super().export_admin_action(request, queryset)

    def get_export_data(self, file_format: Any, request: HttpRequest, queryset: QuerySet[Any], **kwargs: Any) -> bytes:
        table = self._table(request, queryset)
        file = XlsxFile(table) if file_format.get_extension() == XLSX else CsvFile(table)
        return b"".join(file.pieces())

    def _do_file_export(
        self, file_format: Any, request: HttpRequest, queryset: QuerySet[Any], export_form: Any = None
    ) -> HttpResponseBase:
        # Without this method the mixin calls the one above, which has the whole file in memory.
        options = ExportOptions(format=XLSX if file_format.get_extension() == XLSX else CSV)
        response = send_table(request, self._table(request, queryset), options=options, described=describe(request))
        post_export.send(sender=None, model=self.model)
        return response

    def _table(self, request: HttpRequest, queryset: QuerySet[Any]) -> Table:
        if not self.has_export_permission(request):
            raise PermissionDenied
        (resource,) = self.get_export_resource_classes(request)
        return Table(resource(**self.get_export_resource_kwargs(request)), queryset)


_Base: Any = (
    type("_Base", (StreamingExport, ReadOnlyAdmin), {}) if apps.is_installed("import_export") else ReadOnlyAdmin
)


@admin.register(Payment)
class PaymentAdmin(_Base):
    list_display = (
        "order_id",
        "created_at",
        "state",
        "amount",
        "refunded_amount",
        "merchant_type",
        "reference",
        "is_test",
    )
    list_filter = ("state", "merchant_type", "is_test", "created_at")
    search_fields = ("order_id__startswith", "reference__startswith")
    # The token opens the bank's page of the payment.
    hidden = ("token", "idempotency_key", "response_url", "return_url")
    personal = ("bank_message", "receipt", "metadata")


@admin.register(PaymentEvent)
class PaymentEventAdmin(_Base):
    list_display = ("created_at", "type", "state", "order_id", "store_id", "verdict", "source")
    list_display_links = ("created_at",)
    list_filter = ("type", "verdict", "source", "created_at")
    search_fields = ("order_id__startswith",)
    ordering = ("-pk",)
    # The token opens the bank's page of the payment; a paid one's message names the buyer. What else was sent is on
    # the payment's page.
    hidden = ("payload", "token")
    personal = ("message",)

"""The listing of payments, and what it shares with those of refunds and orders."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from wagtail.admin.ui.tables import Column
from wagtail.admin.views import generic

from wagtail_payparts.dashboard.bulk import BulkListing
from wagtail_payparts.dashboard.columns import payment_columns
from wagtail_payparts.dashboard.exports import export_button, export_listing
from wagtail_payparts.dashboard.filters import BY_DAY, PaymentFilterSet
from wagtail_payparts.dashboard.paging import MOST_COUNTED, MOST_COUNTED_SLOWLY, LedgerPage, PagedView
from wagtail_payparts.dashboard.permissions import VIEW_BUYER
from wagtail_payparts.dashboard.searching import MOST_FOUND, search_payments
from wagtail_payparts.models import Payment


#: What no column of the listing shows and can be long.
NOT_LISTED = ("bank_message", "lines", "metadata", "receipt", "response_url", "return_url")
NOT_LISTED_OF_ORDER = ("buyer_order__lines", "buyer_order__comment", "buyer_order__staff_note")


class LedgerIndexView(PagedView, generic.IndexView):
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


class ExportedIndexView(LedgerIndexView, ABC):
    """A listing of what belongs to payments: searched as they are, and to be had as a file."""

    #: A page shows of a search what is found first; a file holds all of it.
    is_complete = False
    #: Leads from a row to its payment, in lookups.
    through_to_payment = ""
    export_url_name = ""
    #: Filters that an index serves, which goes on by the day.
    by_day: frozenset[str] = frozenset()
    orderings = LedgerIndexView.orderings | {
        "amount": ("amount", "pk"),
        "-amount": ("-amount", "-pk"),
    }

    def search_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.is_searching:
            return queryset
        return search_payments(
            queryset,
            self.search_query,
            with_buyer=self.with_buyer,
            is_complete=self.is_export or self.is_complete,
            through=self.through_to_payment,
        )

    @property
    def is_short(self) -> bool:  # type: ignore[override]
        return bool(self.is_searching)

    @property
    def most_counted(self) -> int:  # type: ignore[override]
        """As far as an index alone can count: by one filter, or by days and one of those that go on by the day."""
        in_force = set(self.filters.form.changed_data)
        others = in_force - {"created_at"}
        is_served = len(others) <= 1 and (in_force == others or others <= self.by_day)
        return MOST_COUNTED if is_served else MOST_COUNTED_SLOWLY

    @abstractmethod
    def too_many_found(self) -> str:
        """There may be more than the page shows, in words."""

    def notes(self, page: LedgerPage) -> list[str]:
        notes = super().notes(page)
        return [*notes, self.too_many_found()] if self.is_searching and page.paginator.count >= MOST_FOUND else notes

    @cached_property
    def show_export_buttons(self) -> bool:
        return self.user_has_permission("export") and not self.filter_errors

    @cached_property
    def header_more_buttons(self) -> list[Any]:
        return [*super().header_more_buttons, *([export_button(self)] if self.show_export_buttons else [])]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # Before anything of the listing is made: Wagtail would load every row to count it.
        return export_listing(self, request.GET["export"]) if self.is_export else super().get(request, *args, **kwargs)


class PaymentIndexView(BulkListing, ExportedIndexView):
    filterset_class = PaymentFilterSet
    export_url_name = "payparts_payments:export"
    by_day = BY_DAY

    @cached_property
    def columns(self) -> list[Column]:
        return payment_columns(with_buyer=self.with_buyer, get_url=self.payment_link)

    def payment_link(self, payment: Payment) -> str:
        return self.page_link("payparts_payments:inspect", payment)

    def get_base_queryset(self) -> QuerySet[Payment]:
        return Payment.objects.select_related("buyer_order").defer(*NOT_LISTED, *NOT_LISTED_OF_ORDER)

    def too_many_found(self) -> str:
        return _("Many payments match this search, and there may be more than are shown. Type more of it.")

"""The menu "Pay in parts" and what is behind it."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.utils import quote
from django.db.models import QuerySet
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from wagtail.admin.admin_url_finder import ModelAdminURLFinder
from wagtail.admin.ui.tables import Column, LiveStatusTagColumn, UpdatedAtColumn
from wagtail.admin.viewsets.model import ModelViewSet, ModelViewSetGroup
from wagtail.snippets.views.snippets import IndexView, SnippetViewSet

from wagtail_payparts.dashboard.columns import ForSaleColumn, MoneyColumn, ServicesColumn
from wagtail_payparts.dashboard.listings import OrderIndexView, PaymentIndexView
from wagtail_payparts.dashboard.pages import OrderPageView, PaymentPageView
from wagtail_payparts.dashboard.permissions import order_policy, payment_policy
from wagtail_payparts.models import Offer, Order, Payment


class LedgerViewSet(ModelViewSet):
    """A listing and a page for each row; no address at which anything could be added, changed or deleted."""

    inspect_view_enabled = True
    copy_view_enabled = False
    add_to_reference_index = False
    list_per_page = 50

    def get_common_view_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        absent = ("add_url_name", "edit_url_name", "delete_url_name", "history_url_name", "usage_url_name")
        common: dict[str, Any] = super().get_common_view_kwargs(**dict.fromkeys(absent), **kwargs)
        return common

    def get_urlpatterns(self) -> list[URLPattern]:
        return [
            path("", self.index_view, name="index"),
            path("results/", self.index_results_view, name="index_results"),
            path("<int:pk>/", self.inspect_view, name="inspect"),
        ]

    @property
    def url_finder_class(self) -> type[ModelAdminURLFinder]:
        """Wagtail's own leads to the page for editing, and there is none."""
        url_name = self.get_url_name("inspect")
        policy = self.permission_policy

        class PageFinder(ModelAdminURLFinder):
            def get_edit_url(self, instance: Any) -> str | None:
                if self.user and not policy.user_has_permission(self.user, "view"):
                    return None
                return reverse(url_name, args=[quote(instance.pk)])

        return PageFinder


class PaymentViewSet(LedgerViewSet):
    model = Payment
    name = "payparts_payments"
    url_prefix = "payparts/payments"
    icon = "payparts-payment"
    menu_name = "payparts-payments"
    permission_policy = payment_policy
    index_view_class = PaymentIndexView
    inspect_view_class = PaymentPageView


class OrderViewSet(LedgerViewSet):
    model = Order
    name = "payparts_orders"
    url_prefix = "payparts/orders"
    icon = "payparts-order"
    menu_name = "payparts-orders"
    permission_policy = order_policy
    index_view_class = OrderIndexView
    inspect_view_class = OrderPageView


class OfferIndexView(IndexView):
    # Wagtail's own puts the name of the model into a sentence, where many languages need another case of it.
    add_item_label = _("Add an offer")


class OfferViewSet(SnippetViewSet):
    model = Offer
    index_view_class = OfferIndexView
    icon = "payparts-offer"
    menu_name = "payparts-offers"
    menu_item_is_registered = True
    search_fields = ["title"]
    search_backend_name = None
    list_display = [
        "title",
        MoneyColumn("amount", label=_("Price")),
        ServicesColumn("services", label=_("Services")),
        Column("parts", label=_("Numbers of parts")),
        ForSaleColumn("problems", label=_("For sale")),
        LiveStatusTagColumn(label=_("Status")),
        # Wagtail translates its own label when it is imported, into the language of the server.
        UpdatedAtColumn(label=_("Changed")),
    ]

    def get_queryset(self, request: Any) -> QuerySet[Offer]:
        offers: QuerySet[Offer] = Offer.objects.select_related("latest_revision").prefetch_related("lines")
        return offers


class PayInPartsGroup(ModelViewSetGroup):
    items = (PaymentViewSet, OrderViewSet, OfferViewSet)
    menu_label = pgettext_lazy("the menu", "Pay in parts")
    menu_name = "payparts"
    menu_icon = "payparts-parts"
    menu_order = 250

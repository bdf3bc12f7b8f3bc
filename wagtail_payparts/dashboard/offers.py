"""Offers among the snippets."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from wagtail.admin.ui.tables import Column, LiveStatusTagColumn, UpdatedAtColumn
from wagtail.snippets.views.snippets import IndexView, SnippetViewSet

from wagtail_payparts.dashboard.columns import ForSaleColumn, MoneyColumn, ServicesColumn
from wagtail_payparts.models import Offer


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

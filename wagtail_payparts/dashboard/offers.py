"""Offers among the snippets: what they cost, where they are used, whether they can be sold and if not, why."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib.admin.utils import quote
from django.db.models import QuerySet
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.ui.tables import Column, LiveStatusTagColumn, UpdatedAtColumn, UsageCountColumn
from wagtail.models import ReferenceIndex
from wagtail.snippets.views.chooser import SnippetChooserViewSet
from wagtail.snippets.views.snippets import IndexView, SnippetViewSet

from wagtail_payparts import conf
from wagtail_payparts.dashboard.columns import MoneyColumn, Styled
from wagtail_payparts.dashboard.moments import write_moment
from wagtail_payparts.formats import format_hryvnias
from wagtail_payparts.instalments import schedule
from wagtail_payparts.models import Offer


#: The bank's answer to a cheaper piece is not known (its signature has no example of one).
CHEAPEST_PIECE = Decimal("1.00")


def least_monthly(offer: Offer) -> Decimal | None:
    """The smallest monthly payment that an offer comes down to; ``None`` where it cannot be reckoned."""
    if not offer.allowed_parts or not offer.allowed_services or offer.amount <= 0:
        return None
    most = offer.allowed_parts[-1]
    return min(
        schedule(offer.amount, most, conf.rates(service).buyer_monthly).monthly for service in offer.allowed_services
    )


class OfferStyled(Styled):
    """Brings the stylesheet of the offers' own cells into the listing."""

    class Media:
        css = {"all": ["wagtail_payparts/css/offers.css"]}


class InstalmentsPreviewColumn(OfferStyled, Column):
    """``from 250,00 грн a month``, and the numbers of parts and the services beneath it."""

    cell_template_name = "wagtail_payparts/admin/cells/offer_instalments.html"

    def get_cell_context_data(self, instance: Offer, parent_context: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_cell_context_data(instance, parent_context)
        services = ", ".join(str(service.label) for service in instance.allowed_services)
        return context | {"monthly": least_monthly(instance), "services": services}


class UsageColumn(UsageCountColumn):
    cell_template_name = "wagtail_payparts/admin/cells/usage.html"


class ForSaleColumn(OfferStyled, Column):
    """Whether an offer can be sold as it stands, and if not, why."""

    cell_template_name = "wagtail_payparts/admin/cells/for_sale.html"

    def get_cell_context_data(self, instance: Offer, parent_context: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_cell_context_data(instance, parent_context)
        return context | {"problems": instance.problems(), "notes": _notes(instance)}


def _notes(offer: Offer) -> list[str]:
    """When it is sold, and what may surprise."""
    notes = []
    now = timezone.now()
    if offer.go_live_at and offer.go_live_at > now:
        notes.append(_("from %(at)s") % {"at": write_moment(offer.go_live_at)})
    if offer.expire_at:
        at = write_moment(offer.expire_at)
        notes.append(_("until %(at)s") % {"at": at} if offer.expire_at > now else _("ended %(at)s") % {"at": at})
    if any(line.price < CHEAPEST_PIECE for line in offer.bank_lines):
        notes.append(
            _("A piece costs less than %(amount)s: try it before you promise it, the bank may refuse such a price.")
            % {"amount": format_hryvnias(CHEAPEST_PIECE)}
        )
    return notes


class OfferIndexView(IndexView):
    # Wagtail's own puts the name of the model into a sentence, where many languages need another case of it.
    add_item_label = gettext_lazy("Add an offer")
    usage_url_name: str | None = None

    def paginate_queryset(self, queryset: QuerySet[Offer], page_size: int) -> tuple[Any, Any, Any, bool]:
        """Counts what uses the offers of the page at once."""
        paginator, page, offers, is_paginated = super().paginate_queryset(queryset, page_size)
        page.object_list = offers = list(offers)
        usage = ReferenceIndex.get_grouped_references_to_in_bulk(offers)
        may_look_it_up = self.user_has_permission("change")
        for offer in offers:
            offer.usage_count = usage[offer].count()
            offer.usage_url = reverse(self.usage_url_name, args=[quote(offer.pk)]) if may_look_it_up else ""
        return paginator, page, offers, is_paginated


class OfferChooserViewSet(SnippetChooserViewSet):
    def get_urlpatterns(self) -> list[URLPattern]:
        """Offers are not made inside a chooser: it has no form for one, and Wagtail's view would fail without."""
        return [pattern for pattern in super().get_urlpatterns() if pattern.name != "create"]


class OfferViewSet(SnippetViewSet):
    model = Offer
    chooser_viewset_class = OfferChooserViewSet
    index_view_class = OfferIndexView
    index_results_template_name = "wagtail_payparts/admin/offer_results.html"
    icon = "payparts-offer"
    menu_name = "payparts-offers"
    menu_item_is_registered = True
    search_fields = ["title"]
    search_backend_name = None
    list_display = [
        "title",
        ForSaleColumn("problems", label=gettext_lazy("For sale")),
        MoneyColumn("amount", label=gettext_lazy("Price")),
        InstalmentsPreviewColumn("parts", label=gettext_lazy("Instalments")),
        UsageColumn("usage_count", label=gettext_lazy("Where used")),
        LiveStatusTagColumn(label=gettext_lazy("Status")),
        # Wagtail translates its own label when it is imported, into the language of the server.
        UpdatedAtColumn(label=gettext_lazy("Changed")),
    ]

    def get_queryset(self, request: Any) -> QuerySet[Offer]:
        offers: QuerySet[Offer] = Offer.objects.select_related("latest_revision").prefetch_related("lines")
        return offers

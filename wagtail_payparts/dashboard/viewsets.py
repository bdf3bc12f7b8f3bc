"""The menu "Pay in parts" and what is behind it."""

from __future__ import annotations

from django.urls import URLPattern, path
from django.utils.translation import pgettext_lazy
from wagtail.admin.viewsets.model import ModelViewSetGroup

from wagtail_payparts.dashboard.export_page import PaymentExportView
from wagtail_payparts.dashboard.health import HealthViewSet
from wagtail_payparts.dashboard.inbox import InboxViewSet, inbox_patterns
from wagtail_payparts.dashboard.ledger import LedgerViewSet
from wagtail_payparts.dashboard.listings import PaymentIndexView
from wagtail_payparts.dashboard.offers import OfferViewSet
from wagtail_payparts.dashboard.orders import OrderViewSet
from wagtail_payparts.dashboard.overview import OverviewViewSet
from wagtail_payparts.dashboard.pages import PaymentPageView
from wagtail_payparts.dashboard.payment_actions import PAYMENT_ACTIONS
from wagtail_payparts.dashboard.permissions import payment_policy
from wagtail_payparts.dashboard.refunds import RefundViewSet
from wagtail_payparts.models import Payment


class PaymentViewSet(LedgerViewSet):
    model = Payment
    name = "payparts_payments"
    url_prefix = "payparts/payments"
    icon = "payparts-payment"
    menu_name = "payparts-payments"
    permission_policy = payment_policy
    index_view_class = PaymentIndexView
    inspect_view_class = PaymentPageView

    def get_urlpatterns(self) -> list[URLPattern]:
        export = self.construct_view(PaymentExportView, **self.get_common_view_kwargs())
        own = [action.pattern(self) for action in PAYMENT_ACTIONS]
        # The first of all is where the menu leads.
        return [*super().get_urlpatterns(), path("export/", export, name="export"), *inbox_patterns(self), *own]


class PayInPartsGroup(ModelViewSetGroup):
    items = (OverviewViewSet, PaymentViewSet, InboxViewSet, RefundViewSet, OrderViewSet, OfferViewSet, HealthViewSet)
    menu_label = pgettext_lazy("the menu", "Pay in parts")
    menu_name = "payparts"
    menu_icon = "payparts-parts"
    menu_order = 250

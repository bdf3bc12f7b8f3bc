"""The menu "Pay in parts" and what is behind it."""

from __future__ import annotations

from django.urls import URLPattern, path
from django.utils.translation import pgettext_lazy
from wagtail.admin.viewsets.model import ModelViewSetGroup

from wagtail_payparts.dashboard.export_page import PaymentExportView
from wagtail_payparts.dashboard.ledger import LedgerViewSet
from wagtail_payparts.dashboard.listings import OrderIndexView, PaymentIndexView
from wagtail_payparts.dashboard.offers import OfferViewSet
from wagtail_payparts.dashboard.pages import OrderPageView, PaymentPageView
from wagtail_payparts.dashboard.permissions import order_policy, payment_policy
from wagtail_payparts.models import Order, Payment


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
        # The first is where the menu leads.
        return [*super().get_urlpatterns(), path("export/", export, name="export")]


class OrderViewSet(LedgerViewSet):
    model = Order
    name = "payparts_orders"
    url_prefix = "payparts/orders"
    icon = "payparts-order"
    menu_name = "payparts-orders"
    permission_policy = order_policy
    index_view_class = OrderIndexView
    inspect_view_class = OrderPageView


class PayInPartsGroup(ModelViewSetGroup):
    items = (PaymentViewSet, OrderViewSet, OfferViewSet)
    menu_label = pgettext_lazy("the menu", "Pay in parts")
    menu_name = "payparts"
    menu_icon = "payparts-parts"
    menu_order = 250

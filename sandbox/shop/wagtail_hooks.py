"""The shop's orders in the Wagtail admin."""

from __future__ import annotations

from wagtail import hooks
from wagtail.admin.viewsets.model import ModelViewSet

from .models import ShopOrder


class ShopOrderViewSet(ModelViewSet):
    model = ShopOrder
    icon = "clipboard-list"
    add_to_admin_menu = True
    menu_order = 350
    inspect_view_enabled = True
    copy_view_enabled = False
    form_fields = ["plan", "name", "phone", "status"]
    list_display = ["number", "plan", "amount", "status", "name", "created_at"]
    list_filter = ["status", "plan"]
    search_fields = ["number", "name", "phone"]


@hooks.register("register_admin_viewset")
def register_orders() -> ShopOrderViewSet:
    return ShopOrderViewSet("shop_orders")

"""The Django admin's list of the log, as the old package had it; nothing in it can be changed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from wagtail_payparts.dashboard.permissions import VIEW_BUYER
from wagtail_payparts.models import PaymentEvent


@admin.register(PaymentEvent)
class PaymentEventAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("created_at", "type", "state", "order_id", "store_id", "verdict", "source")
    list_display_links = ("created_at",)
    list_filter = ("type", "verdict", "source", "created_at")
    search_fields = ("order_id__startswith",)
    ordering = ("-pk",)
    show_full_result_count = False

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # The token opens the bank's page of the payment; a paid one's message names the buyer. What else was sent
        # is on the payment's page.
        hidden = ("payload", "token")
        return hidden if request.user.has_perm(VIEW_BUYER) else (*hidden, "message")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

"""The plugin's addresses, and those of a shop with orders of its own."""

from __future__ import annotations

from django.urls import include, path

from tests.torture import shop


urlpatterns = [
    path("", include("wagtail_payparts.urls")),
    path("shop/pay/", shop.pay),
]

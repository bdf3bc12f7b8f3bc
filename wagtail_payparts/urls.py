"""The public addresses. Include them before ``wagtail.urls``, whose pages match everything."""

from __future__ import annotations

from django.urls import path

from wagtail_payparts import views


app_name = "wagtail_payparts"

urlpatterns = [
    path("pay-parts/callback/", views.callback, name="callback"),
    # A redirect to the slash would lose the body of the bank's POST.
    path("pay-parts/callback", views.callback),
    path("pay-parts/checkout/<int:offer_id>/", views.checkout, name="checkout"),
    path("pay-parts/checkout/<int:offer_id>/confirm/", views.confirm, name="confirm"),
    path("pay-parts/return/<str:reference>/", views.payment_return, name="return"),
]

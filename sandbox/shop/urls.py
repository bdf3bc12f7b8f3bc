"""The address of the page that sells beans."""

from __future__ import annotations

from django.urls import path

from . import views


app_name = "shop"

urlpatterns = [path("", views.beans, name="beans")]

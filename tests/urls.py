"""The plugin's URLs stand before Wagtail's, which match everything."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from wagtail import urls as wagtail_urls
from wagtail.admin import urls as wagtailadmin_urls


urlpatterns = [
    path("admin/", include(wagtailadmin_urls)),
    path("django-admin/", admin.site.urls),
    path("", include("wagtail_payparts.urls")),
    path("", include(wagtail_urls)),
]

"""The plugin's URLs stand before Wagtail's, which match everything."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.decorators.cache import cache_page
from wagtail import urls as wagtail_urls
from wagtail.admin import urls as wagtailadmin_urls
from wagtail.views import serve


urlpatterns = [
    path("admin/", include(wagtailadmin_urls)),
    path("django-admin/", admin.site.urls),
    path("", include("wagtail_payparts.urls")),
    # The same pages as a site serves them that caches them whole.
    path("cached/<path:path>", cache_page(600)(serve)),
    path("", include(wagtail_urls)),
]

"""A site with a prefix for each language: Wagtail's pages match everything below it."""

from __future__ import annotations

from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path
from wagtail import urls as wagtail_urls


urlpatterns = [
    path("", include("wagtail_payparts.urls")),
    *i18n_patterns(path("", include(wagtail_urls))),
]

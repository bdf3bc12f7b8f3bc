"""The addresses: the plugin's stand outside the languages and before the pages, which match everything."""

from __future__ import annotations

from django.conf import settings
from django.conf.urls.i18n import i18n_patterns
from django.conf.urls.static import static
from django.contrib import admin
from django.urls import include, path
from django.views.decorators.cache import cache_page
from wagtail import urls as wagtail_urls
from wagtail.admin import urls as wagtailadmin_urls
from wagtail.utils.urlpatterns import decorate_urlpatterns


# One copy of a page for all visitors: the button must work on it.
cached_pages = decorate_urlpatterns(
    wagtail_urls.urlpatterns, cache_page(settings.PAGE_CACHE_SECONDS, cache=settings.PAGE_CACHE)
)

urlpatterns = [
    path("admin/", include(wagtailadmin_urls)),
    path("django-admin/", admin.site.urls),
    path("", include("wagtail_payparts.urls")),
    *static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT),
    *i18n_patterns(
        path("beans/", include("sandbox.shop.urls")),
        path("", include(cached_pages)),
    ),
]

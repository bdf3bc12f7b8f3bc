"""The addresses of this site that the bank is given, fit to be shown."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch, reverse
from wagtail.models import Site

from wagtail_payparts import conf


def callback_url(site_url: str | None = None) -> str:
    """The address that the bank is given, without credentials; empty where nothing says what it is."""
    if site_url is None:
        site_url = "" if conf.get("PAYPARTS_BASE_URL") else _default_site_url()
    try:
        return without_credentials(conf.absolute_url(reverse("wagtail_payparts:callback"), site_url=site_url))
    except (ImproperlyConfigured, NoReverseMatch, ValueError):
        return ""


def without_credentials(url: str) -> str:
    """An address that may be shown: one of a site behind basic authentication may hold a password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _default_site_url() -> str:
    site = Site.objects.filter(is_default_site=True).first()
    return site.root_url if site else ""

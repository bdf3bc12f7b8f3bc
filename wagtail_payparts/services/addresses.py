"""The addresses of this site that the bank is given, fit to be shown."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch, reverse
from wagtail.models import Site

from wagtail_payparts import conf


def callback_url() -> str:
    """The address that the bank is given for its callbacks; empty where nothing says what it is."""
    found = callback_addresses(Site.objects.filter(is_default_site=True))
    return without_credentials(found[0]) if found else ""


def callback_addresses(sites: Iterable[Site] | None = None) -> list[str]:
    """Each address that the bank may be given. Not to be shown: it may hold a password."""
    if conf.get("PAYPARTS_BASE_URL"):
        roots = [""]
    else:
        roots = [site.root_url for site in (Site.objects.order_by("pk") if sites is None else sites)]
    try:
        path = reverse("wagtail_payparts:callback")
        return list(dict.fromkeys(conf.absolute_url(path, site_url=root) for root in roots))
    except (ImproperlyConfigured, NoReverseMatch, ValueError):
        return []


def without_credentials(url: str) -> str:
    """An address that may be shown: one of a site behind basic authentication may hold a password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))

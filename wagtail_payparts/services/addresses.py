"""Addresses fit to be shown: those of this site that the bank is given, and those that a page may lead to."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch, reverse
from django.utils.http import url_has_allowed_host_and_scheme
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


def is_web_address(address: str) -> bool:
    """Whether this is ``http(s)://…`` or a path from the root: nothing else may be led into.

    Browsers take a backslash for a slash, and leave out control characters, before they read an address.
    """
    if "\\" in address or not address.isprintable():
        return False
    if address.startswith("/"):
        return url_has_allowed_host_and_scheme(address, allowed_hosts=None)
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def without_credentials(url: str) -> str:
    """An address that may be shown: one of a site behind basic authentication may hold a password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))

"""Did this site's own page send the press? Decided by the browser's words, since a cached page has no CSRF token."""

from __future__ import annotations

from enum import Enum
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.utils.http import is_same_domain


class Provenance(Enum):
    OWN = "own"
    #: The browser does not say: ask for one more press, on an uncached page with a token.
    UNSURE = "unsure"
    FOREIGN = "foreign"


def judge(request: HttpRequest) -> Provenance:
    """``Sec-Fetch-Site`` cannot be forged by a page; browsers without it (and plain http) still send ``Origin``."""
    fetch_site = request.headers.get("Sec-Fetch-Site")
    if fetch_site is not None:
        return Provenance.OWN if fetch_site == "same-origin" else Provenance.FOREIGN
    origin = request.headers.get("Origin")
    if not origin or origin == "null":
        return Provenance.UNSURE
    return Provenance.OWN if _is_trusted(origin, request) else Provenance.FOREIGN


def _is_trusted(origin: str, request: HttpRequest) -> bool:
    if origin == f"{request.scheme}://{request.get_host()}":
        return True
    try:
        ours = urlsplit(origin)
    except ValueError:
        return False
    for trusted in map(urlsplit, settings.CSRF_TRUSTED_ORIGINS):
        # "https://*.example.com" stands for its subdomains, as it does for Django.
        pattern = trusted.netloc.removeprefix("*")
        if ours.scheme == trusted.scheme and is_same_domain(ours.netloc, pattern):
            return True
    return False

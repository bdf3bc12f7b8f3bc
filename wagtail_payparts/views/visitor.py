"""Whose request this is, for limits: an address that the visitor cannot choose."""

from __future__ import annotations

from django.http import HttpRequest

from wagtail_payparts import conf


def visitor_address(request: HttpRequest) -> str:
    """The address of the visitor, behind as many proxies of the site's own as ``PAYPARTS_TRUSTED_PROXIES`` says.

    Each proxy appends the address from which it was called, so only that many entries of ``X-Forwarded-For``,
    counted from its end, are true: whatever the visitor sent stands before them.
    """
    proxies = int(conf.get("PAYPARTS_TRUSTED_PROXIES"))
    forwarded = [entry.strip() for entry in request.headers.get("X-Forwarded-For", "").split(",") if entry.strip()]
    if proxies and len(forwarded) >= proxies:
        return forwarded[-proxies]
    return str(request.META.get("REMOTE_ADDR", ""))

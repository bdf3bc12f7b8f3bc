"""Whose request this is, for limits: an address that the visitor cannot choose."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network, ip_address

from django.http import HttpRequest

from wagtail_payparts import conf


_NO_ADDRESS = "no-address"


def visitor_address(request: HttpRequest) -> str:
    """The address of the visitor, behind as many proxies of the site's own as ``PAYPARTS_TRUSTED_PROXIES`` says.

    Each proxy appends the address from which it was called, so only that many entries of ``X-Forwarded-For``,
    counted from its end, are true: whatever the visitor sent stands before them. An IPv6 address is given as its
    /64 network: one visitor has all of it.
    """
    proxies = int(conf.get("PAYPARTS_TRUSTED_PROXIES"))
    forwarded = [entry.strip() for entry in request.headers.get("X-Forwarded-For", "").split(",") if entry.strip()]
    if proxies and len(forwarded) >= proxies:
        return _one_visitor(forwarded[-proxies])
    return _one_visitor(str(request.META.get("REMOTE_ADDR", "")))


def _one_visitor(text: str) -> str:
    """What counts as one visitor. All that is no address counts as one: else each new nonsense were a new visitor."""
    host, bracket, _port = text.removeprefix("[").partition("]")
    if not bracket and text.count(":") == 1:
        host = text.partition(":")[0]
    try:
        address = ip_address(host)
    except ValueError:
        return text and _NO_ADDRESS
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), 64), strict=False))

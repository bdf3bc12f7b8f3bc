"""Whose request this is: an address that the visitor cannot choose."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from django.http import HttpRequest

from wagtail_payparts import conf


_NO_ADDRESS = "no-address"


def client_address(request: HttpRequest) -> IPv4Address | IPv6Address | None:
    """The address of whoever called, behind as many proxies of the site's own as ``PAYPARTS_TRUSTED_PROXIES`` says.

    Each proxy appends the address from which it was called, so only that many entries of ``X-Forwarded-For``,
    counted from its end, are true: whatever the visitor sent stands before them. ``None`` if it is no address.
    """
    return _read(_stated_address(request))


def visitor_address(request: HttpRequest) -> str:
    """What counts as one visitor: an address, or the /64 network of an IPv6 one, all of which one visitor has.

    All that is no address counts as one: else each new nonsense were a new visitor.
    """
    text = _stated_address(request)
    address = _read(text)
    if address is None:
        return text and _NO_ADDRESS
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), 64), strict=False))
    return str(address)


def _stated_address(request: HttpRequest) -> str:
    proxies = int(conf.get("PAYPARTS_TRUSTED_PROXIES"))
    forwarded = [entry.strip() for entry in request.headers.get("X-Forwarded-For", "").split(",") if entry.strip()]
    if proxies and len(forwarded) >= proxies:
        return forwarded[-proxies]
    # Fewer entries than proxies: the caller came another way, and the connection's own address is the only true one.
    return str(request.META.get("REMOTE_ADDR", ""))


def _read(text: str) -> IPv4Address | IPv6Address | None:
    """An address, with or without a port; one of IPv4 that is written as IPv6 is one of IPv4."""
    host, bracket, _port = text.removeprefix("[").partition("]")
    if not bracket and text.count(":") == 1:
        host = text.partition(":")[0]
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address

"""Whether a Content-Security-Policy lets the buyer's form lead to the bank (``form-action``)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings


DIRECTIVE = "form-action"
_PORTS = {"http": 80, "https": 443}


def from_settings() -> dict[str, list[str]]:
    """The sources of ``form-action`` by the setting that names them: Django's own, or those of django-csp."""
    old = {DIRECTIVE: getattr(settings, "CSP_FORM_ACTION", None)}
    policies = {
        "SECURE_CSP": getattr(settings, "SECURE_CSP", None),
        "CONTENT_SECURITY_POLICY": (getattr(settings, "CONTENT_SECURITY_POLICY", None) or {}).get("DIRECTIVES"),
        "CSP_FORM_ACTION": old,
    }
    return {
        name: _as_list(policy[DIRECTIVE])
        for name, policy in policies.items()
        if policy and policy.get(DIRECTIVE) is not None
    }


def from_header(header: str) -> list[list[str]]:
    """The sources of ``form-action`` in each policy of a header; one without it allows everything."""
    found = []
    for policy in header.split(","):
        for directive in policy.split(";"):
            name, *sources = directive.split() or [""]
            if name.lower() == DIRECTIVE:
                found.append(sources)
                break
    return found


def allows(sources: Iterable[str], url: str) -> bool:
    """Whether a form may lead to ``url``, which is on another site than ours. No policy stops what is no address."""
    try:
        address = urlsplit(url)
        _port = address.port
    except ValueError:
        return True
    return any(_matches(source.strip().lower(), address) for source in sources)


def _as_list(sources: Any) -> list[str]:
    return sources.split() if isinstance(sources, str) else [str(source) for source in sources]


def _matches(source: str, address: SplitResult) -> bool:
    if source.startswith("'"):
        return False
    if source == "*":
        return True
    if source.endswith(":") and "/" not in source:
        return source[:-1] == address.scheme
    scheme, separator, rest = source.rpartition("://")
    if separator and scheme != address.scheme and (scheme, address.scheme) != ("http", "https"):
        return False
    # The path does not count: a browser forgets it when it follows a redirect.
    host, _colon, port = rest.partition("/")[0].partition(":")
    return _matches_host(host, address.hostname or "") and _matches_port(port, address)


def _matches_host(host: str, name: str) -> bool:
    return name.endswith(host[1:]) if host.startswith("*.") else name == host


def _matches_port(port: str, address: SplitResult) -> bool:
    usual = _PORTS.get(address.scheme)
    return port in {"*", str(address.port or usual)} or (not port and address.port in {None, usual})

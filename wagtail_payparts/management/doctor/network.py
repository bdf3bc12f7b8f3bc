"""Whether our own callback address answers as it should, and whether the bank can be reached."""

from __future__ import annotations

import errno
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from urllib3.exceptions import NewConnectionError

from wagtail_payparts import conf
from wagtail_payparts.bank import Store
from wagtail_payparts.bank.transport import BankSession
from wagtail_payparts.management.doctor.clocks import Interval, compare_header, timed
from wagtail_payparts.management.doctor.replies import Reply, judge
from wagtail_payparts.services import form_action
from wagtail_payparts.services.addresses import callback_addresses, without_credentials
from wagtail_payparts.services.diagnosis import Finding, Level


#: Enough of a foreign page to recognise it.
LONGEST_PAGE = 64 * 1024
KNOCK = b"{}"
_HEADERS = {
    "Accept": "application/json",
    "Content-Type": "application/json",
    "User-Agent": "wagtail-payparts-doctor",
}


_NO_WAY = {errno.EHOSTUNREACH, errno.ENETUNREACH}
# urllib3 counts every connection that could not be made among the time-outs: NewConnectionError is none.
_TIMEOUTS = (requests.Timeout, TimeoutError, urllib3.exceptions.TimeoutError)


@dataclass(frozen=True)
class NoReply:
    """Why nothing came. ``kind``: ``name``, ``refused``, ``route``, ``tls``, ``timeout`` or ``broken``."""

    kind: str
    detail: str = ""


def examine_callback_addresses(timeout: float) -> list[Finding]:
    """Knock at each address that the bank may be given, as the bank would: by POST, with JSON."""
    addresses, stores = callback_addresses(), _readable_stores()
    if not addresses:
        text = "Nothing says at which address the bank finds this site."
        advice = "Set PAYPARTS_BASE_URL = 'https://shop.example.com'."
        return [Finding(Level.FAIL, "callback_address", text, advice)]
    return [finding for address in addresses for finding in _knock(address, stores, timeout)]


def examine_banks(timeout: float) -> list[Finding]:
    """Ask each bank's address for anything at all; no credentials go with it."""
    addresses = dict.fromkeys(store.api_url for store in _readable_stores())
    return [finding for address in addresses for finding in _reach(address, timeout)]


def _readable_stores() -> list[Store]:
    found = []
    for alias in conf.store_aliases():
        try:
            found.append(conf.read_store(alias))
        except ImproperlyConfigured:
            # The system checks say what is wrong with it.
            continue
    return found


def _knock(address: str, stores: list[Store], timeout: float) -> list[Finding]:
    shown = without_credentials(address)
    answer, read = timed(lambda: _send("POST", address, timeout, body=KNOCK))
    if isinstance(answer, NoReply):
        return [_unreachable(shown, answer, timeout)]
    found = [judge(shown, answer)]
    if found[0].level == Level.OK:
        found += _outside(shown, stores)
        found += _policy(answer, stores)
        found += _clock("the site", answer, read)
    return found


def _reach(address: str, timeout: float) -> list[Finding]:
    host = urlsplit(address).netloc.rpartition("@")[2]
    answer, read = timed(lambda: _send("GET", address, timeout))
    if isinstance(answer, NoReply):
        return [_bank_unreachable(host, answer, timeout)]
    if answer.status >= 500:
        text = f"The bank ({host}) answers with an error, HTTP {answer.status}."
        return [Finding(Level.WARN, "bank", text, "Wait, and run this again: the bank may be under repair.")]
    found = [Finding(Level.OK, "bank", f"The bank ({host}) can be reached.")]
    return found + _clock("the bank", answer, read)


def _send(method: str, url: str, timeout: float, body: bytes | None = None) -> Reply | NoReply:
    """One request without redirects, bounded in time and size."""
    try:
        with (
            BankSession() as session,
            session.request(
                method, url, data=body, headers=_HEADERS, timeout=(timeout, timeout), allow_redirects=False, stream=True
            ) as response,
        ):
            page = response.raw.read(LONGEST_PAGE, decode_content=True)
            return Reply(response.status_code, dict(response.headers), page or b"")
    except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:  # requests' own are OSErrors
        return _why(error)


def _why(error: BaseException) -> NoReply:
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return NoReply("tls", getattr(cause, "verify_message", "") or cause.reason or "")
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return NoReply("name")
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return NoReply("refused")
    if any(isinstance(cause, OSError) and cause.errno in _NO_WAY for cause in causes):
        return NoReply("route")
    if any(isinstance(cause, _TIMEOUTS) and not isinstance(cause, NewConnectionError) for cause in causes):
        return NoReply("timeout")
    return NoReply("broken", type(error).__name__)


def _causes(error: Any) -> Iterator[BaseException]:
    """An error, and those that it was made of. urllib3 and requests hide them in several places."""
    waiting, seen = [error], set()
    while waiting:
        cause = waiting.pop()
        if not isinstance(cause, BaseException) or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        waiting += [cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args]


_NO_REPLY = {
    "name": ("its name cannot be resolved", "Check the host in PAYPARTS_BASE_URL, and the DNS of this machine."),
    "refused": ("nothing listens there", "Check that the web server runs, and the port."),
    "route": ("there is no way to it from here", "Check the network and the firewall of this machine."),
    "tls": ("TLS fails", "The bank will refuse it as well: mend the certificate and its chain."),
    "timeout": (
        "it does not answer in time",
        "Check the firewall. If only this machine cannot reach its own public address, ask from another one.",
    ),
    "broken": ("the connection breaks off", "Look into the logs of the proxy and of the web server."),
}


def _unreachable(shown: str, why: NoReply, timeout: float) -> Finding:
    what, advice = _NO_REPLY[why.kind]
    detail = f" ({why.detail})" if why.detail else f" ({timeout:g} s)" if why.kind == "timeout" else ""
    text = f"The callback address {shown} cannot be reached: {what}{detail}."
    return Finding(Level.FAIL, "callback_address", text, advice)


def _bank_unreachable(host: str, why: NoReply, timeout: float) -> Finding:
    if why.kind in {"timeout", "broken"}:
        text = f"The bank ({host}) did not answer within {timeout:g} s: whether it can be reached is unknown."
        if why.kind == "broken":
            text = f"The bank ({host}) broke the connection off: whether it can be reached is unknown."
        return Finding(Level.WARN, "bank", text, "Run this again; check that the firewall lets this machine out to it.")
    text = f"The bank ({host}) cannot be reached: {_NO_REPLY[why.kind][0]}{f' ({why.detail})' if why.detail else ''}."
    advice = "No payment can be started. Check PAYPARTS_API_URL, the DNS, the firewall and the CA certificates."
    return Finding(Level.FAIL, "bank", text, advice)


def _outside(shown: str, stores: list[Store]) -> list[Finding]:
    """That we reach it does not say that the bank does."""
    host = urlsplit(shown).hostname or ""
    if not any(store.is_bank for store in stores) or not _is_private(host):
        return []
    text = f"The bank cannot reach {host}: it is an address of this machine or of a private network."
    level = Level.WARN if settings.DEBUG else Level.FAIL
    return [Finding(level, "callback_address", text, "Set PAYPARTS_BASE_URL to the public address of the site.")]


def _is_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal", ".test")) or "." not in host


def _policy(answer: Reply, stores: list[Store]) -> list[Finding]:
    """The policy that a proxy adds is in no setting."""
    banks = sorted({without_credentials(store.redirect_url) for store in stores})
    for sources in form_action.from_header(answer.header("Content-Security-Policy")):
        closed = [bank for bank in banks if not form_action.allows(sources, bank)]
        if closed:
            host = urlsplit(closed[0]).netloc
            text = f"The site's Content-Security-Policy does not let a form lead to the bank's page at {host}."
            advice = f"Add https://{host} to its form-action, or the buyer's press ends in nothing."
            return [Finding(Level.WARN, "form_action", text, advice)]
    return []


def _clock(whose: str, answer: Reply, read: Interval) -> list[Finding]:
    finding = compare_header(whose, answer.header("Date"), read)
    return [finding] if finding else []

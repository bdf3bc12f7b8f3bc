"""HTTP to the bank: bounded in time and size, never redirected, never repeated, TLS always verified."""

from __future__ import annotations

import http.client
import io
import logging
import os
import re
import socket
import time
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urljoin

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from ..exceptions import BadAnswer, BankUnreachable
from .sealed import SealedBytes
from .stores import Timeout
from .wire import clean_text


MAX_REPLY_BYTES = 256 * 1024
#: Shorter than load balancers remember an idle connection: a payment must not be lost on a dead one.
_MAX_IDLE_SECONDS = 25.0
_MAX_TRACE_ID = 64
#: Kept warm to one bank, for as many threads.
MAX_CONNECTIONS = 64
_HEADERS = {
    "Accept": "application/json",  # else the bank answers XML
    "Accept-Encoding": "identity",
    "User-Agent": "wagtail-payparts",
}


@dataclass(frozen=True)
class RawReply:
    """What came back, unread. ``body`` holds secrets and is sealed."""

    http_status: int
    body: SealedBytes
    duration_ms: int
    trace_id: str


def post(session: requests.Session, url: str, body: SealedBytes, timeout: Timeout) -> RawReply:
    """Post JSON. Raises ``BankUnreachable`` where no whole reply came, ``BadAnswer`` for a redirect and for
    more than ``MAX_REPLY_BYTES``.
    """
    headers = _HEADERS | {"Content-Type": "application/json; charset=UTF-8"}
    return _send(session, requests.Request("POST", url, headers=headers, data=body), timeout)


def get(session: requests.Session, url: str, params: dict[str, str], timeout: Timeout) -> RawReply:
    """Get a URL whose parameters hold a token, so that no error may quote it. Raises like ``post``."""
    return _send(session, requests.Request("GET", url, headers=_HEADERS, params=params), timeout)


def _send(session: requests.Session, request: requests.Request, timeout: Timeout) -> RawReply:
    url = request.url
    if type(session.get_adapter(url)) is HTTPAdapter:
        session.mount(urljoin(url, "/"), BoundedAdapter())
    started = time.monotonic()
    shows_secrets = bool(request.params)
    try:
        prepared = session.prepare_request(request)
        settings = session.merge_environment_settings(
            url,
            {},
            stream=True,
            verify=session.verify or True,  # False would switch TLS verification off
            cert=None,
        )
        with session.send(prepared, timeout=timeout, allow_redirects=False, **settings) as response:
            shows_secrets = True  # from here on, urllib3's variables hold pieces of the reply
            body = _read_capped(response)
    except (OSError, ValueError, urllib3.exceptions.HTTPError) as err:  # requests' own are OSErrors
        raise BankUnreachable(f"no reply from the bank: {type(err).__name__}", duration_ms=_ms_since(started)) from (
            None if shows_secrets else err
        )
    duration_ms = _ms_since(started)
    given_id = response.headers.get("Trace-Id") or response.headers.get("X-Trace-Id") or ""
    trace_id = clean_text(given_id)[:_MAX_TRACE_ID]
    if body is None or 300 <= response.status_code < 400:
        raise BadAnswer(
            "more than the bank ever sends" if body is None else "the bank redirects elsewhere",
            http_status=response.status_code,
            duration_ms=duration_ms,
            trace_id=trace_id,
        )
    return RawReply(response.status_code, body, duration_ms, trace_id)


def _read_capped(response: requests.Response) -> SealedBytes | None:
    body = io.BytesIO()
    for chunk in response.iter_content(16 * 1024):
        body.write(chunk)
        if body.tell() > MAX_REPLY_BYTES:
            return None
    return SealedBytes(body.getvalue())


def _ms_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


class BankSession(requests.Session):
    """A session that keeps connections and nothing else: no cookies, no redirects, no retries, no .netrc."""

    def __init__(self) -> None:
        super().__init__()
        self._environment: dict[tuple[Any, ...], Any] = {}
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("https://", "http://"):
            self.mount(scheme, BoundedAdapter(pool_maxsize=MAX_CONNECTIONS))

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """Nothing of a session's own goes with it, and no credentials from a .netrc: the body alone is signed."""
        prepared = requests.PreparedRequest()
        prepared.prepare(
            method=request.method,
            url=request.url,
            headers={**self.headers, **(request.headers or {})},
            data=request.data,
            params=request.params,
        )
        return prepared

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """The proxy and the certificates that the environment names, looked up once for each address: requests goes
        through the whole environment for each request, which takes longer than an answer on a kept connection.
        """
        key = (urljoin(url, "/"), stream, verify, cert)
        if key not in self._environment:
            self._environment[key] = super().merge_environment_settings(url, proxies, stream, verify, cert)
        return dict(self._environment[key])

    def get_redirect_target(self, resp: requests.Response) -> None:
        """No redirect has a target here: requests would read the whole reply to look for it."""


@dataclass
class _Kept:
    session: requests.Session
    last_used: float


# Keyed by process: a connection inherited through fork() would be shared with the parent.
_kept: dict[tuple[int, str, str], _Kept] = {}


def shared_session(alias: str, api_url: str) -> requests.Session:
    """The session that this process keeps for a store, with its warm connections, while they are warm."""
    key, now = (os.getpid(), alias, api_url), time.monotonic()
    kept = _kept.get(key)
    if kept is None or now - kept.last_used > _MAX_IDLE_SECONDS:
        # Another thread may do the same: one session more, no harm. Requests under way keep the old one.
        kept = _kept[key] = _Kept(BankSession(), now)
    kept.last_used = now
    return kept.session


class _BoundedReader(io.RawIOBase):
    """Reads a socket until a deadline. A socket's own time-out begins anew with every byte that drips in."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw, self._sock = raw, sock
        self._deadline = time.monotonic() + (sock.gettimeout() or 0.0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(max(self._deadline - time.monotonic(), 0.001))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _BoundedResponse(http.client.HTTPResponse):
    """A reply whose headers and body together take no longer than the read time-out."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_BoundedReader(self.fp.detach(), sock))


class _InOneWrite:
    """Sends headers and body together where the connection is there already, so that the bank is woken once."""

    _held: list[bytes] | None = None

    def request(self, *args: Any, **kwargs: Any) -> None:
        self._held = None if self.sock is None else []  # type: ignore[attr-defined]
        try:
            super().request(*args, **kwargs)  # type: ignore[misc]
            held, self._held = SealedBytes(b"".join(self._held or ())), None
            if held:
                self.send(held)
        finally:
            self._held = None

    def send(self, data: Any) -> None:
        if self._held is None:
            super().send(data)  # type: ignore[misc]
        else:
            self._held.append(data)


class _Connection(_InOneWrite, HTTPConnection):
    response_class = _BoundedResponse


class _SecureConnection(_InOneWrite, HTTPSConnection):
    response_class = _BoundedResponse


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class BoundedAdapter(HTTPAdapter):
    """``HTTPAdapter`` with a deadline for the whole reply: the read time-out, counted from the request."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager


class _HideToken(logging.Filter):
    """urllib3 logs each URL at DEBUG, and the QR code's holds the token of the payment."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                re.sub(r"(/qr/generate\?).*", r"\1***", arg) if isinstance(arg, str) else arg for arg in record.args
            )
        return True


logging.getLogger("urllib3.connectionpool").addFilter(_HideToken())

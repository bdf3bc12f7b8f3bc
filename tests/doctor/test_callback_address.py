"""Whether our own callback address answers, over real HTTP, and what else may answer there."""

from __future__ import annotations

import errno
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from urllib3.connection import HTTPConnection
from urllib3.exceptions import NewConnectionError

from tests.bank.conftest import ScriptedBank
from tests.doctor.conftest import OURS, PAGE, Doctor, free_port, line, plain
from tests.missing import lacking
from wagtail_payparts.management.doctor import network
from wagtail_payparts.models import PaymentEvent
from wagtail_payparts.simulator import Simulator


pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_our_own_view_is_recognised_and_nothing_is_written_down(
    doctor: Doctor, live_server: Any, bank: Simulator
) -> None:
    code, printed = doctor()
    assert code == 0
    assert line(printed, f"{live_server.url}/pay-parts/callback/ is answered by this plugin") == "OK"
    assert line(printed, "The bank (127.0.0.1") == "OK"
    assert line(printed, "the site agree") == "OK"
    assert line(printed, "the bank agree") == "OK"
    assert not PaymentEvent.objects.exists()
    assert bank.requests == []


@pytest.mark.django_db(transaction=True)
def test_our_own_view_is_recognised_where_it_lets_in_the_bank_only(
    doctor: Doctor, live_server: Any, bank: Simulator, settings: Any
) -> None:
    settings.PAYPARTS_BANK_ADDRESSES = ["217.117.66.32/27"]
    code, printed = doctor()
    assert code == 0
    assert line(printed, "is answered by this plugin, which lets nobody in but PAYPARTS_BANK_ADDRESSES") == "OK"
    assert line(printed, "Callbacks are let in from 217.117.66.32/27 only") == "INFO"
    assert not PaymentEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_host_that_django_does_not_allow_is_told_apart(
    doctor: Doctor, live_server: Any, bank: Simulator, settings: Any
) -> None:
    settings.ALLOWED_HOSTS = ["shop.example.com"]
    assert "localhost is hardly in ALLOWED_HOSTS" in plain(doctor()[1])


LOGIN = b'<form><input type="password" name="password"></form>'


@pytest.mark.parametrize(
    ("status", "body", "headers", "said"),
    [
        (301, b"", {"Location": "/pay-parts/callback"}, "redirects for the sake of a slash"),
        (301, b"", {"Location": "https://127.0.0.1:{port}/pay-parts/callback/"}, "redirects from http to https"),
        (301, b"", {"Location": "http://www.shop.example/pay-parts/callback/"}, "redirects to another host (www."),
        (302, b"", {"Location": "/accounts/login/?next=/pay-parts/callback/"}, "redirects to a login"),
        (302, b"", {"Location": "/uk/"}, "redirects elsewhere"),
        (302, b"", {}, "redirects"),
        (302, b"", {"Location": "https://[/"}, "redirects elsewhere"),
        (404, PAGE, {"Content-Type": "text/html"}, "is not answered by this plugin (HTTP 404)"),
        (405, b"", {}, "is not answered by this plugin (HTTP 405)"),
        (200, PAGE, {"Content-Type": "text/html"}, "is answered by something else (HTTP 200, text/html)"),
        (400, b'{"detail": "no"}', {"Content-Type": "application/json"}, "something else (HTTP 400, application/json)"),
        (400, b"[" * 60_000, {}, "something else (HTTP 400, nothing)"),
        (200, b'{"status": "rejected", "reason": "empty"}', {}, "something else (HTTP 200"),
        (200, LOGIN, {"Content-Type": "text/html"}, "asks for a login (HTTP 200)"),
        (401, b"", {"WWW-Authenticate": "Basic"}, "asks for a login (HTTP 401)"),
        (403, b"<h1>CSRF verification failed.</h1>", {}, "for want of a CSRF token"),
        (403, PAGE, {"Content-Type": "text/html"}, "is answered by something else (HTTP 403"),
        (502, PAGE, {}, "answers with an error (HTTP 502)"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_else_may_answer_is_told_apart(
    strange: ScriptedBank, doctor: Doctor, status: int, body: bytes, headers: dict[str, str], said: str
) -> None:
    port = str(strange.server_port)
    given = {name.replace("-", "_"): value.replace("{port}", port) for name, value in headers.items()}
    strange.answers(body, status=status, **given)
    code, printed = doctor()
    assert code == 1
    assert said in plain(printed)
    assert line(printed, "The callback address http://127.0.0.1") == "FAIL"


def test_it_knocks_as_the_bank_does_and_says_who_it_is(strange: ScriptedBank, doctor: Doctor) -> None:
    strange.answers(PAGE)
    doctor()
    ((path, headers, body),) = strange.requests
    assert (path, body) == ("/pay-parts/callback/", b"{}")
    assert headers["Content-Type"] == "application/json"
    assert headers["User-Agent"] == "wagtail-payparts-doctor"


def test_a_site_that_does_not_answer_is_waited_for_so_long(strange: ScriptedBank, doctor: Doctor) -> None:
    strange.hangs()
    printed = doctor(timeout=0.2)[1]
    assert "it does not answer in time (0.2 s)" in plain(printed)


def test_a_site_that_drips_is_not_waited_for_for_ever(strange: ScriptedBank, doctor: Doctor) -> None:
    strange.drips(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n")
    assert "it does not answer in time" in plain(doctor(timeout=0.3)[1])


def test_a_connection_that_breaks_off_is_told_of(strange: ScriptedBank, doctor: Doctor) -> None:
    strange.breaks_off()
    assert "the connection breaks off" in plain(doctor()[1])


def test_a_port_where_nobody_listens_is_told_apart(doctor: Doctor, bank: Simulator, settings: Any) -> None:
    settings.PAYPARTS_BASE_URL = f"http://127.0.0.1:{free_port()}"
    assert "cannot be reached: nothing listens there" in plain(doctor()[1])


def test_a_name_that_cannot_be_resolved_is_told_apart(
    doctor: Doctor, bank: Simulator, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = socket.getaddrinfo

    def no_such_name(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host == "shop.example":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)
    settings.PAYPARTS_BASE_URL = "https://shop.example"
    assert "cannot be reached: its name cannot be resolved" in plain(doctor()[1])


def test_a_certificate_that_nobody_has_signed_is_told_apart(
    doctor: Doctor, bank: Simulator, settings: Any, tmp_path: Path
) -> None:
    with _greeting_by_tls(tmp_path) as port:
        settings.PAYPARTS_BASE_URL = f"https://127.0.0.1:{port}"
        printed = plain(doctor()[1])
    assert "cannot be reached: TLS fails (self" in printed


@pytest.mark.parametrize(("number", "kind"), [(errno.EHOSTUNREACH, "route"), (errno.EMFILE, "broken")])
def test_a_connection_that_cannot_be_made_is_no_time_out(number: int, kind: str) -> None:
    """Though urllib3 counts it among them."""
    failed = NewConnectionError(HTTPConnection("127.0.0.1"), "it cannot be made")
    failed.__cause__ = OSError(number, "it cannot be made")
    assert network._why(requests.ConnectionError(failed)).kind == kind


def test_an_address_that_is_none_is_told_of(doctor: Doctor, bank: Simulator, settings: Any) -> None:
    settings.PAYPARTS_BASE_URL = "https://["
    code, printed = doctor()
    assert code == 1
    assert line(printed, "Nothing says at which address") == "FAIL"


def test_a_policy_that_a_proxy_adds_is_seen(strange: ScriptedBank, doctor: Doctor) -> None:
    strange.answers(OURS, status=400, Content_Security_Policy="default-src 'self'; form-action 'self'")
    assert line(doctor()[1], "Content-Security-Policy does not let a form lead to the bank") == "WARN"


def test_a_policy_with_the_bank_in_it_is_right(strange: ScriptedBank, doctor: Doctor, bank: Simulator) -> None:
    origin = bank.control_url.rstrip("/")
    strange.answers(OURS, status=400, Content_Security_Policy=f"form-action 'self' {origin}, default-src *")
    assert "does not let a form" not in plain(doctor()[1])


def test_an_address_of_this_machine_is_none_for_the_bank_itself(
    strange: ScriptedBank, doctor: Doctor, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    strange.answers(OURS, status=400)
    settings.PAYPARTS_API_URL = "https://payparts2.privatbank.ua/ipp/v2/"
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")
    code, printed = doctor()
    assert code == 1
    assert line(printed, "The bank cannot reach 127.0.0.1") == "FAIL"


@contextmanager
def _greeting_by_tls(folder: Path) -> Iterator[int]:
    """A port that shows a certificate of its own making."""
    openssl = shutil.which("openssl")
    if openssl is None:
        lacking("No openssl was found, so nothing showed that an unsigned certificate is told of. Install it.")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def greet() -> None:
        # The client turns away in the middle of it.
        with suppress(OSError):
            listening.accept()

    with context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True) as listening:
        thread = threading.Thread(target=greet)
        thread.start()
        port: int = listening.getsockname()[1]
        yield port
        thread.join()

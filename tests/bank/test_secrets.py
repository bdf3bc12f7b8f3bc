"""No password, signature or token in a log, an error or a traceback; no bank without a valid certificate."""

from __future__ import annotations

import logging
import shutil
import ssl
import subprocess
import threading
import traceback
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.missing import lacking
from wagtail_payparts.bank import CreateRequest, PayPartsClient, Store
from wagtail_payparts.exceptions import BankError, BankUnreachable

from .conftest import ScriptedBank
from .signing import ORDER_ID, PASSWORD, STORE_ID, created, refused, sign, stated


TOKEN = "TOKEN0123456789"
FAILURES: dict[str, Callable[[ScriptedBank], None]] = {
    "forged create": lambda bank: bank.answers(created(signature="F" * 27 + "=")),
    "forged state": lambda bank: bank.answers(stated(signature="F" * 27 + "=") | {"token": TOKEN}),
    "refusal": lambda bank: bank.answers(refused() | {"token": TOKEN}),
    "refusal that quotes": lambda bank: bank.answers(refused(f"wrong signature {sign('x')} in source")),
    "cut JSON": lambda bank: bank.answers(b'{"token": "%s", "signature": "%s"' % (TOKEN.encode(), sign("x").encode())),
    "list": lambda bank: bank.answers([TOKEN, sign("x")]),
    "redirect": lambda bank: bank.answers(created(), status=302, Location=f"{bank.url}?token={TOKEN}"),
    "break": lambda bank: bank.breaks_off(),
    "break in the body": lambda bank: bank.breaks_off(
        b'HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{"token": "%s"' % TOKEN.encode()
    ),
    "nonsense": lambda bank: bank.breaks_off(b"nonsense\r\n\r\n"),
    "time-out": lambda bank: bank.hangs(),
}
CALLS: dict[str, Callable[[PayPartsClient, CreateRequest], Any]] = {
    "create": lambda client, order: client.create(order),
    "state": lambda client, order: client.state(order.order_id),
    "decline": lambda client, order: client.decline(order.order_id, order.amount),
    "describe": lambda client, order: client.describe(order.order_id, "кава"),
    "qr": lambda client, order: client.qr(TOKEN, order.amount),
}


def secrets_of(bank: ScriptedBank) -> list[str]:
    sent = [body["signature"] for body in bank.bodies if "signature" in body] if bank.requests[0][2] else []
    return [PASSWORD, TOKEN, sign("x"), created()["signature"], stated()["signature"], refused()["signature"], *sent]


@pytest.mark.parametrize("fail", FAILURES.values(), ids=FAILURES.keys())
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_no_error_and_no_log_shows_a_secret(
    bank: ScriptedBank,
    hasty_client: PayPartsClient,
    order: CreateRequest,
    caplog: pytest.LogCaptureFixture,
    fail: Callable[[ScriptedBank], None],
    call: Callable[[PayPartsClient, CreateRequest], Any],
) -> None:
    caplog.set_level(logging.DEBUG)
    fail(bank)
    try:
        call(hasty_client, order)
    except BankError as err:
        shown = [caplog.text, str(err), repr(err), repr(vars(err)), *traceback.format_exception(err)]
        if call is not CALLS["qr"]:  # whose token is the caller's own variable
            frames = err.with_traceback(err.__traceback__ and err.__traceback__.tb_next)
            shown += traceback.TracebackException.from_exception(frames, capture_locals=True).format()
    else:
        shown = [caplog.text]
    everything = "".join(shown)
    assert [secret for secret in secrets_of(bank) if secret in everything] == []


@pytest.mark.parametrize(
    ("reply", "call"),
    [(created(), CALLS["create"]), (stated(token=TOKEN), CALLS["state"]), (created(), CALLS["decline"])],
)
def test_no_reply_and_no_log_shows_a_secret(
    bank: ScriptedBank,
    client: PayPartsClient,
    order: CreateRequest,
    caplog: pytest.LogCaptureFixture,
    reply: dict[str, Any],
    call: Callable[[PayPartsClient, CreateRequest], Any],
) -> None:
    caplog.set_level(logging.DEBUG)
    bank.answers(reply)
    everything = repr(call(client, order)) + repr(client) + repr(order.to_wire(client.store)) + caplog.text
    assert [secret for secret in secrets_of(bank) if secret in everything] == []


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    openssl = shutil.which("openssl")
    if openssl is None:
        lacking("No openssl was found, so nothing showed that an unsigned certificate is refused. Install it.")
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"),
            *("-keyout", str(folder / "bank.pem"), "-out", str(folder / "certificate.pem")),
        ],
        check=True,
        capture_output=True,
    )
    with (folder / "bank.pem").open("a") as file:
        file.write((folder / "certificate.pem").read_text())
    return folder / "bank.pem"


class _State(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(stated()).replace("'", '"').encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture
def self_signed(certificate: Path) -> Iterator[Store]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with HTTPServer(("127.0.0.1", 0), _State) as server:
        server.handle_error = lambda *args: None  # type: ignore[method-assign]
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Store("tls", STORE_ID, PASSWORD, api_url=f"https://127.0.0.1:{server.server_port}/ipp/v2/")
        server.shutdown()
        thread.join()


def test_a_bank_that_cannot_prove_who_it_is_is_not_talked_to(self_signed: Store) -> None:
    with pytest.raises(BankUnreachable, match="SSLError"):
        PayPartsClient(self_signed).state(ORDER_ID)


def test_a_session_that_does_not_verify_verifies_all_the_same(self_signed: Store) -> None:
    with requests.Session() as session:
        session.verify = False
        with pytest.raises(BankUnreachable, match="SSLError"):
            PayPartsClient(self_signed, session).state(ORDER_ID)


@pytest.mark.parametrize("how", ["environment", "session"])
def test_a_certificate_authority_of_ones_own_can_be_trusted(
    self_signed: Store, certificate: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    with requests.Session() as session:
        if how == "session":
            session.verify = str(certificate)
        else:
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        assert PayPartsClient(self_signed, session).state(ORDER_ID).payment_state == "SUCCESS"


def test_a_missing_ca_bundle_is_no_answer(self_signed: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/does/not/exist.pem")
    with pytest.raises(BankUnreachable):
        PayPartsClient(self_signed).state(ORDER_ID)

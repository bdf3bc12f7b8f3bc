"""Connections are kept while they are warm; a session of the caller's own keeps our bounds."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from wagtail_payparts.bank import CreateRequest, PayPartsClient, Store, transport
from wagtail_payparts.exceptions import BadAnswer, BankUnreachable

from .conftest import ScriptedBank
from .signing import ORDER_ID, PASSWORD, STORE_ID, as_bytes, created, stated


def test_calls_of_one_store_share_a_connection(bank: ScriptedBank, store: Store) -> None:
    for _ in range(3):
        bank.answers(stated())
        PayPartsClient(store).state(ORDER_ID)
    assert (bank.connections, len(bank.requests)) == (1, 3)


def test_stores_share_no_connection(bank: ScriptedBank) -> None:
    for alias in ("one", "two"):
        bank.answers(stated())
        PayPartsClient(Store(alias, STORE_ID, PASSWORD, api_url=bank.url)).state(ORDER_ID)
    assert bank.connections == 2


def test_an_idle_connection_is_not_trusted_with_a_payment(
    bank: ScriptedBank, client: PayPartsClient, order: CreateRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank.answers(stated())
    bank.answers(created())
    client.state(ORDER_ID)
    monkeypatch.setattr(transport, "_MAX_IDLE_SECONDS", -1.0)
    client.create(order)
    assert bank.connections == 2


def test_a_forked_process_has_connections_of_its_own(
    bank: ScriptedBank, client: PayPartsClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank.answers(stated())
    bank.answers(stated())
    client.state(ORDER_ID)
    parent = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: parent + 1)
    client.state(ORDER_ID)
    assert bank.connections == 2


def test_a_payment_is_sent_once_after_the_bank_closed_a_kept_connection(
    bank: ScriptedBank, client: PayPartsClient, order: CreateRequest
) -> None:
    bank.answers(stated(), Connection="close")
    bank.answers(created())
    client.state(ORDER_ID)
    assert client.create(order).token == "TOKEN0123456789"
    assert len(bank.requests) == 2


def test_one_client_serves_many_threads(bank: ScriptedBank, client: PayPartsClient) -> None:
    states: list[str] = []
    for _ in range(20):
        bank.answers(stated())
    threads = [threading.Thread(target=lambda: states.append(client.state(ORDER_ID).payment_state)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert states == ["SUCCESS"] * 20


def test_cookies_are_not_kept(bank: ScriptedBank, client: PayPartsClient) -> None:
    for _ in range(2):
        bank.answers(stated(), Set_Cookie="JSESSIONID=1; Path=/")
        client.state(ORDER_ID)
    assert "Cookie" not in bank.requests[1][1]


def test_what_a_netrc_says_of_the_banks_host_is_not_sent_to_it(
    bank: ScriptedBank, client: PayPartsClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login shop password hush")
    monkeypatch.setenv("NETRC", str(netrc))
    bank.answers(stated())
    client.state(ORDER_ID)
    assert "Authorization" not in bank.requests[0][1]


def test_over_a_kept_connection_a_call_is_one_write() -> None:
    """Else the bank is woken by the headers, to wait for the body."""
    arrived: list[bytes] = []

    def answer_twice(listening: socket.socket) -> None:
        connection, _address = listening.accept()
        with connection:
            for _call in range(2):
                arrived.append(connection.recv(65536))
                while not arrived[-1].endswith(b"}"):
                    arrived.append(connection.recv(65536))
                body = as_bytes(stated())
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answer_twice, args=[listening])
        thread.start()
        store = Store("one-write", STORE_ID, PASSWORD, api_url=f"http://127.0.0.1:{listening.getsockname()[1]}/ipp/v2/")
        for _call in range(2):
            PayPartsClient(store).state(ORDER_ID)
        thread.join()
    assert arrived[-1].startswith(b"POST /ipp/v2/payment/state")
    assert arrived[-1].endswith(b"}")


# A session of the caller's own


def test_a_session_of_ones_own_is_used(bank: ScriptedBank, store: Store) -> None:
    bank.answers(stated())
    with requests.Session() as session:
        session.headers["X-Shop"] = "1"
        PayPartsClient(store, session).state(ORDER_ID)
    assert bank.requests[0][1]["X-Shop"] == "1"


def test_a_session_of_ones_own_follows_no_redirect_and_repeats_nothing(
    bank: ScriptedBank, store: Store, order: CreateRequest
) -> None:
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=Retry(3, status_forcelist=[503], allowed_methods=None)))
        bank.answers(created(), status=302, Location=f"{bank.url}elsewhere")
        bank.breaks_off()
        bank.answers(b"", status=503)
        bank.answers(created(), status=302, Location="http://[")
        for error in (BadAnswer, BankUnreachable, BadAnswer, BankUnreachable):
            with pytest.raises(error):
                PayPartsClient(store, session).create(order)
    assert len(bank.requests) == 4


def test_a_session_of_ones_own_gives_up_an_answer_that_drips_in(bank: ScriptedBank) -> None:
    bank.drips(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{")
    store = Store("hasty", STORE_ID, PASSWORD, api_url=bank.url, timeout=(0.3, 0.3))
    with requests.Session() as session, pytest.raises(BankUnreachable):
        PayPartsClient(store, session).state(ORDER_ID)


def test_a_proxy_may_stand_between_and_an_answer_that_drips_in_is_still_given_up(
    bank: ScriptedBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", bank.url)
    bank.drips(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{")
    store = Store("proxied", STORE_ID, PASSWORD, api_url="http://bank.example/ipp/v2/", timeout=(0.3, 0.3))
    with pytest.raises(BankUnreachable):
        PayPartsClient(store).state(ORDER_ID)
    assert bank.requests[0][0] == "http://bank.example/ipp/v2/payment/state"


def test_an_adapter_of_ones_own_is_used(bank: ScriptedBank, store: Store) -> None:
    class Counting(HTTPAdapter):
        sent = 0

        def send(self, *args: Any, **kwargs: Any) -> requests.Response:
            self.sent += 1
            return super().send(*args, **kwargs)

    adapter = Counting()
    bank.answers(stated())
    with requests.Session() as session:
        session.mount(bank.url, adapter)
        PayPartsClient(store, session).state(ORDER_ID)
    assert adapter.sent == 1

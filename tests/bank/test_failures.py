"""How a call fails: by one of three errors, in time, and without being repeated."""

from __future__ import annotations

from typing import Any

import pytest

from wagtail_payparts.bank import CreateRequest, PayPartsClient, Store, transport
from wagtail_payparts.exceptions import BadAnswer, BankUnreachable

from .calls import ALL_CALLS, Call, every_call, every_signed_call
from .conftest import ScriptedBank
from .signing import ORDER_ID, PASSWORD, STORE_ID, stated


@every_call
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"<html>Bad Gateway</html>", 502),
        (b"<html>OK</html>", 200),
        (b"", 200),
        (b"", 500),
        (b"[]", 200),
        (b'["state", "FAIL"]', 500),
        (b"null", 200),
        (b'{"state": "FAIL", "state": "SUCCESS"}', 200),
        (b'{"state": "FAIL", "amount": NaN}', 200),
        (b'{"status": 500, "error": "Internal Server Error"}', 500),
        (b"\xff\xfe", 200),
        (b"[" * 100_000, 200),
    ],
)
def test_an_answer_that_cannot_be_believed_leaves_the_outcome_unknown(
    bank: ScriptedBank,
    client: PayPartsClient,
    order: CreateRequest,
    call: Call,
    body: bytes,
    status: int,
) -> None:
    bank.answers(body, status=status)
    with pytest.raises(BadAnswer) as caught:
        call(client, order)
    assert caught.value.http_status == status
    assert caught.value.duration_ms is not None


def test_a_success_with_the_status_of_an_error_is_not_believed(bank: ScriptedBank, client: PayPartsClient) -> None:
    bank.answers(stated(), status=500)
    with pytest.raises(BadAnswer):
        client.state(ORDER_ID)


@every_call
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(
    bank: ScriptedBank,
    client: PayPartsClient,
    order: CreateRequest,
    call: Call,
    status: int,
) -> None:
    bank.answers(stated(), status=status, Location=f"{bank.url}elsewhere")
    with pytest.raises(BadAnswer, match="redirects") as caught:
        call(client, order)
    assert caught.value.http_status == status
    assert len(bank.requests) == 1


def test_a_redirect_to_nonsense_is_just_a_redirect(bank: ScriptedBank, client: PayPartsClient) -> None:
    bank.answers(stated(), status=302, Location="http://[")
    with pytest.raises(BadAnswer, match="redirects"):
        client.state(ORDER_ID)


@every_call
@pytest.mark.parametrize("status", [200, 302])
def test_a_huge_answer_is_not_read_to_its_end(
    bank: ScriptedBank,
    client: PayPartsClient,
    order: CreateRequest,
    call: Call,
    status: int,
) -> None:
    bank.answers(b" " * (transport.MAX_REPLY_BYTES + 1), status=status, Location="http://127.0.0.1/")
    with pytest.raises(BadAnswer, match="more than the bank"):
        call(client, order)


def test_the_longest_allowed_answer_is_read(bank: ScriptedBank, client: PayPartsClient) -> None:
    bank.answers(b" " * transport.MAX_REPLY_BYTES)
    with pytest.raises(BadAnswer, match="cannot be read"):
        client.state(ORDER_ID)


@pytest.mark.parametrize("name", ["create", "state", "qr"])
@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\n\r\n{",
    ],
    ids=["status line", "headers", "body", "body without end"],
)
def test_an_answer_that_drips_in_is_given_up(
    bank: ScriptedBank,
    hasty_client: PayPartsClient,
    order: CreateRequest,
    name: str,
    first: bytes,
) -> None:
    bank.drips(first)
    with pytest.raises(BankUnreachable) as caught:
        ALL_CALLS[name](hasty_client, order)
    assert caught.value.duration_ms is not None
    assert 250 <= caught.value.duration_ms < 5000


@every_call
def test_silence_is_given_up_and_nothing_is_sent_twice(
    bank: ScriptedBank,
    hasty_client: PayPartsClient,
    order: CreateRequest,
    call: Call,
) -> None:
    bank.hangs()
    with pytest.raises(BankUnreachable):
        call(hasty_client, order)
    assert len(bank.requests) == 1


@every_call
@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    ],
)
def test_a_connection_that_breaks_is_no_answer_and_nothing_is_sent_twice(
    bank: ScriptedBank,
    client: PayPartsClient,
    order: CreateRequest,
    call: Call,
    sent: bytes,
) -> None:
    bank.breaks_off(sent)
    with pytest.raises(BankUnreachable):
        call(client, order)
    assert len(bank.requests) == 1


@every_call
def test_a_refused_connection_is_no_answer(
    bank: ScriptedBank,
    client: PayPartsClient,
    order: CreateRequest,
    call: Call,
) -> None:
    bank.server_close()
    with pytest.raises(BankUnreachable):
        call(client, order)


def test_a_shorter_time_out_can_be_asked_for(bank: ScriptedBank, client: PayPartsClient) -> None:
    bank.hangs()
    with pytest.raises(BankUnreachable) as caught:
        client.state(ORDER_ID, timeout=0.2)
    assert caught.value.duration_ms is not None
    assert caught.value.duration_ms < 1900  # the store's own is 2 seconds


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), (1.0, 0.0)])
def test_no_call_waits_for_ever(bank: ScriptedBank, client: PayPartsClient, timeout: Any) -> None:
    with pytest.raises(ValueError, match="time-out"):
        client.state(ORDER_ID, timeout=timeout)
    assert bank.requests == []


@every_signed_call
def test_without_a_password_nothing_is_signed_and_sent(bank: ScriptedBank, order: CreateRequest, call: Call) -> None:
    client = PayPartsClient(Store("empty", STORE_ID, "", api_url=bank.url))
    with pytest.raises(ValueError, match="empty password"):
        call(client, order)
    assert bank.requests == []


def test_the_bank_is_not_asked_without_tls() -> None:
    with pytest.raises(ValueError, match="https"):
        Store("default", STORE_ID, PASSWORD, api_url="http://payparts2.privatbank.ua/ipp/v2/")


@pytest.mark.parametrize("address", ["payparts2.privatbank.ua", "ftp://bank.example/", "https://", "http://[", "/ipp/"])
def test_what_is_no_web_address_is_no_bank(address: str) -> None:
    with pytest.raises(ValueError, match="web address"):
        Store("default", STORE_ID, PASSWORD, api_url=address)

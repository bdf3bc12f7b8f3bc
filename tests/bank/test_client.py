"""What the client asks the bank, and how it reads the answers (payparts-api §2–§8)."""

from __future__ import annotations

import base64
import logging
from decimal import Decimal
from typing import Any

import pytest

from wagtail_payparts.bank import CreateRequest, PayPartsClient, Store
from wagtail_payparts.exceptions import BadAnswer, BankError, BankRefused, InvalidPayment

from .conftest import ScriptedBank
from .signing import ORDER_ID, PASSWORD, STORE_ID, created, refused, sign, stated


PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


@pytest.mark.parametrize("method", ["create", "hold"])
def test_a_payment_is_created(bank: ScriptedBank, client: PayPartsClient, order: CreateRequest, method: str) -> None:
    bank.answers(created(), Trace_Id="trace-1")
    reply = getattr(client, method)(order)
    assert (reply.token, reply.message, reply.send_phone) == ("TOKEN0123456789", "", "")
    assert (reply.exchange.http_status, reply.exchange.trace_id) == (200, "trace-1")
    assert reply.exchange.payload == created() | {"token": "***", "signature": "***"}
    assert reply.exchange.duration_ms >= 0
    ((path, headers, body),) = bank.requests
    assert path == f"/ipp/v2/payment/{method}"
    assert headers["Accept"] == "application/json"
    assert headers["Accept-Encoding"] == "identity"
    assert headers["Content-Type"] == "application/json; charset=UTF-8"
    assert b'"amount": 301.10' in body
    assert bank.bodies == [order.to_wire(client.store)]


def test_the_state_is_asked_and_read(bank: ScriptedBank, client: PayPartsClient) -> None:
    bank.answers(
        stated("LOCKED", "чекаємо", amount=301.1, description="# кава", refunds=[{"amount": 1.5}])
        | {"info": {"cardMask": "1234 44 ** 5678", "bankName": "PB", "secret": "x"}, "rrn": 12, "authCode": ""}
    )
    reply = client.state(ORDER_ID, show_refund=True, show_info=True)
    assert (reply.payment_state, reply.message, reply.description) == ("LOCKED", "чекаємо", "# кава")
    assert reply.amount == Decimal("301.10")
    assert reply.refunds == [{"amount": Decimal("1.5")}]
    assert reply.receipt == {"card_mask": "1234 44 ** 5678", "bank_name": "PB", "rrn": "12"}
    assert bank.bodies == [
        {
            "storeId": STORE_ID,
            "orderId": ORDER_ID,
            "signature": sign(STORE_ID, ORDER_ID),
            "showAmount": True,
            "showRefund": True,
            "showInfo": True,
        }
    ]


def test_only_what_is_wanted_is_asked_for(bank: ScriptedBank, client: PayPartsClient) -> None:
    bank.answers(stated())
    client.state(ORDER_ID, show_amount=False)
    assert set(bank.bodies[0]) == {"storeId", "orderId", "signature"}


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (b"400", "400.00"),
        (b"400.0", "400.00"),
        (b"4.0E2", "400.00"),
        (b'"400.00"', "400.00"),
        (b'"400"', "400.00"),
        (b"301.1", "301.10"),
        (b"300000.01", "300000.01"),
        (b"400.001", None),
        (b'"400,00"', None),
        (b'" 400"', None),
        ('"٤٠٠"'.encode(), None),
        (b'"-400"', None),
        (b"-400", None),
        (b'"NaN"', None),
        (b'"1e3"', None),
        (b"true", None),
        (b"null", None),
        (b"[400]", None),
        (b"9" * 40, None),
        (b"1e30", None),
    ],
)
def test_an_amount_is_read_exactly_or_not_at_all(
    bank: ScriptedBank, client: PayPartsClient, sent: bytes, read: str | None
) -> None:
    signed = sign("SUCCESS", STORE_ID, ORDER_ID, "SUCCESS").encode()
    bank.answers(
        b'{"state":"SUCCESS","paymentState":"SUCCESS","storeId":"%s","orderId":"%s","signature":"%s","amount":%s}'
        % (STORE_ID.encode(), ORDER_ID.encode(), signed, sent)
    )
    amount = client.state(ORDER_ID).amount
    assert amount == (None if read is None else Decimal(read))
    assert read is None or str(amount) == read


def test_a_refund_sends_its_amount(bank: ScriptedBank, client: PayPartsClient) -> None:
    bank.answers(
        {"state": "SUCCESS", "storeId": STORE_ID, "orderId": ORDER_ID, "signature": sign("SUCCESS", STORE_ID, ORDER_ID)}
    )
    assert client.decline(ORDER_ID, Decimal("300.10")).verified
    (body,) = bank.bodies
    assert str(body["amount"]) == "300.10"
    assert body["signature"] == sign(STORE_ID, ORDER_ID, "30010")


def test_an_amount_that_is_none_is_refused_before_anything_is_sent(bank: ScriptedBank, client: PayPartsClient) -> None:
    with pytest.raises(InvalidPayment):
        client.decline(ORDER_ID, Decimal("0.001"))
    with pytest.raises(InvalidPayment):
        client.decline(ORDER_ID, 300.1)  # type: ignore[arg-type]
    assert bank.requests == []


def test_a_description_can_be_taken_for_no_state(bank: ScriptedBank, client: PayPartsClient) -> None:
    bank.answers({"state": "SUCCESS", "message": "ok", "signature": sign(STORE_ID, ORDER_ID, "SUCCESS", "ok")})
    assert client.describe(ORDER_ID, "SUCCESS").verified
    (body,) = bank.bodies
    assert body["description"] == "# SUCCESS"
    assert body["signature"] == sign(STORE_ID, ORDER_ID, "# SUCCESS") != sign(STORE_ID, ORDER_ID, "SUCCESS")


def test_a_qr_code_is_asked_for_outside_of_v2(bank: ScriptedBank, client: PayPartsClient) -> None:
    bank.answers({"state": "SUCCESS", "qr": base64.b64encode(PNG).decode()})
    assert client.qr("T&=1", Decimal("301.1"), size=200, merchant_type="PP") == PNG
    ((path, _, _),) = bank.requests
    assert path == "/ipp/qr/generate?token=T%26%3D1&amount=301.10&size=200&type=PP"


@pytest.mark.parametrize(
    "reply", [{"qr": "!!!"}, {"qr": "AAAA"}, {"qr": 5}, {}, {"qr": base64.b64encode(PNG).decode(), "state": "?"}]
)
def test_what_is_no_png_is_no_qr_code(bank: ScriptedBank, client: PayPartsClient, reply: dict[str, Any]) -> None:
    bank.answers({"state": "SUCCESS"} | reply)
    with pytest.raises(BadAnswer, match="no QR code"):
        client.qr("TOKEN", Decimal("301.00"))


def test_a_refused_qr_code_says_why(bank: ScriptedBank, client: PayPartsClient) -> None:
    bank.answers({"state": "FAIL", "errorMessage": "INCORRECT TOKEN OR PAYMENT DOES NOT EXIST"})
    with pytest.raises(BankRefused, match="INCORRECT TOKEN") as caught:
        client.qr("TOKEN", Decimal("301.00"))
    assert not caught.value.verified


@pytest.mark.parametrize(
    ("page", "url"),
    [
        ("https://bank.example/payment", "https://bank.example/payment?token=A%2FB%26c%3D%2B%20%D1%97"),
        ("https://bank.example/p?x=1", "https://bank.example/p?x=1&token=A%2FB%26c%3D%2B%20%D1%97"),
    ],
)
def test_the_token_is_quoted_in_the_redirect_url(page: str, url: str) -> None:
    client = PayPartsClient(Store("default", STORE_ID, PASSWORD, redirect_url=page))
    assert client.redirect_url("A/B&c=+ ї") == url


# The log


def test_the_log_says_what_was_asked_and_what_came_of_it(
    bank: ScriptedBank, client: PayPartsClient, order: CreateRequest, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "wagtail_payparts")
    bank.answers(created())
    bank.answers(refused("ні\nпідробка"))
    client.create(order)
    with pytest.raises(BankError):
        client.state(ORDER_ID)
    first, second = [record.getMessage() for record in caplog.records]
    assert first.startswith(f"payment/create of order {ORDER_ID}: SUCCESS, ")
    assert second.startswith(f"payment/state of order {ORDER_ID}: BankRefused('ні\\nпідробка'), ")

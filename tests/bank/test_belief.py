"""Which answers are believed: every success is proven, or the outcome is unknown (disputes d and e)."""

from __future__ import annotations

from typing import Any

import pytest

from wagtail_payparts.bank import CreateRequest, PayPartsClient
from wagtail_payparts.exceptions import BadAnswer, BankRefused

from .calls import Call, every_call, every_signed_call
from .conftest import ScriptedBank
from .signing import ORDER_ID, STORE_ID, created, refused, sign, stated


@pytest.mark.parametrize("body", ["T", "push failedT", "Tpush failed"])
def test_a_created_payment_may_come_with_a_message(
    bank: ScriptedBank, client: PayPartsClient, order: CreateRequest, body: str
) -> None:
    signed = sign("SUCCESS", STORE_ID, ORDER_ID, body)
    bank.answers(created(token="T", message="push failed", sendPhone="FAIL", signature=signed))
    reply = client.create(order)
    assert (reply.token, reply.message, reply.send_phone) == ("T", "push failed", "FAIL")


@pytest.mark.parametrize(
    "reply",
    [
        created(signature=sign("forged")),
        created(signature=None),
        created(signature=""),
        created(signature=["x"]),
        created(signature="ї"),
        created(token=""),
        created(token=None),
        created(token=12),
        created(token="A\0B"),
        created(token="A" * 256),
        created(orderId="ANOTHER"),
        created(storeId="ANOTHER"),
        created(orderId=""),
        created() | {"orderId": None},
        created() | {"storeId": ""},
        created(storeId=None),
        created(state="success"),
        created(state=None),
        created(state=["SUCCESS"]),
        {},
    ],
    ids=lambda reply: repr(reply)[:60],
)
def test_a_forged_or_odd_success_creates_nothing(
    bank: ScriptedBank, client: PayPartsClient, order: CreateRequest, reply: dict[str, Any]
) -> None:
    bank.answers(reply)
    with pytest.raises(BadAnswer) as caught:
        client.create(order)
    assert caught.value.http_status == 200
    assert caught.value.payload is not None


@pytest.mark.parametrize(
    "reply",
    [
        stated(signature=sign("forged")),
        stated() | {"paymentState": "CREATED"},
        stated(signature=None),
        stated("", ""),
        stated("A" * 65),
        stated(paymentState=None),
        stated(paymentState=["SUCCESS"]),
        stated() | {"message": 5},
        stated(orderId="ANOTHER"),
        stated(storeId="ANOTHER"),
        stated(orderId=None),
        created(),
    ],
    ids=lambda reply: repr(reply)[:80],
)
def test_a_state_that_is_not_proven_is_not_known(
    bank: ScriptedBank, client: PayPartsClient, reply: dict[str, Any]
) -> None:
    bank.answers(reply)
    with pytest.raises(BadAnswer):
        client.state(ORDER_ID)


def test_an_unknown_state_is_told_verbatim(bank: ScriptedBank, client: PayPartsClient) -> None:
    bank.answers(stated("WAIT_LIQPAY"))
    assert client.state(ORDER_ID).payment_state == "WAIT_LIQPAY"


@pytest.mark.parametrize("method", ["confirm", "cancel"])
@pytest.mark.parametrize(
    ("signed", "verified", "warned"),
    [
        (sign("SUCCESS", STORE_ID, ORDER_ID), True, False),
        (sign(STORE_ID, ORDER_ID), False, False),
        (sign("forged"), False, True),
        (None, False, True),
    ],
    ids=["covers the state", "as documented", "forged", "none"],
)
def test_a_hold_is_answered_but_only_a_signature_over_the_state_proves_it(
    bank: ScriptedBank,
    client: PayPartsClient,
    caplog: pytest.LogCaptureFixture,
    method: str,
    signed: str | None,
    verified: bool,
    warned: bool,
) -> None:
    bank.answers({"state": "SUCCESS", "storeId": STORE_ID, "orderId": ORDER_ID, "signature": signed})
    reply = getattr(client, method)(ORDER_ID)
    assert (reply.state, reply.verified) == ("SUCCESS", verified)
    assert ("no known recipe" in caplog.text) is warned
    assert bank.requests[0][0] == f"/ipp/v2/payment/{method}"
    assert bank.bodies[0]["signature"] == sign(STORE_ID, ORDER_ID)


@pytest.mark.parametrize("method", ["confirm", "cancel"])
@pytest.mark.parametrize(
    ("signed", "verified"),
    [(sign("FAIL", STORE_ID, ORDER_ID, "ні"), True), (sign(STORE_ID, ORDER_ID), False), (None, False)],
)
def test_a_refused_hold_is_proven_only_by_a_signature_over_the_state(
    bank: ScriptedBank, client: PayPartsClient, method: str, signed: str | None, verified: bool
) -> None:
    bank.answers(refused("ні", signature=signed))
    with pytest.raises(BankRefused, match="ні") as caught:
        getattr(client, method)(ORDER_ID)
    assert caught.value.verified is verified


@pytest.mark.parametrize(
    ("signed", "verified"),
    [
        (sign(STORE_ID, ORDER_ID, "SUCCESS", "ok"), True),
        (sign("SUCCESS", STORE_ID, ORDER_ID, "ok"), True),
        (sign("forged"), False),
        (None, False),
    ],
)
def test_a_description_verifies_by_either_recipe(
    bank: ScriptedBank, client: PayPartsClient, signed: str | None, verified: bool
) -> None:
    bank.answers({"state": "SUCCESS", "message": "ok", "signature": signed})
    reply = client.describe(ORDER_ID, "кава")
    assert (reply.message, reply.verified) == ("ok", verified)


@every_signed_call
@pytest.mark.parametrize("status", [200, 400, 404, 500, 503])
def test_a_signed_refusal_is_proven_whatever_the_http_status(
    bank: ScriptedBank,
    client: PayPartsClient,
    order: CreateRequest,
    call: Call,
    status: int,
) -> None:
    bank.answers(refused("Платеж не найден"), status=status, X_Trace_Id="t")
    with pytest.raises(BankRefused, match="Платеж не найден") as caught:
        call(client, order)
    assert caught.value.verified
    assert not caught.value.already_exists
    assert (caught.value.http_status, caught.value.trace_id) == (status, "t")
    assert caught.value.payload == refused("Платеж не найден") | {"signature": "***"}


@every_call
def test_a_refusal_may_come_as_an_error_message_and_proves_nothing(
    bank: ScriptedBank,
    client: PayPartsClient,
    order: CreateRequest,
    call: Call,
) -> None:
    bank.answers({"state": "FAIL", "errorMessage": "помилка", "locale": "uk"}, status=400)
    with pytest.raises(BankRefused, match="помилка") as caught:
        call(client, order)
    assert not caught.value.verified


@pytest.mark.parametrize(
    "reply", [refused(signature=sign("forged")), refused() | {"message": "another reason"}, refused(signature=5)]
)
def test_a_forged_refusal_is_not_proven(
    bank: ScriptedBank, client: PayPartsClient, order: CreateRequest, reply: dict[str, Any]
) -> None:
    bank.answers(reply)
    with pytest.raises(BankRefused) as caught:
        client.create(order)
    assert not caught.value.verified


def test_a_second_create_is_recognised(bank: ScriptedBank, client: PayPartsClient, order: CreateRequest) -> None:
    bank.answers(refused("bad value: Payment with sent orderId already exists"))
    with pytest.raises(BankRefused) as caught:
        client.create(order)
    assert caught.value.already_exists


def test_a_refusal_of_another_order_is_none_of_ours(bank: ScriptedBank, client: PayPartsClient) -> None:
    bank.answers(refused(orderId="ANOTHER"))
    with pytest.raises(BadAnswer, match="another order"):
        client.state(ORDER_ID)

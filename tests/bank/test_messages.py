"""What is said to the bank, exactly and safely, and what is kept for the record."""

from __future__ import annotations

import copy
import dataclasses
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wagtail_payparts.bank import (
    STATE_WORDS,
    TEST_STORE_ID,
    CreateRequest,
    Line,
    Store,
    clean_text,
    is_safe_order_id,
    parse_callback,
    redact,
)
from wagtail_payparts.bank.messages import decline_fields, description_fields, order_fields
from wagtail_payparts.bank.wire import Unreadable, read_object, write_object
from wagtail_payparts.exceptions import CallbackRejected, InvalidPayment

from .signing import ORDER_ID, PASSWORD, STORE_ID, as_bytes, called_back, sign


SHOP = Store("default", STORE_ID, PASSWORD)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
# As the ledger makes them: all of one length.
ORDER_IDS = st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=26, max_size=26).filter(is_safe_order_id)


# The store


def test_a_store_shows_no_password() -> None:
    shop = Store("default", STORE_ID, PASSWORD, "previous-secret")
    assert PASSWORD not in repr(shop)
    assert "previous-secret" not in repr(shop)
    assert PASSWORD not in repr(dataclasses.asdict(shop))
    assert PASSWORD not in repr(shop.password)
    assert shop.password == PASSWORD


def test_a_store_without_a_password_has_an_empty_one() -> None:
    assert Store("default", STORE_ID, None).password == ""  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("store_id", "api_url", "is_test"),
    [
        (STORE_ID, "https://payparts2.privatbank.ua/ipp/v2/", False),
        (STORE_ID, "https://payparts3.PrivatBank.ua/ipp/v2/", False),
        (TEST_STORE_ID, "https://payparts2.privatbank.ua/ipp/v2/", True),
        (STORE_ID, "http://127.0.0.1:8001/ipp/v2/", True),
        (STORE_ID, "https://notprivatbank.ua/ipp/v2/", True),
        (STORE_ID, "https://privatbank.ua.example/ipp/v2/", True),
    ],
)
def test_a_store_knows_where_no_money_moves(store_id: str, api_url: str, is_test: bool) -> None:
    assert Store("default", store_id, PASSWORD, api_url=api_url).is_test is is_test
    assert Store("default", store_id, PASSWORD, api_url=api_url).is_test_store is (store_id == TEST_STORE_ID)


@pytest.mark.parametrize("timeout", [(0, 1), (1, -1), (1, float("inf")), (float("nan"), 1), (1, 50)])
def test_a_time_out_cannot_be_switched_off_or_outlast_the_right_to_ask(timeout: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="time-out"):
        Store("default", STORE_ID, PASSWORD, timeout=timeout)


# A request


def test_a_request_is_sent_as_documented(order: CreateRequest) -> None:
    sent = dataclasses.replace(order, send_phone="+380501234567", recipient_id="R1", scheme=7).to_wire(SHOP)
    assert json.loads(write_object(sent), parse_float=str) == {
        "storeId": STORE_ID,
        "orderId": ORDER_ID,
        "amount": "301.10",
        "partsCount": 3,
        "merchantType": "PP",
        "products": [
            {"name": "Кава «Лавацца»", "count": 2, "price": "150.05"},
            {"name": "Фільтр", "count": 1, "price": "1.00"},
        ],
        "scheme": 7,
        "responseUrl": "https://shop.example/pay-parts/callback/",
        "redirectUrl": "https://shop.example/pay-parts/return/x/",
        "sendPhone": "+380501234567",
        "recipientId": "R1",
        "signature": sign(
            *(STORE_ID, ORDER_ID, "30110", "3", "PP"),
            *("https://shop.example/pay-parts/callback/", "https://shop.example/pay-parts/return/x/"),
            *("Кава «Лавацца»", "2", "15005", "Фільтр", "1", "100"),
        ),
    }


def test_what_is_absent_is_not_sent(order: CreateRequest) -> None:
    sent = dataclasses.replace(order, response_url="", redirect_url="").to_wire(SHOP)
    assert not {"responseUrl", "redirectUrl", "sendPhone", "recipientId", "scheme", "currency"} & set(sent)


@given(st.integers(1, 30_000_000), TEXT.filter(bool), st.integers(1, 9))
def test_amounts_and_names_reach_the_bank_exactly(kopecks: int, name: str, count: int) -> None:
    price = Decimal(kopecks) / 100
    request = CreateRequest(ORDER_ID, price * count, 2, "II", (Line(name, count, price),))
    body = bytes(write_object(request.to_wire(SHOP)))
    received = json.loads(body, parse_float=Decimal)
    assert received["amount"] == request.amount
    assert received["products"] == [{"name": name, "count": count, "price": price}]
    assert f'"price": {kopecks // 100}.{kopecks % 100:02d}'.encode() in body


@pytest.mark.parametrize("value", [1.5, None, object(), {"a": [1.5]}])
def test_nothing_inexact_is_written(value: Any) -> None:
    with pytest.raises(TypeError):
        write_object({"amount": value})


def test_a_request_body_shows_no_signature(order: CreateRequest) -> None:
    fields = order.to_wire(SHOP)
    signed = str(fields["signature"])
    assert signed not in repr(fields)
    assert signed not in repr(write_object(fields))
    assert signed.encode() in write_object(fields)


def test_a_line_has_a_total() -> None:
    assert Line("чай", 3, Decimal("19.99")).total == Decimal("59.97")


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (("", 1, Decimal("1.00")), "name"),
        (("чай", 0, Decimal("1.00")), "count"),
        (("чай", 1, Decimal("0.00")), "price"),
        (("чай", 1, Decimal("0.001")), "price"),
        (("чай", 1, 1.5), "price"),
    ],
)
def test_a_line_that_cannot_be_said_is_refused(line: Any, field: str) -> None:
    with pytest.raises(InvalidPayment) as caught:
        Line(*line)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": Decimal("301.11")}, "amount"),
        ({"amount": Decimal("301.101")}, "amount"),
        ({"amount": 301.1}, "amount"),
        ({"lines": ()}, "lines"),
        ({"order_id": ""}, "order_id"),
        ({"order_id": "ORDER-1SUCCESS"}, "order_id"),
        ({"order_id": "a" * 51}, "order_id"),
        ({"order_id": "ORDER-1\n"}, "order_id"),
        ({"order_id": "замовлення"}, "order_id"),
    ],
)
def test_a_request_that_is_untrue_or_unsafe_is_refused(
    order: CreateRequest, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidPayment) as caught:
        dataclasses.replace(order, **changes)
    assert caught.value.field == field


def test_a_refund_is_at_least_a_kopeck() -> None:
    with pytest.raises(InvalidPayment):
        decline_fields(SHOP, ORDER_ID, Decimal("0.00"))


@pytest.mark.parametrize("word", STATE_WORDS)
def test_no_state_word_may_stand_in_an_order_id(word: str) -> None:
    assert not is_safe_order_id(f"A{word}B")


# No request that we sign can be turned into a callback about an order of ours (payparts-api, dangers e).


@given(ORDER_IDS, st.integers(1, 30_000_000), TEXT, st.sampled_from(STATE_WORDS))
def test_no_signed_request_is_a_callback(order_id: str, kopecks: int, text: str, word: str) -> None:
    amount = Decimal(kopecks) / 100
    request = CreateRequest(order_id, amount, 2, "PP", (Line(f"{word}{text}", 1, amount),))
    bodies = [
        request.to_wire(SHOP),
        dataclasses.replace(request, response_url="https://shop.example/").to_wire(SHOP),
        order_fields(SHOP, order_id),
        decline_fields(SHOP, order_id, amount),
        description_fields(SHOP, order_id, f"{word}{text}"),
    ]
    for body in bodies:
        for state, message in [(word, text), (word, ""), (text, ""), ("", "")]:
            forged = {
                "storeId": STORE_ID,
                "orderId": order_id,
                "paymentState": state,
                "message": message,
                "signature": body["signature"],
            }
            try:
                callback = parse_callback(as_bytes(forged))
            except CallbackRejected:
                continue
            assert not callback.is_signed_by(SHOP)


def test_the_signature_of_a_state_query_is_no_callback_with_an_empty_state() -> None:
    asked = str(order_fields(SHOP, ORDER_ID)["signature"])
    with pytest.raises(CallbackRejected) as caught:
        parse_callback(as_bytes(called_back("", "", signature=asked)))
    assert caught.value.reason == "bad_state"


# For the record


def test_redacting_leaves_no_secret_at_any_depth_and_does_not_touch_the_original() -> None:
    payload = {
        "signature": "s3cret",
        "Token": "s3cret",
        "storePassword": ["s3cret"],
        "info": {"token": {"value": "s3cret"}, "list": [{"signature": "s3cret"}]},
        "message": f"Source: {sign('x')} refused",
        "amount": Decimal("301.10"),
        "empty_token": "",
        "count": 2,
        "text": "x" * 5000,
        "nul": "a\0b\ud800",
    }
    before = copy.deepcopy(payload)
    redacted = redact(payload)
    assert payload == before
    assert "s3cret" not in repr(redacted)
    assert redacted["message"] == "Source: *** refused"
    assert (redacted["amount"], redacted["count"], redacted["empty_token"]) == ("301.10", 2, "")
    assert len(redacted["text"]) == 4000
    assert redacted["nul"] == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"
    json.dumps(redacted).encode()


@given(st.text())
def test_cleaned_text_can_be_stored(text: str) -> None:
    assert "\0" not in clean_text(text).encode().decode()


def test_what_was_read_shows_no_secret() -> None:
    found = read_object(as_bytes({"signature": "s3cret", "info": {"token": "s3cret"}}))
    assert "s3cret" not in repr(found)
    assert found["info"]["token"] == "s3cret"


def test_an_unreadable_text_is_not_quoted_by_the_error() -> None:
    with pytest.raises(Unreadable) as caught:
        read_object(b'{"signature": "s3cret"')
    assert caught.value.__context__ is None
    assert "s3cret" not in repr(caught.value)

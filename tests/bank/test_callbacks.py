"""What the bank posts: read strictly, believed only when signed (payparts-api §3)."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wagtail_payparts.bank import (
    MAX_CALLBACK_BYTES,
    Callback,
    SignatureShape,
    Store,
    clean_text,
    describe_signature,
    parse_callback,
    signature_hint,
)
from wagtail_payparts.bank.wire import MAX_DEPTH
from wagtail_payparts.exceptions import CallbackRejected

from .signing import ORDER_ID, PASSWORD, STORE_ID, as_bytes, called_back, sign


SHOP = Store("default", STORE_ID, PASSWORD)


def test_a_signed_callback_is_read_and_believed() -> None:
    contract = "Я, ШЕВЧЕНКО ТАРАС, ПІДТВЕРДЖУЮ ЗОБОВ'ЯЗАННЯ ☕ " * 40
    callback = parse_callback(as_bytes(called_back(message=contract, status="success")))
    assert (callback.store_id, callback.order_id) == (STORE_ID, ORDER_ID)
    assert (callback.payment_state, callback.message) == ("SUCCESS", contract)
    assert callback.is_signed_by(SHOP)


def test_a_callback_shows_neither_its_signature_nor_the_contract() -> None:
    body = called_back(message="паспорт АА123456")
    callback = parse_callback(as_bytes(body))
    assert "АА123456" not in repr(callback)
    assert body["signature"] not in repr(dataclasses.asdict(callback))
    assert callback.payload["signature"] == "***"


@pytest.mark.parametrize("changes", [{"message": None}, {"message": ""}, {}])
def test_a_null_an_absent_and_an_empty_message_are_the_same(changes: dict[str, Any]) -> None:
    body = called_back("CANCELED", "") | changes
    if not changes:
        del body["message"]
    callback = parse_callback(as_bytes(body))
    assert callback.message == ""
    assert callback.is_signed_by(SHOP)


def test_store_identifier_is_the_store_id_too() -> None:
    body = called_back()
    body["storeIdentifier"] = body.pop("storeId")
    assert parse_callback(as_bytes(body)).is_signed_by(SHOP)


def test_only_payment_state_is_the_state() -> None:
    body = called_back() | {"state": "SUCCESS", "status": "SUCCESS"}
    del body["paymentState"]
    with pytest.raises(CallbackRejected) as caught:
        parse_callback(as_bytes(body))
    assert caught.value.reason == "bad_state"


def test_edge_spaces_and_control_characters_are_signed_as_they_came() -> None:
    message = "  перший\r\nдругий\t\0 "
    callback = parse_callback(as_bytes(called_back("FAIL", message)))
    assert callback.is_signed_by(SHOP)
    assert "\0" not in clean_text(callback.message)
    assert "\0" not in json.dumps(callback.payload, ensure_ascii=False)
    assert "\\u0000" not in json.dumps(callback.payload)


@pytest.mark.parametrize(
    ("password", "previous", "is_ours"),
    [
        (PASSWORD, "", True),
        ("new-password", PASSWORD, True),
        ("new-password", "other", False),
        ("new-password", "", False),
        ("", "", False),
    ],
)
def test_the_password_and_the_previous_one_verify(password: str, previous: str, is_ours: bool) -> None:
    callback = parse_callback(as_bytes(called_back()))
    assert callback.is_signed_by(Store("default", STORE_ID, password, previous)) is is_ours


def test_an_empty_password_verifies_not_even_its_own_signature() -> None:
    signed_with_nothing = sign(STORE_ID, ORDER_ID, "SUCCESS", "ok", password="")
    callback = parse_callback(as_bytes(called_back(signature=signed_with_nothing)))
    assert not callback.is_signed_by(Store("default", STORE_ID, ""))


def test_another_store_with_the_same_password_signs_nothing_for_this_one() -> None:
    callback = parse_callback(as_bytes(called_back()))
    assert not callback.is_signed_by(Store("other", "SHOP-2", PASSWORD))


@pytest.mark.parametrize("given_", [None, "", 5, True, [sign("x")], {"x": 1}])
def test_a_missing_or_odd_signature_is_read_and_not_believed(given_: Any) -> None:
    callback = parse_callback(as_bytes(called_back() | {"signature": given_}))
    assert callback.signature == ""
    assert not callback.is_signed_by(SHOP)


def test_a_callback_without_a_signature_is_read_and_not_believed() -> None:
    body = called_back()
    del body["signature"]
    assert not parse_callback(as_bytes(body)).is_signed_by(SHOP)


@pytest.mark.parametrize("given_", ["ї", "wrong", sign("other"), sign(STORE_ID, ORDER_ID, "SUCCESS")])
def test_a_wrong_signature_is_not_believed(given_: str) -> None:
    assert not parse_callback(as_bytes(called_back(signature=given_))).is_signed_by(SHOP)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"storeId": None}, "missing_field"),
        ({"storeId": ""}, "missing_field"),
        ({"storeId": 12}, "bad_field"),
        ({"storeId": "A", "storeIdentifier": "B"}, "bad_field"),
        ({"orderId": ""}, "missing_field"),
        ({"orderId": 12}, "bad_field"),
        ({"orderId": "A\0B"}, "bad_field"),
        ({"orderId": "A" * 65}, "bad_field"),
        ({"message": 12}, "bad_field"),
        ({"message": {"text": "ok"}}, "bad_field"),
        ({"paymentState": None}, "bad_state"),
        ({"paymentState": ""}, "bad_state"),
        ({"paymentState": "S"}, "bad_state"),
        ({"paymentState": "success"}, "bad_state"),
        ({"paymentState": "SUCCESS\n"}, "bad_state"),
        ({"paymentState": "A" * 33}, "bad_state"),
        ({"paymentState": ["SUCCESS"]}, "bad_state"),
    ],
)
def test_a_callback_with_an_odd_field_is_rejected(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(CallbackRejected) as caught:
        parse_callback(as_bytes(called_back() | changes))
    assert caught.value.reason == reason


@pytest.mark.parametrize("name", ["storeId", "orderId", "paymentState"])
def test_a_callback_without_a_field_is_rejected(name: str) -> None:
    body = called_back()
    del body[name]
    with pytest.raises(CallbackRejected):
        parse_callback(as_bytes(body))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not_json"),
        (b"storeId=1&orderId=2", "not_json"),
        (b"<payment><storeId>1</storeId></payment>", "not_json"),
        (b'{"a": NaN}', "not_json"),
        (b'{"a": -Infinity}', "not_json"),
        (b'{"a": 1e99999999999999999999}', "not_json"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not_json"),
        (b'{"a": 0.' + b"1" * 5000 + b"}", "not_json"),
        (b'{"a": "\xff"}', "not_json"),
        (b'{"a": "\\ud800"}', "not_json"),
        (b'{"\\udfff": 1}', "not_json"),
        ('{"a": "ї"}'.encode("utf-16"), "not_json"),
        (b'{"a": 1} {"b": 2}', "not_json"),
        (b'{"a": 1, "a": 1}', "duplicate_key"),
        (b'{"a": {"b": 1, "b": 2}}', "duplicate_key"),
        (b"[]", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"null", "not_an_object"),
        (b"[" * 200_000, "not_json"),
        (b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH, "not_json"),
        (b'{"a": ' + b"[" * 500 + b"]" * 500 + b"}", "not_json"),
        (as_bytes(called_back(message="x" * MAX_CALLBACK_BYTES)), "too_large"),
    ],
    ids=lambda value: value[:24] if isinstance(value, bytes) else value,
)
def test_a_body_that_is_no_plain_json_object_is_rejected(body: bytes, reason: str) -> None:
    with pytest.raises(CallbackRejected) as caught:
        parse_callback(body)
    assert caught.value.reason == reason


def test_a_body_of_100_kb_of_contract_is_read() -> None:
    assert parse_callback(as_bytes(called_back(message="Д" * 50_000))).is_signed_by(SHOP)


@given(st.binary(max_size=300))
def test_no_bytes_at_all_break_the_reading(body: bytes) -> None:
    with pytest.raises(CallbackRejected):
        parse_callback(body)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    ),
    st.sampled_from(["storeId", "orderId", "paymentState", "message", "signature", "other"]),
)
def test_no_value_in_any_field_breaks_the_reading(value: Any, name: str) -> None:
    try:
        callback = parse_callback(json.dumps(called_back() | {name: value}).encode())
    except CallbackRejected:
        return
    assert isinstance(callback, Callback)
    assert callback.is_signed_by(SHOP) in (True, False)
    json.dumps(callback.payload).encode()


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        (sign("x"), "well formed"),
        (f" {sign('x')}\n", "spaces around"),
        ("", "got nothing"),
        (None, "got NoneType"),
        ("a94a8fe5ccb19ba61c4c0873d391e987982fbbd3", "got 40 of hex"),
        ("LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", "got 44 of URL-safe base64"),
        ("LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", "got 44 of base64"),
        ("not a signature!", "got 16 of ASCII"),
        ("підпис", "got 6 of non-ASCII text"),
        ("  ", "got 2 of ASCII"),
    ],
)
def test_a_hint_says_what_is_odd_about_a_signature_and_not_what_it_is(given_: Any, said: str) -> None:
    hint = signature_hint(given_)
    assert said in hint
    assert not given_ or not given_.strip() or given_.strip() not in hint


@pytest.mark.parametrize(
    ("given_", "shape"),
    [
        (sign("x"), SignatureShape("well_formed", 28, "base64")),
        (f"{sign('x')}\n", SignatureShape("spaces", 29, "base64")),
        ("", SignatureShape("missing", 0, "")),
        (17, SignatureShape("not_text", 0, "int")),
        ("a94a8fe5ccb19ba61c4c0873d391e987982fbbd3", SignatureShape("odd", 40, "hex")),
        ("LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", SignatureShape("odd", 44, "base64url")),
        ("підпис", SignatureShape("odd", 6, "other")),
    ],
)
def test_the_shape_of_a_signature_is_told_in_codes(given_: Any, shape: SignatureShape) -> None:
    assert describe_signature(given_) == shape

"""What a stranger may post to the callback address: it is refused, told of once, and moves nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from tests.callbacks.conftest import URL, Heard, Ring
from wagtail_payparts.models import EventType, Payment, PaymentEvent, Verdict
from wagtail_payparts.signals import pay_parts_invalid_callback
from wagtail_payparts.simulator import Simulator
from wagtail_payparts.states import PaymentState


FORGED = "aKfkuWjqdvvyAkbUIW6GnOAg3k8="
ABSENT = "(absent)"


def _untouched(payment: Payment) -> bool:
    before = {field.attname: getattr(payment, field.attname) for field in Payment._meta.concrete_fields}
    payment.refresh_from_db()
    return before == {field.attname: getattr(payment, field.attname) for field in Payment._meta.concrete_fields}


def _body_with(bank: Simulator, payment: Payment, **changes: Any) -> dict[str, Any]:
    """A callback that says paid, signed and then changed."""
    body = json.loads(bank.callback_body(payment.order_id, state="SUCCESS", message="Оплачено"))
    return {name: value for name, value in (body | changes).items() if value != ABSENT}


@pytest.mark.parametrize(
    "signature",
    [ABSENT, None, "", " ", 0, 28, True, [FORGED], {"signature": FORGED}, "ї" * 28, FORGED, "\0", "=" * 1000],
    ids=repr,
)
def test_a_callback_that_is_not_signed_by_the_bank_is_refused(
    signature: Any, payment: Payment, bank: Simulator, ring: Ring, refused: list[Heard], announced: list[Heard]
) -> None:
    payment.refresh_from_db()
    response = ring(_body_with(bank, payment, signature=signature))
    assert response.status_code == 400
    assert response.json() == {"status": "rejected", "reason": "wrong_signature"}
    assert _untouched(payment)
    assert not announced
    (heard,) = refused
    assert heard.sender is PaymentEvent
    assert not heard.was_stored
    assert heard.request is not None
    assert (heard.log.type, heard.log.order_id, heard.log.store_id) == ("callback", payment.order_id, bank.store_id)
    assert heard.log.token == ""
    assert heard.log.is_success


@pytest.mark.parametrize("field", ["storeId", "orderId", "paymentState", "message"])
def test_a_field_changed_after_signing_is_refused(
    field: str, payment: Payment, bank: Simulator, ring: Ring, refused: list[Heard]
) -> None:
    body = _body_with(bank, payment)
    response = ring(body | {field: body[field] + "X"})
    assert response.status_code == 400
    assert len(refused) == 1


def test_the_record_of_a_rejected_callback_says_why_and_holds_nothing_of_it(
    payment: Payment, bank: Simulator, ring: Ring
) -> None:
    ring(_body_with(bank, payment, signature=FORGED, message="паспорт АА123456"))
    record = PaymentEvent.objects.get(verdict=Verdict.REJECTED)
    assert record.type == EventType.CALLBACK
    assert record.payment is None
    assert record.order_id == payment.order_id
    assert record.message.startswith("wrong_signature: well formed")
    assert record.payload == {
        "reason": "wrong_signature",
        "signature": {"kind": "well_formed", "length": 28, "alphabet": "base64"},
    }


@pytest.mark.parametrize("signature", [ABSENT, "ї", "=" * 1000])
def test_staff_read_what_was_odd_about_a_signature(
    signature: Any, payment: Payment, bank: Simulator, ring: Ring
) -> None:
    ring(_body_with(bank, payment, signature=signature))
    message = PaymentEvent.objects.get(verdict=Verdict.REJECTED).message
    assert message.startswith("wrong_signature: 28 characters of base64 expected, got ")
    assert len(message) <= 500


@pytest.mark.usefixtures("within_one_window")
def test_staff_get_so_many_records_an_hour_and_the_signal_every_one(
    payment: Payment, bank: Simulator, ring: Ring, refused: list[Heard], settings: Any
) -> None:
    settings.PAYPARTS_REJECTED_PER_HOUR = 3
    for number in range(5):
        assert ring(_body_with(bank, payment, message=f"{number}")).status_code == 400
    assert PaymentEvent.objects.filter(verdict=Verdict.REJECTED).count() == 3
    assert len(refused) == 5


def test_no_records_at_all_can_be_wanted(payment: Payment, bank: Simulator, ring: Ring, settings: Any) -> None:
    settings.PAYPARTS_REJECTED_PER_HOUR = 0
    assert ring(_body_with(bank, payment, signature=FORGED)).status_code == 400
    assert not PaymentEvent.objects.filter(verdict=Verdict.REJECTED).exists()


@pytest.fixture
def two_stores(bank: Simulator, settings: Any) -> tuple[str, str]:
    """Beside ours, a store whose id and password somebody else knows."""
    settings.PAYPARTS_STORES = {
        "default": {"STORE_ID": bank.store_id, "PASSWORD": bank.password},
        "other": {"STORE_ID": "OTHER-STORE", "PASSWORD": "other-password"},
    }
    return "OTHER-STORE", "other-password"


def test_another_store_cannot_sign_for_this_one(
    payment: Payment, bank: Simulator, ring: Ring, two_stores: tuple[str, str]
) -> None:
    _store_id, password = two_stores
    payment.refresh_from_db()
    response = ring(bank.callback_body(payment.order_id, state="SUCCESS", password=password))
    assert response.json()["reason"] == "wrong_signature"
    assert _untouched(payment)


def test_another_stores_own_callback_does_not_reach_the_order_of_this_one(
    payment: Payment, bank: Simulator, ring: Ring, two_stores: tuple[str, str]
) -> None:
    store_id, password = two_stores
    payment.refresh_from_db()
    response = ring(bank.callback_body(payment.order_id, state="SUCCESS", store_id=store_id, password=password))
    assert response.status_code == 200
    assert _untouched(payment)
    event = PaymentEvent.objects.get(verdict=Verdict.UNKNOWN_ORDER)
    assert (event.payment, event.store_id) == (None, store_id)


def test_a_store_that_is_not_ours_is_refused(
    payment: Payment, bank: Simulator, ring: Ring, refused: list[Heard]
) -> None:
    body = bank.callback_body(payment.order_id, state="SUCCESS", store_id="NOT-OURS", password="its own")
    assert ring(body).json() == {"status": "rejected", "reason": "unknown_store"}
    assert [heard.log.store_id for heard in refused] == ["NOT-OURS"]


def test_the_previous_password_passes_while_it_is_being_changed(
    payment: Payment, bank: Simulator, ring: Ring, settings: Any
) -> None:
    own = {"STORE_ID": bank.store_id, "PASSWORD": "the-new-one", "PREVIOUS_PASSWORD": bank.password}
    settings.PAYPARTS_STORES = {"default": own}
    assert ring(bank.callback_body(payment.order_id)).status_code == 200
    settings.PAYPARTS_STORES = {"default": own | {"PREVIOUS_PASSWORD": "older still"}}
    assert ring(bank.callback_body(payment.order_id, message="again")).status_code == 400


@pytest.mark.parametrize("field", ["PASSWORD", "PREVIOUS_PASSWORD"])
def test_an_empty_password_verifies_nothing(
    field: str, payment: Payment, bank: Simulator, ring: Ring, settings: Any
) -> None:
    settings.PAYPARTS_STORES = {"default": {"STORE_ID": bank.store_id, "PASSWORD": "secret"} | {field: ""}}
    assert ring(bank.callback_body(payment.order_id, state="SUCCESS", password="")).status_code == 400


def test_the_public_test_store_is_refused_on_a_site_that_sells(
    payment: Payment, bank: Simulator, ring: Ring, settings: Any
) -> None:
    """Everybody knows its password."""
    settings.PAYPARTS_ALLOW_TEST_STORE = False
    settings.PAYPARTS_API_STORE_ID = "4AAD1369CF734B64B70F"
    settings.PAYPARTS_API_PASSWORD = "75bef16bfdce4d0e9c0ad5a19b9940df"
    body = bank.callback_body(
        payment.order_id,
        state="SUCCESS",
        store_id=settings.PAYPARTS_API_STORE_ID,
        password=settings.PAYPARTS_API_PASSWORD,
    )
    assert ring(body).json()["reason"] == "unknown_store"


@pytest.mark.parametrize("state", ["", "S", "success", "SUCCESS ", None, 1, ["SUCCESS"], "A" * 33, "УСПІХ"])
def test_a_state_that_is_no_word_of_the_bank_is_refused(
    state: Any, payment: Payment, bank: Simulator, ring: Ring
) -> None:
    """An empty one above all: the signature of a state query, which is ours and seen, would sign it."""
    body = json.loads(bank.callback_body(payment.order_id, state=state if isinstance(state, str) else ""))
    response = ring(body | {"paymentState": state})
    assert response.json() == {"status": "rejected", "reason": "bad_state"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not_json"),
        (b"\xff\xfe", "not_json"),
        (b"{", "not_json"),
        (b"storeId=1&orderId=2&paymentState=SUCCESS", "not_json"),
        (b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><payment>&b;</payment>", "not_json"),
        (b'{"storeId": NaN}', "not_json"),
        (b'{"storeId": -Infinity}', "not_json"),
        (b'{"storeId": 1e999999999}', "bad_field"),
        (b'{"storeId": "\\ud800"}', "not_json"),
        (b"[]", "not_an_object"),
        (b'[{"storeId": "1"}]', "not_an_object"),
        (b"null", "not_an_object"),
        (b'{"storeId": "1", "storeId": "2"}', "duplicate_key"),
        (b'{"a": ' * 5000 + b"1" + b"}" * 5000, "not_json"),
        (b"[" * 100_000, "not_json"),
        (b'{"message": "' + b"x" * 1_000_000 + b'"}', "too_large"),
        (b'{"message": "x"}', "missing_field"),
        (b'{"storeId": {"$ne": 1}, "orderId": "1"}', "bad_field"),
    ],
    ids=lambda value: value[:24].decode("utf-8", "replace") if isinstance(value, bytes) else value,
)
def test_what_cannot_be_read_is_refused_and_written_down_for_staff(
    body: bytes, reason: str, bank: Simulator, ring: Ring, refused: list[Heard]
) -> None:
    response = ring(body)
    assert response.status_code == 400
    assert response.json() == {"status": "rejected", "reason": reason}
    assert not refused
    record = PaymentEvent.objects.get()
    assert (record.verdict, record.order_id, record.payload) == (Verdict.REJECTED, "", {"reason": reason})
    assert record.message.startswith(reason)


def test_the_doctors_knock_is_refused_and_leaves_no_record(bank: Simulator, ring: Ring) -> None:
    response = ring(b"{}")
    assert (response.status_code, response.json()) == (400, {"status": "rejected", "reason": "empty"})
    assert not PaymentEvent.objects.exists()


def test_a_duplicate_key_cannot_hide_another_order(payment: Payment, bank: Simulator, ring: Ring) -> None:
    signed = bank.callback_body(payment.order_id, state="SUCCESS")
    hidden = signed.replace(b"{", b'{"orderId": "ANOTHER", ', 1)
    assert ring(hidden).json()["reason"] == "duplicate_key"


@pytest.mark.parametrize("number", ["12", "12.0", "1e2", "true"])
def test_an_id_that_is_no_text_is_refused(number: str, bank: Simulator, ring: Ring) -> None:
    body = f'{{"storeId": {number}, "orderId": "1", "paymentState": "SUCCESS", "signature": "x"}}'
    assert ring(body.encode()).json()["reason"] == "bad_field"


@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options", "trace"])
@pytest.mark.parametrize("url", [URL, URL.rstrip("/")])
def test_only_post_is_answered(method: str, url: str, db: None) -> None:
    response = getattr(Client(), method)(url)
    assert response.status_code == 405
    assert response["Allow"] == "POST"
    assert not PaymentEvent.objects.exists()


def test_a_refusal_says_nothing_of_what_was_posted(payment: Payment, bank: Simulator, ring: Ring) -> None:
    script = "<script>alert(1)</script>"
    body = _body_with(bank, payment, message=script, signature=FORGED, status=script)
    response = ring(body)
    text = response.content.decode() + str(dict(response.headers))
    for value in body.values():
        assert value not in text or value == "SUCCESS"
    assert response["Content-Type"] == "application/json"
    assert "no-store" in response["Cache-Control"]


def test_an_accepted_callback_is_not_echoed_either(payment: Payment, bank: Simulator, ring: Ring) -> None:
    response = ring(bank.callback_body(payment.order_id, message="договір № 17"))
    assert response.status_code == 200
    assert response.json() == {"status": "ok"}


def test_a_broken_receiver_of_the_old_signal_does_not_turn_a_refusal_into_an_error(
    payment: Payment, bank: Simulator, ring: Ring, refused: list[Heard]
) -> None:
    def broken(**kwargs: Any) -> None:
        raise ValueError("the shop's mail server is down")

    pay_parts_invalid_callback.connect(broken)
    try:
        assert ring(_body_with(bank, payment, signature=FORGED)).status_code == 400
    finally:
        pay_parts_invalid_callback.disconnect(broken)
    assert len(refused) == 1
    assert PaymentEvent.objects.filter(verdict=Verdict.REJECTED).exists()


def test_nothing_of_all_this_made_the_bank_be_asked(payment: Payment, bank: Simulator, ring: Ring) -> None:
    for body in (b"{}", bank.callback_body(payment.order_id, state="SUCCESS", password="guess")):
        ring(body)
    assert [request.endpoint for request in bank.requests] == ["create"]
    payment.refresh_from_db()
    assert payment.state == PaymentState.CREATED

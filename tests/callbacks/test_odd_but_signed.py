"""What the bank signed is stored as it is, however odd it looks, and never lost."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from django.test import Client

from tests.callbacks.conftest import URL, Heard, Ring
from tests.factories import make_payment
from wagtail_payparts.bank import signature
from wagtail_payparts.models import Payment, PaymentEvent, Verdict
from wagtail_payparts.services.callbacks import sweep
from wagtail_payparts.services.sync import poll_due
from wagtail_payparts.simulator import Simulator
from wagtail_payparts.states import PaymentState


#: 100 kB in UTF-8.
CONTRACT = "Я, Шевченко Тарас, приєднуюсь до умов договору. " * 1200


def _event() -> PaymentEvent:
    return PaymentEvent.objects.get(type="callback")


@pytest.mark.parametrize(
    ("message", "stored"),
    [
        ("", ""),
        (CONTRACT, CONTRACT),
        ("до\0після", "до�після"),
        ("  краї \r\n", "  краї \r\n"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}dap\N{RIGHT-TO-LEFT MARK} עברית", "\u202edap\u200f עברית"),
        ("☕👩‍👩‍👧", "☕👩‍👩‍👧"),
        ("<script>alert('x')</script>", "<script>alert('x')</script>"),
        ("{{ settings.SECRET_KEY }} {% debug %} %s %(x)s", "{{ settings.SECRET_KEY }} {% debug %} %s %(x)s"),
        ("'; DROP TABLE payments; --", "'; DROP TABLE payments; --"),
    ],
    ids=lambda text: ascii(text[:16]),
)
def test_any_text_of_the_bank_is_verified_as_it_came_and_stored_fit_for_eyes(
    message: str, stored: str, payment: Payment, bank: Simulator, ring: Ring
) -> None:
    assert ring(bank.callback_body(payment.order_id, state="CLIENT_WAIT", message=message)).status_code == 200
    assert _event().message == stored
    assert len(str(_event().payload.get("message", ""))) <= 4000


@pytest.mark.parametrize("message", ["null", "absent"])
def test_a_message_that_is_null_or_absent_is_empty(message: str, payment: Payment, bank: Simulator, ring: Ring) -> None:
    body = json.loads(bank.callback_body(payment.order_id, state="CANCELED", message=""))
    if message == "null":
        body["message"] = None
    else:
        del body["message"]
    assert ring(body).status_code == 200
    assert _event().message == ""


def test_fields_that_nobody_documents_are_kept_for_the_record(payment: Payment, bank: Simulator, ring: Ring) -> None:
    odd = {"status": "canceled", "amount": 1.10, "nested": {"password": "hush"}, "token": "T0K3N", "list": [None]}
    assert ring(bank.callback_body(payment.order_id, **odd)).status_code == 200
    kept = _event().payload
    assert kept["status"] == "canceled"
    assert kept["amount"] == "1.1"
    assert (kept["nested"], kept["token"], kept["signature"]) == ({"password": "***"}, "***", "***")


def test_an_amount_in_a_callback_is_never_believed(payment: Payment, bank: Simulator, ring: Ring) -> None:
    """It is not signed."""
    bank.pay(payment.order_id)
    ring(bank.callback_body(payment.order_id, amount="0.01"))
    payment.refresh_from_db()
    assert (payment.amount, payment.state) == (Decimal("800.00"), PaymentState.SUCCESS)


@pytest.mark.parametrize("word", ["WAIT_LIQPAY", "NEW", "EXPIRED", "SUCCESS_", "__"])
def test_an_unknown_word_is_kept_asks_for_a_person_and_moves_nothing(
    word: str, payment: Payment, bank: Simulator, ring: Ring, announced: list[Heard]
) -> None:
    assert ring(bank.callback_body(payment.order_id, state=word)).status_code == 200
    payment.refresh_from_db()
    assert payment.state == PaymentState.CREATED
    assert payment.attention_codes == ["unknown_state"]
    assert payment.claim_state == ""
    assert payment.next_poll_at is not None
    assert _event().state == word
    assert [heard.log.is_success for heard in announced] == [False]


def test_rejected_is_the_banks_other_word_for_fail(payment: Payment, bank: Simulator, ring: Ring) -> None:
    bank.set_state(payment.order_id, "REJECTED")
    ring(bank.callback_body(payment.order_id))
    payment.refresh_from_db()
    assert (payment.state, payment.attention) == (PaymentState.FAIL, "")
    assert _event().verdict == Verdict.APPLIED


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=UTF-8",
        "application/json; charset=windows-1251",
        "text/plain",
        "text/html",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
        "nonsense",
    ],
)
def test_json_is_read_whatever_its_content_type_says(
    content_type: str, payment: Payment, bank: Simulator, ring: Ring
) -> None:
    body = bank.callback_body(payment.order_id, state="CANCELED", message="Клієнт не завершив оплату")
    assert ring(body, content_type=content_type).status_code == 200
    assert _event().message == "Клієнт не завершив оплату"


@pytest.mark.parametrize("url", [URL, URL.rstrip("/")])
def test_the_address_works_with_and_without_its_slash(url: str, payment: Payment, bank: Simulator, ring: Ring) -> None:
    assert ring(bank.callback_body(payment.order_id), url=url).status_code == 200


def test_an_unknown_order_is_stored_once_and_told_of_once(
    order_made_elsewhere: str, bank: Simulator, ring: Ring, announced: list[Heard]
) -> None:
    bank.pay(order_made_elsewhere)
    for _time in range(3):
        assert ring(bank.callback_body(order_made_elsewhere)).status_code == 200
    event = _event()
    assert (event.payment, event.verdict, event.repeats) == (None, Verdict.UNKNOWN_ORDER, 2)
    assert event.order_id == order_made_elsewhere
    assert [heard.log.pk for heard in announced] == [event.pk]
    assert not Payment.objects.exists()


@pytest.mark.parametrize("again", ["sweep", "repeat"])
def test_a_callback_that_came_before_its_payment_is_adopted_and_the_bank_is_asked(
    again: str, order_made_elsewhere: str, bank: Simulator, ring: Ring, announced: list[Heard]
) -> None:
    """Such as one for a payment that was still inside its caller's transaction."""
    bank.pay(order_made_elsewhere)
    body = bank.callback_body(order_made_elsewhere)
    ring(body)
    payment = make_payment(order_id=order_made_elsewhere, amount="800.00")
    if again == "sweep":
        sweep()
        poll_due()
    else:
        ring(body)
    payment.refresh_from_db()
    assert payment.state == PaymentState.SUCCESS
    event = payment.events.get(type="callback")
    assert event.verdict == Verdict.APPLIED
    assert len(announced) == 1


def test_a_callback_is_not_adopted_by_a_payment_of_another_store(
    order_made_elsewhere: str, bank: Simulator, ring: Ring
) -> None:
    ring(bank.callback_body(order_made_elsewhere, state="SUCCESS"))
    payment = make_payment(order_id=order_made_elsewhere, store="other")
    sweep()
    payment.refresh_from_db()
    assert payment.claim_state == ""
    assert _event().verdict == Verdict.UNKNOWN_ORDER


@pytest.mark.parametrize("near", ["{}x", "{} ", " {}"])
def test_an_order_id_is_matched_exactly(near: str, bank: Simulator, ring: Ring) -> None:
    payment = make_payment(order_id="Order-1a")
    _ring_as(near.format(payment.order_id), bank, ring)
    assert _event().payment is None


@pytest.mark.parametrize("near", ["ORDER-1A", "order-1a", "Order-1á", "Order-1\N{FULLWIDTH LATIN SMALL LETTER A}"])
def test_case_and_accents_of_an_order_id_matter_on_every_database(near: str, bank: Simulator, ring: Ring) -> None:
    make_payment(order_id="Order-1a")
    _ring_as(near, bank, ring)
    assert _event().payment is None


def _ring_as(order_id: str, bank: Simulator, ring: Ring) -> None:
    """A well signed callback about any order id."""
    fields = {"order_id": order_id, "payment_state": "SUCCESS", "message": ""}
    signed = signature.callback(bank.password, store_id=bank.store_id, **fields)
    body = {"storeId": bank.store_id, "orderId": order_id, "paymentState": "SUCCESS", "signature": signed}
    assert ring(json.dumps(body).encode()).status_code == 200


def test_two_readings_of_one_signature_are_two_events(bank: Simulator, ring: Ring) -> None:
    """No signature has separators: the id and the state of one may be cut elsewhere. They are told apart."""
    _ring_as("ORDER-1", bank, ring)
    _ring_as("ORDER-1SUCCESS", bank, ring)
    assert PaymentEvent.objects.count() == 2


def test_the_bank_is_given_no_cookie(payment: Payment, bank: Simulator) -> None:
    response = Client().post(URL, bank.callback_body(payment.order_id), content_type="application/json")
    assert not response.cookies

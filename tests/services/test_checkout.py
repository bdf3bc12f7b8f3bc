"""A payment is started: written down, made at the bank, and the buyer sent there."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from wagtail.models import Site

from tests.factories import make_order
from wagtail_payparts.bank import Line
from wagtail_payparts.exceptions import (
    BadAnswer,
    BankRefused,
    BankUnreachable,
    InvalidPayment,
    OrderIdTaken,
    OutcomeUnknown,
)
from wagtail_payparts.models import Payment, Verdict
from wagtail_payparts.services import start_payment, sync_payment
from wagtail_payparts.services.order_ids import find_by_return_reference, new_order_id
from wagtail_payparts.simulator import Simulator
from wagtail_payparts.states import PaymentState


pytestmark = pytest.mark.django_db
KETTLE = {"name": "Чайник", "count": 2, "price": Decimal("200.10")}


def _start(**changes: Any) -> Payment:
    return start_payment(**{"lines": [KETTLE], "parts_count": 3} | changes)


def test_a_payment_is_made_at_the_bank_and_the_buyer_is_sent_there(bank: Simulator) -> None:
    payment = _start()
    at_bank = bank.payment(payment.order_id)
    assert payment.state == PaymentState.CREATED
    assert payment.redirect_url == f"{bank.redirect_url}?token={at_bank.token}"
    assert payment.amount == Decimal("400.20")
    assert payment.is_test


def test_the_bank_is_told_our_addresses_never_those_of_a_host_header(bank: Simulator) -> None:
    payment = _start()
    [sent] = [received.body for received in bank.requests if received.endpoint == "create"]
    assert sent["responseUrl"] == "http://testserver/pay-parts/callback/"
    assert sent["redirectUrl"].startswith("http://testserver/pay-parts/return/")
    reference = sent["redirectUrl"].rstrip("/").rsplit("/", 1)[1]
    assert find_by_return_reference(reference) == payment


def test_without_a_base_url_the_address_of_the_wagtail_site_is_used(bank: Simulator, settings: Any) -> None:
    settings.PAYPARTS_BASE_URL = ""
    Site.objects.update(hostname="shop.example.com", port=443)
    assert _start().response_url == "https://shop.example.com/pay-parts/callback/"


def test_without_any_address_nothing_is_started_and_the_error_says_what_to_set(bank: Simulator, settings: Any) -> None:
    settings.PAYPARTS_BASE_URL = ""
    Site.objects.all().delete()
    with pytest.raises(ImproperlyConfigured, match="PAYPARTS_BASE_URL"):
        _start()
    assert not Payment.objects.exists()


def test_the_row_is_there_before_the_bank_is_asked(bank: Simulator) -> None:
    bank.fault("timeout_after", endpoint="create", seconds=0.01)
    with pytest.raises((BankUnreachable, BadAnswer)):
        _start(order_id="ORDER-1")
    payment = Payment.objects.get(order_id="ORDER-1")
    assert payment.state == PaymentState.NEW
    assert payment.next_poll_at is not None


def test_a_create_whose_reply_was_lost_is_found_by_asking(bank: Simulator) -> None:
    bank.fault("timeout_after", endpoint="create", seconds=0.01)
    with pytest.raises((BankUnreachable, BadAnswer)):
        _start(order_id="ORDER-1")
    bank.pay("ORDER-1")
    assert sync_payment(Payment.objects.get()).state == PaymentState.SUCCESS


@pytest.mark.parametrize("fault", ["http_500", "html", "list", "forged", "other_order", "unreachable"])
def test_an_unbelievable_reply_to_create_is_an_unknown_outcome(bank: Simulator, fault: str) -> None:
    bank.fault(fault, endpoint="create")
    with pytest.raises((BankUnreachable, BadAnswer)):
        _start()
    payment = Payment.objects.get()
    assert payment.state == PaymentState.NEW
    assert payment.events.get().verdict in {Verdict.BAD_ANSWER, Verdict.UNREACHABLE}


def _refused_by_the_bank(settings: Any, **changes: Any) -> BankRefused:
    """Ours allows more than the bank takes."""
    settings.PAYPARTS_MAX_AMOUNT = 900_000
    with pytest.raises(BankRefused) as refused:
        _start(lines=[KETTLE | {"price": Decimal("200000.00")}], **changes)
    return refused.value


def test_a_signed_refusal_ends_the_payment_and_says_why(bank: Simulator, settings: Any) -> None:
    error = _refused_by_the_bank(settings)
    payment = Payment.objects.get()
    assert error.verified
    assert payment.state == PaymentState.FAIL
    assert payment.bank_message == str(error)
    assert payment.deliveries.filter(signal="payment_failed").exists()


def test_an_order_id_that_the_bank_refused_is_tried_again_on_the_same_row(bank: Simulator, settings: Any) -> None:
    _refused_by_the_bank(settings, order_id="ORDER-1")
    payment = _start(order_id="ORDER-1")
    assert payment == Payment.objects.get()
    assert (payment.state, payment.amount) == (PaymentState.CREATED, Decimal("400.20"))
    bank.pay("ORDER-1")
    paid = sync_payment(payment)
    assert (paid.state, paid.attention) == (PaymentState.SUCCESS, "")


def test_already_exists_is_no_refusal_since_the_payment_may_be_ours(bank: Simulator) -> None:
    _start(order_id="ORDER-1")
    Payment.objects.update(order_id="OUR-ROW-IS-LOST")
    with pytest.raises(BankRefused) as refused:
        _start(order_id="ORDER-1")
    assert refused.value.already_exists
    assert Payment.objects.get(order_id="ORDER-1").state == PaymentState.NEW


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"lines": []}, "lines"),
        ({"lines": [KETTLE | {"price": 200.10}]}, "lines"),
        ({"lines": [KETTLE | {"price": "200.105"}]}, "lines"),
        ({"lines": [KETTLE | {"price": "NaN"}]}, "lines"),
        ({"lines": [KETTLE | {"price": "-400"}]}, "lines"),
        ({"lines": [KETTLE | {"price": "0"}]}, "lines"),
        ({"lines": [KETTLE | {"price": "дорого"}]}, "lines"),
        ({"lines": [KETTLE | {"price": None}]}, "lines"),
        ({"lines": [KETTLE | {"price": "1e400"}]}, "lines"),
        ({"lines": [KETTLE | {"count": 0}]}, "lines"),
        ({"lines": [KETTLE | {"count": 1.5}]}, "lines"),
        ({"lines": [KETTLE | {"count": True}]}, "lines"),
        ({"lines": [KETTLE | {"name": " "}]}, "lines"),
        ({"lines": [KETTLE | {"name": "ю" * 129}]}, "lines"),
        ({"lines": [KETTLE | {"name": "a\x00b"}]}, "lines"),
        ({"lines": [KETTLE | {"name": "\ud800"}]}, "lines"),
        ({"lines": [KETTLE | {"count": 10**40}]}, "lines"),
        ({"reference": "\ud800"}, "reference"),
        ({"redirect_url": "https://shop.example/\ud800"}, "redirect_url"),
        ({"response_url": "https://shop.example/\x00"}, "response_url"),
        ({"idempotency_key": "\udfff"}, "idempotency_key"),
        ({"lines": [KETTLE | {"price": "149.99"}]}, "amount"),
        ({"lines": [KETTLE | {"price": "150000.01"}]}, "amount"),
        ({"parts_count": 1}, "parts_count"),
        ({"parts_count": 26}, "parts_count"),
        ({"parts_count": "3"}, "parts_count"),
        ({"merchant_type": "XX"}, "merchant_type"),
        ({"order_id": "ORDER#1"}, "order_id"),
        ({"order_id": "x" * 51}, "order_id"),
        ({"order_id": "ORDER-1SUCCESS"}, "order_id"),
        ({"order_id": ""}, "order_id"),
        ({"order_id": 17}, "order_id"),
        ({"order_id": "ORDER\n"}, "order_id"),
    ],
)
def test_what_is_not_payable_is_refused_and_nothing_is_written_or_sent(
    bank: Simulator, change: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidPayment) as refused:
        _start(**change)
    assert refused.value.field == field
    assert str(refused.value)
    assert not Payment.objects.exists()
    assert not bank.requests


@pytest.mark.parametrize("price", ["150.00", "150000.00"])
def test_the_limits_themselves_are_payable(bank: Simulator, price: str) -> None:
    assert _start(lines=[KETTLE | {"price": price}]).token


def test_the_limits_are_settings(bank: Simulator, settings: Any) -> None:
    settings.PAYPARTS_MIN_AMOUNT, settings.PAYPARTS_MAX_PARTS = 1000, 4
    with pytest.raises(InvalidPayment):
        _start()
    with pytest.raises(InvalidPayment):
        _start(lines=[KETTLE | {"price": 500}], parts_count=5)


def test_lines_are_taken_as_the_bank_knows_them_too(bank: Simulator) -> None:
    assert _start(lines=[Line("Чайник", 1, Decimal("300.00"))]).amount == Decimal(300)


def test_the_same_call_again_returns_the_same_payment_while_it_is_open(bank: Simulator) -> None:
    first, second = _start(order_id="ORDER-1"), _start(order_id="ORDER-1")
    assert first == second
    assert first.redirect_url == second.redirect_url
    assert len(bank.payments()) == 1


def test_the_same_idempotency_key_returns_the_same_payment(bank: Simulator) -> None:
    assert _start(idempotency_key="press-1") == _start(idempotency_key="press-1")
    assert _start(idempotency_key="press-2") != _start(idempotency_key="press-1")


def test_an_idempotency_key_of_another_store_does_not_send_the_money_there(bank: Simulator, settings: Any) -> None:
    own = {"STORE_ID": settings.PAYPARTS_API_STORE_ID, "PASSWORD": settings.PAYPARTS_API_PASSWORD}
    settings.PAYPARTS_STORES = {"default": own, "second": own | {"STORE_ID": "OTHER", "PASSWORD": "p"}}
    _start(idempotency_key="press-1")
    with pytest.raises(OrderIdTaken, match="'default'"):
        _start(idempotency_key="press-1", store="second")


def test_an_idempotency_key_is_not_taken_for_another_purchase(bank: Simulator) -> None:
    _start(idempotency_key="press-1", reference="SHOP-1", order_id="ORDER-1")
    for change in ({"reference": "SHOP-2"}, {"reference": "SHOP-1", "buyer_order": make_order()}):
        with pytest.raises(OrderIdTaken, match="other terms"):
            _start(idempotency_key="press-1", **change)
    with pytest.raises(OrderIdTaken, match="key belongs to the payment ORDER-1"):
        _start(idempotency_key="press-1", reference="SHOP-1", order_id="ORDER-2")
    assert len(bank.payments()) == 1


@pytest.mark.parametrize("again", [{"order_id": "ORDER-1"}, {"idempotency_key": "press-1"}])
@pytest.mark.parametrize("is_found", [False, True])
def test_a_payment_whose_page_is_not_known_is_not_returned(
    bank: Simulator, again: dict[str, Any], is_found: bool
) -> None:
    bank.fault("timeout_after", endpoint="create", seconds=0.01)
    with pytest.raises((BankUnreachable, BadAnswer)):
        _start(order_id="ORDER-1", idempotency_key="press-1")
    if is_found:
        assert sync_payment(Payment.objects.get()).state == PaymentState.CREATED
    with pytest.raises(OutcomeUnknown, match="start a new attempt with a new order id"):
        _start(**again)
    assert sum(request.endpoint == "create" for request in bank.requests) == 1


@pytest.mark.parametrize(
    "change",
    [{"parts_count": 4}, {"merchant_type": "PP"}, {"lines": [KETTLE | {"count": 3}]}, {"reference": "SHOP-2"}],
)
def test_an_order_id_is_not_taken_for_other_terms(bank: Simulator, change: dict[str, Any]) -> None:
    _start(order_id="ORDER-1")
    with pytest.raises(OrderIdTaken, match="new order id"):
        _start(order_id="ORDER-1", **change)


def test_an_order_id_whose_payment_has_ended_is_not_used_again(bank: Simulator) -> None:
    bank.cancel(_start(order_id="ORDER-1").order_id)
    sync_payment(Payment.objects.get())
    with pytest.raises(OrderIdTaken, match="CANCELED"):
        _start(order_id="ORDER-1")


def test_ids_of_two_stores_do_not_meet(bank: Simulator, settings: Any) -> None:
    own = {"STORE_ID": settings.PAYPARTS_API_STORE_ID, "PASSWORD": settings.PAYPARTS_API_PASSWORD}
    settings.PAYPARTS_STORES = {"default": own, "second": own | {"STORE_ID": "OTHER", "PASSWORD": "p"}}
    _start(order_id="ORDER-1")
    with pytest.raises(BankRefused):
        _start(order_id="ORDER-1", store="second")
    assert Payment.objects.filter(order_id="ORDER-1").count() == 2


def test_the_public_test_store_is_refused_on_a_real_site(bank: Simulator, settings: Any) -> None:
    settings.PAYPARTS_API_STORE_ID = "4AAD1369CF734B64B70F"
    settings.PAYPARTS_ALLOW_TEST_STORE = False
    with pytest.raises(ImproperlyConfigured, match="PAYPARTS_ALLOW_TEST_STORE"):
        _start()


@pytest.mark.parametrize("name", ["PAYPARTS_API_STORE_ID", "PAYPARTS_API_PASSWORD"])
def test_a_store_without_credentials_starts_nothing(bank: Simulator, settings: Any, name: str) -> None:
    setattr(settings, name, "")
    with pytest.raises(ImproperlyConfigured, match=name):
        _start()


def test_a_bank_without_tls_or_an_endless_wait_starts_nothing(bank: Simulator, settings: Any) -> None:
    for name, value in {"PAYPARTS_API_URL": "http://payparts2.privatbank.ua/", "PAYPARTS_TIMEOUT": (3, 0)}.items():
        setattr(settings, name, value)
        with pytest.raises(ImproperlyConfigured, match=name):
            _start()
    assert not Payment.objects.exists()


def test_the_fee_of_the_shop_is_written_down_by_its_tariff(bank: Simulator) -> None:
    assert _start(merchant_type="PP", parts_count=3).fee == Decimal("10.01")


def test_it_may_be_called_within_a_transaction(bank: Simulator) -> None:
    with transaction.atomic():
        payment = _start()
    assert payment.token


def test_our_order_ids_sort_by_time_and_hold_no_word_of_the_bank(bank: Simulator) -> None:
    ids = [new_order_id() for _time in range(200)]
    assert all(re.fullmatch(r"[0-9A-Z]{26}", one) for one in ids)
    assert len(set(ids)) == 200
    assert sorted(one[:10] for one in ids) == [one[:10] for one in ids]


@pytest.mark.parametrize("field", ["reference", "idempotency_key"])
def test_what_is_longer_than_its_column_is_refused_before_anything_is_written(bank: Simulator, field: str) -> None:
    with pytest.raises(InvalidPayment) as refused:
        _start(**{field: "x" * 101})
    assert refused.value.field == field
    assert _start(**{field: "x" * 100}).token


def test_where_no_store_is_named_the_first_is_used(bank: Simulator, settings: Any) -> None:
    own = {"STORE_ID": settings.PAYPARTS_API_STORE_ID, "PASSWORD": settings.PAYPARTS_API_PASSWORD}
    settings.PAYPARTS_STORES = {"main": own}
    assert _start().store == "main"

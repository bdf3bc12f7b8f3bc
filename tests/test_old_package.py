"""The README of django-ok-payparts 0.4, executed under our name: what it documents works unchanged."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.contrib import admin
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.test import Client, RequestFactory
from django.urls import reverse

from tests.factories import make_order
from tests.old_order import documented_order
from wagtail_payparts import conf, consts
from wagtail_payparts.exceptions import BadAnswer, BankRefused, BankUnreachable, OrderIdTaken, OutcomeUnknown
from wagtail_payparts.models import Order, Payment, PaymentEvent
from wagtail_payparts.services import sync_payment
from wagtail_payparts.signals import pay_parts_invalid_callback, pay_parts_success_callback
from wagtail_payparts.simulator import Simulator
from wagtail_payparts.states import PaymentState
from wagtail_payparts.use_cases import GetRedirectUrlUseCase, ProcessCallbackUseCase


pytestmark = pytest.mark.django_db


@pytest.fixture
def data() -> dict[str, Any]:
    return documented_order()


def _creates(bank: Simulator) -> int:
    return sum(request.endpoint == "create" for request in bank.requests)


# Installation and settings


def test_the_urls_serve_the_callback_at_its_old_address() -> None:
    assert reverse("wagtail_payparts:callback") == "/pay-parts/callback/"


def test_the_old_settings_have_their_old_defaults(settings: Any) -> None:
    store = conf.read_store("default")
    assert (store.store_id, store.password) == (settings.PAYPARTS_API_STORE_ID, settings.PAYPARTS_API_PASSWORD)
    assert store.api_url == "https://payparts2.privatbank.ua/ipp/v2/"
    assert store.redirect_url == "https://payparts2.privatbank.ua/ipp/v2/payment"


def test_a_password_that_is_missing_is_said_to_be(data: dict[str, Any], settings: Any) -> None:
    settings.PAYPARTS_API_PASSWORD = ""
    with pytest.raises(ImproperlyConfigured, match="PAYPARTS_API_PASSWORD"):
        GetRedirectUrlUseCase().execute(data)


# How to create a payment


def test_the_documented_order_gives_the_documented_address(
    data: dict[str, Any], bank: Simulator, settings: Any
) -> None:
    redirect_url = GetRedirectUrlUseCase().execute(data)
    made = bank.payment("order-123")
    assert redirect_url == f"{settings.PAYPARTS_API_REDIRECT_URL}?token={made.token}"
    assert (made.amount, made.parts_count, made.merchant_type) == (Decimal("400.00"), 2, "II")
    assert [(line.name, line.count, line.kopecks) for line in made.lines] == [
        ("Телевизор", 2, 10000),
        ("Микроволновка", 1, 20000),
    ]
    assert (made.response_url, made.redirect_url) == ("http://shop.com/response", "http://shop.com/redirect")


def test_the_creation_is_in_the_log(data: dict[str, Any], bank: Simulator) -> None:
    redirect_url = GetRedirectUrlUseCase().execute(data)
    log = PaymentEvent.objects.get(type="payment_create")
    assert (log.order_id, log.store_id, log.state) == ("order-123", bank.store_id, "CREATED")
    assert redirect_url.endswith(log.token)


def test_the_callers_data_is_left_alone(data: dict[str, Any], bank: Simulator) -> None:
    before = copy.deepcopy(data)
    GetRedirectUrlUseCase().execute(data)
    assert data == before


@pytest.mark.parametrize("absent", [None, ""])
def test_optional_fields_may_be_absent_or_empty(absent: Any, data: dict[str, Any], bank: Simulator) -> None:
    optional = ("parts_count", "merchant_type", "response_url", "redirect_url")
    GetRedirectUrlUseCase().execute({name: value for name, value in data.items() if name not in optional})
    GetRedirectUrlUseCase().execute(data | {"order_id": "order-124"} | dict.fromkeys(optional, absent))
    for order_id in ("order-123", "order-124"):
        made = bank.payment(order_id)
        assert (made.parts_count, made.merchant_type) == (2, "II")
        assert made.response_url == "http://testserver/pay-parts/callback/"
        assert made.redirect_url.startswith("http://testserver/pay-parts/return/")


@pytest.mark.parametrize(
    ("amount", "price", "kopecks"),
    [
        (1033.10, 1033.10, 103310),
        (579.67, 579.67, 57967),
        (300.1 + 0.2, 300.3, 30030),
        (400, 400, 40000),
        ("400.5", "400.50", 40050),
        (Decimal("400.55"), Decimal("400.550"), 40055),
        (4e2, "4e2", 40000),
    ],
)
def test_floats_ints_texts_and_decimals_become_exact(
    amount: Any, price: Any, kopecks: int, data: dict[str, Any], bank: Simulator
) -> None:
    """The old package sent 1033.10 as 103309 kopecks."""
    products = [{"name": "Телевизор", "count": 1, "price": price}]
    GetRedirectUrlUseCase().execute(data | {"amount": amount, "products": products})
    assert bank.payment("order-123").kopecks == kopecks


def test_three_floats_add_up(data: dict[str, Any], bank: Simulator) -> None:
    products = [{"name": name, "count": 1, "price": 133.33} for name in "abc"]
    GetRedirectUrlUseCase().execute(data | {"amount": 133.33 * 3, "products": products})
    assert bank.payment("order-123").kopecks == 39999


def test_a_number_will_do_for_an_order_id_and_a_text_for_a_count(data: dict[str, Any], bank: Simulator) -> None:
    products = [{"name": "Телевизор", "count": "4", "price": 100, "sku": "of no interest"}]
    GetRedirectUrlUseCase().execute(data | {"order_id": 123, "parts_count": "3", "products": products})
    assert bank.payment("123").parts_count == 3


def test_the_same_order_again_gives_the_same_address(data: dict[str, Any], bank: Simulator) -> None:
    """The bank refuses a second create, so the old package showed an error."""
    first = GetRedirectUrlUseCase().execute(data)
    exact = data | {"amount": Decimal("400.00"), "parts_count": "2"}
    assert GetRedirectUrlUseCase().execute(exact) == first
    bank.open("order-123")
    sync_payment(Payment.objects.get())
    assert GetRedirectUrlUseCase().execute(data) == first
    assert _creates(bank) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"parts_count": 3},
        {"merchant_type": "PP"},
        {"products": [{"name": "Телевизор", "count": 4, "price": 100.00}]},
        {"amount": 500.00, "products": [{"name": "Телевизор", "count": 5, "price": 100.00}]},
    ],
    ids=repr,
)
def test_another_content_under_the_same_order_id_is_an_error_that_says_what_to_do(
    changes: dict[str, Any], data: dict[str, Any], bank: Simulator
) -> None:
    GetRedirectUrlUseCase().execute(data)
    with pytest.raises(OrderIdTaken, match="start a new attempt with a new order id"):
        GetRedirectUrlUseCase().execute(data | changes)
    assert _creates(bank) == 1


@pytest.mark.parametrize("end", ["SUCCESS", "CANCELED", "FAIL"])
def test_the_order_id_of_a_payment_that_has_ended_is_an_error_that_says_what_to_do(
    end: str, data: dict[str, Any], bank: Simulator
) -> None:
    GetRedirectUrlUseCase().execute(data)
    bank.set_state("order-123", end)
    sync_payment(Payment.objects.get())
    with pytest.raises(OrderIdTaken, match=f"has ended \\({end}\\): start a new attempt"):
        GetRedirectUrlUseCase().execute(data)
    assert _creates(bank) == 1


def test_an_order_that_the_bank_refused_is_tried_again_on_the_same_row(
    data: dict[str, Any], bank: Simulator, settings: Any
) -> None:
    settings.PAYPARTS_MAX_AMOUNT = 10**6
    dear = data | {"amount": 400_000, "products": [{"name": "Автомобіль", "count": 1, "price": 400_000}]}
    with pytest.raises(BankRefused):
        GetRedirectUrlUseCase().execute(dear)
    refused = Payment.objects.get()
    assert refused.state == PaymentState.FAIL
    assert GetRedirectUrlUseCase().execute(data).endswith(bank.payment("order-123").token)
    tried_again = Payment.objects.get()
    assert (tried_again.pk, tried_again.state) == (refused.pk, PaymentState.CREATED)
    assert tried_again.amount == Decimal("400.00")
    assert not tried_again.was_negative


def test_any_collection_of_products_will_do(data: dict[str, Any], bank: Simulator) -> None:
    GetRedirectUrlUseCase().execute(data | {"products": (product for product in data["products"])})
    assert len(bank.payment("order-123").lines) == 2


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("unreachable", BankUnreachable),
        ("timeout_after", BankUnreachable),
        ("http_500", BadAnswer),
        ("html", BadAnswer),
        ("forged", BadAnswer),
    ],
)
def test_an_unknown_outcome_is_a_named_error_and_stays_one_until_it_is_known(
    fault: str, error: type[Exception], data: dict[str, Any], bank: Simulator
) -> None:
    bank.fault(fault, endpoint="create", seconds=0)
    with pytest.raises(error):
        GetRedirectUrlUseCase().execute(data)
    assert Payment.objects.get().state == PaymentState.NEW
    with pytest.raises(OutcomeUnknown, match="start a new attempt with a new order id"):
        GetRedirectUrlUseCase().execute(data)
    assert _creates(bank) == 1


def test_it_may_be_called_inside_a_transaction(data: dict[str, Any], bank: Simulator) -> None:
    with transaction.atomic():
        assert GetRedirectUrlUseCase().execute(data)


# How to process a callback


@pytest.fixture
def receivers() -> Iterator[list[Any]]:
    """Connected as the README connects them; the second as its users do."""
    invalid: list[Any] = []

    def success_callback(sender: Any, log: Any, request: Any, **kwargs: Any) -> None:
        # ensure success state
        if log.is_success:
            order = Order.objects.get(number=log.order_id)
            order.status = "paid"
            order.save()

    def invalid_callback(sender: Any, log: Any, request: Any, **kwargs: Any) -> None:
        invalid.append(log)

    pay_parts_success_callback.connect(success_callback)
    pay_parts_invalid_callback.connect(invalid_callback)
    yield invalid
    pay_parts_success_callback.disconnect(success_callback)
    pay_parts_invalid_callback.disconnect(invalid_callback)


def test_the_documented_receiver_sets_its_order_paid(
    data: dict[str, Any], bank: Simulator, receivers: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    order = make_order(number="order-123")
    GetRedirectUrlUseCase().execute(data)
    bank.pay("order-123")
    with django_capture_on_commit_callbacks(execute=True):
        response = Client().post(
            "/pay-parts/callback/", bank.callback_body("order-123"), content_type="application/json; charset=UTF-8"
        )
    assert response.status_code == 200
    order.refresh_from_db()
    assert order.status == "paid"
    assert not receivers


def test_a_view_of_ones_own_may_process_the_callback(
    data: dict[str, Any], bank: Simulator, receivers: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    order = make_order(number="order-123")
    GetRedirectUrlUseCase().execute(data)
    bank.pay("order-123")
    posted = json.loads(bank.callback_body("order-123"))
    before = copy.deepcopy(posted)
    request = RequestFactory().post("/my/callback/")
    with django_capture_on_commit_callbacks(execute=True):
        ProcessCallbackUseCase().execute(request=request, data=posted)
        ProcessCallbackUseCase().execute(request, posted)
    assert posted == before
    order.refresh_from_db()
    assert order.status == "paid"
    assert Payment.objects.get().state == PaymentState.SUCCESS
    assert PaymentEvent.objects.get(type="callback").repeats == 1


@pytest.mark.parametrize(
    "changes", [{"signature": "r9B3fKjTz/qDLfh11Vs9t+izCVI="}, {"signature": ""}, {"storeId": "OTHER"}], ids=repr
)
def test_a_callback_that_is_not_signed_raises_nothing_in_a_view_of_ones_own(
    changes: dict[str, Any], data: dict[str, Any], bank: Simulator, receivers: list[Any]
) -> None:
    GetRedirectUrlUseCase().execute(data)
    posted = json.loads(bank.callback_body("order-123", state="SUCCESS")) | changes
    ProcessCallbackUseCase().execute(RequestFactory().post("/my/callback/"), posted)
    assert [log.order_id for log in receivers] == ["order-123"]
    assert not PaymentEvent.objects.filter(verdict="received").exists()


@pytest.mark.parametrize(
    "posted",
    [
        {},
        [],
        None,
        "text",
        5,
        {"storeId": float("nan")},
        {"storeId": {"a": ["b"]}},
        {"message": "\ud800"},
        {"storeId": Decimal(1)},
        {("storeId",): "1"},
        {"storeId": object},
    ],
    ids=ascii,
)
def test_nonsense_raises_nothing_in_a_view_of_ones_own(posted: Any, bank: Simulator, receivers: list[Any]) -> None:
    ProcessCallbackUseCase().execute(RequestFactory().post("/my/callback/"), posted)
    assert PaymentEvent.objects.get().verdict == "rejected"
    assert not receivers


# Constants and the log


def test_the_constants_have_their_old_names_and_values() -> None:
    assert consts.MERCHANT_TYPES == (("II", "II"), ("PP", "PP"), ("PB", "PB"), ("IA", "IA"))
    assert (consts.DEFAULT_MERCHANT_TYPE, consts.DEFAULT_PARTS_COUNT) == ("II", 2)
    states = ("CREATED", "SUCCESS", "FAIL", "CANCELED", "CLIENT_WAIT", "OTP_WAITING", "PP_CREATION", "LOCKED")
    assert {getattr(consts, state) for state in states} == {state for state, _label in consts.STATE_CHOICES}
    assert [code for code, _label in consts.LOG_CHOICES] == ["payment_create", "callback"]


def test_the_log_is_listed_in_djangos_admin_and_cannot_be_changed_there(
    data: dict[str, Any], bank: Simulator, admin_client: Client
) -> None:
    GetRedirectUrlUseCase().execute(data)
    assert PaymentEvent in admin.site._registry
    log = PaymentEvent.objects.get(type="payment_create")
    response = admin_client.get(reverse("admin:wagtail_payparts_paymentevent_changelist"))
    assert "order-123" in response.content.decode()
    assert admin_client.get(reverse("admin:wagtail_payparts_paymentevent_add")).status_code == 403
    assert admin_client.get(reverse("admin:wagtail_payparts_paymentevent_delete", args=[log.pk])).status_code == 403

"""From the button to the bank, over real HTTP to a simulated one; and all that can stand in between."""

from __future__ import annotations

import logging
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.factories import make_offer
from tests.public.pages import make_page, press
from wagtail_payparts.models import Offer, Order, OrderStatus, Payment
from wagtail_payparts.simulator import Simulator


pytestmark = pytest.mark.django_db


def confirm(client: Client, offer: Offer, **data: Any) -> Any:
    return client.post(reverse("wagtail_payparts:confirm", args=[offer.pk]), {"parts": 3, "service": "II"} | data)


def test_one_press_leads_to_the_bank(client: Client, bank: Simulator, offer: Offer) -> None:
    answer = press(client, offer)
    payment = Payment.objects.get()
    assert answer.status_code == 303
    assert answer["Location"] == payment.redirect_url
    assert answer["Location"].startswith(bank.redirect_url)
    assert (payment.amount, payment.parts_count, payment.merchant_type) == (offer.amount, 3, "II")
    assert payment.buyer_order is not None
    assert payment.reference == payment.buyer_order.number
    assert bank.payment(payment.order_id).amount == offer.amount


def test_the_answer_is_for_nobody_else(client: Client, bank: Simulator, offer: Offer) -> None:
    answer = press(client, offer)
    assert "no-store" in answer["Cache-Control"]
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"


def test_a_payment_remembers_the_page(client: Client, bank: Simulator, offer: Offer) -> None:
    page = make_page(offer)
    press(client, offer, page=page.pk)
    payment = Payment.objects.get()
    assert (payment.page_id, payment.page_title, payment.page_url) == (page.pk, page.title, page.full_url)


@pytest.mark.parametrize("page", ["", "0", "-1", "999999", "9" * 30, "1 OR 1=1", "<b>"])
def test_an_unknown_page_does_no_harm(client: Client, bank: Simulator, offer: Offer, page: str) -> None:
    assert press(client, offer, page=page).status_code == 303
    assert Payment.objects.get().page_id is None


def test_a_payment_never_starts_with_a_link(client: Client, bank: Simulator, offer: Offer) -> None:
    for name in ("checkout", "confirm"):
        answer = client.get(reverse(f"wagtail_payparts:{name}", args=[offer.pk]), {"parts": 3, "service": "II"})
        assert answer.status_code == 405
        assert answer["Allow"] == "POST"
    assert bank.requests == []


# Where the press came from.


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Origin": "http://testserver"},
        {"Origin": "https://shop.example.com"},
        {"Origin": "https://deep.shop.example.org"},
    ],
)
def test_a_press_on_our_own_page_passes(bank: Simulator, offer: Offer, settings: Any, headers: dict[str, str]) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://shop.example.com", "https://*.example.org"]
    strict = Client(enforce_csrf_checks=True)
    assert press(strict, offer, headers=headers).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": ""},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"},
        {"Origin": "https://testserver"},
        {"Origin": "http://testserver.evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://testserver:8000"},
        {"Origin": "http://[::1"},
        {"Origin": "nonsense"},
        {"Origin": "https://example.com.evil.example"},
        {"Origin": "http://shop.example.com"},
    ],
)
def test_a_press_from_elsewhere_is_refused(
    client: Client, bank: Simulator, offer: Offer, settings: Any, headers: dict[str, str]
) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://shop.example.com", "https://*.example.com"]
    answer = press(client, offer, headers=headers)
    assert answer.status_code == 403
    assert "no-store" in answer["Cache-Control"]
    assert bank.requests == []
    assert not Order.objects.exists()


@pytest.mark.parametrize("headers", [{}, {"Origin": "null"}, {"Origin": ""}])
def test_a_press_of_unknown_origin_is_asked_for_one_more(
    bank: Simulator, offer: Offer, headers: dict[str, str]
) -> None:
    strict = Client(enforce_csrf_checks=True)
    asked = press(strict, offer, headers=headers, parts=5, service="PP")
    assert asked.status_code == 200
    assert "no-store" in asked["Cache-Control"]
    assert bank.requests == []
    form = BeautifulSoup(asked.content, "html.parser").select_one("form.payparts__form")
    assert form is not None
    fields = {field["name"]: field["value"] for field in form.select("input")}
    assert {"parts": "5", "service": "PP", "page": ""}.items() <= fields.items()
    answer = strict.post(form["action"], fields)
    assert answer.status_code == 303
    assert (Payment.objects.get().parts_count, Payment.objects.get().merchant_type) == (5, "PP")


def test_the_second_press_needs_its_token(bank: Simulator, offer: Offer) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert confirm(strict, offer).status_code == 403
    assert bank.requests == []


def test_the_second_press_needs_its_token_without_the_middleware(bank: Simulator, offer: Offer, settings: Any) -> None:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "Csrf" not in name]
    assert confirm(Client(enforce_csrf_checks=True), offer).status_code == 403


# What was pressed.


@pytest.mark.parametrize(
    "tampered",
    [
        {"parts": ""},
        {"parts": "7"},
        {"parts": "1"},
        {"parts": "0"},
        {"parts": "-3"},
        {"parts": "3.5"},
        {"parts": "abc"},
        {"parts": "9" * 40},
        {"service": "IA"},
        {"service": "ii"},
        {"service": "II,PP"},
        {"service": "x" * 5000},
    ],
)
def test_what_the_offer_does_not_allow_is_refused(
    client: Client, bank: Simulator, offer: Offer, tampered: dict[str, str]
) -> None:
    answer = press(client, offer, **tampered)
    assert answer.status_code == 400
    assert bank.requests == []
    assert not Order.objects.exists()


def test_a_price_in_the_form_is_not_looked_at(client: Client, bank: Simulator, offer: Offer) -> None:
    press(client, offer, amount="1.00", price="1.00", lines="[]", offer="1", merchant_type="PB")
    assert Payment.objects.get().amount == Decimal("12500.00")


def test_the_price_is_that_of_the_moment(client: Client, bank: Simulator, offer: Offer) -> None:
    line = offer.lines.get()
    line.price = Decimal("13000.00")
    line.save()
    press(client, offer)
    assert Payment.objects.get().amount == Decimal("13000.00")


def test_without_a_service_it_is_the_first_of_the_offer(client: Client, bank: Simulator) -> None:
    press(client, make_offer(services="PP"), service="")
    assert Payment.objects.get().merchant_type == "PP"


@pytest.mark.parametrize("offer_id", [0, 999999, 10**30])
def test_an_offer_that_never_was(client: Client, bank: Simulator, offer_id: int) -> None:
    answer = press(client, Offer(pk=offer_id))
    assert answer.status_code == 410
    assert "no longer available" in answer.content.decode()


@pytest.mark.parametrize("unsellable", [{"live": False}, {"lines": [("Ложка", 1, "10.00")]}, {"parts": "30"}])
def test_an_offer_that_cannot_be_sold(client: Client, bank: Simulator, unsellable: dict[str, Any]) -> None:
    answer = press(client, make_offer(**unsellable))
    assert answer.status_code == 410
    assert bank.requests == []


def test_an_offer_that_was_deleted_while_its_page_was_cached(client: Client, bank: Simulator, offer: Offer) -> None:
    gone = Offer(pk=offer.pk)
    offer.delete()
    assert press(client, gone).status_code == 410


def test_an_offer_that_was_unpublished_while_its_page_was_cached(client: Client, bank: Simulator, offer: Offer) -> None:
    offer.unpublish()
    assert press(client, offer).status_code == 410


# A second press.


def test_a_second_press_leads_to_the_same_page_of_the_bank(client: Client, bank: Simulator, offer: Offer) -> None:
    assert press(client, offer)["Location"] == press(client, offer)["Location"]
    assert Payment.objects.count() == Order.objects.count() == 1


def test_without_the_cookie_it_is_a_second_attempt(bank: Simulator, offer: Offer) -> None:
    assert press(Client(), offer)["Location"] != press(Client(), offer)["Location"]
    assert Payment.objects.count() == 2


def test_the_cookie_stays_away_from_the_pages_of_the_shop(client: Client, bank: Simulator, offer: Offer) -> None:
    cookie = press(client, offer).cookies["payparts_attempt"]
    assert cookie["path"] == reverse("wagtail_payparts:checkout", args=[offer.pk])
    assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Lax", "")


def test_the_cookie_is_secure_over_https(client: Client, bank: Simulator, offer: Offer) -> None:
    url = reverse("wagtail_payparts:checkout", args=[offer.pk])
    answer = client.post(url, {"parts": 3, "service": "II"}, secure=True, headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.cookies["payparts_attempt"]["secure"] is True


def test_another_choice_is_another_payment(client: Client, bank: Simulator, offer: Offer) -> None:
    press(client, offer, parts=3)
    press(client, offer, parts=4)
    press(client, offer, parts=4, service="PP")
    assert Payment.objects.count() == 3


def test_another_price_is_another_payment(client: Client, bank: Simulator, offer: Offer) -> None:
    press(client, offer)
    line = offer.lines.get()
    line.price = Decimal("13000.00")
    line.save()
    press(client, offer)
    assert Payment.objects.count() == 2


@pytest.mark.parametrize("state", ["SUCCESS", "CANCELED", "FAIL", "EXPIRED", "LOCKED"])
def test_a_payment_that_has_ended_is_not_gone_on_with(
    client: Client, bank: Simulator, offer: Offer, state: str
) -> None:
    press(client, offer)
    Payment.objects.update(state=state)
    press(client, offer)
    assert Payment.objects.count() == 2


@pytest.mark.parametrize("cookie", ["", "nonsense", "a:b:c", "é" * 10])
def test_a_forged_cookie_is_no_cookie(client: Client, bank: Simulator, offer: Offer, cookie: str) -> None:
    press(client, offer)
    client.cookies["payparts_attempt"].set("payparts_attempt", cookie, cookie)
    assert press(client, offer).status_code == 303
    assert Payment.objects.count() == 2


# The bank.


@pytest.mark.parametrize("fault", ["http_500", "html", "list", "unreachable", "forged", "other_order"])
def test_a_bank_that_does_not_answer_sensibly(client: Client, bank: Simulator, offer: Offer, fault: str) -> None:
    bank.fault(fault, endpoint="create")
    answer = press(client, offer)
    assert answer.status_code == 503
    assert answer["Retry-After"] == "60"
    assert "Nothing was charged" in answer.content.decode()
    assert Payment.objects.get().state == "NEW"


def test_a_bank_that_acts_and_does_not_answer(client: Client, bank: Simulator, offer: Offer, settings: Any) -> None:
    settings.PAYPARTS_TIMEOUT = (1, 0.2)
    bank.fault("timeout_after", endpoint="create", seconds=1)
    assert press(client, offer).status_code == 503
    assert bank.payment(Payment.objects.get().order_id).state == "CREATED"


def test_a_press_while_nobody_knows_waits_for_the_bank(client: Client, bank: Simulator, offer: Offer) -> None:
    bank.fault("html", endpoint="create")
    press(client, offer)
    answer = press(client, offer)
    assert answer.status_code == 303
    assert answer["Location"].startswith("/pay-parts/return/")
    assert Payment.objects.count() == 1


def test_a_minute_later_it_is_a_new_attempt(client: Client, bank: Simulator, offer: Offer) -> None:
    bank.fault("html", endpoint="create")
    press(client, offer)
    Payment.objects.update(created_at=timezone.now() - timedelta(seconds=61))
    assert press(client, offer)["Location"].startswith(bank.redirect_url)
    assert Payment.objects.count() == 2


def test_a_bank_that_refuses(client: Client, bank: Simulator, offer: Offer, settings: Any) -> None:
    settings.PAYPARTS_API_PASSWORD = "another"
    answer = press(client, offer)
    assert answer.status_code == 422
    assert "did not accept" in answer.content.decode()


def test_a_site_without_a_store(client: Client, offer: Offer, settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    cache.clear()
    settings.PAYPARTS_API_STORE_ID = ""
    with caplog.at_level(logging.ERROR):
        answer = press(client, offer)
    assert answer.status_code == 503
    assert "PAYPARTS" not in answer.content.decode()
    assert "PAYPARTS_API_STORE_ID" in caplog.text


def test_no_page_tells_a_secret(
    client: Client, bank: Simulator, offer: Offer, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    bank.fault("forged", endpoint="create")
    with caplog.at_level(logging.DEBUG):
        answer = press(client, offer)
    for secret in (settings.PAYPARTS_API_PASSWORD, settings.PAYPARTS_API_STORE_ID, settings.SECRET_KEY):
        assert secret not in answer.content.decode()
    assert settings.PAYPARTS_API_PASSWORD not in caplog.text


# Limits.


@pytest.mark.usefixtures("within_one_window")
def test_a_visitor_who_starts_too_many_payments_has_to_wait(bank: Simulator, offer: Offer, settings: Any) -> None:
    settings.PAYPARTS_CHECKOUT_LIMITS = {"visitor": 2}
    answers = [press(Client(REMOTE_ADDR="192.0.2.1"), offer) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [303, 303, 429]
    assert answers[-1]["Retry-After"] == "60"
    assert press(Client(REMOTE_ADDR="192.0.2.2"), offer).status_code == 303
    assert Payment.objects.count() == Order.objects.count() == 3


# The project around it.


def test_behind_a_login_for_the_whole_site(client: Client, bank: Simulator, offer: Offer, settings: Any) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    assert press(client, offer).status_code == 303
    assert confirm(client, offer, parts=4).status_code == 303


@pytest.mark.django_db(transaction=True)
def test_within_atomic_requests_what_was_begun_stays_written(client: Client, bank: Simulator) -> None:
    from django.db import connections

    offer = make_offer()
    bank.fault("unreachable", endpoint="create")
    databases = connections["default"].settings_dict
    databases["ATOMIC_REQUESTS"] = True
    try:
        assert press(client, offer).status_code == 503
    finally:
        databases["ATOMIC_REQUESTS"] = False
    assert Payment.objects.get().state == "NEW"
    assert Order.objects.get().status == OrderStatus.NEW


def test_the_way_back_leads_to_this_site_only(bank: Simulator, offer: Offer) -> None:
    def back(**options: Any) -> str:
        bank.fault("html", endpoint="create")
        answer = press(Client(), offer, **options)
        link = BeautifulSoup(answer.content, "html.parser").select_one("a.payparts-page__button")
        assert link is not None
        return str(link["href"])

    same = {"Sec-Fetch-Site": "same-origin"}
    assert back(headers=same | {"Referer": "http://testserver/kettles/?page=2"}) == "/kettles/"
    for odd in ("http://evil.example/x", "javascript:alert(1)", "http://testserver//evil.example/x"):
        assert back(headers=same | {"Referer": odd}) == "/"
    assert back(headers=same | {"Referer": "http://testserver/\\evil.example/x"}) == "/"
    assert back(headers=same) == "/"
    page = make_page(offer)
    assert back(headers=same | {"Referer": "http://testserver/kettles/"}, page=page.pk) == page.url

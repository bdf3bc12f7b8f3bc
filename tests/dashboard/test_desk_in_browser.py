"""The desk as staff meet it: a payment with a history, each page that asks, and the inbox, full and empty."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from tests.dashboard.conftest import PAYMENTS
from tests.factories import make_offer, make_order, make_payment
from wagtail_payparts.models import (
    AttentionCode,
    EventType,
    Payment,
    PaymentEvent,
    ReceiverResult,
    Refund,
    SignalDelivery,
    Verdict,
)


if TYPE_CHECKING:
    from playwright.sync_api import Page


pytestmark = pytest.mark.browser

#: Wagtail's own heading above filtered listings: <h2 role="alert">.
WAGTAILS_OWN = {"aria-allowed-role"}
LOOKS = [(1280, "light", "uk"), (1280, "dark", "en"), (360, "light", "en"), (360, "dark", "uk")]


@pytest.fixture
def enter(live_server: Any, new_page: Callable[..., Page]) -> Callable[..., Page]:
    """A page of the admin, opened by a superuser, in the language named."""

    def open_page(address: str, *, language: str = "uk", **options: Any) -> Page:
        user, _created = get_user_model().objects.get_or_create(username="root", is_superuser=True, is_staff=True)
        client = Client()
        client.force_login(user)
        page = new_page(locale={"uk": "uk-UA", "en": "en-GB"}[language], **options)
        page.context.add_cookies(
            [
                {"name": settings.SESSION_COOKIE_NAME, "value": client.cookies[settings.SESSION_COOKIE_NAME].value}
                | {"url": live_server.url}
            ]
        )
        page.goto(f"{live_server.url}{address}")
        return page

    return open_page


def _event(payment: Payment, **fields: Any) -> PaymentEvent:
    return PaymentEvent.objects.create(payment=payment, order_id=payment.order_id, **fields)


def _a_payment_with_a_history() -> Payment:
    now = timezone.now()
    order = make_order(buyer_name="Олена Петренко", buyer_phone="+380671234567", buyer_email="olena@example.com")
    payment = make_payment(
        state="SUCCESS",
        bank_state="FAIL",
        buyer_order=order,
        offer=make_offer(),
        offer_title="Чайник «Світанок»",
        page_title="Каталог",
        page_url="/catalog/",
        reference="SHOP-7",
        attention="negative_after_success delivery_failing",
        refunded_amount=500,
        settled_at=now,
        next_poll_at=now,
        receipt={"card_mask": "5168****1234", "rrn": "123456"},
        bank_message="Договір № 17 підписано",
    )
    olha, _created = get_user_model().objects.get_or_create(username="olha", defaults={"first_name": "Ольга"})
    Refund.objects.create(payment=payment, amount=500, reason="Пошкоджено", state="accepted", requested_by=olha)
    _event(
        payment, type=EventType.PAYMENT_CREATE, source="checkout", state="CREATED", verdict="applied", http_status=200
    )
    _event(
        payment,
        type=EventType.POLL,
        source="poll",
        verdict="unreachable",
        message="no reply from the bank: ReadTimeout",
    )
    _event(
        payment,
        type=EventType.POLL,
        source="poll",
        verdict="bad_answer",
        message="the reply cannot be read: not JSON",
        http_status=502,
        repeats=14,
        duration_ms=312,
    )
    _event(payment, type=EventType.CALLBACK, source="callback", state="SUCCESS", verdict="applied")
    paid = _event(
        payment, type=EventType.POLL, source="poll", state="SUCCESS", verdict="applied", payload={"state": "SUCCESS"}
    )
    moved = {"old_state": "CLIENT_WAIT", "new_state": "SUCCESS"}
    for signal, arguments in (("payment_state_changed", moved), ("payment_succeeded", {})):
        delivery = SignalDelivery.objects.create(payment=payment, event=paid, signal=signal, arguments=arguments)
    ReceiverResult.objects.create(
        delivery=delivery, receiver="wagtail_payparts.order.pay", delivered_at=now, attempts=1
    )
    ReceiverResult.objects.create(
        delivery=delivery, receiver="shop.receivers.ship", given_up_at=now, attempts=12, last_error="KeyError: 'sku'"
    )
    _event(payment, type=EventType.ATTENTION, source="poll", message="negative_after_success")
    _event(
        payment,
        type=EventType.RESOLVED,
        source="staff",
        verdict="dismissed",
        user=olha,
        message="Банк каже, що це помилка. Подзвонили 1 листопада.",
        payload={"code": "claim_overdue"},
    )
    return payment


def _what_waits() -> None:
    for number, code in enumerate(AttentionCode.values):
        make_payment(
            state="SUCCESS" if number % 2 else "CANCELED",
            amount=500 + 750 * number,
            attention=code if number % 5 else f"{code} delivery_failing",
            offer_title="Чайник «Світанок»",
            buyer_order=make_order(),
            is_test=number == 3,
        )
    for number in range(3):
        PaymentEvent.objects.create(
            type=EventType.CALLBACK,
            verdict=Verdict.UNKNOWN_ORDER,
            source="callback",
            state="SUCCESS",
            order_id=f"ELSEWHERE-{number}",
            store_id="5E1F0A4D2B7C49E3A816",
            repeats=number,
        )


@pytest.mark.parametrize(("width", "scheme", "language"), LOOKS)
def test_pages_pass_axe_and_stay_within_the_screen(
    enter: Callable[..., Page],
    live_server: Any,
    screenshot: Callable[..., Path],
    width: int,
    scheme: str,
    language: str,
) -> None:
    inbox = f"{PAYMENTS}attention/"
    page = enter(inbox, language=language, viewport={"width": width, "height": 2400}, color_scheme=scheme)
    look = f"{language}-{scheme}-{width}"
    _look_at(page, "inbox-empty", look, width, screenshot)
    payment = _a_payment_with_a_history()
    _what_waits()
    callback = PaymentEvent.objects.filter(payment__isnull=True).latest("pk")
    one = f"{PAYMENTS}{payment.pk}/"
    pages = {
        "inbox": inbox,
        "inbox-filtered": f"{inbox}?code=late_success",
        "inbox-unreadable": f"{inbox}?code=BOGUS",
        "dismiss": f"{inbox}callbacks/{callback.pk}/dismiss/",
        "payment": one,
        "ask": f"{one}ask/",
        "deliver": f"{one}deliver/",
        "note": f"{one}note/",
        "resolve": f"{one}resolve/negative_after_success/",
    }
    for name, address in pages.items():
        page.goto(f"{live_server.url}{address}")
        _look_at(page, name, look, width, screenshot)
    # What was wrong with a form, after it was sent.
    page.locator("form button[type=submit]").last.click()
    page.locator(".error-message").first.wait_for()
    _look_at(page, "resolve-refused", look, width, screenshot)


def _look_at(page: Page, name: str, look: str, width: int, screenshot: Callable[..., Path]) -> None:
    screenshot(page, f"desk-{name}-{look}")
    violations = Axe().run(page).response["violations"]
    found = {violation["id"]: [node["html"] for node in violation["nodes"]] for violation in violations}
    assert set(found) <= WAGTAILS_OWN, (name, found)
    assert page.evaluate("document.documentElement.scrollWidth") <= width, name

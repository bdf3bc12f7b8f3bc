"""The admin's pages as staff meet them: by axe's rules, light and dark, on a phone and at a desk."""

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

from tests.dashboard.conftest import ORDERS, PAYMENTS
from tests.factories import make_offer, make_order, make_payment
from wagtail_payparts.models import EventType, Order, Payment, PaymentEvent
from wagtail_payparts.states import PaymentState


if TYPE_CHECKING:
    from playwright.sync_api import Page


pytestmark = pytest.mark.browser

#: Wagtail's own heading above filtered listings: <h2 role="alert">.
WAGTAILS_OWN = {"aria-allowed-role"}
LOOKS = [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")]


@pytest.fixture
def enter(live_server: Any, new_page: Callable[..., Page]) -> Callable[..., Page]:
    """A page of the admin, opened by a superuser, in Ukrainian."""

    def open_page(address: str, **options: Any) -> Page:
        user, _created = get_user_model().objects.get_or_create(username="root", is_superuser=True, is_staff=True)
        client = Client()
        client.force_login(user)
        page = new_page(**options)
        page.context.add_cookies(
            [
                {"name": settings.SESSION_COOKIE_NAME, "value": client.cookies[settings.SESSION_COOKIE_NAME].value}
                | {"url": live_server.url}
            ]
        )
        page.goto(f"{live_server.url}{address}")
        return page

    return open_page


def _a_shop_in_full_swing() -> Payment:
    offer = make_offer()
    for number, state in enumerate(PaymentState):
        make_payment(
            state=state,
            buyer_order=make_order(),
            offer=offer,
            offer_title=offer.title,
            page_title="Каталог",
            is_test=not number % 4,
            attention="" if number % 3 else "late_success",
        )
    payment = make_payment(
        state="SUCCESS", bank_state="SUCCESS", buyer_order=make_order(buyer_name="Олена"), bank_message="договір " * 500
    )
    for state in ("CREATED", "SUCCESS", "SOMETHING_NEW"):
        PaymentEvent.objects.create(
            payment=payment, type=EventType.POLL, state=state, verdict="applied", payload={"state": state}
        )
    return payment


def _handed_over() -> Order:
    """An order whose money went back after the goods had left the shop, with a note."""
    user = get_user_model().objects.get(username="root")
    order, _created = Order.objects.get_or_create(
        number="HANDED-OVER",
        defaults={"amount": "12500.00", "status": "refunded", "staff_note": "Чекаємо на повернення товару."}
        | {"handed_over_at": timezone.now(), "handed_over_by": user},
    )
    return order


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_pages_pass_axe_and_stay_within_the_screen(
    enter: Callable[..., Page], live_server: Any, screenshot: Callable[..., Path], width: int, scheme: str
) -> None:
    payment = _a_shop_in_full_swing()
    page = enter(PAYMENTS, viewport={"width": width, "height": 900}, color_scheme=scheme)
    pages = {
        "payments": PAYMENTS,
        "payments-filtered": f"{PAYMENTS}?state=SUCCESS&created_at_from=2020-01-01&amount_min=1",
        "payments-unreadable": f"{PAYMENTS}?state=BOGUS",
        "payment": f"{PAYMENTS}{payment.pk}/",
        "orders": ORDERS,
        "order": f"{ORDERS}{payment.buyer_order_id}/",
        "order-hand-over": f"{ORDERS}{payment.buyer_order_id}/hand-over/",
        "order-handed-over": f"{ORDERS}{_handed_over().pk}/",
        "order-take-back": f"{ORDERS}{_handed_over().pk}/take-back/",
        "order-note": f"{ORDERS}{payment.buyer_order_id}/note/",
        "offers": "/admin/snippets/wagtail_payparts/offer/",
    }
    for name, address in pages.items():
        page.goto(f"{live_server.url}{address}")
        found = {violation["id"] for violation in Axe().run(page).response["violations"]}
        assert found <= WAGTAILS_OWN, name
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        screenshot(page, f"admin-{name}-{scheme}-{width}")


def test_a_tick_filters_the_listing_and_the_download_follows(enter: Callable[..., Page], live_server: Any) -> None:
    make_payment(order_id="PAID", state="SUCCESS")
    make_payment(order_id="REFUSED", state="FAIL")
    page = enter(PAYMENTS)
    page.click("#filters-drilldown .w-dropdown__toggle")
    page.click("[aria-controls=drilldown-id_state]")
    page.check("input[name=state][value=SUCCESS]")
    page.wait_for_url("**state=SUCCESS**")
    page.get_by_text("REFUSED").wait_for(state="detached")
    assert page.locator("table.listing tbody tr").count() == 1
    page.keyboard.press("Escape")
    page.click("#w-slim-header-buttons button")
    link = page.locator('a[href*="export=csv"]')
    assert "state=SUCCESS" in (link.get_attribute("href") or "")
    with page.expect_download() as download:
        link.click()
    assert download.value.path().read_text("utf-8-sig").count("\n") == 2


@pytest.mark.parametrize("listing", [PAYMENTS, ORDERS, "/admin/snippets/wagtail_payparts/offer/"])
def test_a_wide_listing_can_be_pushed_aside_on_a_phone(enter: Callable[..., Page], listing: str) -> None:
    make_payment(buyer_order=make_order())
    make_offer()
    page = enter(listing, viewport={"width": 360, "height": 800})
    last = page.locator("table.listing tbody td").last
    last.scroll_into_view_if_needed()
    box = last.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 361


def test_a_long_message_and_what_was_sent_unfold_without_a_script_of_ours(enter: Callable[..., Page]) -> None:
    payment = _a_shop_in_full_swing()
    page = enter(f"{PAYMENTS}{payment.pk}/")
    sent = page.locator(".payparts-timeline details").first
    assert not sent.locator("pre").is_visible()
    sent.locator("summary").click()
    assert '"state": "CREATED"' in sent.locator("pre").inner_text()


def test_of_two_people_who_write_a_note_the_second_reads_the_first_and_loses_nothing(
    enter: Callable[..., Page],
) -> None:
    order = make_order()
    page = enter(f"{ORDERS}{order.pk}/")
    page.fill("textarea[name=note]", "Моя нотатка\nу два рядки")
    Order.objects.filter(pk=order.pk).update(staff_note="Чужа нотатка")
    page.click(".payparts-note-form button")
    page.wait_for_url("**/note/")
    assert "Чужа нотатка" in page.locator("[role=alert] blockquote").inner_text()
    assert page.input_value("textarea[name=note]") == "Моя нотатка\nу два рядки"
    assert Axe().run(page).response["violations"] == []
    page.click(".payparts-note-form button")
    page.wait_for_url(f"**{ORDERS}{order.pk}/")
    assert Order.objects.get(pk=order.pk).staff_note == "Моя нотатка\nу два рядки"

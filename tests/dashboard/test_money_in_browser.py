"""The pages that move money, and the list of refunds, as staff meet them: wide and narrow, light and dark, with axe."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as project
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from tests.dashboard.acting import address_of
from tests.dashboard.test_desk_in_browser import LOOKS, WAGTAILS_OWN
from tests.factories import make_order, make_payment
from wagtail_payparts.models import Payment, Refund


if TYPE_CHECKING:
    from playwright.sync_api import Page


pytestmark = pytest.mark.browser

REFUNDS = "/admin/payparts/refunds/"


@pytest.fixture
def enter(live_server: Any, new_page: Callable[..., Page]) -> Callable[..., Page]:
    """A page of the admin, opened by a superuser."""

    def open_page(address: str, *, language: str, **options: Any) -> Page:
        user, _created = get_user_model().objects.get_or_create(username="root", is_superuser=True, is_staff=True)
        client = Client()
        client.force_login(user)
        page = new_page(locale={"uk": "uk-UA", "en": "en-GB"}[language], **options)
        session = client.cookies[project.SESSION_COOKIE_NAME].value
        page.context.add_cookies([{"name": project.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
        page.goto(f"{live_server.url}{address}")
        return page

    return open_page


def _look_at(page: Page, name: str, look: str, width: int, screenshot: Callable[..., Path]) -> None:
    screenshot(page, f"money-{name}-{look}")
    violations = Axe().run(page).response["violations"]
    found = {violation["id"]: [node["html"] for node in violation["nodes"]] for violation in violations}
    assert set(found) <= WAGTAILS_OWN, (name, found)
    assert page.evaluate("document.documentElement.scrollWidth") <= width, name


def _refunds_of_all_kinds() -> None:
    olha = get_user_model().objects.create_user("olha", first_name="Ольга")
    order = make_order(buyer_name="Олена Петренко", buyer_phone="+380671234567")
    payment = make_payment(state="SUCCESS", buyer_order=order, reference="SHOP-7")
    for state in ("accepted", "rejected", "uncertain", "withdrawn", "external"):
        Refund.objects.create(
            payment=payment,
            amount="1250.50",
            state=state,
            reason="Скол на кришці, покупець надіслав фотографію",
            requested_by=olha,
            bank_message="Недостатньо коштів" if state == "rejected" else "",
        )


@pytest.mark.parametrize(("width", "scheme", "language"), LOOKS)
def test_pages_that_move_money_pass_axe_and_stay_within_the_screen(
    enter: Callable[..., Page],
    live_server: Any,
    parts_allowed: None,
    paid: Payment,
    held: Payment,
    screenshot: Callable[..., Path],
    width: int,
    scheme: str,
    language: str,
) -> None:
    _refunds_of_all_kinds()
    look = f"{language}-{scheme}-{width}"
    page = enter(REFUNDS, language=language, viewport={"width": width, "height": 1400}, color_scheme=scheme)
    _look_at(page, "refunds", look, width, screenshot)
    seen = {
        "export": f"{REFUNDS}export/",
        "payment-refunds": address_of(Refund.objects.latest("pk").payment),
        "held": address_of(held),
        "confirm": f"{address_of(held)}confirm/",
        "cancel": f"{address_of(held)}cancel/",
        "refund": f"{address_of(paid)}refund/",
    }
    for name, address in seen.items():
        page.goto(f"{live_server.url}{address}")
        _look_at(page, name, look, width, screenshot)
    page.fill("input[name=amount]", "1,500")
    page.click(".payparts-action button[type=submit]")
    page.locator(".error-message").first.wait_for()
    _look_at(page, "refund-wrong", look, width, screenshot)
    page.fill("input[name=amount]", "1 500,5")
    page.fill("textarea[name=note]", "Скол на кришці")
    page.click(".payparts-action button[type=submit]")
    page.locator("button.serious").wait_for()
    _look_at(page, "refund-repeated", look, width, screenshot)
    page.click("button.serious")
    page.locator(".messages .success").wait_for()
    screenshot(page, f"money-refunded-{look}")
    assert Refund.objects.get(payment=paid).state == "accepted"
    Payment.objects.filter(pk=held.pk).update(
        pending_action="confirm", pending_since=timezone.now(), state_changed_at=timezone.now() - timedelta(days=27)
    )
    page.goto(f"{live_server.url}{address_of(held)}")
    _look_at(page, "under-way", look, width, screenshot)

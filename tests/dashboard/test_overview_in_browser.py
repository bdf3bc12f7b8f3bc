"""The overview and its panel as staff meet them: by axe's rules, light and dark, on a phone and at a desk."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils.timezone import get_default_timezone, localtime

from tests.factories import make_payment
from wagtail_payparts.models import Payment


if TYPE_CHECKING:
    from playwright.sync_api import Page


pytestmark = pytest.mark.browser

OVERVIEW = "/admin/payparts/overview/"
LOOKS = [(1280, "light", "uk"), (1280, "dark", "en"), (360, "light", "en"), (360, "dark", "uk")]
REASONS = ["Недостатньо кредитного ліміту", "Клієнт не підтвердив платіж паролем із повідомлення банку", "", "x" * 190]


@pytest.fixture
def enter(live_server: Any, new_page: Callable[..., Page]) -> Callable[..., Page]:
    """A page of the admin, opened by a superuser."""

    def open_page(address: str, **options: Any) -> Page:
        user, _created = get_user_model().objects.get_or_create(username="root", is_superuser=True, is_staff=True)
        client = Client()
        client.force_login(user)
        page = new_page(**options)
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
        page.goto(f"{live_server.url}{address}")
        return page

    return open_page


def lively_ledger(now: datetime, days: int = 80) -> None:
    """A shop with some sales on every day but Sundays, and some of everything that can come of a payment."""
    dice = random.Random(7)
    payments = []
    for back in range(days):
        day = now - timedelta(days=back)
        for _sale in range(0 if day.weekday() == 6 else dice.randrange(1, 9)):
            state = dice.choices(["SUCCESS", "FAIL", "CANCELED", "EXPIRED"], [14, 4, 2, 2])[0]
            payment = make_payment(
                state=state,
                furthest_state="SUCCESS" if state == "SUCCESS" else dice.choice(["CREATED", "OTP_WAITING"]),
                amount=Decimal(dice.randrange(1500, 32000)),
                parts_count=dice.choice([2, 3, 3, 4, 4, 4, 6, 9, 12, 24]),
                merchant_type=dice.choice(["II", "II", "PP"]),
                fee=Decimal(dice.randrange(50, 900)),
                bank_message=dice.choice(REASONS) if state == "FAIL" else "",
            )
            payment.created_at = day
            payments.append(payment)
    Payment.objects.bulk_update(payments, ["created_at"])
    make_payment(state="LOCKED", furthest_state="LOCKED", amount=Decimal("8900.50"))
    make_payment(state="CLIENT_WAIT", furthest_state="CLIENT_WAIT")
    Payment.objects.filter(state="SUCCESS", parts_count=9).update(refunded_amount=Decimal(1500))
    make_payment(state="SUCCESS", furthest_state="SUCCESS", attention="late_success", amount=Decimal("14300.00"))


@pytest.mark.parametrize(("width", "scheme", "language"), LOOKS)
def test_the_overview_passes_axe_and_stays_within_the_screen(
    enter: Callable[..., Page],
    live_server: Any,
    screenshot: Callable[..., Path],
    width: int,
    scheme: str,
    language: str,
) -> None:
    page = enter(OVERVIEW, viewport={"width": width, "height": 900}, color_scheme=scheme, locale=language)
    _look(page, screenshot, f"overview-empty-{scheme}-{width}", width)
    lively_ledger(localtime(timezone=get_default_timezone()))
    pages = {
        "overview": f"{OVERVIEW}?period=last_30_days",
        "overview-year": f"{OVERVIEW}?period=this_year",
        "overview-unreadable": f"{OVERVIEW}?first=2026-11-20&last=2026-11-01",
        "home": "/admin/",
    }
    for name, address in pages.items():
        page.goto(f"{live_server.url}{address}")
        _look(page, screenshot, f"{name}-{scheme}-{width}", width)
    page.goto(f"{live_server.url}{pages['overview']}")
    for summary in page.locator(".payparts-chart summary").all():
        summary.click()
    _look(page, screenshot, f"overview-unfolded-{scheme}-{width}", width)


def _look(page: Page, screenshot: Callable[..., Path], name: str, width: int) -> None:
    # Wagtail scrolls within the page: only a tall window shows all of it.
    page.set_viewport_size({"width": width, "height": 4600 if width < 1000 else 2600})
    screenshot(page, name)
    assert [violation["id"] for violation in Axe().run(page).response["violations"]] == [], name
    assert page.evaluate("document.documentElement.scrollWidth") <= width, name

"""The story once more, in a real browser: from a cached page to the bank and back, with JavaScript and without."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.factories import make_offer
from tests.public.pages import make_page
from wagtail_payparts.models import Order, Payment
from wagtail_payparts.simulator import Simulator


if TYPE_CHECKING:
    from playwright.sync_api import Page


pytestmark = pytest.mark.browser


@pytest.mark.parametrize("java_script", [True, False], ids=["with JavaScript", "without"])
def test_a_buyer_on_a_cached_page_pays_at_the_bank_and_comes_back_to_a_paid_order(
    live_server: Any,
    bank: Simulator,
    new_page: Callable[..., Page],
    screenshot: Callable[..., Path],
    java_script: bool,
) -> None:
    make_page(make_offer(title="Кавоварка"), slug="coffee")
    url = f"{live_server.url}/cached/coffee/"
    look = "script" if java_script else "no-script"

    # Somebody else has been here: this visitor is served from the cache, with no cookie.
    first = new_page().goto(url)
    page = new_page(java_script_enabled=java_script)
    cached = page.goto(url)
    assert first is not None
    assert cached is not None
    assert "set-cookie" not in cached.headers
    assert cached.headers["expires"] == first.headers["expires"]
    assert cached.text() == first.text()
    screenshot(page, f"story-1-page-{look}")

    page.get_by_label("4 ×").check()
    page.locator(".payparts__submit").click()
    page.wait_for_url(f"{bank.redirect_url}**")
    screenshot(page, f"story-2-bank-{look}")
    page.get_by_label("0000 1111 2222 3333").check()
    page.get_by_role("button", name="Продовжити").click()
    page.get_by_label("Код із SMS").fill("1111")
    page.get_by_role("button", name="Підтвердити").click()
    page.get_by_text("Оплату підтверджено").wait_for()
    screenshot(page, f"story-3-approved-{look}")
    page.get_by_role("link", name="Повернутися до магазину").click()

    page.get_by_role("heading", name="Оплачено").wait_for()
    screenshot(page, f"story-4-paid-{look}")
    payment = Payment.objects.get()
    assert (payment.state, payment.parts_count) == ("SUCCESS", 4)
    assert Order.objects.get().status == "paid"

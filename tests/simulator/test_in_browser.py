"""The control page and the page of a held payment in a real browser: by axe's rules, and within the screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.simulator.shop import ORDER_ID, Shop, to_pay
from wagtail_payparts.bank import PayPartsClient
from wagtail_payparts.simulator import Simulator


if TYPE_CHECKING:
    from playwright.sync_api import Page


pytestmark = pytest.mark.browser

LOOKS = [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")]


def problems(page: Page) -> list[str]:
    found = [violation["id"] for violation in Axe().run(page).response["violations"]]
    too_wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return [*found, *(["wider than the screen"] if too_wide else [])]


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_pages_pass_axe_and_stay_within_the_screen(
    simulator: Simulator,
    client: PayPartsClient,
    shop: Shop,
    new_page: Callable[..., Page],
    screenshot: Callable[..., Path],
    width: int,
    scheme: str,
) -> None:
    client.create(to_pay("PAID", response_url=shop.listen_url))
    simulator.pay("PAID")
    simulator.refund("PAID", "100.50")
    simulator.deliver_callbacks()
    token = client.hold(to_pay()).token
    simulator.pay(ORDER_ID)
    simulator.fault("slow", endpoint="decline", chance=0.5)
    page = new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)

    page.goto(simulator.control_url)
    page.get_by_text("Habits", exact=True).click()
    assert problems(page) == []
    screenshot(page, f"simulator-control-{width}-{scheme}")
    page.goto(client.redirect_url(token))
    assert problems(page) == []
    screenshot(page, f"simulator-held-{width}-{scheme}")


def test_a_hold_is_confirmed_and_refunded_by_hand(simulator: Simulator, client: PayPartsClient, page: Page) -> None:
    client.hold(to_pay())
    simulator.pay(ORDER_ID)
    page.goto(simulator.control_url)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_text("cabinet: confirm").wait_for()
    page.get_by_label("Give back, UAH").fill("2000")
    page.get_by_role("button", name="Refund").click()
    assert "more than is left" in page.get_by_role("alert").inner_text()
    page.get_by_label("Give back, UAH").fill("250,50")
    page.get_by_role("button", name="Refund").click()
    page.get_by_text("given back").wait_for()
    payment = simulator.payment(ORDER_ID)
    assert (payment.state, str(payment.refunded)) == ("SUCCESS", "250.50")

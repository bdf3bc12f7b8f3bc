"""The pages as people meet them: with and without JavaScript, on a phone, in light and dark, by axe's rules."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from django.utils import timezone

from tests.factories import make_offer, make_payment
from tests.public.pages import make_page
from wagtail_payparts.models import Payment
from wagtail_payparts.services.order_ids import return_reference
from wagtail_payparts.simulator import Simulator


if TYPE_CHECKING:
    from playwright.sync_api import Page


pytestmark = pytest.mark.browser
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 900}


@pytest.fixture(params=[(PHONE, "light"), (PHONE, "dark"), (DESK, "light"), (DESK, "dark")], ids=str)
def looks(
    request: pytest.FixtureRequest, new_page: Callable[..., Page], screenshot: Callable[..., Path]
) -> tuple[Page, Callable[[str], None]]:
    """A page of that size and theme, and the look at it: axe's rules, nothing beyond the edge, a picture."""
    viewport, theme = request.param
    page = new_page(viewport=viewport, color_scheme=theme)

    def look(name: str) -> None:
        page.wait_for_load_state()
        screenshot(page, f"public-{name}-{viewport['width']}-{theme}")
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    return page, look


def return_url(live_server: Any, payment: Payment) -> str:
    path = reverse("wagtail_payparts:return", args=[return_reference(payment.store, payment.order_id)])
    return f"{live_server.url}{path}"


def test_the_picker(live_server: Any, bank: Simulator, looks: Any) -> None:
    page, look = looks
    shop = make_page(make_offer(parts="2-12"), make_offer(title="Ложка", parts="3", services="PP"))
    page.goto(f"{live_server.url}{shop.url}")
    look("picker")


def test_the_details_page(live_server: Any, bank: Simulator, looks: Any) -> None:
    page, look = looks
    shop = make_page(make_offer(buyer_details="all"))
    page.goto(f"{live_server.url}{shop.url}")
    page.click(".payparts__submit")
    look("details")
    page.fill("[name=phone]", "12345")
    page.click(".payparts__submit")
    look("details-errors")


def test_the_return_page(live_server: Any, bank: Simulator, looks: Any) -> None:
    page, look = looks
    for state in ["NEW", "CREATED", "PP_CREATION", "LOCKED", "SUCCESS", "CANCELED", "FAIL", "EXPIRED"]:
        token = "" if state == "NEW" else "TOKEN"
        payment = make_payment(state=state, token=token, reference="ABCD-1234-EFGH", settled_at=timezone.now())
        page.goto(return_url(live_server, payment))
        look(f"return-{state}")


def test_the_pages_of_what_went_wrong(live_server: Any, bank: Simulator, looks: Any) -> None:
    page, look = looks
    offer = make_offer()
    shop = make_page(offer)
    page.goto(f"{live_server.url}/pay-parts/return/nonsense/")
    look("unknown")
    page.goto(f"{live_server.url}{shop.url}")
    bank.fault("timeout_after", endpoint="create", times=1, seconds=0)
    page.click(".payparts__submit")
    look("no-answer")


def pressed_twice(page: Page) -> None:
    """Two submits within one breath, as of a double click: before the first has led anywhere."""
    page.evaluate(
        "for (const _ of [1, 2]) document.querySelector('form').requestSubmit(document.querySelector('form button'))"
    )


def test_a_double_click_is_one_payment(live_server: Any, bank: Simulator, page: Page) -> None:
    page.goto(f"{live_server.url}{make_page(make_offer()).url}")
    pressed_twice(page)
    page.wait_for_url(f"{bank.redirect_url}**")
    assert Payment.objects.count() == 1


def test_who_comes_back_from_the_bank_can_press_again(live_server: Any, bank: Simulator, page: Page) -> None:
    page.goto(f"{live_server.url}{make_page(make_offer()).url}")
    page.click(".payparts__submit")
    page.wait_for_url(f"{bank.redirect_url}**")
    page.go_back()
    page.click(".payparts__submit")
    page.wait_for_url(f"{bank.redirect_url}**")
    assert Payment.objects.count() == 1


@pytest.mark.parametrize("javascript", [True, False])
def test_the_sums_follow_the_choice(
    live_server: Any, bank: Simulator, new_page: Callable[..., Page], javascript: bool
) -> None:
    page = new_page(java_script_enabled=javascript, locale="en-GB")
    page.goto(f"{live_server.url}{make_page(make_offer()).url}")

    def shown() -> str:
        return " ".join(page.locator(".payparts__summary:visible dl:visible").all_inner_texts()).replace("\xa0", " ")

    assert "2 × UAH 6,487.50" in shown()
    page.get_by_label("5 × UAH").check()
    assert "5 × UAH 2,737.50" in shown()
    page.get_by_label("Pay in parts").check()
    assert "5 × UAH 2,501.25" in shown()
    page.click(".payparts__submit")
    page.wait_for_url(f"{bank.redirect_url}**")
    assert (Payment.objects.get().parts_count, Payment.objects.get().merchant_type) == (5, "PP")


def test_the_keyboard_is_enough(live_server: Any, bank: Simulator, page: Page) -> None:
    page.goto(f"{live_server.url}{make_page(make_offer()).url}")
    for key in ("Tab", "ArrowDown", "Tab", "ArrowDown", "ArrowDown", "Tab", "Enter"):
        page.keyboard.press(key)
    page.wait_for_url(f"{bank.redirect_url}**")
    assert (Payment.objects.get().parts_count, Payment.objects.get().merchant_type) == (4, "PP")


@pytest.mark.parametrize("javascript", [True, False])
def test_the_return_page_learns_of_the_money_by_itself(
    live_server: Any, bank: Simulator, new_page: Callable[..., Page], javascript: bool
) -> None:
    page = new_page(java_script_enabled=javascript)
    page.goto(f"{live_server.url}{make_page(make_offer()).url}")
    page.click(".payparts__submit")
    page.wait_for_url(f"{bank.redirect_url}**")
    payment = Payment.objects.get()
    bank.set_state(payment.order_id, "PP_CREATION")
    url = return_url(live_server, payment)
    page.goto(url)
    page.wait_for_selector("[data-payparts-outcome=deciding]")
    bank.set_state(payment.order_id, "SUCCESS")
    page.wait_for_selector("[data-payparts-outcome=paid]", timeout=15_000)
    assert page.locator("a", has_text="Continue at the bank").count() == 0
    if javascript:
        assert page.url == url

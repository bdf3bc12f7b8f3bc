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


@pytest.mark.parametrize("state", ["NEW", "CREATED", "PP_CREATION", "LOCKED", "SUCCESS", "CANCELED", "FAIL", "EXPIRED"])
def test_the_return_page(live_server: Any, bank: Simulator, looks: Any, state: str) -> None:
    page, look = looks
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

"""Bulk actions with Wagtail's own script in a real browser, under a strict Content-Security-Policy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
from playwright.sync_api import Error

from tests.dashboard.choosing import ASK, RESOLVE
from tests.dashboard.conftest import PAYMENTS
from tests.factories import make_payment
from wagtail_payparts.models import Payment


if TYPE_CHECKING:
    from playwright.sync_api import Page, Route


pytestmark = pytest.mark.browser

STRICT = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'"
#: Wagtail's own heading above filtered listings: <h2 role="alert">.
WAGTAILS_OWN = {"aria-allowed-role"}
LOOKS = [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")]
#: What moves is at its end at once.
AT_REST = "document.getAnimations().forEach(animation => animation.finish())"
#: More presses of the Tab key than any page needs.
MANY = 120


@pytest.fixture
def enter(live_server: Any, new_page: Callable[..., Page]) -> Callable[..., Page]:
    """A page of the admin, opened by a superuser, under ``STRICT``; what the policy refuses is in ``page.refused``."""

    def open_page(address: str, **options: Any) -> Page:
        user, _created = get_user_model().objects.get_or_create(username="root", is_superuser=True, is_staff=True)
        client = Client()
        client.force_login(user)
        page = new_page(**options)
        page.refused = []
        page.on("console", lambda said: page.refused.append(said.text) if "Content Security" in said.text else None)
        page.route(f"{live_server.url}/**", _with_policy)
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        page.context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}],
        )
        page.goto(f"{live_server.url}{address}")
        return page

    return open_page


def _with_policy(route: Route) -> None:
    try:
        response = route.fetch(max_redirects=0)
        route.fulfill(response=response, headers={**response.headers, "content-security-policy": STRICT})
    except Error as error:
        # The page has gone on meanwhile, and nobody waits for this answer any more.
        if "disposed" not in str(error):
            raise


def _refused(page: Any) -> list[str]:
    """What the policy refused, but for the portrait of the person, which Wagtail takes from gravatar.com."""
    return [text for text in page.refused if "gravatar.com" not in text]


def _tab_to(page: Page, selector: str) -> None:
    for _press in range(MANY):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} cannot be reached by keyboard")


def test_payments_are_resolved_with_the_keyboard_alone(enter: Callable[..., Page]) -> None:
    for number in range(3):
        make_payment(order_id=f"P{number}", attention="late_success", state="SUCCESS")
    page = enter(f"{PAYMENTS}?attention=needed")
    footer = page.locator("[data-bulk-action-footer]")
    assert not footer.is_visible()
    _tab_to(page, "table.listing tbody [data-bulk-action-checkbox]")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    _tab_to(page, "table.listing tbody [data-bulk-action-checkbox]")
    page.keyboard.press("Space")
    assert footer.is_visible()
    _tab_to(page, f"[data-bulk-action-button][href='{RESOLVE}']")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{RESOLVE}?**")
    assert page.locator("main tbody tr").count() == 2
    _tab_to(page, "input[name=decision]")
    page.keyboard.press("Space")
    _tab_to(page, "[name=note]")
    page.keyboard.type("Перевірено в кабінеті банку")
    _tab_to(page, "main form button[type=submit]")
    page.keyboard.press("Enter")
    page.wait_for_url("**attention=needed")
    page.locator(".messages .success").wait_for()
    assert page.locator("table.listing tbody tr").count() == 1
    assert list(Payment.objects.exclude(attention="").values_list("order_id", flat=True)) == ["P0"]
    assert _refused(page) == []


def test_all_in_the_listing_goes_beyond_the_page_and_keeps_the_filters(enter: Callable[..., Page]) -> None:
    for number in range(52):
        make_payment(order_id=f"P{number:02}", state="SUCCESS")
    make_payment(order_id="OTHER", state="FAIL")
    page = enter(f"{PAYMENTS}?state=SUCCESS")
    page.locator("thead [data-bulk-action-select-all-checkbox]").check()
    page.locator("[data-bulk-action-num-objects-in-listing]").click()
    page.locator(f"[data-bulk-action-button][href='{ASK}']").click()
    page.wait_for_url(f"**{ASK}?**")
    assert "52" in page.locator(".payparts-lead").inner_text()
    assert page.locator("main tbody tr").count() == 50
    page.locator("main form button[type=submit]").click()
    page.wait_for_url("**state=SUCCESS")
    assert Payment.objects.filter(next_poll_at__isnull=False).count() == 52


def test_boxes_can_be_ticked_after_a_filter_has_changed_the_listing(
    enter: Callable[..., Page], live_server: Any
) -> None:
    make_payment(order_id="PAID", state="SUCCESS")
    make_payment(order_id="REFUSED", state="FAIL")
    page = enter(PAYMENTS)
    page.locator("table.listing tbody [data-bulk-action-checkbox]").first.check()
    page.click("#filters-drilldown .w-dropdown__toggle")
    page.click("[aria-controls=drilldown-id_state]")
    page.check("input[name=state][value=SUCCESS]")
    page.get_by_text("REFUSED").wait_for(state="detached")
    # What was ticked in another listing is forgotten.
    assert not page.locator("[data-bulk-action-footer]").is_visible()
    page.keyboard.press("Escape")
    page.locator("table.listing tbody [data-bulk-action-checkbox]").check()
    page.locator(f"[data-bulk-action-button][href='{ASK}']").click()
    page.wait_for_url(f"**{ASK}?**")
    assert page.locator("main tbody tr").count() == 1
    assert "PAID" in page.locator("main tbody").inner_text()
    assert _refused(page) == []


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_pages_pass_axe_and_stay_within_the_screen(
    enter: Callable[..., Page], live_server: Any, screenshot: Callable[..., Path], width: int, scheme: str
) -> None:
    attention = ["late_success", "late_success double_payment", "negative_after_success", ""]
    for number in range(12):
        state = "SUCCESS" if number % 4 < 3 else "CREATED"
        make_payment(state=state, attention=attention[number % 4], reference=f"SHOP-{number}", is_test=number == 5)
    # Beyond what one confirmation lists.
    for _number in range(45):
        make_payment(state="FAIL")
    page = enter(PAYMENTS, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.locator("table.listing tbody [data-bulk-action-checkbox]").first.check()
    page.locator("[data-bulk-action-footer]").wait_for()
    _look(page, width)
    screenshot(page, f"admin-bulk-ticked-{scheme}-{width}", full_page=False)
    everything = "&".join(f"id={pk}" for pk in Payment.objects.values_list("pk", flat=True))
    unresolved = "&".join(f"id={pk}" for pk in Payment.objects.exclude(attention="").values_list("pk", flat=True))
    pages = {"ask": f"{ASK}?{everything}&id=999999", "resolve": f"{RESOLVE}?{unresolved}"}
    for name, address in pages.items():
        page.goto(f"{live_server.url}{address}")
        _look(page, width)
        screenshot(page, f"admin-bulk-{name}-{scheme}-{width}")
    page.locator("input[name=code]").first.check()
    page.locator("input[name=decision]").first.check()
    # The browser itself lets nobody leave it empty.
    page.locator("[name=note]").fill(" ")
    page.locator("main form button[type=submit]").click()
    page.locator(".error-message").first.wait_for()
    _look(page, width)
    screenshot(page, f"admin-bulk-resolve-mistaken-{scheme}-{width}")
    assert _refused(page) == []


def _look(page: Page, width: int) -> None:
    # A message of Wagtail's fades in, and has too little contrast meanwhile.
    page.evaluate(AT_REST)
    found = {violation["id"]: violation["nodes"] for violation in Axe().run(page).response["violations"]}
    assert set(found) <= WAGTAILS_OWN, found
    assert page.evaluate("document.documentElement.scrollWidth") <= width

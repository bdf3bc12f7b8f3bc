"""The export page as people meet it: by axe's rules, light and dark, on a phone and at a desk; and it downloads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client

from tests.dashboard.conftest import PAYMENTS
from tests.factories import make_order, make_payment


if TYPE_CHECKING:
    from playwright.sync_api import Page


pytestmark = pytest.mark.browser

LOOKS = [
    (width, scheme, language) for width in (1280, 360) for scheme in ("light", "dark") for language in ("uk", "en")
]
EXPORT = f"{PAYMENTS}export/"


@pytest.fixture
def enter(live_server: Any, new_page: Callable[..., Page]) -> Callable[..., Page]:
    def open_page(address: str, **options: Any) -> Page:
        user, _created = get_user_model().objects.get_or_create(username="root", is_superuser=True, is_staff=True)
        client = Client()
        client.force_login(user)
        page = new_page(**options)
        cookie = {"name": settings.SESSION_COOKIE_NAME, "value": client.cookies[settings.SESSION_COOKIE_NAME].value}
        page.context.add_cookies([cookie | {"url": live_server.url}])  # type: ignore[list-item]
        page.goto(f"{live_server.url}{address}")
        return page

    return open_page


@pytest.mark.parametrize(("width", "scheme", "language"), LOOKS)
def test_it_passes_axe_and_stays_within_the_screen(
    enter: Callable[..., Page],
    live_server: Any,
    screenshot: Callable[..., Path],
    width: int,
    scheme: str,
    language: str,
) -> None:
    for number in range(3):
        make_payment(state="SUCCESS", buyer_order=make_order(), order_id=f"ORDER{number}")
    page = enter(EXPORT, viewport={"width": width, "height": 1700}, color_scheme=scheme, locale=f"{language}-UA")

    def look(name: str) -> None:
        assert not Axe().run(page).response["violations"], name
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        screenshot(page, f"admin-export-{name}-{scheme}-{width}-{language}")

    look("everything")
    page.goto(f"{live_server.url}{EXPORT}?state=SUCCESS&state=FAIL&created_at_from=2020-01-01&q=ORDER")
    page.check("input[name=preset][value=own]")
    look("own")
    page.goto(f"{live_server.url}{EXPORT}?state=BOGUS")
    look("refused")


def test_choices_that_do_not_matter_are_put_away(enter: Callable[..., Page]) -> None:
    page = enter(EXPORT)
    delimiter, own = page.locator("input[name=delimiter]").first, page.locator("input[name=columns]").first
    assert delimiter.is_visible()
    assert not own.is_visible()
    page.check("input[name=format][value=xlsx]")
    page.check("input[name=preset][value=own]")
    assert not delimiter.is_visible()
    assert own.is_visible()


@pytest.mark.parametrize("java_script_enabled", [True, False])
def test_from_the_list_to_the_file(enter: Callable[..., Page], java_script_enabled: bool) -> None:
    make_payment(order_id="PAID", state="SUCCESS")
    make_payment(order_id="REFUSED", state="FAIL")
    page = enter(f"{PAYMENTS}?state=SUCCESS", java_script_enabled=java_script_enabled)
    if java_script_enabled:
        page.click("#w-slim-header-buttons button")
        page.click(f'a[href^="{EXPORT}"]')
    else:
        page.goto(page.url.replace(PAYMENTS, EXPORT))
    page.check("input[name=preset][value=accountant]")
    with page.expect_download() as download:
        page.click(".payparts-export button[type=submit]")
    lines = download.value.path().read_text("utf-8-sig").splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("PAID;")

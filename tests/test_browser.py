"""The browser fixtures, on nothing but Django's live server."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from wagtail.models import Site


if TYPE_CHECKING:
    from playwright.sync_api import Page


pytestmark = pytest.mark.browser


def test_the_browser_sees_the_live_server(live_server: Any, page: Page) -> None:
    response = page.goto(f"{live_server.url}/admin/login/")
    assert response is not None
    assert response.status == 200
    assert page.locator("input[name=password]").is_visible()


def test_the_test_and_the_server_share_a_database(live_server: Any, page: Page) -> None:
    get_user_model().objects.create_superuser("admin", "admin@example.com", "secret")
    page.goto(f"{live_server.url}/admin/login/")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", "secret")
    page.click("button[type=submit]")
    page.wait_for_url(f"{live_server.url}/admin/")


def test_what_the_migrations_made_is_there_for_each_live_test(live_server: Any) -> None:
    assert Site.objects.get(is_default_site=True).root_page.slug == "home"


def test_a_page_can_be_without_javascript(live_server: Any, new_page: Callable[..., Page]) -> None:
    page = new_page(java_script_enabled=False)
    page.goto(f"{live_server.url}/admin/login/")
    assert page.locator("html.no-js, html").count() == 1


def test_the_browser_reaches_no_other_machine(page: Page) -> None:
    with pytest.raises(Exception, match="ERR_NAME_NOT_RESOLVED"):
        page.goto("http://example.com/")

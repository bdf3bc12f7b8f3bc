"""A real Chromium: fixtures ``browser``, ``new_page``, ``page`` and ``screenshot``."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connections

from tests.missing import lacking


if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


SCREENSHOTS = Path(__file__).resolve().parent.parent / "screenshots"
CANDIDATES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"]

SERIALIZED = "_test_serialized_contents"

QUIET = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-default-browser-check",
    "--no-first-run",
]
LOOPBACK_ONLY = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"


def _chromium() -> str:
    wanted = os.environ.get("PAYPARTS_CHROMIUM")
    found = wanted or next(filter(None, map(shutil.which, CANDIDATES)), None)
    if found and Path(found).exists():
        return found
    return lacking(
        "No Chromium was found, so the browser tests did not run. Install it (Debian and Ubuntu: "
        "apt-get install chromium) or name it: PAYPARTS_CHROMIUM=/path/to/chromium make test"
    )


# One browser for each module and not for the whole run: while Playwright runs, its event loop runs in this
# thread, and whatever else lands on the same worker (asyncio, the ORM) would see it.
@pytest.fixture(scope="module")
def browser(django_db_setup: None) -> Iterator[Browser]:
    executable = _chromium()
    from playwright.sync_api import sync_playwright

    migrated = {alias: getattr(connections[alias], SERIALIZED, None) for alias in connections}
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    arguments = [*QUIET, LOOPBACK_ONLY, *(["--no-sandbox"] if root else [])]
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # The event loop belongs to Playwright; the tests themselves are synchronous and may use the ORM.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        # Within an event loop Django has connections of its own: they too must know what the migrations put in.
        for alias, contents in migrated.items():
            if contents is not None:
                setattr(connections[alias], SERIALIZED, contents)
        launched = playwright.chromium.launch(executable_path=executable, args=arguments)
        yield launched
        launched.close()


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a page in a browser context of its own; takes Playwright's options (``java_script_enabled``).

    At the end of the test no page may have raised a script error.
    """
    errors: list[str] = []
    contexts = []

    def open_page(**options: Any) -> Page:
        context = browser.new_context(**{"locale": "uk-UA", "viewport": {"width": 1280, "height": 900}, **options})
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    return new_page()


@pytest.fixture(scope="session")
def screenshot() -> Callable[..., Path]:
    """Save ``screenshot(page, "name")`` to screenshots/, for a person to look at."""

    def save(page: Page, name: str, *, full_page: bool = True) -> Path:
        SCREENSHOTS.mkdir(exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        page.screenshot(path=path, full_page=full_page)
        return path

    return save

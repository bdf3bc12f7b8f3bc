"""What every test gets: no outside network, a database as the migrations leave it, a browser if it asks."""

from __future__ import annotations

import os

import pytest

from tests.network import forbid_outside_network


pytest_plugins = ["tests.missing", "tests.browser", "tests.fixtures", "tests.libreoffice"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-services",
        action="store_true",
        default=os.environ.get("CI", "").lower() in {"1", "true"},
        help="fail, rather than skip, where a browser, LibreOffice, openssl or git is missing (default where CI=true)",
    )

    parser.addoption(
        "--exhaustive",
        action="store_true",
        default=os.environ.get("CI", "").lower() in {"1", "true"},
        help="also run the long tables of cases of which one of each kind runs anyway (the default where CI=true)",
    )


def pytest_configure() -> None:
    forbid_outside_network()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give each test with real transactions what the migrations put in: Wagtail's root page, locale and site.

    Such a test empties every table at its end; pytest-django runs them last for that reason.
    """
    restoring = pytest.mark.django_db(transaction=True, serialized_rollback=True)
    for item in items:
        if _has_real_transactions(item):
            item.add_marker(restoring, append=False)
    if not config.getoption("--exhaustive"):
        left_out = [item for item in items if _is_exhaustive(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not _is_exhaustive(item)]


def pytest_report_header(config: pytest.Config) -> str:
    return "" if config.getoption("--exhaustive") else "Without the long tables of cases: --exhaustive runs them too."


def _is_exhaustive(item: pytest.Item) -> bool:
    """Marked so, or one of the two looks of a page that are told from the others by neither width nor colours."""
    look = getattr(item, "callspec", None) and (item.callspec.params.get("width"), item.callspec.params.get("scheme"))
    return item.get_closest_marker("exhaustive") is not None or look in {(1280, "dark"), (360, "light")}


def _has_real_transactions(item: pytest.Item) -> bool:
    if {"live_server", "transactional_db"} & set(getattr(item, "fixturenames", ())):
        return True
    marker = item.get_closest_marker("django_db")
    return marker is not None and bool(marker.kwargs.get("transaction"))

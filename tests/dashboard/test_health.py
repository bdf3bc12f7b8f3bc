"""The page "Callback health": who sees it, what it says in health and in trouble, and what it never shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.dashboard.reading import soup_of, words
from tests.dashboard.test_in_browser import LOOKS, enter
from tests.wellbeing import a_shop_in_health, a_shop_in_trouble, called, ended, not_taken, rejected
from wagtail_payparts.models import Verdict


__all__ = ["enter"]

pytestmark = pytest.mark.django_db

HEALTH = "/admin/payparts/health/"


def _panel(client: Client, name: str) -> Any:
    return soup_of(client.get(HEALTH)).select_one(f"#{name}-section")


def test_those_who_see_payments_see_it(viewer: Client) -> None:
    assert viewer.get(HEALTH).status_code == 200
    assert HEALTH in viewer.get("/admin/").content.decode()


@pytest.mark.parametrize("permissions", [(), ("view_order",), ("viewbuyer_payment", "export_payment", "ask_payment")])
def test_others_are_sent_home_and_do_not_find_it_in_the_menu(
    staff: Callable[..., Client], permissions: tuple[str, ...]
) -> None:
    client = staff(*permissions)
    for method in (client.get, client.post):
        response = method(HEALTH)
        assert (response.status_code, response["Location"]) == (302, "/admin/")
    assert HEALTH not in client.get("/admin/").content.decode()


def test_a_stranger_is_asked_to_log_in(client: Client) -> None:
    assert client.get(HEALTH)["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_it_is_only_read(superuser: Client, method: str) -> None:
    assert getattr(superuser, method)(HEALTH).status_code == 405


def test_it_stands_last_in_the_menu(superuser: Client) -> None:
    menu = superuser.get("/admin/").content.decode()
    entries = [menu.index(path) for path in ("/payparts/payments/", "/payparts/orders/", "/payparts/health/")]
    assert entries == sorted(entries)


def test_health_is_said_plainly(viewer: Client) -> None:
    a_shop_in_health()
    page = soup_of(viewer.get(HEALTH))
    assert words(page.select_one(".payparts-lead")) == "In order Everything is in order."
    assert not page.select(".payparts-tag--bad, .payparts-tag--held")
    assert "4 of 5 (80 %)" in words(page.select_one("#glance-section"))
    assert not page.select("#rejected-section, #unknown-section, #failing-section")


def test_a_fresh_installation_gets_neutral_words(viewer: Client) -> None:
    page = soup_of(viewer.get(HEALTH))
    assert "no payments yet" in words(page.select_one(".payparts-lead"))
    assert not page.select(".payparts-tag--bad, .payparts-tag--held")


def test_trouble_is_said_first_and_in_words(viewer: Client, settings: Any) -> None:
    settings.PAYPARTS_BASE_URL = "https://shop.example.com"
    a_shop_in_trouble()
    page = soup_of(viewer.get(HEALTH))
    assert words(page.select_one(".payparts-lead")).startswith("Problem")
    tags = [words(tag) for tag in page.select(".payparts-findings .payparts-tag")]
    order = ["Problem", "Warning", "Nothing to tell yet", "In order"]
    assert tags == sorted(tags, key=order.index)
    first = words(page.select_one(".payparts-findings li"))
    assert "Callbacks do not arrive" in first
    assert "https://shop.example.com/pay-parts/callback/" in first


def test_each_store_has_its_own_numbers(viewer: Client, settings: Any) -> None:
    settings.PAYPARTS_STORES = {
        "default": {"STORE_ID": settings.PAYPARTS_API_STORE_ID, "PASSWORD": "x"},
        "outlet": {"STORE_ID": "OUTLET-ID", "PASSWORD": ""},
    }
    ended("callback")
    ended("poll")
    ended("poll")
    called(minutes=3)
    default, outlet = map(words, _panel(viewer, "stores").select(".payparts-store"))
    assert "1 of 3 (33 %)" in default
    assert "2 of 3 (66 %)" in default
    assert "3 minutes ago" in default
    assert outlet.startswith("outlet not set up")
    assert "no payment was decided" in outlet


def test_all_of_them_is_a_hundred_per_cent_and_nearly_all_is_not(viewer: Client) -> None:
    for _number in range(199):
        ended("callback")
    ended("poll")
    assert "199 of 200 (99 %)" in words(_panel(viewer, "glance"))


def test_rejected_callbacks_are_listed_newest_first_with_reason_and_advice(viewer: Client) -> None:
    rejected(minutes=9, order_id="OLDER")
    rejected("unknown_store", store_id="SOMEBODY-ELSES-9F3A", minutes=3, order_id="NEWER")
    panel = _panel(viewer, "rejected")
    newer, older = map(words, panel.select(".payparts-rejections li"))
    assert "A store that is not ours" in newer
    assert "store id ending in 9F3A" in newer
    assert "Wrong signature 28 characters of base64 expected, got 40 (hex)." in older
    assert "OLDER" in older
    assert len(panel.select(".payparts-advice dd")) == 2


def test_no_more_than_ten_are_shown_at_once_and_fifty_in_all(viewer: Client) -> None:
    for minutes in range(60):
        rejected(minutes=minutes)
    panel = _panel(viewer, "rejected")
    assert len(panel.select("li")) == 50
    assert len(panel.select("details li")) == 40
    assert words(panel.select_one("summary")) == "40 older"
    assert len(panel.select(".payparts-advice dd")) == 1


def test_a_callback_for_an_order_of_another_store_is_called_so(viewer: Client, settings: Any) -> None:
    ended(store="outlet", order_id="OF-OUTLET")
    called(verdict=Verdict.UNKNOWN_ORDER, order_id="OF-OUTLET")
    assert "Wrong store: this order is one of the store “outlet”." in words(_panel(viewer, "unknown"))


def test_a_failing_delivery_leads_to_its_payment(viewer: Client, accountant: Client) -> None:
    payment = ended("callback")
    not_taken(payment, last_error="ConnectionError: the mail server is down")
    panel = _panel(viewer, "failing")
    assert panel.select_one(".payparts-plain a")["href"] == f"/admin/payparts/payments/{payment.pk}/"
    assert "shop.pay_order : failed; again" in words(panel)
    # A receiver's words are the project's, and may name the buyer.
    assert "ConnectionError" in words(panel)
    assert "the mail server is down" not in words(panel)
    assert "ConnectionError: the mail server is down" in words(_panel(accountant, "failing"))


def test_nothing_that_strangers_wrote_is_more_than_text(accountant: Client) -> None:
    script = "<script>alert(1)</script>"
    rejected("unknown_store", store_id=f"{script}\u202e", order_id=script)
    rejected(payload={"reason": script}, message=script, store_id="")
    called(verdict=Verdict.UNKNOWN_ORDER, order_id=script, state=script)
    not_taken(ended("callback"), last_error=script + "\u202e" + "x" * 5000)
    content = accountant.get(HEALTH).content.decode()
    assert script not in content
    assert "xxxxx" in content
    assert "\u202e" not in content


def test_no_secret_and_no_whole_store_id_is_shown(viewer: Client, settings: Any) -> None:
    settings.PAYPARTS_BASE_URL = "https://staff:hidden-from-view@shop.example.com"
    a_shop_in_trouble()
    content = viewer.get(HEALTH).content.decode()
    for secret in (
        settings.PAYPARTS_API_PASSWORD,
        settings.PAYPARTS_API_STORE_ID,
        "hidden-from-view",
        "SOMEBODY-ELSES",
    ):
        assert secret not in content


@pytest.mark.parametrize("illness", [a_shop_in_health, a_shop_in_trouble])
def test_the_page_takes_few_queries(viewer: Client, illness: Callable[[], Any], settings: Any) -> None:
    settings.PAYPARTS_BASE_URL = "https://shop.example.com"
    illness()
    viewer.get(HEALTH)
    with CaptureQueriesContext(connection) as queries:
        viewer.get(HEALTH)
    # The others are Wagtail's, for the person and the menu.
    ours = [query["sql"] for query in queries.captured_queries if "wagtail_payparts" in query["sql"]]
    assert len(ours) <= 12


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), LOOKS)
@pytest.mark.parametrize("illness", [a_shop_in_health, a_shop_in_trouble])
def test_it_passes_axe_and_stays_within_the_screen(
    enter: Callable[..., Any],
    screenshot: Callable[..., Path],
    illness: Callable[[], Any],
    width: int,
    scheme: str,
) -> None:
    illness()
    # As tall as the page, which scrolls within itself.
    page = enter(HEALTH, viewport={"width": width, "height": 3600}, color_scheme=scheme)
    assert Axe().run(page).response["violations"] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    screenshot(page, f"admin-{illness.__name__}-{scheme}-{width}")

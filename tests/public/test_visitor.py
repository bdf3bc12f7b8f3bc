"""An address that the visitor cannot choose."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client, RequestFactory

from tests.public.pages import press
from wagtail_payparts.models import Offer
from wagtail_payparts.simulator import Simulator
from wagtail_payparts.views.visitor import visitor_address


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.7", "127.0.0.1"),
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "1.1.1.1, 203.0.113.7", "203.0.113.7"),
        (2, "1.1.1.1, 203.0.113.7, 10.0.0.1", "203.0.113.7"),
        (2, "203.0.113.7", "127.0.0.1"),
        (1, "", "127.0.0.1"),
        (1, " , ", "127.0.0.1"),
    ],
)
def test_only_what_our_own_proxies_say_is_believed(settings: Any, proxies: int, forwarded: str, address: str) -> None:
    settings.PAYPARTS_TRUSTED_PROXIES = proxies
    request = RequestFactory().get("/", headers={"X-Forwarded-For": forwarded})
    assert visitor_address(request) == address


@pytest.mark.parametrize(
    ("given", "counted"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("[2001:db8:1:2::9]:443", "2001:db8:1:2::/64"),
        ("203.0.113.7:51000", "203.0.113.7"),
        ("unknown", "no-address"),
        ("2001:db8::zz", "no-address"),
        ("[", "no-address"),
        ("'\"<>\u0662", "no-address"),
        ("9" * 5000, "no-address"),
    ],
    ids=lambda text: ascii(text)[:30],
)
def test_a_network_of_ipv6_is_one_visitor_and_so_is_all_nonsense(settings: Any, given: str, counted: str) -> None:
    settings.PAYPARTS_TRUSTED_PROXIES = 1
    request = RequestFactory().get("/", REMOTE_ADDR=given)
    assert visitor_address(request) == counted
    request = RequestFactory().get("/", HTTP_X_FORWARDED_FOR=f"1.1.1.1, {given}")
    assert visitor_address(request) == counted


@pytest.mark.usefixtures("within_one_window")
def test_a_new_address_of_the_same_network_is_counted_with_the_last_one(
    bank: Simulator, offer: Offer, settings: Any
) -> None:
    settings.PAYPARTS_CHECKOUT_LIMITS = {"visitor": 1}

    def status(address: str) -> int:
        return int(press(Client(REMOTE_ADDR=address), offer).status_code)

    assert [status("2001:db8::1"), status("2001:db8::2"), status("2001:db8:0:1::1")] == [303, 429, 303]

"""A bank to talk to and something to sell: fixtures ``bank`` and ``offer``; and one language to begin with."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone, translation

from tests.factories import make_offer
from wagtail_payparts.models import Offer
from wagtail_payparts.services import callbacks, limits
from wagtail_payparts.simulator import Simulator, run_simulator


@pytest.fixture(autouse=True)
def language_of_the_settings() -> None:
    """A request leaves its language active: the next test must not find it."""
    translation.deactivate()


@pytest.fixture
def bank(request: pytest.FixtureRequest, settings: Any) -> Iterator[Simulator]:
    """The simulated bank of this test, reached over HTTP. It knows the store of the settings.

    Callbacks wait until the test sends them: ``bank.send_callback(order_id)``. Beside ``live_server`` the bank is
    told that address, else ``http://testserver``.
    """
    stores = {settings.PAYPARTS_API_STORE_ID: settings.PAYPARTS_API_PASSWORD}
    with run_simulator(stores=stores) as simulator:
        settings.PAYPARTS_API_URL = simulator.api_url
        settings.PAYPARTS_API_REDIRECT_URL = simulator.redirect_url
        settings.PAYPARTS_BASE_URL = "http://testserver"
        if "live_server" in request.fixturenames:
            settings.PAYPARTS_BASE_URL = request.getfixturevalue("live_server").url
        # Limits and throttles live there.
        cache.clear()
        yield simulator


@pytest.fixture
def within_one_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """The minute and the hour of the limits do not end in the middle of the test."""
    now = timezone.now()
    monkeypatch.setattr(limits, "time", SimpleNamespace(time=now.timestamp))
    monkeypatch.setattr(callbacks, "timezone", SimpleNamespace(now=lambda: now))


@pytest.fixture
def offer(db: None) -> Offer:
    """A live offer: 12 500 UAH, both services, 2 to 6 parts, asks the buyer for nothing."""
    return make_offer()

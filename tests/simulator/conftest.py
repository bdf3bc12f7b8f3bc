"""A bank and a shop for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulator.shop import Shop, client_of, listening
from wagtail_payparts.bank import PayPartsClient
from wagtail_payparts.simulator import Simulator, run_simulator


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with run_simulator() as running:
        yield running


@pytest.fixture
def shop(simulator: Simulator) -> Iterator[Shop]:
    with listening() as (address, heard):
        shop = Shop(simulator, address, heard)
        yield shop
        shop.session.close()


@pytest.fixture
def client(simulator: Simulator) -> PayPartsClient:
    """The plugin's own client, which reaches the simulator over HTTP."""
    return client_of(simulator)

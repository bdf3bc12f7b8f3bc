"""The doctor, and what may stand in place of the site or the bank that it examines."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from tests.bank.conftest import ScriptedBank
from wagtail_payparts.simulator import Simulator


#: How our own view answers a knock, and how a page of somebody else looks.
OURS = b'{"status": "rejected", "reason": "empty"}'
PAGE = b"<html><body>A shop</body></html>"
Doctor = Callable[..., tuple[int, str]]


@pytest.fixture
def doctor() -> Doctor:
    """Run the command: its exit code, and what it printed with single spaces."""

    def run(**options: Any) -> tuple[int, str]:
        out = StringIO()
        code = 0
        try:
            call_command("payparts_doctor", stdout=out, stderr=out, **{"no_color": True} | options)
        except SystemExit as stopped:
            code = int(stopped.code or 0)
        return code, out.getvalue()

    return run


@pytest.fixture
def offline(doctor: Doctor, settings: Any) -> Doctor:
    """The command without the network, on a site with nothing to mend in its settings."""
    settings.PAYPARTS_BASE_URL = "https://shop.example.com"

    def run(**options: Any) -> tuple[int, str]:
        return doctor(skip_network=True, **options)

    return run


@pytest.fixture
def strange(settings: Any, bank: Simulator) -> Iterator[ScriptedBank]:
    """What stands at our callback address instead of us, and answers what the test has written down."""
    with ScriptedBank() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        settings.PAYPARTS_BASE_URL = f"http://127.0.0.1:{server.server_port}"
        yield server
        server.closing.set()
        server.shutdown()
        thread.join()


def plain(printed: str) -> str:
    """Without the line breaks that only fit it to the width of a terminal."""
    return " ".join(printed.split())


def line(printed: str, *parts: str) -> str:
    """The word (OK, WARN…) of the line that holds all the parts."""
    lines: list[str] = []
    for raw in printed.splitlines():
        if raw.startswith("      ") and lines:
            lines[-1] += " " + raw.strip()
        else:
            lines.append(raw)
    (found,) = [one for one in lines if all(part in one for part in parts)]
    return found.split()[0]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port

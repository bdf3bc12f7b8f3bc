"""A bank of real sockets that answers what a test has written down."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from wagtail_payparts.bank import CreateRequest, Line, PayPartsClient, Store, transport

from .signing import ORDER_ID, PASSWORD, STORE_ID, as_bytes


Answer = Callable[[BaseHTTPRequestHandler], None]


class ScriptedBank(ThreadingHTTPServer):
    """Plays its ``script``, one answer a request, and remembers what it was sent."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: deque[Answer] = deque()
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.connections = 0
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/ipp/v2/"

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body, parse_float=Decimal) for _, _, body in self.requests]

    def answers(self, payload: Any, *, status: int = 200, **headers: str) -> None:
        """Answer the next request with JSON, or with these very bytes."""
        body = payload if isinstance(payload, bytes) else as_bytes(payload)

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        self.script.append(answer)

    def drips(self, first: bytes) -> None:
        """Answer with ``first`` and then a byte now and then, for as long as a test may take."""

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.close_connection = True
            handler.wfile.write(first)
            for _ in range(300):
                if self.closing.wait(0.03):
                    break
                handler.wfile.write(b"x")

        self.script.append(answer)

    def hangs(self) -> None:
        """Say nothing."""
        self.script.append(lambda handler: self.closing.wait(10) and None)

    def breaks_off(self, sent: bytes = b"") -> None:
        """Close the connection after so much of an answer."""

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.close_connection = True
            handler.wfile.write(sent)

        self.script.append(answer)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10
    server: ScriptedBank

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.server.requests.append((self.path, dict(self.headers), body))
        self.server.script.popleft()(self)

    def do_GET(self) -> None:
        self.server.requests.append((self.path, dict(self.headers), b""))
        self.server.script.popleft()(self)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture
def bank() -> Iterator[ScriptedBank]:
    with ScriptedBank() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.closing.set()
        server.shutdown()
        thread.join()
        transport._kept.clear()


@pytest.fixture
def store(bank: ScriptedBank) -> Store:
    return Store("default", STORE_ID, PASSWORD, api_url=bank.url, timeout=(2.0, 2.0))


@pytest.fixture
def hasty_client(bank: ScriptedBank) -> PayPartsClient:
    return PayPartsClient(Store("hasty", STORE_ID, PASSWORD, api_url=bank.url, timeout=(0.3, 0.3)))


@pytest.fixture
def client(store: Store) -> PayPartsClient:
    return PayPartsClient(store)


@pytest.fixture
def order() -> CreateRequest:
    return CreateRequest(
        order_id=ORDER_ID,
        amount=Decimal("301.10"),
        parts_count=3,
        merchant_type="PP",
        lines=(Line("Кава «Лавацца»", 2, Decimal("150.05")), Line("Фільтр", 1, Decimal("1.00"))),
        response_url="https://shop.example/pay-parts/callback/",
        redirect_url="https://shop.example/pay-parts/return/x/",
    )

"""The other end of the wire: a shop that asks the bank and listens for its callbacks."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import requests

from wagtail_payparts.bank import CreateRequest, Line, PayPartsClient, Store
from wagtail_payparts.simulator import Simulator, signatures, wire


ORDER_ID = "01JZX8M3T7Q9V2B4N6P8R0S1T2"


class Shop:
    """``listen_url`` is where callbacks arrive; ``heard`` what has arrived, ``answer_status`` what is said to it."""

    def __init__(self, simulator: Simulator, listen_url: str, heard: list[dict[str, Any]]) -> None:
        self.simulator = simulator
        self.listen_url = listen_url
        self.heard = heard
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Accept"] = "application/json"

    def order(self, **changes: Any) -> dict[str, Any]:
        """An unsigned body of create; a change to ``None`` takes the field out."""
        body = {
            "storeId": self.simulator.store_id,
            "orderId": ORDER_ID,
            "amount": Decimal("1000.00"),
            "partsCount": 3,
            "merchantType": "PP",
            "products": [
                {"name": "Чайник", "count": 2, "price": Decimal("499.50")},
                {"name": "Пакет", "count": 1, "price": Decimal("1.00")},
            ],
            "responseUrl": self.listen_url,
            "redirectUrl": "http://shop.example/return?order=1",
        } | changes
        return {name: value for name, value in body.items() if value is not None}

    def create(self, *, password: str | None = None, **changes: Any) -> dict[str, Any]:
        body = self.order(**changes)
        body["signature"] = signatures.create_request(body, password or self.simulator.password)
        return self.reply("create", body)

    def created_token(self, **changes: Any) -> str:
        token: str = self.create(**changes)["token"]
        return token

    def state(self, order_id: str = ORDER_ID, **changes: Any) -> dict[str, Any]:
        body = {"storeId": self.simulator.store_id, "orderId": order_id} | changes
        body["signature"] = signatures.order_request(body, self.simulator.password)
        return self.reply("state", body)

    def reply(self, endpoint: str, body: dict[str, Any]) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(self.post(endpoint, body).text, parse_float=Decimal)
        return fields

    def post(self, endpoint: str, body: object, *, timeout: float = 5, **options: Any) -> requests.Response:
        data = body if isinstance(body, bytes) else wire.dumps(body).encode()
        return self.session.post(f"{self.simulator.api_url}payment/{endpoint}", data=data, timeout=timeout, **options)


def client_of(simulator: Simulator, *, timeout: float = 5) -> PayPartsClient:
    """The plugin's own client."""
    store = Store(
        alias="default",
        store_id=simulator.store_id,
        password=simulator.password,
        api_url=simulator.api_url,
        redirect_url=simulator.redirect_url,
        timeout=(timeout, timeout),
    )
    return PayPartsClient(store)


def to_pay(order_id: str = ORDER_ID, *, amount: str = "1000.00", **options: Any) -> CreateRequest:
    """What the plugin's client is asked to create."""
    price = Decimal(amount)
    return CreateRequest(
        order_id=order_id,
        amount=price,
        parts_count=3,
        merchant_type="PP",
        lines=(Line("Чайник", 1, price),),
        **options,
    )


@contextmanager
def listening(status: int = 200) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An address for callbacks, and the list of those that came."""
    heard: list[dict[str, Any]] = []

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append({"type": self.headers["Content-Type"], **json.loads(raw)})
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"heard")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/callback", heard
        finally:
            server.shutdown()
            thread.join()

"""HTTP: which address is answered by what, and the server that listens."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Callable, Iterable
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wrappers import Request, Response

from .api import MerchantApi, NoReply
from .checkout import Checkout
from .control import Control


if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


logger = logging.getLogger(__name__)

API_PATH = "/ipp/v2/"
PAGE_PATH = "/ipp/v2/payment"
LARGEST_BODY = 1024 * 1024
STATIC_FILES = {
    "base.css": "text/css",
    "customer.css": "text/css",
    "control.css": "text/css",
    "mark.svg": "image/svg+xml",
}
STATIC_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "max-age=300"}

Handler = Callable[..., Response]


class App:
    """The WSGI application."""

    def __init__(self, *, api: MerchantApi, checkout: Checkout, control: Control) -> None:
        self._handlers: dict[str, Handler] = {
            "api": api.answer,
            "page": checkout.show,
            "step": checkout.step,
            "static": _static_file,
            "ledger": control.show,
            "act": control.act,
            "faults": control.faults,
            "payments": control.payments,
        }
        self._addresses = Map(
            [
                Rule(f"{API_PATH}payment/<any(create, state):endpoint>", endpoint="api", methods=["POST"]),
                Rule(PAGE_PATH, endpoint="page", methods=["GET"]),
                Rule(f"{PAGE_PATH}/<any(card, otp, cancel):name>", endpoint="step", methods=["POST"]),
                Rule("/static/<name>", endpoint="static", methods=["GET"]),
                Rule("/", endpoint="ledger", methods=["GET"]),
                Rule("/control/<any(state, callback, fault, clear):name>", endpoint="act", methods=["POST"]),
                Rule("/api/faults", endpoint="faults", methods=["GET", "POST", "DELETE"]),
                Rule("/api/payments", endpoint="payments", methods=["GET"]),
            ],
            strict_slashes=False,
        )

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        request.max_content_length = LARGEST_BODY
        response: Response | HTTPException
        try:
            handler, values = self._addresses.bind_to_environ(environ).match()
            response = self._handlers[handler](request, **values)
        except HTTPException as err:
            response = err
        except NoReply as err:
            _hang_up(environ["werkzeug.socket"])
            raise ConnectionAbortedError("closed on purpose") from err
        return response(environ, start_response)


class Server(ThreadedWSGIServer):
    """Serves in threads, and on ``server_close`` also drops the connections that clients keep alive."""

    def __init__(self, host: str, port: int, app: App) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(host, port, app, handler=_QuietHandler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        super().server_close()
        for connection in list(self._open):
            _hang_up(connection)


class _QuietHandler(WSGIRequestHandler):
    """Leaves query strings out of the log: they hold tokens."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        logger.debug("%s %s %s", self.command, self.path.partition("?")[0], int(code))


def _static_file(request: Request, name: str) -> Response:
    if name not in STATIC_FILES:
        raise NotFound
    content = files(__package__).joinpath("static", name).read_bytes()
    return Response(content, mimetype=STATIC_FILES[name], headers=STATIC_HEADERS)


def _hang_up(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the other side may have been faster
        connection.shutdown(socket.SHUT_RDWR)

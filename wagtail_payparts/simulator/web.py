"""HTTP: which address is answered by what, and the server that listens."""

from __future__ import annotations

import contextlib
import logging
import socket
import struct
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
from .control_api import ControlApi


if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


logger = logging.getLogger(__name__)

ROOT_PATH = "/ipp/"
API_PATH = f"{ROOT_PATH}v2/"
PAGE_PATH = f"{API_PATH}payment"
CALLS = "create, hold, confirm, cancel, decline, state, description"
# Beside payment/ and above v2/. How the addresses of two statements go on is written with an ellipsis
# (payparts-api §9), so both readings are answered.
OTHER_CALLS = {
    "qr/generate": ("qr", "GET"),
    "terms/get/list": ("terms", "POST"),
    "terms/get/by/okpo": ("terms/okpo", "POST"),
    "terms/get/list/by/okpo": ("terms/okpo", "POST"),
    "terms/get/by/accounts": ("terms/accounts", "POST"),
    "terms/get/list/by/accounts": ("terms/accounts", "POST"),
    "recipient/api/create": ("recipient", "POST"),
}
FORMS = "state, callback, act, refund, fault, clear, habits"
LARGEST_BODY = 1024 * 1024
STATIC_FILES = {
    "base.css": "text/css",
    "customer.css": "text/css",
    "control.css": "text/css",
    "mark.svg": "image/svg+xml",
}
# SO_LINGER: a close drops what is unsent and resets the connection.
AT_ONCE = struct.pack("ii", 1, 0)
STATIC_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "max-age=300"}

Handler = Callable[..., Response]


class App:
    """The WSGI application."""

    def __init__(self, *, api: MerchantApi, checkout: Checkout, control: Control, control_api: ControlApi) -> None:
        self._handlers: dict[str, Handler] = {
            "api": api.answer,
            "page": checkout.show,
            "step": checkout.step,
            "static": _static_file,
            "ledger": control.show,
            "act": control.act,
            "faults": control_api.faults,
            "habits": control_api.habits,
            "payments": control_api.payments,
            "acts": control_api.acts,
        }
        self._addresses = Map(
            [
                Rule(f"{PAGE_PATH}/<any({CALLS}):endpoint>", endpoint="api", methods=["POST"]),
                *(
                    Rule(f"{ROOT_PATH}{path}", endpoint="api", defaults={"endpoint": call}, methods=[method])
                    for path, (call, method) in OTHER_CALLS.items()
                ),
                Rule(PAGE_PATH, endpoint="page", methods=["GET"]),
                Rule(f"{PAGE_PATH}/<any(card, otp, give_up):name>", endpoint="step", methods=["POST"]),
                Rule("/static/<name>", endpoint="static", methods=["GET"]),
                Rule("/", endpoint="ledger", methods=["GET"]),
                Rule(f"/control/<any({FORMS}):name>", endpoint="act", methods=["POST"]),
                Rule("/api/faults", endpoint="faults", methods=["GET", "POST", "DELETE"]),
                Rule("/api/habits", endpoint="habits", methods=["GET", "PATCH"]),
                Rule("/api/payments", endpoint="payments", methods=["GET"]),
                Rule("/api/acts", endpoint="acts", methods=["GET", "POST"]),
            ],
            strict_slashes=False,
            # Two addresses of one statement: neither is the other's alias.
            redirect_defaults=False,
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
            _hang_up(environ["werkzeug.socket"], reset=err.reset)
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
        if _is_to_be_reset(request):
            self.close_request(request)  # a shutdown before it would be a polite end
        else:
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


def _hang_up(connection: socket.socket, *, reset: bool = False) -> None:
    with contextlib.suppress(OSError):  # the other side may have been faster
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        connection.shutdown(socket.SHUT_RD if reset else socket.SHUT_RDWR)


def _is_to_be_reset(connection: socket.socket) -> bool:
    try:
        return connection.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, len(AT_ONCE)) == AT_ONCE
    except OSError:  # closed already
        return False

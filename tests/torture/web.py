"""One of the shop's web processes: a WSGI server with a few threads, on a port that it shares with the others."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from django.core.wsgi import get_wsgi_application


THREADS = 5


class PooledServer(WSGIServer):
    """Threads that stay, and so do their connections to the database. The kernel divides the callers."""

    request_queue_size = 128

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self._pool = ThreadPoolExecutor(THREADS)

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = self.server_address[:2]
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._pool.submit(self._work, request, client_address)

    def _work(self, request: Any, client_address: Any) -> None:
        try:
            self.finish_request(request, client_address)
        except OSError:
            # The other side has hung up.
            pass
        finally:
            self.shutdown_request(request)


class Handler(WSGIRequestHandler):
    timeout = 5

    def address_string(self) -> str:
        return str(self.client_address[0])


def serve(port: int) -> None:
    server = PooledServer(port)
    server.set_app(get_wsgi_application())
    server.serve_forever()

"""A wire with an ear: passes bytes between a client and a server, and keeps all of them."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Wiretap:
    """Listens at ``url`` for what is meant for the server at ``host`` and ``port``."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._heard: list[bytearray] = []
        self._ends: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def heard(self) -> bytes:
        """What has gone either way, each connection's way by itself."""
        return b"\n".join(bytes(each) for each in self._heard)

    def values_of(self, field: str) -> set[str]:
        """The texts of a JSON field in all that was heard."""
        found = re.findall(rb'"%s"\s*:\s*"([^"\\]+)"' % field.encode(), self.heard())
        return {each.decode() for each in found}

    def listen(self) -> None:
        self._begin(self._accept)

    def stop(self) -> None:
        # Closing does not wake a thread that waits in accept().
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in list(self._ends):
            _close(end)
        for thread in self._threads:
            thread.join(10)

    def _begin(self, work: object, *args: object) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                server = socket.create_connection(self._target)
                self._ends |= {client, server}
                for source, sink in ((client, server), (server, client)):
                    self._heard.append(bytearray())
                    self._begin(self._pass_on, source, sink, self._heard[-1])

    def _pass_on(self, source: socket.socket, sink: socket.socket, heard: bytearray) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                heard += data
                sink.sendall(data)
        # Whichever end hangs up, both do: a client must not wait for a server that is gone.
        _close(source)
        _close(sink)


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@contextmanager
def tap(host: str, port: int) -> Iterator[Wiretap]:
    wire = Wiretap(host, port)
    wire.listen()
    try:
        yield wire
    finally:
        wire.stop()

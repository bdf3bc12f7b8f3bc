"""A load generator: several connections at once, each sends its next request when the last one is answered.

A process of its own, so that it shares nothing with what it measures but the machine: it reads a job in JSON from its
standard input and writes each stream's seconds and milliseconds to its standard output.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from statistics import median
from typing import Any


PATIENCE = 60
NO_DELAY = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


@dataclass(frozen=True)
class Measured:
    """One stream of requests: how long all of it took, and each answer, with the connection it needed."""

    seconds: float
    milliseconds: list[float]
    statuses: dict[str, int]

    @property
    def per_second(self) -> float:
        return len(self.milliseconds) / self.seconds

    @property
    def median(self) -> float:
        return median(self.milliseconds)

    def percentile(self, share: float) -> float:
        return sorted(self.milliseconds)[int(len(self.milliseconds) * share)]


def drive(port: int, *streams: dict[str, Any]) -> list[Measured]:
    """Send all streams at once. Each has a ``path``, ``bodies`` (text) and a number of ``connections``."""
    command = [sys.executable, "-m", "benchmarks.load"]
    job = json.dumps({"port": port, "streams": streams})
    done = subprocess.run(command, input=job, check=True, capture_output=True, text=True)
    return [Measured(**measured) for measured in json.loads(done.stdout)]


class _Stream:
    def __init__(self, port: int, path: str, bodies: list[str], connections: int) -> None:
        self.port, self.connections = port, connections
        self.requests = [_request(path, body.encode()) for body in bodies]
        self.next_one = iter(self.requests)
        self.lock = threading.Lock()
        self.milliseconds: list[float] = []
        self.statuses: dict[str, int] = {}
        self.ended = 0.0

    def send_all(self) -> None:
        """What one connection does."""
        sock = None
        while True:
            with self.lock:
                request = next(self.next_one, None)
            if request is None:
                break
            started = time.perf_counter()
            if sock is None:
                sock = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
                sock.setsockopt(*NO_DELAY)
            sock.sendall(request)
            status, is_kept = _read_answer(sock)
            ended = time.perf_counter()
            if not is_kept:
                sock.close()
                sock = None
            with self.lock:
                self.milliseconds.append((ended - started) * 1000)
                self.statuses[status] = self.statuses.get(status, 0) + 1
                self.ended = max(self.ended, ended)
        if sock is not None:
            sock.close()


def _request(path: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json; charset=UTF-8\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _read_answer(sock: socket.socket) -> tuple[str, bool]:
    """The status, and whether the connection may be used again."""
    answer = sock.recv(65536)
    while b"\r\n\r\n" not in answer:
        answer += _more(sock)
    head, _end, body = answer.partition(b"\r\n\r\n")
    headers = head.lower()
    length = int(headers.partition(b"content-length:")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += _more(sock)
    return head.split()[1].decode(), b"connection: close" not in headers


def _more(sock: socket.socket) -> bytes:
    more = sock.recv(65536)
    assert more, "the server has closed the connection"
    return more


def main() -> None:
    job = json.load(sys.stdin)
    streams = [_Stream(job["port"], **stream) for stream in job["streams"]]
    threads = [threading.Thread(target=one.send_all) for one in streams for _number in range(one.connections)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    json.dump(
        [
            {"seconds": one.ended - started, "milliseconds": one.milliseconds, "statuses": one.statuses}
            for one in streams
        ],
        sys.stdout,
    )


if __name__ == "__main__":
    main()

"""What a kept connection to the bank saves: ``python -m benchmarks.client``.

A bank of TLS on this machine, with a certificate of its own that the workers trust (``REQUESTS_CA_BUNDLE``), answers
state queries and counts its handshakes. Two workers ask it many times, as two web processes would; then a third asks
in turns over its kept connection and over a new one for each call. The exit code is 1 where a limit is not kept.
"""

from __future__ import annotations

import argparse
import json
import os
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from statistics import median

from wagtail_payparts.bank import PayPartsClient, Store, signature
from wagtail_payparts.bank.transport import BankSession


STORE_ID, PASSWORD, ORDER_ID = "5E1F0A4D2B7C49E3A816", "8d3f5c1e0b7a4962a1c4e6f80d2b9573", "01JZ0000000000000000000000"
WORKERS = 2
#: Time of a call over a kept connection, to one over a new one.
AT_MOST = 0.30


class Bank(ThreadingTCPServer):
    """Answers each request with the same state, and counts."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.context = context
        self.handshakes = self.calls = 0
        said = {"state": "SUCCESS", "storeId": STORE_ID, "orderId": ORDER_ID, "paymentState": "CLIENT_WAIT"}
        signed = signature.state_reply(
            PASSWORD, state="SUCCESS", store_id=STORE_ID, order_id=ORDER_ID, payment_state="CLIENT_WAIT"
        )
        body = json.dumps(said | {"signature": str(signed)})
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.answer = f"{head}{body}".encode()


class _Handler(StreamRequestHandler):
    """As little as can be: the bank's own time is not measured."""

    server: Bank
    disable_nagle_algorithm = True

    def setup(self) -> None:
        self.request = self.server.context.wrap_socket(self.request, server_side=True)
        self.server.handshakes += 1
        super().setup()

    def handle(self) -> None:
        while head := self.rfile.readline():
            length = 0
            while (line := self.rfile.readline()).strip():
                name, _colon, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            assert head.startswith(b"POST"), head
            self.rfile.read(length)
            self.server.calls += 1
            self.wfile.write(self.server.answer)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--ask", help=argparse.SUPPRESS)
    parser.add_argument("--in-turns", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ask:
        print(json.dumps(ask(options.ask, options.calls, in_turns=options.in_turns)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        certificate, key = make_certificate(Path(scratch))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        with Bank(context) as bank:
            threading.Thread(target=bank.serve_forever, daemon=True).start()
            is_kept = measure(bank, certificate, options.calls)
            bank.shutdown()
    sys.exit(not is_kept)


def measure(bank: Bank, certificate: Path, calls: int) -> bool:
    workers = [start_worker(bank, certificate, calls) for _number in range(WORKERS)]
    for worker in workers:
        finish(worker)
    assert bank.calls == WORKERS * calls, bank.calls
    handshakes = bank.handshakes
    print(f"{WORKERS} workers, {bank.calls} calls: {handshakes} TLS handshakes (at most {WORKERS})")
    times = finish(start_worker(bank, certificate, calls, "--in-turns"))
    assert bank.handshakes == handshakes + 1 + calls + 1, bank.handshakes
    kept, new = median(times["kept"]), median(times["new"])
    print(f"a call over a kept connection: {kept:.2f} ms, over a new one: {new:.2f} ms (medians of {calls})")
    print(f"ratio: {kept / new:.2f} (at most {AT_MOST})")
    return handshakes <= WORKERS and kept / new <= AT_MOST


def start_worker(bank: Bank, certificate: Path, calls: int, *more: str) -> subprocess.Popen[str]:
    url = f"https://localhost:{bank.server_address[1]}/ipp/v2/"
    command = [sys.executable, "-m", "benchmarks.client", f"--ask={url}", f"--calls={calls}", *more]
    environment = os.environ | {"REQUESTS_CA_BUNDLE": str(certificate)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def finish(worker: subprocess.Popen[str]) -> dict[str, list[float]]:
    said, _errors = worker.communicate(timeout=300)
    assert worker.returncode == 0, "a worker has failed"
    times: dict[str, list[float]] = json.loads(said)
    return times


def ask(url: str, calls: int, *, in_turns: bool) -> dict[str, list[float]]:
    """What a worker does. The milliseconds of each call; the first of each kind only warms up where they are timed."""
    store = Store("default", STORE_ID, PASSWORD, api_url=url)
    times: dict[str, list[float]] = {"kept": [], "new": []}
    for _number in range(calls + in_turns):
        times["kept"].append(_clock(PayPartsClient(store)))
        if in_turns:
            with BankSession() as session:
                times["new"].append(_clock(PayPartsClient(store, session)))
    return {kind: measured[in_turns:] for kind, measured in times.items()}


def _clock(client: PayPartsClient) -> float:
    started = time.perf_counter()
    assert client.state(ORDER_ID).payment_state == "CLIENT_WAIT"
    return (time.perf_counter() - started) * 1000


def make_certificate(scratch: Path) -> tuple[Path, Path]:
    certificate, key = scratch / "bank.pem", scratch / "bank.key"
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    subprocess.run([*command.split(), "-out", certificate, "-keyout", key], check=True, capture_output=True)
    return certificate, key


if __name__ == "__main__":
    main()

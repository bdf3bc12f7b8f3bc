"""The demonstration in one command: the shop, a simulated bank and the poller, each a process of its own.

``python sandbox/demo.py`` runs until Ctrl-C; ``--check`` plays the life of a payment on free ports and ends.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import BinaryIO, NoReturn


ROOT = Path(__file__).resolve().parent.parent
MANAGE = [sys.executable, str(ROOT / "sandbox" / "manage.py")]
HOST = "127.0.0.1"
STARTS_WITHIN = 60
STOPS_WITHIN = 10
LOG_TAIL = 20

BOX = """
  ┌─────────────────────────────────────────────────────────────────────┐
  │  Жорна · демонстраційний магазин        Zhorna · a demonstration    │
  └─────────────────────────────────────────────────────────────────────┘
    Магазин        {site}/uk/
    Shop           {site}/en/
    Адмінка/Admin  {site}/admin/
    Банк/Bank      {bank}/    (simulated · симулятор)

    Логін = пароль · the login is the password:
      admin        усе · everything
      manager      усі дії з платежами · all that is done with payments
      editor       сторінки й пропозиції · pages and offers
      cashier      платежі, видача · payments, handing over
      accountant   звіти · reports

    Картка оплати обирається на сторінці банку, код із SMS: 1111
    Choose the card on the bank's page; the code from the SMS is 1111

    Журнали · logs: {logs}
    Зупинити · to stop: Ctrl-C
"""


class Failed(Exception):
    """The demonstration cannot go on; the text is for the person at the keyboard."""


class Stopped(Exception):
    """Somebody asked it to stop."""


class Demo:
    """Everything that runs, with its files under ``var``."""

    def __init__(self, var: Path, port: int, bank_port: int) -> None:
        self.site = f"http://{HOST}:{port}"
        self.bank = f"http://{HOST}:{bank_port}"
        self.var = var
        self.logs = var / "log"
        self.port = port
        self.bank_port = bank_port
        self.environment = {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            "SANDBOX_VAR": str(var),
            "SANDBOX_PORT": str(port),
            "SANDBOX_BANK_PORT": str(bank_port),
        }
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        for port, option, variable in (
            (self.port, "--port", "SANDBOX_PORT"),
            (self.bank_port, "--bank-port", "SANDBOX_BANK_PORT"),
        ):
            if is_taken(port):
                raise Failed(
                    f"Port {port} is taken, perhaps by a demonstration that still runs. Stop that, or choose another "
                    f"port: python sandbox/demo.py {option} {port + 1}, or {variable}={port + 1} make demo"
                )
        self.logs.mkdir(parents=True, exist_ok=True)
        print("Starting the bank ...", flush=True)
        self._launch("bank", sys.executable, "-m", "wagtail_payparts.simulator", *self._bank_options())
        self._wait_for("bank", self.bank_port)
        print("Preparing the database ...", flush=True)
        self._manage("migrate", "--verbosity=0")
        self._manage("seed_demo", "--at-bank")
        print("Starting the shop and the poller ...", flush=True)
        self._launch("site", *MANAGE, "runserver", "--noreload", f"{HOST}:{self.port}")
        self._launch("poller", *MANAGE, "payparts_sync", "--loop")
        self._wait_for("site", self.port)

    def watch(self) -> NoReturn:
        """Until one of the processes ends, which raises ``Failed``."""
        while True:
            self._check_alive()
            time.sleep(0.5)

    def stop(self) -> None:
        """The poller first, so that it does not ask a bank that is gone."""
        for process in reversed(self.running.values()):
            process.terminate()
        deadline = time.monotonic() + STOPS_WITHIN
        for process in self.running.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.running.clear()

    def _bank_options(self) -> list[str]:
        return ["--host", HOST, "--port", str(self.bank_port), "--db", str(self.var / "bank.sqlite3")]

    def _manage(self, *arguments: str) -> None:
        with self._log("setup") as log:
            done = subprocess.run(
                [*MANAGE, *arguments], cwd=ROOT, env=self.environment, stdout=log, stderr=log, check=False
            )
        if done.returncode:
            raise Failed(f"`{arguments[0]}` failed:\n{self._tail('setup')}")

    def _launch(self, name: str, *command: str) -> None:
        # A session of its own: Ctrl-C reaches this process alone, which stops the others in order.
        with self._log(name) as log:
            self.running[name] = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def _log(self, name: str) -> BinaryIO:
        return (self.logs / f"{name}.log").open("ab")

    def _wait_for(self, name: str, port: int) -> None:
        deadline = time.monotonic() + STARTS_WITHIN
        while not is_taken(port):
            self._check_alive()
            if time.monotonic() > deadline:
                raise Failed(f"The {name} does not answer on port {port}:\n{self._tail(name)}")
            time.sleep(0.1)

    def _check_alive(self) -> None:
        for name, process in self.running.items():
            if process.poll() is not None:
                raise Failed(f"The {name} has ended (exit code {process.returncode}):\n{self._tail(name)}")

    def _tail(self, name: str) -> str:
        path = self.logs / f"{name}.log"
        lines = path.read_text(errors="replace").splitlines()[-LOG_TAIL:]
        return "\n".join([*(f"  {line}" for line in lines), f"The whole log: {path}"])


def is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def run(demo: Demo, then: Callable[[], None]) -> int:
    try:
        demo.start()
        then()
    except Failed as failed:
        print(f"\n{failed}", file=sys.stderr)
        return 1
    except Stopped:
        print("\nStopping ...", flush=True)
    finally:
        # A second Ctrl-C must not leave the processes behind.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        demo.stop()
    return 0


def on_signal(number: int, frame: FrameType | None) -> None:
    raise Stopped


def main() -> int:
    parser = argparse.ArgumentParser(prog="python sandbox/demo.py", description=__doc__)
    parser.add_argument("--port", type=int, default=int(os.environ.get("SANDBOX_PORT") or 8000))
    parser.add_argument("--bank-port", type=int, default=int(os.environ.get("SANDBOX_BANK_PORT") or 8765))
    parser.add_argument("--check", action="store_true", help="buy something on free ports, in an empty place, and end")
    options = parser.parse_args()
    # SIGINT too: a shell that starts something in the background has it ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    if options.check:
        with tempfile.TemporaryDirectory(prefix="payparts-demo-") as name:
            demo = Demo(Path(name), free_port(), free_port())
            return run(demo, lambda: check(demo))
    demo = Demo(Path(os.environ.get("SANDBOX_VAR") or ROOT / "var").resolve(), options.port, options.bank_port)

    def announce() -> None:
        print(BOX.format(site=demo.site, bank=demo.bank, logs=demo.logs), flush=True)
        demo.watch()

    return run(demo, announce)


def check(demo: Demo) -> None:
    import check_story

    try:
        check_story.play(demo.site, demo.bank)
    except AssertionError as wrong:
        raise Failed(f"The check failed: {wrong}") from wrong
    print("The check has passed: bought, paid and seen in both languages.")


if __name__ == "__main__":
    sys.exit(main())

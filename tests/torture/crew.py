"""The shop's processes seen from outside: started, killed at random moments, started again."""

from __future__ import annotations

import itertools
import json
import os
import queue
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.torture.plan import SIGNAL, Plan


ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 300


@dataclass(frozen=True)
class Member:
    role: str
    number: int


class Nursery:
    """Speaks with ``tests.torture.nursery``. Every process it has started ends with it."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        environment = {**os.environ, **plan.to_environment(), "DJANGO_SETTINGS_MODULE": "tests.torture.settings"}
        with (plan.path / "nursery-0.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.torture.nursery"],
                cwd=ROOT,
                env=environment | {"PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.deaths: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._one_at_a_time = threading.Lock()
        threading.Thread(target=self._read, daemon=True).start()
        self._answers.get(timeout=PATIENCE)

    def start(self, role: str, *arguments: object) -> int:
        """The id of the new process."""
        return self._tell(role, *arguments)

    def send_signal(self, pid: int, number: signal.Signals) -> None:
        """To a process of ours, if it is still alive."""
        self._tell(SIGNAL, pid, int(number))

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(PATIENCE)

    def _tell(self, *words: object) -> int:
        assert self._process.stdin is not None
        with self._one_at_a_time:
            self._process.stdin.write(json.dumps([str(word) for word in words]) + "\n")
            self._process.stdin.flush()
            return int(self._answers.get(timeout=PATIENCE)["about"])

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said = json.loads(line)
            (self.deaths if "died" in said else self._answers).put(said)
        self._answers.put({})


class Crew:
    """``size``: how many of each role. ``unexpected``: what died otherwise than by a kill."""

    def __init__(self, nursery: Nursery, plan: Plan, size: Mapping[str, int]) -> None:
        self._nursery = nursery
        self._plan = plan
        self._lock = threading.Lock()
        self._at_work: dict[int, Member] = {}
        self._sentenced: set[int] = set()
        self._errands: dict[int, threading.Event] = {}
        self._codes: dict[int, int] = {}
        self._lives = itertools.count(1)
        self._closing = False
        self.deaths: Counter[str] = Counter()
        self.unexpected: list[str] = []
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()
        self._size = size

    def go_to_work(self) -> None:
        for role, count in self._size.items():
            for number in range(1, count + 1):
                self._hire(Member(role, number))

    def kill_one(self, dice: random.Random) -> None:
        with self._lock:
            candidates = sorted(self._at_work, key=lambda pid: (self._at_work[pid].role, self._at_work[pid].number))
            if not candidates:
                return
            pid = dice.choice(candidates)
            self._sentenced.add(pid)
            self._nursery.send_signal(pid, signal.SIGKILL)

    def send(self, role: str, *arguments: object) -> None:
        """Have something done by a process that ends by itself, and wait for it. Raises ``RuntimeError``."""
        pid, done = 0, threading.Event()
        with self._lock:
            pid = self._nursery.start(role, 0, *arguments)
            self._errands[pid] = done
        if not done.wait(PATIENCE) or self._codes[pid]:
            log = (self._plan.path / f"{role}-0.log").read_text(errors="replace")
            raise RuntimeError(f"{role} failed:\n{log[-3000:]}")

    def ask(self, role: str, *arguments: object) -> Any:
        """The answer that an errand leaves."""
        answer = self._plan.path / f"{role}-answer.json"
        self.send(role, *arguments, answer)
        return json.loads(answer.read_text())

    def stop(self) -> None:
        """Nobody is killed any more, nobody starts again: pollers are told to stop, the others have nothing to lose."""
        with self._lock:
            self._closing = True
            at_work = dict(self._at_work)
            for pid, member in at_work.items():
                self._nursery.send_signal(pid, signal.SIGTERM if member.role == "poller" else signal.SIGKILL)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with self._lock:
                if not self._at_work:
                    return
            time.sleep(0.05)
        with self._lock:
            self.unexpected.extend(f"{member} did not stop" for member in self._at_work.values())

    def _hire(self, member: Member) -> None:
        with self._lock:
            if not self._closing:
                pid = self._nursery.start(member.role, member.number, next(self._lives))
                self._at_work[pid] = member

    def _watch(self) -> None:
        while True:
            death = self._nursery.deaths.get()
            pid, code = death["died"], death["code"]
            with self._lock:
                self._codes[pid] = code
                errand = self._errands.pop(pid, None)
                member = self._at_work.pop(pid, None)
                was_sentenced = pid in self._sentenced
                self._sentenced.discard(pid)
            if errand is not None:
                errand.set()
            elif member is not None and not self._closing:
                self._note(member, code, was_sentenced=was_sentenced)
                self._hire(member)

    def _note(self, member: Member, code: int, *, was_sentenced: bool) -> None:
        if code == -signal.SIGKILL:
            self.deaths[f"{member.role}, {'from outside' if was_sentenced else 'between statements'}"] += 1
        else:
            self.unexpected.append(f"{member.role} {member.number} ended by itself: {code}")

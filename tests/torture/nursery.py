"""Where the shop's processes are born: Django is loaded once, and each process is a fork of that one.

``python -m tests.torture.nursery`` reads its input, a JSON list of words a line: a role and its arguments, to start a
process; or ``signal``, a process and a number. It answers each with the process's id, and reports each death. When its
input ends, all its children end.
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import signal
import sys
from pathlib import Path

import django
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from tests.torture.plan import SIGNAL, current_plan


def main() -> None:
    plan = current_plan()
    django.setup()
    # Loaded before the first fork, so that no child has to.
    from tests.torture import roles

    get_wsgi_application()
    get_resolver()._populate()
    # What is there stays shared: no child copies it to count references in a collection.
    gc.freeze()
    children: set[int] = set()
    say({"ready": True})
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ)
        while True:
            if selector.select(timeout=0.05):
                line = sys.stdin.readline()
                if not line:
                    break
                word, *arguments = json.loads(line)
                if word == SIGNAL:
                    pid, number = map(int, arguments)
                    _send_signal(children, pid, number)
                else:
                    pid = os.fork()
                    if not pid:
                        _become(roles.ROLES[word], word, arguments, plan.path)
                    children.add(pid)
                say({"about": pid})
            _report_deaths(children)
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def say(what: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _send_signal(children: set[int], pid: int, number: int) -> None:
    """Only who waits for its death knows that the id is still this child's, and nobody else's."""
    if pid in children:
        os.kill(pid, number)


def _report_deaths(children: set[int]) -> None:
    for pid in list(children):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            children.discard(pid)
            say({"died": pid, "code": os.waitstatus_to_exitcode(status)})


def _become(role: object, name: str, arguments: list[str], directory: Path) -> None:
    """The rest of a child's life. It leaves by ``os._exit``, since what is to be cleaned up is its parent's."""
    code = 1
    try:
        log = os.open(directory / f"{name}-{arguments[0]}.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        for stream in (1, 2):
            os.dup2(log, stream)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        role(*arguments)  # type: ignore[operator]
        code = 0
    except BaseException:
        import traceback

        traceback.print_exc()
        raise
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()

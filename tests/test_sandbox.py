"""The demonstration shop: what its seed makes, and what a visitor sees before anybody has pressed anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


ROOT = Path(__file__).resolve().parent.parent


# One test: to fill a sandbox takes seconds, and tests of one module may run in several processes.
def test_a_new_sandbox_has_the_same_history_each_time_and_pages_that_can_be_cached(tmp_path: Path) -> None:
    seen = _probe(tmp_path / "var")

    assert seen["first"]["wagtail_payparts.Payment"] == 300
    assert seen["first"]["wagtail_payparts.Refund"] == 3
    assert seen["again"] == seen["first"]
    assert seen["told twice alike"]
    assert seen["missing migrations"] == ""

    assert {path: page["status"] for path, page in seen["pages"].items()} == dict.fromkeys(seen["pages"], 200)
    assert seen["draft"] == 404
    for path, page in seen["pages"].items():
        assert "form-action 'self' http://127.0.0.1:" in page["policy"], path
        assert not page["inline"], path
    for path in ("/uk/espresso/", "/en/grinder/", "/uk/kettle/"):
        assert seen["pages"][path]["button"], path
        assert seen["pages"][path]["cookies"] == [], path


def _probe(var: Path) -> dict[str, Any]:
    """What tests/sandbox_probe.py saw in a sandbox of its own, on SQLite whatever the other tests run on."""
    environment = {**os.environ, "SANDBOX_VAR": str(var)}
    command = [sys.executable, "-m", "tests.sandbox_probe"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen

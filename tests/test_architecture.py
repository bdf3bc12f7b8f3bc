"""The shape of the code: which layer may import which, how long a file may get, that each says what it is for."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from tests.sources import ROOT, tracked_files


LONGEST_FILE = 400


def test_imports_go_down_the_layers() -> None:
    # In a process of its own, since it silences every logger that exists.
    lint = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", lint, "--no-cache", "--no-logo"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_is_too_long_to_read() -> None:
    files = [*_modules(), *tracked_files(".css", ".html", ".js")]
    lengths = {str(path): len((ROOT / path).read_text().splitlines()) for path in files}
    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_every_module_says_what_it_is_for() -> None:
    modules = {str(path): ast.parse((ROOT / path).read_text()) for path in _modules()}
    assert [path for path, module in modules.items() if module.body and not ast.get_docstring(module)] == []


def _modules() -> list[Path]:
    return [path for path in tracked_files(".py") if "migrations" not in path.parts]

"""The project's own files, for tests that read them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.missing import lacking


ROOT = Path(__file__).resolve().parent.parent


def tracked_files(*suffixes: str) -> list[Path]:
    """Return what git tracks, relative to the root; with suffixes, only such files. Symlinks are left out."""
    if not (ROOT / ".git").exists():
        lacking("This is no git checkout: which files are the project's own cannot be known. Clone it with git.")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    paths = [Path(name) for name in listed.stdout.split("\0") if name]
    return [
        path
        for path in paths
        if (not suffixes or path.suffix in suffixes) and (ROOT / path).is_file() and not (ROOT / path).is_symlink()
    ]

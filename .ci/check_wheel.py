"""Build sdist and wheel, compare them with what git holds, and use the wheel in an empty environment."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path


ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "wagtail_payparts"
IN_SDIST = ("CHANGELOG.md", "LICENSE", "MANIFEST.in", "Makefile", "README.md", "pyproject.toml", "setup.py")
IN_SDIST_WHOLE = ("sandbox/", "static/", "tests/")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="wagtail-payparts-wheel-") as name:
        scratch = Path(name)
        run(sys.executable, "-m", "build", "--outdir", str(scratch), str(ROOT), quiet=True)
        (wheel,) = scratch.glob("*.whl")
        (sdist,) = scratch.glob("*.tar.gz")
        tracked = tracked_files()
        compare("the wheel", files_of_wheel(wheel), expected_in_wheel(tracked))
        missing = expected_in_sdist(tracked) - files_of_sdist(sdist)
        compare("the sdist", set(), missing)
        use_in_empty_environment(wheel, scratch / "venv")
    print("Wheel and sdist are complete, and the wheel works in an empty environment.")


def run(*command: str, quiet: bool = False, cwd: Path | None = None) -> str:
    """Run a command; where it is quiet, show what it said only if it fails."""
    done = subprocess.run(command, cwd=cwd, check=False, text=True, capture_output=quiet)
    if done.returncode:
        sys.exit(f"{done.stdout or ''}{done.stderr or ''}{' '.join(command)} ended with {done.returncode}.")
    return done.stdout or ""


def tracked_files() -> set[str]:
    return set(run("git", "ls-files", "-z", quiet=True, cwd=ROOT).split("\0")) - {""}


def expected_in_wheel(tracked: set[str]) -> set[str]:
    code = {path for path in tracked if path.startswith(f"{PACKAGE}/")} - {f"{PACKAGE}/static"}
    return code | {f"{PACKAGE}/{path}" for path in tracked if path.startswith("static/")}


def expected_in_sdist(tracked: set[str]) -> set[str]:
    return {path for path in tracked if path.startswith(IN_SDIST_WHOLE) or path in IN_SDIST}


def files_of_wheel(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if name.startswith(f"{PACKAGE}/")}


def files_of_sdist(sdist: Path) -> set[str]:
    with tarfile.open(sdist) as archive:
        return {member.name.partition("/")[2] for member in archive.getmembers()}


def compare(where: str, found: set[str], expected: set[str]) -> None:
    lines = [f"{where} lacks {path}" for path in sorted(expected - found)]
    lines += [f"{where} has {path}, which git does not" for path in sorted(found - expected)]
    if lines:
        sys.exit("\n".join(lines))


def use_in_empty_environment(wheel: Path, directory: Path) -> None:
    venv.create(directory, with_pip=True)
    python = str(directory / "bin" / "python")
    run(python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", str(wheel))
    run(python, "-I", str(ROOT / ".ci" / "probe_wheel.py"), cwd=Path("/"))


if __name__ == "__main__":
    main()

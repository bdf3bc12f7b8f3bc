"""What is shipped: static files through the symlink, honest metadata, nothing of the machine it was made on.

Wheel and sdist are built, compared and installed by .ci/check_wheel.py.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders

from tests.sources import ROOT, tracked_files


if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def test_the_package_reaches_its_static_files_through_a_symlink() -> None:
    assert (ROOT / "wagtail_payparts" / "static").readlink() == Path("../static")


def test_django_finds_every_static_file_once() -> None:
    files = [path.relative_to("static").as_posix() for path in tracked_files() if path.parts[0] == "static"]
    assert files
    for name in files:
        assert [Path(found).resolve() for found in finders.find(name, find_all=True)] == [ROOT / "static" / name]


def test_no_tracked_file_names_a_place_on_the_machine_it_was_made_on() -> None:
    places = re.compile(rb"(?<![\w.])/(?:work|root|tmp|Users)/")
    assert [str(path) for path in tracked_files() if places.search((ROOT / path).read_bytes())] == []


def test_every_library_that_is_imported_is_a_declared_dependency() -> None:
    project = _pyproject()["project"]
    declared = _importable(project["dependencies"])
    for_simulator = declared | _importable(project["optional-dependencies"]["simulator"])
    undeclared = {
        f"{path}: {library}"
        for path in tracked_files(".py")
        if path.parts[0] == "wagtail_payparts"
        for library in _imported_libraries(path)
        if library not in (for_simulator if "simulator" in path.parts else declared)
    }
    assert undeclared == set()


def test_pre_commit_runs_the_same_ruff() -> None:
    (pinned,) = [
        requirement.partition("==")[2]
        for requirement in _pyproject()["project"]["optional-dependencies"]["dev"]
        if requirement.startswith("ruff==")
    ]
    assert f"rev: v{pinned}" in (ROOT / ".pre-commit-config.yaml").read_text()


@pytest.mark.parametrize("bound", ["Django", "wagtail"])
def test_ci_runs_on_the_oldest_versions_that_are_allowed(bound: str) -> None:
    (allowed,) = [
        requirement.partition(">=")[2]
        for requirement in _pyproject()["project"]["dependencies"]
        if requirement.startswith(f"{bound}>=")
    ]
    assert f"{bound}=={allowed}" in (ROOT / ".ci" / "oldest.txt").read_text().splitlines()


def _pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def _importable(requirements: list[str]) -> set[str]:
    """The top-level modules that these requirements install."""
    names = set()
    for requirement in requirements:
        name = re.match(r"[\w.-]+", requirement)
        assert name
        for line in (distribution(name[0]).read_text("RECORD") or "").splitlines():
            path = line.partition(",")[0]
            if path.endswith(".py"):
                names.add(path.partition("/")[0].removesuffix(".py"))
    return names


def _imported_libraries(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names = [node.module]
        else:
            continue
        for name in names:
            library = name.partition(".")[0]
            if library not in {"wagtail_payparts", "_typeshed", *sys.stdlib_module_names}:
                yield library

"""What a machine may lack: said loudly on a stranger's, a failure where services are required (in CI)."""

from __future__ import annotations

from typing import NoReturn

import pytest


_required = {"services": False}


def pytest_configure(config: pytest.Config) -> None:
    _required["services"] = bool(config.getoption("--require-services"))


def lacking(message: str) -> NoReturn:
    """``message``: what was not found, what did not run for that, and how to get it."""
    if _required["services"]:
        pytest.fail(message, pytrace=False)
    pytest.skip(message)

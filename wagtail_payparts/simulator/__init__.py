"""The bank for development and tests, as a program of its own: nothing of the plugin is used here.

``python -m wagtail_payparts.simulator`` runs it; ``run_simulator`` runs it inside a test.
"""

from __future__ import annotations

from .incoming import Refused
from .moves import NotNow
from .running import Simulator, run_simulator


__all__ = ["NotNow", "Refused", "Simulator", "run_simulator"]

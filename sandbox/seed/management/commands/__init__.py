"""Commands of the demonstration."""

from __future__ import annotations

"""The pages of the demonstration shop."""

from __future__ import annotations

"""How fast it is, always as a ratio to something simpler that is measured in the same run."""

from __future__ import annotations

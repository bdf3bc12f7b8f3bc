"""What the demonstration starts with: people, offers, pages, three months of history. The same on every machine."""

from __future__ import annotations

"""What staff see in the Wagtail admin: payments and orders to read, offers to edit."""

from __future__ import annotations

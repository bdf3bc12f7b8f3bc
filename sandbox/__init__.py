"""The demonstration shop "Zhorna": a Wagtail site that sells through the plugin, with a simulated bank beside it."""

from __future__ import annotations

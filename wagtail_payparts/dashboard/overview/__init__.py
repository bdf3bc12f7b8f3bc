"""The overview: what was sold in a period, what came of it, and what waits."""

from __future__ import annotations

from wagtail_payparts.dashboard.overview.view import OverviewViewSet


__all__ = ["OverviewViewSet"]

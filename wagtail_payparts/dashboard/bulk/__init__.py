"""Bulk actions on the payments of a listing: ask the bank, export the selection, resolve."""

from __future__ import annotations

from wagtail_payparts.dashboard.bulk.actions import AskBulkAction, ExportBulkAction
from wagtail_payparts.dashboard.bulk.listing import BulkListing
from wagtail_payparts.dashboard.bulk.resolving import ResolveBulkAction


BULK_ACTIONS = (AskBulkAction, ExportBulkAction, ResolveBulkAction)

__all__ = [
    "BULK_ACTIONS",
    "AskBulkAction",
    "BulkListing",
    "ExportBulkAction",
    "ResolveBulkAction",
]

"""What the plugin does, in the order in which it happens: checkout, callbacks, observations, sync, deliveries.

Functions take keyword arguments, return or raise, and never see a request.
"""

from __future__ import annotations

from wagtail_payparts.services.checkout import start_payment
from wagtail_payparts.services.holds import cancel_hold, confirm_hold
from wagtail_payparts.services.refunds import refund_payment
from wagtail_payparts.services.retention import erase_buyer, purge
from wagtail_payparts.services.sync import sync_payment


__all__ = [
    "cancel_hold",
    "confirm_hold",
    "erase_buyer",
    "purge",
    "refund_payment",
    "start_payment",
    "sync_payment",
]

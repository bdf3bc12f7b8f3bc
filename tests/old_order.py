"""The order that the README of django-ok-payparts 0.4 shows."""

from __future__ import annotations

from typing import Any


def documented_order() -> dict[str, Any]:
    """Letter for letter."""
    return {
        "order_id": "order-123",
        "amount": 400.00,
        "parts_count": 2,  # optional, default value is '2'
        "merchant_type": "II",  # optional, default value is 'II'
        "products": [
            {"name": "Телевизор", "count": 2, "price": 100.00},
            {"name": "Микроволновка", "count": 1, "price": 200.00},
        ],
        # also optional fields (can be set in your cabinet):
        "response_url": "http://shop.com/response",
        "redirect_url": "http://shop.com/redirect",
    }

"""A shop with orders of its own: how a developer starts a payment from code and follows it by signals."""

from __future__ import annotations

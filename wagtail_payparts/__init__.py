"""Sell in instalments through PrivatBank's "Оплата частинами" on any Wagtail site."""

from __future__ import annotations


__version__ = "0.1.0"

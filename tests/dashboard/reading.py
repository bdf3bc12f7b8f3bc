"""What a test reads off a page of the admin."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bs4 import BeautifulSoup
from django.test import Client

from wagtail_payparts.models import Order, Payment


def soup_of(response: Any) -> BeautifulSoup:
    assert response.status_code == 200
    return BeautifulSoup(response.content, "html.parser")


def listed(client: Client, address: str, **query: Any) -> list[str]:
    """The numbers in the first column of a listing, from top to bottom."""
    rows = soup_of(client.get(address, query)).select("table.listing tbody tr")
    return [row.select_one(".title-wrapper").get_text(strip=True) for row in rows]  # type: ignore[union-attr]


def words(element: Any) -> str:
    """The text of an element with single spaces."""
    return " ".join(element.get_text(" ").split())


def made_at(row: Payment | Order, moment: datetime) -> None:
    """``created_at`` is set by the database layer and by nobody else, except here."""
    type(row).objects.filter(pk=row.pk).update(created_at=moment)  # type: ignore[attr-defined]

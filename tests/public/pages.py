"""Pages of a shop for tests, and the press of a button."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse
from wagtail.models import Site

from tests.testapp.models import ShopPage
from wagtail_payparts.models import Offer


SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


def make_page(*offers: Offer, slug: str = "shop", **block: Any) -> ShopPage:
    """A live page with a button for each offer; ``block`` are the other values of the block."""
    root = Site.objects.get(is_default_site=True).root_page.specific
    page = ShopPage(title="Чайники", slug=slug)
    page.body = [("button", {"offer": offer, "preselected_parts": None, "button_text": ""} | block) for offer in offers]
    root.add_child(instance=page)
    return page


def press(client: Client, offer: Offer, /, *, headers: dict[str, str] | None = None, **data: Any) -> Any:
    """POST what the button posts, with the headers of a current browser."""
    return client.post(
        reverse("wagtail_payparts:checkout", args=[offer.pk]),
        {"parts": 3, "service": "II"} | data,
        headers=SAME_ORIGIN if headers is None else headers,
    )

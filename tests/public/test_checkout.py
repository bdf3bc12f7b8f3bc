"""From the button to the bank, over real HTTP to a simulated one."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from wagtail_payparts.models import Offer, Payment
from wagtail_payparts.simulator import Simulator


pytestmark = pytest.mark.django_db
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


def press(client: Client, offer: Offer, *, headers: dict[str, str] | None = None, **data: Any) -> Any:
    return client.post(
        reverse("wagtail_payparts:checkout", args=[offer.pk]),
        {"parts": 3, "service": "II"} | data,
        headers=SAME_ORIGIN if headers is None else headers,
    )


def test_one_press_leads_to_the_bank(client: Client, bank: Simulator, offer: Offer) -> None:
    answer = press(client, offer)
    payment = Payment.objects.get()
    assert answer.status_code == 303
    assert answer["Location"] == payment.redirect_url
    assert answer["Location"].startswith(bank.redirect_url)
    assert (payment.amount, payment.parts_count, payment.merchant_type) == (offer.amount, 3, "II")

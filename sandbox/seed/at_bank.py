"""A few payments that are under way: started at the simulated bank, each left at another step."""

from __future__ import annotations

import requests
from django.conf import settings

from wagtail_payparts.models import Offer, Payment
from wagtail_payparts.services import start_payment, sync_payment
from wagtail_payparts.states import PaymentState


MARK = {"demo": "at the bank"}
#: Where each is left, what it buys, in how many parts.
STEPS = (
    (PaymentState.CREATED, "grinder", 4),
    (PaymentState.CLIENT_WAIT, "kettle", 3),
    (PaymentState.OTP_WAITING, "espresso", 10),
    (PaymentState.PP_CREATION, "kettle", 6),
    (PaymentState.LOCKED, "grinder", 6),
)


def seed(offers: dict[str, Offer]) -> None:
    """Raises ``BankError`` where the simulated bank is not running."""
    if Payment.objects.filter(metadata=MARK).exists():
        return
    for state, key, parts in STEPS:
        payment = start_payment(
            lines=offers[key].bank_lines,
            parts_count=parts,
            merchant_type="PP",
            metadata=MARK,
            offer=offers[key],
        )
        form = {"token": payment.token, "state": str(state)}
        requests.post(f"{settings.BANK_URL}/control/state", data=form, timeout=10).raise_for_status()
        sync_payment(payment)

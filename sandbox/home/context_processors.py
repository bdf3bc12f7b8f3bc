"""What every template of the shop may show."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def addresses(request: HttpRequest) -> dict[str, str]:
    """The simulated bank's control page."""
    return {"bank_control_url": f"{settings.BANK_URL}/"}

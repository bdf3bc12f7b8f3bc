"""Who may do what, checked where it is done: ``by`` is a person of the admin, or ``None`` for the system."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from wagtail_payparts.exceptions import NotAllowed


ASK = "wagtail_payparts.ask_payment"
HOLD = "wagtail_payparts.hold_payment"
REFUND = "wagtail_payparts.refund_payment"
RESOLVE = "wagtail_payparts.resolve_payment"
VIEW_BUYER = "wagtail_payparts.viewbuyer_payment"


def require(by: Any, *permissions: str) -> None:
    """Raise ``NotAllowed`` unless ``by`` is the system or has one of the permissions."""
    if by is not None and not any(by.has_perm(permission) for permission in permissions):
        raise NotAllowed(
            f"this needs the permission {' or '.join(permissions)}",
            user_message=_("Sorry, you do not have the permission to do this."),
        )

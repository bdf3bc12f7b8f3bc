"""What the public site answers: to the bank, to a buyer who presses the button, and to one who comes back."""

from __future__ import annotations

from wagtail_payparts.views.callback import callback
from wagtail_payparts.views.checkout import checkout, confirm
from wagtail_payparts.views.payment_return import payment_return


__all__ = ["callback", "checkout", "confirm", "payment_return"]

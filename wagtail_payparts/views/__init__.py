"""What the public site answers: to the bank, to a buyer who presses the button, and to one who comes back."""

from __future__ import annotations

from wagtail_payparts.views.callback import callback


__all__ = ["callback"]

"""Texts of unknown length and origin, made fit to be shown."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from wagtail_payparts.resources import clean
from wagtail_payparts.states import PaymentState, from_bank


#: A message is shown up to here, the rest on request.
CLIP = 280
#: A contract that the bank sent whole would weigh more than the page.
MAX_SHOWN = 20_000


@dataclass(frozen=True)
class Text:
    """A text of unknown length: its beginning, and the whole where that is more."""

    short: str
    whole: str = ""
    is_cut: bool = False


def clip(text: str) -> Text:
    """The beginning of a text, and all of it (within reason) where that is more."""
    plain = clean(text).strip()
    if len(plain) <= CLIP:
        return Text(plain)
    return Text(plain[:CLIP].rstrip() + "…", plain[:MAX_SHOWN], len(plain) > MAX_SHOWN)


def error_text(error: str, *, with_buyer: bool) -> Text:
    """What a receiver raised. Its words are the project's and may name the buyer; its class (``KeyError: …``) does
    not."""
    return clip(error if with_buyer else error.partition(":")[0])


def bank_text(text: str, state: str, *, with_buyer: bool) -> Text:
    """What the bank says beside its word ``state``.

    The contract of a paid payment names the buyer and the card; why a payment was not made does not, and is what
    the shop's staff are asked for.
    """
    if not text or with_buyer or not state or from_bank(state) in {PaymentState.FAIL, PaymentState.CANCELED}:
        return clip(text)
    return Text(_("Shown to those who have the permission to see the buyer’s details."))

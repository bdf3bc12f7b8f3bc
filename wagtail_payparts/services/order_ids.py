"""Order ids at the bank: ours, and what is allowed of a caller's own; and the signed reference of a return address."""

from __future__ import annotations

import secrets
import time

from django.core import signing
from django.utils.translation import gettext as _

from wagtail_payparts.bank import STATE_WORDS, is_safe_order_id
from wagtail_payparts.exceptions import InvalidPayment
from wagtail_payparts.models import Payment


#: Without I, L, O and U, which people misread.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RETURN_SALT = "wagtail_payparts.return"


def new_order_id() -> str:
    """26 characters of ``[0-9A-Z]``: sortable by time (milliseconds), with 80 random bits."""
    while True:
        number = (time.time_ns() // 1_000_000 << 80) | secrets.randbits(80)
        text = "".join(ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))
        if is_safe_order_id(text):
            return text


def new_order_number() -> str:
    """A number that a person can read out on the phone: three groups of four."""
    text = "".join(secrets.choice(ALPHABET) for _position in range(12))
    return f"{text[:4]}-{text[4:8]}-{text[8:]}"


def check_order_id(order_id: object) -> str:
    """A caller's own order id. Raises ``InvalidPayment`` if it may not be sent to the bank."""
    if isinstance(order_id, str) and is_safe_order_id(order_id):
        return order_id
    given = str(order_id)[:80]
    word = next((word for word in STATE_WORDS if word in given), None)
    if word:
        raise InvalidPayment(
            _("An order id must not contain %(word)s, which the bank uses for a state: write it in small letters.")
            % {"word": word},
            field="order_id",
        )
    raise InvalidPayment(
        _("An order id has 1 to 50 letters, digits, hyphens and underscores: %(given)r has not.") % {"given": given},
        field="order_id",
    )


def return_reference(store: str, order_id: str) -> str:
    """What stands in the return address: signed, salted, without personal data; outlives a rotation of the key."""
    return signing.dumps([store, order_id], salt=_RETURN_SALT)


def find_by_return_reference(reference: str) -> Payment | None:
    """The payment of a return address, or ``None`` for anything that we did not sign."""
    try:
        store, order_id = signing.loads(reference, salt=_RETURN_SALT)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return Payment.objects.filter(store=store, order_id=order_id).first()

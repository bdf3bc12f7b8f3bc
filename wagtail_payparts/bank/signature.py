"""The bank's signatures: one function per recipe.

Every recipe is ``base64(sha1(password + fields + password))`` over UTF-8, without separators
(payparts-api §1). An absent field, ``None`` and ``""`` sign the same. Since nothing separates the fields,
a signature of one message can be that of another (payparts-api, dangers e): signatures are secrets, and a
text that a caller chose must never stand where a payment state could.

All recipes raise ``ValueError`` for an empty password, and for text that is not Unicode (a lone surrogate).
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Iterable
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation

from .sealed import SealedStr


_KOPECK = Decimal("0.01")
_EXACTLY = Context(prec=30, traps=[InvalidOperation, Inexact])


def to_wire_amount(amount: Decimal) -> str:
    """Write hryvnias as the bank reads them, with two decimals: ``Decimal("301.1")`` is ``"301.10"``.

    Raises ``TypeError`` for anything but a ``Decimal`` (a float has already lost the kopecks), ``ValueError``
    for NaN, infinity, a negative amount and a fraction of a kopeck.
    """
    if not isinstance(amount, Decimal):
        raise TypeError(f"an amount is a Decimal, not {type(amount).__name__}")
    try:
        exact = amount.quantize(_KOPECK, context=_EXACTLY)
    except DecimalException as err:
        raise ValueError(f"{amount} is not a whole number of kopecks") from err
    if not exact.is_finite() or exact.is_signed():
        raise ValueError(f"{amount} is not an amount of money")
    return f"{exact:f}"


def to_wire_digits(amount: Decimal) -> str:
    """Write hryvnias as they are signed: two decimals, dot removed, ``0.01`` is ``001`` (payparts-api, a).

    Raises like ``to_wire_amount``.
    """
    return to_wire_amount(amount).replace(".", "")


def create(
    password: str,
    *,
    store_id: str,
    order_id: str,
    amount: Decimal,
    parts_count: int,
    merchant_type: str,
    products: Iterable[tuple[str, int, Decimal]],
    response_url: str | None = None,
    redirect_url: str | None = None,
) -> str:
    """Sign ``payment/create`` (payparts-api §2). ``products``: name, count and price in body order."""
    signed_products = (f"{name}{count:d}{to_wire_digits(price)}" for name, count, price in products)
    return _sign(
        password,
        store_id,
        order_id,
        to_wire_digits(amount),
        f"{parts_count:d}",
        merchant_type,
        response_url,
        redirect_url,
        *signed_products,
    )


#: ``payment/hold`` is signed like ``payment/create`` (payparts-api §2).
hold = create


def state(password: str, *, store_id: str, order_id: str) -> str:
    """Sign ``payment/state`` (payparts-api §6)."""
    return _sign(password, store_id, order_id)


#: ``payment/confirm`` and ``payment/cancel`` are signed like ``payment/state`` (payparts-api §4, dangers e).
#: Their documented *reply* signature is this one too, and so proves nothing about the outcome.
confirm = cancel = state


def decline(password: str, *, store_id: str, order_id: str, amount: Decimal) -> str:
    """Sign ``payment/decline`` (payparts-api §5)."""
    return _sign(password, store_id, order_id, to_wire_digits(amount))


def description(password: str, *, store_id: str, order_id: str, description: str) -> str:
    """Sign ``payment/description`` (payparts-api §7). The text stands where a callback has its state."""
    return _sign(password, store_id, order_id, description)


def terms(password: str, *, store_id: str, date_from: str, date_to: str) -> str:
    """Sign ``terms/get/list``; the dates are ``YYYYMMDD`` (payparts-api §9)."""
    return _sign(password, store_id, date_from, date_to)


def create_reply(
    password: str, *, state: str, store_id: str, order_id: str, token: str, message: str | None = None
) -> tuple[str, ...]:
    """Sign a successful reply to create or hold (payparts-api §2.1), in each way the bank may have done it.

    Only a reply with both a token and a message has more than one: token alone, message and token, token and
    message (dispute d2).
    """
    bodies = dict.fromkeys((token, f"{message or ''}{token}", f"{token}{message or ''}"))
    return tuple(_sign(password, state, store_id, order_id, body) for body in bodies)


def fail_reply(password: str, *, state: str, store_id: str, order_id: str, message: str | None = None) -> str:
    """Sign a refusal (payparts-api §2.2); also what confirm, cancel and decline may answer (dispute e)."""
    return _sign(password, state, store_id, order_id, message)


def state_reply(
    password: str,
    *,
    state: str,
    store_id: str,
    order_id: str,
    payment_state: str | None = None,
    message: str | None = None,
) -> str:
    """Sign a reply to ``payment/state`` (payparts-api §6) or ``payment/decline`` (§5)."""
    return _sign(password, state, store_id, order_id, payment_state, message)


def description_reply(password: str, *, store_id: str, order_id: str, state: str, message: str | None = None) -> str:
    """Sign a reply to ``payment/description``; the ids are the request's (payparts-api §7)."""
    return _sign(password, store_id, order_id, state, message)


def callback(password: str, *, store_id: str, order_id: str, payment_state: str, message: str | None = None) -> str:
    """Sign a callback (payparts-api §3). ``message`` is signed as it came, untrimmed (dispute c)."""
    return _sign(password, store_id, order_id, payment_state, message)


def verify(expected: str, given: object) -> bool:
    """Tell in constant time whether ``given`` is the expected signature.

    Never raises; whatever is not a non-empty string is not a signature.
    """
    if not isinstance(given, str) or not given:
        return False
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogatepass"))


def verify_any(expected: Iterable[str], given: object) -> bool:
    """Tell like ``verify`` whether ``given`` is one of several signatures."""
    return any(verify(candidate, given) for candidate in expected)


def _sign(password: str, *fields: str | None) -> str:
    if not password:
        raise ValueError("an empty password signs nothing")
    # Encoded one by one: an encoding error holds the text that it failed on, and that must not be all of it.
    parts = [(field or "").encode("utf-8") for field in (password, *fields, password)]
    return SealedStr(b64encode(hashlib.sha1(b"".join(parts), usedforsecurity=False).digest()).decode())

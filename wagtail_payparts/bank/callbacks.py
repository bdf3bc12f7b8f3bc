"""What the bank posts to the shop (payparts-api §3): read strictly, believed only when signed."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass, field
from typing import Any

from ..exceptions import CallbackRejected
from . import signature
from .stores import Store
from .wire import Unreadable, read_object, redact


MAX_CALLBACK_BYTES = 256 * 1024
#: Why ``{}`` is rejected. The bank never sends it: it is what ``payparts_doctor`` knocks with.
EMPTY = "empty"
#: The longest order id of any page of the documentation.
_MAX_ID_LENGTH = 64
_STATE = re.compile("[A-Z_]{2,32}")
_ALPHABETS = {"base64url": "URL-safe base64", "ascii": "ASCII", "other": "non-ASCII text"}


@dataclass(frozen=True)
class Callback:
    """A callback that could be read. Nothing in it is true before ``is_signed_by`` says so.

    ``message`` is as it was signed: put it through ``clean_text`` before storing it. ``payload`` is redacted.
    The ``repr`` shows neither: the contract text names the buyer.
    """

    store_id: str
    order_id: str
    payment_state: str
    message: str = field(repr=False)
    signature: str = field(repr=False)
    payload: dict[str, Any] = field(repr=False)

    def is_signed_by(self, store: Store) -> bool:
        """Tell whether this store's password, or its previous one, signed it. An empty one signs nothing."""
        return bool(self.password_of(store))

    def password_of(self, store: Store) -> str:
        """Which of this store's passwords signed it: ``current``, ``previous`` or, for neither, nothing."""
        if self.store_id == store.store_id:
            if self._is_signed_with(store.password):
                return "current"
            if self._is_signed_with(store.previous_password):
                return "previous"
        return ""

    def _is_signed_with(self, password: str) -> bool:
        return bool(password) and signature.verify(
            signature.callback(
                password,
                store_id=self.store_id,
                order_id=self.order_id,
                payment_state=self.payment_state,
                message=self.message,
            ),
            self.signature,
        )


def parse_callback(body: bytes) -> Callback:
    """Read the body of a callback, whatever its content type said.

    Raises ``CallbackRejected`` with the reason ``too_large``, ``not_json``, ``not_an_object``, ``empty``,
    ``duplicate_key``, ``bad_field``, ``missing_field`` or ``bad_state``. The state must look like a word of the
    bank: with an empty one, the signature of a state query would pass. A missing signature, or one that is no
    text, is read as an empty one, which verifies nothing.
    """
    if len(body) > MAX_CALLBACK_BYTES:
        raise CallbackRejected("too_large")
    try:
        payload = read_object(body)
    except Unreadable as err:
        raise CallbackRejected(err.reason) from err
    if not payload:
        raise CallbackRejected(EMPTY)
    store_id = _read_id(payload, "storeId", "storeIdentifier")
    order_id = _read_id(payload, "orderId")
    payment_state = payload.get("paymentState")
    if not isinstance(payment_state, str) or not _STATE.fullmatch(payment_state):
        raise CallbackRejected("bad_state")
    given = payload.get("signature")
    return Callback(
        store_id=store_id,
        order_id=order_id,
        payment_state=payment_state,
        message=_read_text(payload, "message"),
        signature=given if isinstance(given, str) else "",
        payload=redact(payload),
    )


def _read_text(payload: dict[str, Any], name: str) -> str:
    value = payload.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise CallbackRejected("bad_field", f"{name} is not text")
    return value


def _read_id(payload: dict[str, Any], *names: str) -> str:
    found = {text for name in names if (text := _read_text(payload, name))}
    if not found:
        raise CallbackRejected("missing_field", f"{names[0]} is missing")
    identifier = found.pop()
    if found or len(identifier) > _MAX_ID_LENGTH or not identifier.isprintable():
        raise CallbackRejected("bad_field", f"{names[0]} is no id")
    return identifier


@dataclass(frozen=True)
class SignatureShape:
    """What a signature looks like, without any of it.

    ``kind``: ``missing``, ``well_formed``, ``spaces`` (well formed but for them), ``not_text`` or ``odd``.
    ``alphabet``: the narrowest of ``hex``, ``base64``, ``base64url``, ``ascii`` and ``other`` that it is written in;
    of what is no text, its type.
    """

    kind: str
    length: int = 0
    alphabet: str = ""


def describe_signature(given: object) -> SignatureShape:
    """Tell what is odd about a signature that did not verify, fit to be stored."""
    if not isinstance(given, str):
        return SignatureShape("not_text", alphabet=type(given).__name__)
    if not given:
        return SignatureShape("missing")
    kind = "odd"
    if _is_sha1_in_base64(given.strip()):
        kind = "well_formed" if given == given.strip() else "spaces"
    return SignatureShape(kind, len(given), _alphabet(given.strip() or given))


def signature_hint(given: object) -> str:
    """The same in English, for the log."""
    shape = describe_signature(given)
    if shape.kind == "well_formed":
        return "well formed: signed with another password, or changed on the way"
    got = {
        "not_text": shape.alphabet,
        "missing": "nothing",
        "spaces": "them with spaces around",
    }.get(shape.kind, f"{shape.length} of {_ALPHABETS.get(shape.alphabet, shape.alphabet)}")
    return f"28 characters of base64 expected, got {got}"


def _is_sha1_in_base64(given: str) -> bool:
    return bool(re.fullmatch("[A-Za-z0-9+/]{27}=", given))


def _alphabet(given: str) -> str:
    characters = set(given)
    base64 = set(string.ascii_letters + string.digits + "+/=")
    if characters <= set(string.hexdigits):
        return "hex"
    if characters <= base64:
        return "base64"
    if characters <= base64 | set("-_"):
        return "base64url"
    return "ascii" if given.isascii() else "other"

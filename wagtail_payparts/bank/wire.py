"""JSON as it goes to the bank and comes from it: money exact, oddities refused, secrets out of sight."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from .sealed import SealedBytes, SealedStr
from .signature import to_wire_amount


#: MariaDB stores 32 levels at most; the bank sends two.
MAX_DEPTH = 16
MAX_TEXT = 4000
_MAX_DIGITS = 40
_SECRET = re.compile("signature|password|token", re.IGNORECASE)
#: A signature quoted inside a text: 20 bytes of SHA-1 in base64.
_SIGNATURE = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{27}=")


class Unreadable(ValueError):
    """Not the JSON object that was expected. ``reason``: not_json, not_an_object or duplicate_key."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def write_object(fields: Mapping[str, Any]) -> SealedBytes:
    """Write a request body. A ``Decimal`` becomes a JSON number with exactly two decimals.

    Raises ``TypeError`` for a float, ``ValueError`` for what ``to_wire_amount`` refuses and for text that is
    not Unicode.
    """
    return SealedBytes(_write(fields).encode("utf-8"))


def _write(value: Any) -> str:
    if isinstance(value, Decimal):
        return to_wire_amount(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_write(key)}: {_write(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_write, value)) + "]"
    if isinstance(value, (str, bool, int)):
        return json.dumps(value, ensure_ascii=False)
    raise TypeError(f"{type(value).__name__} is nothing that the bank is sent")


def read_object(body: bytes) -> dict[str, Any]:
    """Read a JSON object, whatever its content type said. Fractions come as ``Decimal``, secrets sealed.

    Raises ``Unreadable`` for anything but strict UTF-8 and JSON, for NaN and infinity, numbers of more than
    40 digits, duplicate keys, lone surrogates and nesting deeper than ``MAX_DEPTH``.
    """
    found, reason = _read(body)
    # Raised here and not where it was found: a JSON error carries the whole text, signatures and all.
    if reason:
        raise Unreadable(reason)
    return found


def _read(body: bytes) -> tuple[dict[str, Any], str]:
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_read_pairs,
            parse_int=_read_int,
            parse_float=_read_decimal,
            parse_constant=_refuse_constant,
        )
        _check(value)
    except _DuplicateKey:
        return {}, "duplicate_key"
    except (ValueError, RecursionError):
        return {}, "not_json"
    return (value, "") if isinstance(value, dict) else ({}, "not_an_object")


class _DuplicateKey(ValueError):
    pass


def _read_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _DuplicateKey
        is_secret = isinstance(value, str) and (_SECRET.search(key) or _SIGNATURE.search(value))
        found[key] = SealedStr(value) if is_secret else value
    return found


def _read_int(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError("too long a number")
    return int(digits)


def _read_decimal(digits: str) -> Decimal:
    if len(digits) > _MAX_DIGITS:
        raise ValueError("too long a number")
    try:
        return Decimal(digits)
    except InvalidOperation as err:
        raise ValueError("too large an exponent") from err


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _check(value: Any) -> None:
    """Raise ``ValueError`` for text that is not Unicode and for deep nesting (not by recursion itself)."""
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise ValueError("nested too deeply")
        inner: list[Any] = []
        for item in level:
            if isinstance(item, str):
                item.encode("utf-8")
            elif isinstance(item, dict):
                inner += item.keys()
                inner += item.values()
            elif isinstance(item, list):
                inner += item
        level = inner


def clean_text(text: str) -> str:
    """Make the bank's text fit for storage and for eyes.

    NUL (which PostgreSQL refuses) and lone surrogates become U+FFFD, and a signature quoted in it ``***``.
    Sign and verify the text as it came, before this.
    """
    unicode = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _SIGNATURE.sub("***", unicode.replace("\0", "\N{REPLACEMENT CHARACTER}"))


def redact(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Copy a payload for the record: plain JSON values, no signature, password or token, no endless text.

    The values of keys that name a secret become ``***`` at any depth, decimals become text, and each text is
    cleaned (``clean_text``) and cut to ``MAX_TEXT`` characters.
    """
    return {
        _redact_value(str(key)): "***" if value and _SECRET.search(str(key)) else _redact_value(value)
        for key, value in payload.items()
    }


def _redact_value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return redact(value)
    if isinstance(value, (list, tuple)):
        return [_redact_value(item) for item in value]
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, str):
        return clean_text(value)[:MAX_TEXT]
    return value

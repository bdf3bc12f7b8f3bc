"""What a shop sends, read and checked as strictly as a bank would (payparts-api §2, §6, §12)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from .records import Line, NewPayment
from .wire import hryvnias, kopecks


MINIMUM, MAXIMUM = 300_00, 300_000_00
MINIMUM_PARTS, MAXIMUM_PARTS = 2, 25
# 64 in 2020, 50 on the newer pages: a shop that fits into the newer limit fits into both.
ORDER_ID_LENGTH = 50
PRODUCT_NAME_LENGTH = 128
MERCHANT_TYPES = ("II", "PP", "PB", "IA")
UNKNOWN_PAYMENT = "Платеж не найден"


class Refused(Exception):
    """The bank says no to a request that it understood: a signed FAIL with ``message``."""


class Unreadable(Exception):
    """The bank cannot tell who asks or for what: an unsigned FAIL with ``errorMessage``."""


def read_ids(body: Mapping[str, Any]) -> tuple[str, str]:
    """``storeId`` and ``orderId``, which every request about a payment has."""
    return read_word(body, "storeId"), read_word(body, "orderId")


def read_payment(body: Mapping[str, Any], *, hold: bool) -> NewPayment:
    """The payment of a create or hold request, well-formed; the amounts are judged by ``check_payment``."""
    products = body.get("products")
    if not isinstance(products, list) or not all(isinstance(product, Mapping) for product in products):
        raise Unreadable("bad value: products must be a list of products")
    return NewPayment(
        store_id=read_word(body, "storeId"),
        order_id=read_word(body, "orderId"),
        kopecks=read_money(body, "amount"),
        parts_count=_count(body, "partsCount"),
        merchant_type=read_word(body, "merchantType"),
        lines=tuple(_read_line(product) for product in products),
        response_url=read_optional(body, "responseUrl"),
        redirect_url=read_optional(body, "redirectUrl"),
        hold=hold,
    )


def _read_line(product: Mapping[str, Any]) -> Line:
    return Line(name=read_word(product, "name"), count=_count(product, "count"), kopecks=read_money(product, "price"))


def check_payment(payment: NewPayment) -> None:
    """Raise ``Refused`` for a payment that the bank would not make."""
    total = sum(line.total_kopecks for line in payment.lines)
    problems = {
        f"orderId length should be no more than {ORDER_ID_LENGTH}": len(payment.order_id) > ORDER_ID_LENGTH,
        f"amount must be from {hryvnias(MINIMUM)} to {hryvnias(MAXIMUM)}": (not MINIMUM <= payment.kopecks <= MAXIMUM),
        f"partsCount must be from {MINIMUM_PARTS} to {MAXIMUM_PARTS}": (
            not MINIMUM_PARTS <= payment.parts_count <= MAXIMUM_PARTS
        ),
        f"merchantType must be one of {', '.join(MERCHANT_TYPES)}": (payment.merchant_type not in MERCHANT_TYPES),
        "products must not be empty": not payment.lines,
        f"product name length should be from 1 to {PRODUCT_NAME_LENGTH}": any(
            len(line.name) > PRODUCT_NAME_LENGTH for line in payment.lines
        ),
        "product count must be at least 1": any(line.count < 1 for line in payment.lines),
        "product price must be at least 0.01": any(line.kopecks < 1 for line in payment.lines),
        f"amount {hryvnias(payment.kopecks)} is not the sum of products {hryvnias(total)}": (total != payment.kopecks),
        "responseUrl is not valid": not _is_web_address(payment.response_url),
        "redirectUrl is not valid": not _is_web_address(payment.redirect_url),
    }
    for problem, found in problems.items():
        if found:
            raise Refused(f"bad value: {problem}")


def is_true(value: object) -> bool:
    """``showAmount`` and its kind: a JSON boolean, or the string of the 2020 document (payparts-api §6)."""
    return value is True or value == "true"


def read_word(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise Unreadable(f"bad value: {name} must not be empty")
    return value


def read_optional(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unreadable(f"bad value: {name} must be a string")
    return value


def read_money(fields: Mapping[str, Any], name: str) -> int:
    try:
        return kopecks(fields.get(name))
    except ValueError as err:
        raise Unreadable(f"bad value: {name} is {err}") from err


def _count(fields: Mapping[str, Any], name: str) -> int:
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unreadable(f"bad value: {name} must be a whole number")
    return value


def _is_web_address(url: str) -> bool:
    if not url:
        return True
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)

"""JSON as the bank reads and writes it: money is exact, in both directions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree


JSON_TYPE = "application/json; charset=UTF-8"


def loads(raw: bytes) -> Any:
    """The decoded JSON, with every fraction a ``Decimal``. Raises ``ValueError``."""
    try:
        return json.loads(raw.decode("utf-8"), parse_float=Decimal, parse_constant=_refuse_constant)
    except RecursionError as err:
        raise ValueError("nested too deeply") from err


def dumps(value: Any) -> str:
    """JSON text in which a ``Decimal`` is a number made of its own digits, never of a float's."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(key)}:{dumps(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(dumps, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def xml(fields: Mapping[str, Any]) -> bytes:
    """The reply for a caller who did not ask for JSON (payparts-api §1)."""
    root = ElementTree.Element("payment")
    for name, value in fields.items():
        ElementTree.SubElement(root, name).text = str(value)
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def kopecks(value: object) -> int:
    """Hryvnias of a body (a JSON number, or digits in a string: both are met) in kopecks.

    Raises ``ValueError`` for anything that is not money to the kopeck.
    """
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise ValueError("not a number")
    try:
        hryvnias = Decimal(value)
        if not abs(hryvnias) < 10**9:
            raise ValueError("too large")
        exact = hryvnias * 100
        if exact != int(exact):
            raise ValueError("more than two decimals")
    except ArithmeticError as err:
        raise ValueError("not a number") from err
    return int(exact)


def hryvnias(amount_kopecks: int) -> Decimal:
    """Kopecks as hryvnias with two decimals."""
    return Decimal(amount_kopecks).scaleb(-2)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")

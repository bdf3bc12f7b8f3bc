"""Text from outside made harmless: for a spreadsheet, and for the eyes of whoever reads it."""

from __future__ import annotations

import re


#: Control characters (a tab and a line break are no harm inside a cell), the two that XML forbids, and those that
#: turn the direction of the text which follows them.
_HARMFUL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffe\uffff]")
#: What a spreadsheet would take for a formula, wide forms too, and also behind blanks and quotes.
_FORMULA = re.compile(r"[\s'\"]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
#: What some program may take for the end of a cell: the other delimiter, or a line break, for its quotes mean nothing
#: where they are not the first thing after a delimiter.
_SEPARATOR = re.compile("([;,\t\n])")
_PHONE = re.compile(r"\+[0-9]{5,15}|\+[0-9]{1,4}( [0-9]{2,9}){1,5}")


def clean(text: str) -> str:
    """Text without control characters, and without those that turn the direction of what follows them."""
    return _HARMFUL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def looks_like_formula(text: str) -> bool:
    return bool(_FORMULA.match(text)) and not _PHONE.fullmatch(text)


def neutralise(text: str) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe goes before what looks like one.

    A phone number in international form is left as it is.
    """
    cleaned = clean(text)
    return f"'{cleaned}" if looks_like_formula(cleaned) else cleaned


def neutralise_parts(text: str) -> str:
    """The same for CSV, which may be opened with another delimiter than it was written with: also inside of a text
    no part is a formula, whatever stands between cells. Quotes are no help there."""
    first, *rest = _SEPARATOR.split(neutralise(text))
    return first + "".join(_neutralise_part(part) for part in rest)


def _neutralise_part(part: str) -> str:
    stripped = part.strip()
    if not looks_like_formula(stripped):
        return part
    blanks = part[: len(part) - len(part.lstrip())]
    return f"{blanks}'{part[len(blanks) :]}"

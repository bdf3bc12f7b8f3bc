"""How money is written for people, whatever the project's number settings are; and which text is text."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from django.utils.translation import get_language


NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
#: Languages in which hryvnias are written the Ukrainian way: ``12 500,00 грн``.
_UKRAINIAN_WAY = ("uk", "ru")


def format_hryvnias(amount: Decimal) -> str:
    """``amount`` (UAH) as people write it: ``12 500,00 грн`` in Ukrainian and Russian, else ``UAH 12,500.00``.

    Every space is a no-break space. ``USE_THOUSAND_SEPARATOR`` and the formats of the locale play no part, so the
    same sum looks the same on a page, in a letter and in the admin.
    """
    exact = amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
    sign = "\N{MINUS SIGN}" if exact < 0 else ""
    digits = f"{abs(exact):,.2f}"
    if (get_language() or "").split("-")[0] in _UKRAINIAN_WAY:
        digits = digits.replace(",", NO_BREAK_SPACE).replace(".", ",")
        return f"{sign}{digits}{NO_BREAK_SPACE}грн"
    return f"{sign}UAH{NO_BREAK_SPACE}{digits}"


def is_unicode(text: str) -> bool:
    """Whether ``text`` is free of halves of surrogate pairs, which JSON can carry and no database stores."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

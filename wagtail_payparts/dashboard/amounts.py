"""Amounts of money as people type them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.formats import get_format
from django.utils.translation import gettext as _

from wagtail_payparts.resources import clean


_CURRENCY = re.compile(r"^(?:UAH|₴)\s*|\s*(?:грн\.?|гривень|гривня|гривні|гривен|UAH|₴)$", re.IGNORECASE)
#: Thousands apart by nothing, by spaces or apostrophes, or by the sign that does not stand before the kopecks.
_WAYS = tuple(
    re.compile(way)
    for way in (
        r"(?P<whole>[0-9]+)(?:[.,](?P<kopecks>[0-9]*))?",
        r"(?P<whole>[0-9]{1,3}(?:[\s'’][0-9]{3})+)(?:[.,](?P<kopecks>[0-9]*))?",
        r"(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+)\.(?P<kopecks>[0-9]*)",
        r"(?P<whole>[0-9]{1,3}(?:\.[0-9]{3})+),(?P<kopecks>[0-9]*)",
        r"(?P<whole>[0-9]{1,3}(?:(?:,[0-9]{3}){2,}|(?:\.[0-9]{3}){2,}))(?P<kopecks>)",
    )
)
#: ``1,500``: fifteen hundred to some, one and a half to others.
_EITHER = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")


def read_hryvnias(text: str) -> Decimal:
    """``1 500,50 грн``, ``1500.5`` or ``1,500.50`` as an amount of UAH. Raises ``ValidationError`` with words.

    What could be meant in two ways is refused: it is money. How much is too much is the business of others.
    """
    written = _CURRENCY.sub("", clean(text).strip())
    sign = "-" if written[:1] in {"-", "\N{MINUS SIGN}"} else ""
    number = written[1:].strip() if sign else written
    if _EITHER.fullmatch(number):
        raise ValidationError(
            _("“%(text)s” can be read in two ways: if these are thousands, write %(whole)s."),
            code="ambiguous",
            params={"text": number, "whole": re.sub("[.,]", "", number)},
        )
    found = next(filter(None, (way.fullmatch(number) for way in _WAYS)), None)
    if found is None:
        message = _("This is not an amount. Write it in digits, as in %(example)s.")
        raise ValidationError(message, code="invalid", params={"example": write_plainly(Decimal("1500.50"))})
    kopecks = found["kopecks"] or ""
    if len(kopecks) > 2:
        raise ValidationError(_("An amount has two decimals at most."), code="decimals")
    return Decimal(f"{sign}{re.sub('[^0-9]', '', found['whole'])}.{kopecks:0<2}")


def write_plainly(amount: Decimal) -> str:
    """Two decimals behind the sign of the language, and nothing else: fit to be changed by hand."""
    return f"{amount:.2f}".replace(".", get_format("DECIMAL_SEPARATOR"))


class HryvniasField(forms.CharField):
    """Its value is a ``Decimal``; what was typed is kept as it was typed."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
        super().__init__(max_length=40, widget=widget, **kwargs)

    def clean(self, value: Any) -> Any:
        # As text first: required, not too long, no NUL.
        return read_hryvnias(super().clean(value))

"""What the browser of a buyer may say: which parts and service, and who is buying. Never a price."""

from __future__ import annotations

from typing import Any

import phonenumbers
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from wagtail_payparts.formats import is_unicode
from wagtail_payparts.models import BuyerDetails, Offer, Order


def validate_unicode(text: str) -> None:
    """Raises ``ValidationError`` for text that no database stores. Django's own fields refuse NUL only."""
    if not is_unicode(text):
        raise ValidationError(_("This text has characters that cannot be kept."), code="unicode")


class ChoiceForm(forms.Form):
    """A press of the button. ``page`` only says where it stood, so an unreadable one is no error."""

    parts = forms.IntegerField(
        error_messages={"required": _("Choose the number of parts."), "invalid": _("Choose the number of parts.")}
    )
    service = forms.CharField(required=False, max_length=10)
    page = forms.CharField(required=False)

    def clean_page(self) -> int | None:
        text = self.cleaned_data["page"]
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


class BuyerForm(forms.Form):
    """Who buys, as far as the offer asks."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=150,
        validators=[validate_unicode],
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    phone = forms.CharField(
        label=_("Phone"),
        max_length=40,
        validators=[validate_unicode],
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel"}),
        help_text=_("For example 067 123 45 67."),
    )
    email = forms.EmailField(
        label=_("E-mail"),
        max_length=Order._meta.get_field("buyer_email").max_length,
        validators=[validate_unicode],
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    comment = forms.CharField(
        label=pgettext_lazy("a buyer", "Comment"),
        required=False,
        max_length=1000,
        validators=[validate_unicode],
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, offer: Offer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        for name in set(self.fields) - set(asked_fields(offer)):
            del self.fields[name]

    def clean_phone(self) -> str:
        return normalise_phone(self.cleaned_data["phone"])


def asked_fields(offer: Offer) -> tuple[str, ...]:
    """The fields that an offer asks for before the buyer goes to the bank."""
    return {
        BuyerDetails.PHONE.value: ("phone",),
        BuyerDetails.ALL.value: ("name", "phone", "email", "comment"),
    }.get(offer.buyer_details, ())


def normalise_phone(text: str) -> str:
    """``+380671234567`` for a Ukrainian number however it is typed; a number abroad needs its ``+``.

    Raises ``ValidationError`` for what is no telephone number.
    """
    digits = "".join(char for char in text if char.isdecimal())
    if "+" not in text and digits.startswith("80") and len(digits) == 11:
        # The long-distance prefix of old: 8 067 ...
        text = digits[1:]
    try:
        number = phonenumbers.parse(text, "UA")
    except phonenumbers.NumberParseException as error:
        raise ValidationError(_BAD_PHONE, code="phone") from error
    if not phonenumbers.is_valid_number(number):
        raise ValidationError(_BAD_PHONE, code="phone")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


_BAD_PHONE = _("This is not a telephone number: check the digits. For example 067 123 45 67.")

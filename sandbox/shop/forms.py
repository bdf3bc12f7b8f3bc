"""The form of the page that sells beans."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from .models import Plan, ShopOrder


class BeansForm(forms.ModelForm):
    """An order and the number of its payments. The amount is the shop's, never the browser's."""

    parts_count = forms.TypedChoiceField(
        label=_("Number of payments"), coerce=int, choices=[(n, str(n)) for n in (2, 3, 4, 6, 10)], initial=3
    )
    phone = forms.CharField(
        label=_("Phone"),
        max_length=20,
        initial="+380",
        validators=[RegexValidator(r"^\+380\d{9}$", _("Write the number like +380501234567."))],
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
    )

    class Meta:
        model = ShopOrder
        fields = ["plan", "name", "phone"]
        labels = {"plan": _("Which beans"), "name": _("Your name")}
        widgets = {"plan": forms.RadioSelect, "name": forms.TextInput(attrs={"autocomplete": "name"})}

    field_order = ["plan", "parts_count", "name", "phone"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["plan"].choices = Plan.choices
        self.fields["plan"].initial = Plan.ESPRESSO

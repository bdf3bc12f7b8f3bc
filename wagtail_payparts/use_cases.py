"""The old package's way in (django-ok-payparts 0.4): its documented usage, on the new ledger."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from wagtail_payparts.bank import parse_callback
from wagtail_payparts.consts import DEFAULT_MERCHANT_TYPE, DEFAULT_PARTS_COUNT, MERCHANT_TYPES
from wagtail_payparts.exceptions import CallbackRejected, InvalidPayment
from wagtail_payparts.forms import validate_unicode
from wagtail_payparts.services.callbacks import receive, reject
from wagtail_payparts.services.checkout import start_payment


__all__ = ("GetRedirectUrlUseCase", "ProcessCallbackUseCase")


class _MoneyField(forms.DecimalField):
    """Takes floats too and makes them exact: what was meant is what ``repr`` shows, to the kopeck."""

    def to_python(self, value: Any) -> Any:
        try:
            exact = super().to_python(str(value) if isinstance(value, (int, float, Decimal)) else value)
            if exact is None or not exact.is_finite():
                return exact
            return exact.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
        except (InvalidOperation, ValueError) as error:
            # More digits than a Decimal or an int takes.
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error


class _PayloadForm(forms.Form):
    order_id = forms.CharField(max_length=50)
    amount = _MoneyField()
    parts_count = forms.IntegerField(min_value=2)
    merchant_type = forms.ChoiceField(choices=MERCHANT_TYPES)
    response_url = forms.CharField(required=False, max_length=255, validators=[validate_unicode])
    redirect_url = forms.CharField(required=False, max_length=255, validators=[validate_unicode])


class _ProductForm(forms.Form):
    name = forms.CharField(max_length=128, validators=[validate_unicode])
    count = forms.IntegerField(min_value=1)
    price = _MoneyField(min_value=Decimal("0.01"))


class GetRedirectUrlUseCase:
    """Create a payment at the bank and return the address to which the buyer's browser goes."""

    def execute(self, data: dict[str, Any]) -> str:
        """``data`` has ``order_id``, ``amount`` and ``products`` (``name``, ``count``, ``price``; UAH), and may have
        ``parts_count`` (2), ``merchant_type`` (II), ``response_url`` and ``redirect_url``. It is left as it is.

        Raises Django's ``ValidationError`` for data that cannot be paid; ``OrderIdTaken``, ``OutcomeUnknown``,
        ``BankRefused``, ``BankUnreachable`` or ``BadAnswer`` otherwise (see ``services.start_payment``).
        """
        terms = _clean(
            _PayloadForm(
                {
                    **data,
                    "parts_count": _or_default(data.get("parts_count"), DEFAULT_PARTS_COUNT),
                    "merchant_type": _or_default(data.get("merchant_type"), DEFAULT_MERCHANT_TYPE),
                }
            )
        )
        lines = [_clean(_ProductForm(product)) for product in _products(data)]
        total = sum((line["price"] * line["count"] for line in lines), Decimal(0))
        if total != terms["amount"]:
            raise ValidationError(
                _("The amount is %(amount)s, but the products add up to %(total)s: the bank wants them equal."),
                params={"amount": terms["amount"], "total": total},
            )
        try:
            payment = start_payment(
                lines=lines,
                parts_count=terms["parts_count"],
                merchant_type=terms["merchant_type"],
                order_id=terms["order_id"],
                response_url=terms["response_url"] or None,
                redirect_url=terms["redirect_url"] or None,
            )
        except InvalidPayment as error:
            raise ValidationError({error.field: [str(error)]} if error.field in terms else str(error)) from error
        return payment.redirect_url


class ProcessCallbackUseCase:
    """Process a callback that a view of your own has received and parsed."""

    def execute(self, request: Any, data: dict[str, Any]) -> None:
        """Store the callback and, after the commit, send the old signal and have the bank asked.

        ``data`` is left as it is. A callback whose signature is not valid raises nothing:
        ``pay_parts_invalid_callback`` tells of it.
        """
        callback = None
        try:
            callback = parse_callback(_as_json(data))
            receive(callback, request)
        except CallbackRejected as rejected:
            reject(rejected, callback, request)


def _or_default(given: Any, default: Any) -> Any:
    """What is absent, ``None`` or empty is the default; zero is not."""
    return default if given is None or given == "" else given


def _products(data: dict[str, Any]) -> list[Mapping[str, Any]]:
    products = data.get("products")
    if not products:
        raise ValidationError(_("You must provide products to create payment."))
    listed = list(products) if isinstance(products, Iterable) else [products]
    if not all(isinstance(product, Mapping) for product in listed):
        raise ValidationError(_("The products have to be a list, each with its name, count and price."))
    return listed


def _as_json(data: Any) -> bytes:
    try:
        return json.dumps(data).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise CallbackRejected("not_json") from error


def _clean(form: forms.Form) -> dict[str, Any]:
    if not form.is_valid():
        raise ValidationError(form.errors)
    return form.cleaned_data

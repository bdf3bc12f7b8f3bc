"""Model fields that Django does not have."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from wagtail_payparts import conf


class ExactCharField(models.CharField):  # type: ignore[type-arg]
    """Text that is compared byte for byte on every database; MariaDB's default would take ``a`` for ``A``."""

    def db_parameters(self, connection: Any) -> Any:
        parameters = super().db_parameters(connection)
        if connection.vendor == "mysql":
            parameters["collation"] = "utf8mb4_nopad_bin"
        return parameters


class PartsField(models.CharField):  # type: ignore[type-arg]
    """Numbers of parts as a person writes them: ``2-12`` or ``3, 6, 12``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 60)
        super().__init__(*args, **kwargs)

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        value = super().clean(value, model_instance)
        if value and parse_parts(value)[-1] > conf.max_parts():
            message = _("The number of parts is from 2 to %(most)s.")
            raise ValidationError(message, code="parts", params={"most": conf.max_parts()})
        return value


def parse_parts(text: str) -> tuple[int, ...]:
    """The numbers that ``text`` names, ascending. Raises ``ValidationError`` where it cannot be read."""
    counts: set[int] = set()
    for piece in text.replace("–", "-").split(","):
        first, dash, last = (part.strip() for part in piece.partition("-"))
        if not _is_count(first) or (dash and not _is_count(last)) or (dash and int(first) > int(last)):
            raise ValidationError(_("Write the numbers of parts like “2-12” or “3, 6, 12”."), code="parts")
        counts.update(range(int(first), int(last if dash else first) + 1))
    return tuple(sorted(counts))


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and 2 <= int(text) <= 99 and len(text) <= 2


class ChoiceListField(models.CharField):  # type: ignore[type-arg]
    """Several of the choices, ticked as checkboxes and stored as their codes with commas between."""

    def __init__(self, *args: Any, code_choices: Any = (), **kwargs: Any) -> None:
        self.code_choices = code_choices
        kwargs.setdefault("max_length", 60)
        super().__init__(*args, **kwargs)

    def formfield(self, **kwargs: Any) -> Any:
        return _CodesFormField(
            choices=list(self.code_choices),
            required=not self.blank,
            label=capfirst(self.verbose_name),
            help_text=self.help_text,
            initial=self.get_default().split(",") if self.has_default() else None,
            widget=forms.CheckboxSelectMultiple,
        )


class _CodesFormField(forms.MultipleChoiceField):
    def prepare_value(self, value: Any) -> Any:
        return [code for code in value.split(",") if code] if isinstance(value, str) else value

    def clean(self, value: Any) -> Any:
        return ",".join(super().clean(value))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)

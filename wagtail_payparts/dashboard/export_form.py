"""What a person chooses of an export: format, columns, what stands between cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.formats import get_format
from django.utils.translation import gettext_lazy as _
from import_export.resources import Resource

from wagtail_payparts.dashboard.exports import CSV, XLSX, ExportOptions


ALL, OWN = "all", "own"
REMEMBERED = "payparts_export"


@dataclass(frozen=True)
class ColumnGroup:
    label: Any
    #: Name, label and whether it is ticked.
    columns: list[tuple[str, str, bool]]


class ExportForm(forms.Form):
    """Made for one person: ``resource`` has the columns that this one may see."""

    format = forms.ChoiceField(
        label=_("Format"),
        widget=forms.RadioSelect,
        initial=CSV,
        choices=[
            (CSV, _("CSV: any number of rows, for any program")),
            (XLSX, _("Excel workbook (XLSX): with dates, numbers and a row of totals")),
        ],
    )
    preset = forms.ChoiceField(label=_("Columns"), widget=forms.RadioSelect, initial=ALL)
    columns = forms.MultipleChoiceField(label=_("Which columns"), required=False)
    delimiter = forms.ChoiceField(
        label=_("Between the cells of CSV"),
        widget=forms.RadioSelect,
        required=False,
        choices=[
            (";", _("Semicolon: for Excel where decimals are written with a comma")),
            (",", _("Comma: decimals are written with a point then")),
        ],
    )

    def __init__(self, *args: Any, resource: Resource, remembered: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.resource = resource
        self.names: list[str] = [name for name in resource.get_export_order() if name in resource.fields]
        presets = [(name, label) for name, (label, _columns) in resource.presets.items()]
        choices = [*presets, (ALL, _("All columns")), (OWN, _("Those that I tick"))]
        self.fields["preset"].choices = choices  # type: ignore[attr-defined]
        self.fields["columns"].choices = [(name, name) for name in self.names]  # type: ignore[attr-defined]
        self.initial = {
            "delimiter": ";" if get_format("DECIMAL_SEPARATOR") == "," else ",",
            "columns": self.names,
            **self._still_valid(remembered),
        }

    def _still_valid(self, remembered: dict[str, Any]) -> dict[str, Any]:
        """What was chosen the last time, as far as it is still on offer."""
        kept = {
            name: remembered[name]
            for name in ("format", "preset", "delimiter")
            if remembered.get(name) in [code for code, _label in self.fields[name].choices]  # type: ignore[attr-defined]
        }
        ticked = remembered.get("columns")
        columns = [name for name in self.names if isinstance(ticked, list) and name in ticked]
        return kept | ({"columns": columns} if columns else {})

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("preset") == OWN and not cleaned.get("columns") and "columns" not in self.errors:
            self.add_error("columns", ValidationError(_("Tick at least one column."), code="required"))
        return cleaned

    def column_groups(self) -> Iterator[ColumnGroup]:
        """The columns on offer as they belong together; those that the project has added come last."""
        left = set(self.names)
        ticked = set(self["columns"].value() or ())
        for label, names in (*self.resource.column_groups, (_("Others"), self.names)):
            group = [name for name in names if name in left]
            left.difference_update(group)
            if group:
                yield ColumnGroup(
                    label, [(name, str(self.resource.fields[name].column_name), name in ticked) for name in group]
                )

    def options(self) -> ExportOptions:
        chosen = self.cleaned_data
        return ExportOptions(
            format=chosen["format"],
            columns=self._columns(chosen["preset"], chosen["columns"]),
            preset=chosen["preset"],
            delimiter=chosen["delimiter"],
        )

    def _columns(self, preset: str, ticked: list[str]) -> tuple[str, ...] | None:
        if preset == ALL:
            return None
        wanted = ticked if preset == OWN else self.resource.presets[preset][1]
        return tuple(name for name in self.names if name in wanted)

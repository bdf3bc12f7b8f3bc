"""What the Resources of the plugin are made of: their base, and columns that the database can reckon."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models.expressions import Combinable
from import_export.fields import Field
from import_export.resources import Resource
from import_export.widgets import Widget


class ExportResource(Resource):
    """For export only. It has what django-import-export's pages ask of a Resource and only a ModelResource has."""

    #: Name of a field of the model; rows in which it is true are left out of a workbook's totals.
    left_out_of_totals = ""

    @classmethod
    def get_display_name(cls) -> str:
        return cls.__name__

    def get_user_visible_fields(self) -> list[Field]:
        fields: list[Field] = self.get_export_fields()
        return fields


class ComputedField(Field):
    """A column made of several attributes: ``value`` reckons it from an instance, ``expression`` in the database.

    Both must say the same. The export asks the database, which is many times faster; whoever has an instance already
    asks ``value``. ``expression`` needs an ``output_field``, with ``null=True`` where it may be null.
    """

    def __init__(
        self, value: Callable[[Any], Any], column_name: Any, widget: Widget, *, expression: Combinable, **kwargs: Any
    ) -> None:
        super().__init__(column_name=column_name, widget=widget, **kwargs)
        self.value = value
        self.expression = expression

    def get_value(self, instance: Any) -> Any:
        return self.value(instance)

"""What a listing of payments needs for bulk actions: a box to tick in each row, and the buttons beneath."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.functional import cached_property
from wagtail.admin.ui.tables import BulkActionsCheckboxColumn
from wagtail.admin.views.bulk_action.registry import bulk_action_registry
from wagtail.admin.widgets import ListingButton


if TYPE_CHECKING:
    from wagtail.admin.views.generic import IndexView as Base
else:
    Base = object


class BulkListing(Base):
    """Goes before the listing's own class. Those who may run no action see no box."""

    template_name = "wagtail_payparts/admin/payments_index.html"

    def get_table(self, object_list: Any) -> Any:
        columns = list(self.columns)
        if self.bulk_buttons:
            columns.insert(0, BulkActionsCheckboxColumn("bulk_actions", obj_type=self.model._meta.model_name))
        return self.table_class(columns, object_list, **self.get_table_kwargs())

    @cached_property
    def bulk_buttons(self) -> list[ListingButton]:
        """A button for each action that this person may run. Wagtail's own footer shows all to everybody."""
        meta = self.model._meta
        actions = bulk_action_registry.get_bulk_actions_for_model(meta.app_label, meta.model_name)
        return [
            ListingButton(
                action.display_name,
                reverse("wagtail_bulk_action", args=[meta.app_label, meta.model_name, action.action_type]),
                # Wagtail's script adds the selection to the address.
                attrs={"aria-label": action.aria_label, "data-bulk-action-button": ""},
                classname=" ".join(sorted({*action.classes, "bulk-action-btn"})),
            )
            for action in sorted(actions, key=lambda action: action.action_priority)
            if not hasattr(action, "is_allowed") or action.is_allowed(self.request.user)
        ]

"""A viewset of rows that staff read and never write."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.utils import quote
from django.urls import URLPattern, path, reverse
from wagtail.admin.admin_url_finder import ModelAdminURLFinder
from wagtail.admin.viewsets.model import ModelViewSet


class LedgerViewSet(ModelViewSet):
    """A listing and a page for each row; no address at which anything could be added, changed or deleted."""

    inspect_view_enabled = True
    copy_view_enabled = False
    add_to_reference_index = False
    list_per_page = 50

    def get_common_view_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        absent = ("add_url_name", "edit_url_name", "delete_url_name", "history_url_name", "usage_url_name")
        common: dict[str, Any] = super().get_common_view_kwargs(**dict.fromkeys(absent), **kwargs)
        return common

    def get_urlpatterns(self) -> list[URLPattern]:
        return [*self.get_index_patterns(), path("<int:pk>/", self.inspect_view, name="inspect")]

    def get_index_patterns(self) -> list[URLPattern]:
        return [
            path("", self.index_view, name="index"),
            path("results/", self.index_results_view, name="index_results"),
        ]

    def page_of(self, row: Any) -> str:
        """The address at which a row is read."""
        return reverse(self.get_url_name("inspect"), args=[quote(row.pk)])

    @property
    def url_finder_class(self) -> type[ModelAdminURLFinder]:
        """Wagtail's own leads to the page for editing, and there is none."""
        page_of = self.page_of
        policy = self.permission_policy

        class PageFinder(ModelAdminURLFinder):
            def get_edit_url(self, instance: Any) -> str | None:
                if self.user and not policy.user_has_permission(self.user, "view"):
                    return None
                return page_of(instance)

        return PageFinder

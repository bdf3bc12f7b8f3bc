"""What the plugin adds to the Wagtail admin. Nothing happens here: it is all in ``dashboard``."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from wagtail import hooks
from wagtail.snippets.models import register_snippet

from wagtail_payparts.dashboard.bulk import BULK_ACTIONS, register_bulk_log_actions
from wagtail_payparts.dashboard.exports import EXPORTED
from wagtail_payparts.dashboard.permissions import register_policies
from wagtail_payparts.dashboard.viewsets import PayInPartsGroup


# First of all: a policy cannot be registered after a viewset has asked for it.
register_policies()
# It also registers the viewsets of the group that are no snippets.
register_snippet(PayInPartsGroup)

ICONS = ("offer", "order", "parts", "payment")


@hooks.register("register_icons")
def register_icons(icons: list[str]) -> list[str]:
    return [*icons, *(f"wagtail_payparts/icons/payparts-{name}.svg" for name in ICONS)]


@hooks.register("register_log_actions")
def register_log_actions(actions: Any) -> None:
    actions.register_action(EXPORTED, _("Export payments"), _("Payments were exported"))


hooks.register("register_log_actions", register_bulk_log_actions)
for bulk_action in BULK_ACTIONS:
    hooks.register("register_bulk_action", bulk_action)

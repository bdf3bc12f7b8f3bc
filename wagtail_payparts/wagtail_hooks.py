"""What the plugin adds to the Wagtail admin. Nothing happens here: it is all in ``dashboard``."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from wagtail import hooks
from wagtail.snippets.models import register_snippet

from wagtail_payparts.dashboard.bulk import BULK_ACTIONS
from wagtail_payparts.dashboard.exports import EXPORTED
from wagtail_payparts.dashboard.home import add_panel
from wagtail_payparts.dashboard.log import register_actions
from wagtail_payparts.dashboard.order_actions import register_order_actions
from wagtail_payparts.dashboard.permissions import register_places, register_policies
from wagtail_payparts.dashboard.viewsets import PayInPartsGroup


# First of all: a policy cannot be registered after a viewset has asked for it.
register_policies()
register_places()
# It also registers the viewsets of the group that are no snippets.
register_snippet(PayInPartsGroup)

ICONS = ("offer", "order", "overview", "parts", "payment", "refund")


@hooks.register("register_icons")
def register_icons(icons: list[str]) -> list[str]:
    return [*icons, *(f"wagtail_payparts/icons/payparts-{name}.svg" for name in ICONS)]


hooks.register("construct_homepage_panels", add_panel)


@hooks.register("register_log_actions")
def register_log_actions(actions: Any) -> None:
    actions.register_action(EXPORTED, _("Export payments"), _("Payments were exported"))
    register_order_actions(actions)
    register_actions(actions)


for bulk_action in BULK_ACTIONS:
    hooks.register("register_bulk_action", bulk_action)

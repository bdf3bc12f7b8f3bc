"""Who may do what: the ledger is read-only for everybody, superusers too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import wagtail
from django.contrib.auth import get_user_model
from django.utils.translation import gettext_lazy as _
from wagtail.permission_policies import ModelPermissionPolicy
from wagtail.users import permission_order

from wagtail_payparts.models import Offer, Order, Payment, PayPartsSettings, Refund


#: Lets a person see who the buyer is; on payments and orders alike.
VIEW_BUYER = "wagtail_payparts.viewbuyer_payment"
#: Lets a person into the admin at all.
ENTER = "wagtailadmin.access_admin"

#: In the group editor our models stand together, in the order of the menu, before those that ask for no place.
FIRST_PLACE = 100


@dataclass(frozen=True)
class Role:
    """A kind of work in the shop, with what it needs to be allowed."""

    key: str
    name: Any
    permissions: tuple[str, ...]


def _ours(*codenames: str) -> tuple[str, ...]:
    return (ENTER, *(f"wagtail_payparts.{codename}" for codename in codenames))


CASHIER = Role(
    "cashier",
    _("Pay in parts: cashiers"),
    _ours("view_payment", "viewbuyer_payment", "ask_payment", "hold_payment", "view_order", "handover_order"),
)
ACCOUNTANT = Role(
    "accountant",
    _("Pay in parts: accountants"),
    _ours("view_payment", "export_payment", "view_order"),
)
MANAGER = Role(
    "manager",
    _("Pay in parts: managers"),
    _ours(
        *("view_payment", "viewbuyer_payment", "export_payment", "ask_payment", "hold_payment", "refund_payment"),
        *("resolve_payment", "view_order", "handover_order"),
        *("add_offer", "change_offer", "delete_offer", "publish_offer", "change_paypartssettings"),
    ),
)
#: The groups that ``payparts_groups`` makes.
ROLES = (CASHIER, ACCOUNTANT, MANAGER)


class ReadOnlyPolicy(ModelPermissionPolicy):
    """Not even a superuser, who has every permission there could be, writes the ledger by hand."""

    forbidden = frozenset({"add", "change", "delete"})

    def user_has_permission(self, user: Any, action: str) -> bool:
        return action not in self.forbidden and bool(super().user_has_permission(user, action))

    def users_with_any_permission(self, actions: Any) -> Any:
        allowed = set(actions) - self.forbidden
        # For no action at all Wagtail would still name the superusers.
        return super().users_with_any_permission(allowed) if allowed else get_user_model().objects.none()


payment_policy = ReadOnlyPolicy(Payment)
order_policy = ReadOnlyPolicy(Order)


def register_policies() -> None:
    """Tell Wagtail 8 before it asks; Wagtail 7.4 reads them off the viewsets."""
    if wagtail.VERSION >= (8, 0):
        from wagtail.permissions import register_permission_policy

        register_permission_policy(Payment, payment_policy)
        register_permission_policy(Order, order_policy)
        # A refund is a part of its payment.
        register_permission_policy(Refund, payment_policy)


def register_places() -> None:
    """Where our models stand in Wagtail's group editor."""
    for place, model in enumerate((Payment, Order, Offer, PayPartsSettings), FIRST_PLACE):
        permission_order.register(model, order=place)

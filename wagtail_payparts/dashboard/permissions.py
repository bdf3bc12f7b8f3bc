"""Who may do what: the ledger is read-only for everybody, superusers too."""

from __future__ import annotations

from typing import Any

import wagtail
from django.contrib.auth import get_user_model
from wagtail.permission_policies import ModelPermissionPolicy

from wagtail_payparts.models import Order, Payment


#: Lets a person see who the buyer is; on payments and orders alike.
VIEW_BUYER = "wagtail_payparts.viewbuyer_payment"


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

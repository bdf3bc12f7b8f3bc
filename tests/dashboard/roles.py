"""Who comes to the admin: from nobody to a superuser, each with the permissions that the name says."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client

from wagtail_payparts.dashboard.permissions import ROLES as READY_ROLES


VIEW = ("view_payment", "view_order")
#: Whatever a person may be given beside a look at payments and orders.
MORE = (
    *("viewbuyer_payment", "export_payment", "ask_payment", "hold_payment", "refund_payment", "resolve_payment"),
    *("handover_order", "add_offer", "change_offer", "delete_offer", "publish_offer", "change_paypartssettings"),
)
ANONYMOUS, SUPERUSER = "anonymous", "superuser"

#: Role: codenames, beside ``access_admin``.
ROLES: dict[str, frozenset[str]] = {
    ANONYMOUS: frozenset(),
    "may only enter": frozenset(),
    "views": frozenset(VIEW),
    "views payments": frozenset({"view_payment"}),
    "views orders": frozenset({"view_order"}),
    **{f"views, and {codename}": frozenset({*VIEW, codename}) for codename in MORE},
    "may do all and view nothing": frozenset(MORE),
    **{role.key: frozenset(label.split(".")[1] for label in role.permissions) for role in READY_ROLES},
    SUPERUSER: frozenset(),
}
#: Who is tried by every method; to the others it makes no difference.
BY_EVERY_METHOD = (ANONYMOUS, "may only enter", "views", SUPERUSER)


def may(role: str, needs: str) -> bool:
    """Whether a role has what is needed: permissions joined by ``+``, alternatives by ``|``; "" is: may enter."""
    if role == ANONYMOUS:
        return False
    return role == SUPERUSER or any(
        set(alternative.split("+")) - {""} <= ROLES[role] for alternative in needs.replace(" ", "").split("|")
    )


def enter(role: str) -> Client:
    """A browser in which a person of that role is logged in."""
    client = Client()
    if role == ANONYMOUS:
        return client
    users = get_user_model().objects
    if role == SUPERUSER:
        client.force_login(users.create_superuser(role))
        return client
    user = users.create_user(role[:150])
    user.user_permissions.set(
        Permission.objects.filter(codename__in=ROLES[role], content_type__app_label="wagtail_payparts")
        | Permission.objects.filter(codename="access_admin")
    )
    client.force_login(user)
    return client

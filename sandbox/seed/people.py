"""Who works in the shop: one person for each kind of work, the password is the name."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission


#: Login: (name, surname, groups). The administrator may do everything.
STAFF = {
    "admin": ("Оксана", "Мельник", ()),
    "editor": ("Тарас", "Коваль", ("Moderators", "Shop editors")),
    "cashier": ("Ірина", "Бондар", ("Cashiers",)),
    "accountant": ("Леся", "Гончар", ("Accountants",)),
}

#: Group: codenames of its permissions.
GROUPS = {
    "Shop editors": ("access_admin", "add_offer", "change_offer", "delete_offer", "publish_offer"),
    "Cashiers": (
        "access_admin",
        "view_payment",
        "viewbuyer_payment",
        "ask_payment",
        "hold_payment",
        "view_order",
        "view_shoporder",
        "change_shoporder",
    ),
    "Accountants": (
        "access_admin",
        "view_payment",
        "export_payment",
        "ask_payment",
        "refund_payment",
        "resolve_payment",
        "view_order",
        "view_refund",
    ),
}


def seed() -> None:
    for name, codenames in GROUPS.items():
        group, is_new = Group.objects.get_or_create(name=name)
        if is_new:
            group.permissions.set(Permission.objects.filter(codename__in=codenames))
    for login, (first_name, last_name, groups) in STAFF.items():
        _employ(login, first_name, last_name, groups)


def _employ(login: str, first_name: str, last_name: str, groups: tuple[str, ...]) -> None:
    users = get_user_model().objects
    if users.filter(username=login).exists():
        return
    user = users.create_user(
        login,
        f"{login}@zhorna.example",
        login,
        first_name=first_name,
        last_name=last_name,
        is_superuser=login == "admin",
        is_staff=login == "admin",
    )
    user.groups.set(Group.objects.filter(name__in=groups))

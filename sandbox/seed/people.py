"""Who works in the shop: one person for each kind of work, the password is the name."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

from wagtail_payparts.dashboard.permissions import ROLES


#: Login: (name, surname, groups). The administrator may do everything; a group of the plugin is named by its key.
STAFF = {
    "admin": ("Оксана", "Мельник", ()),
    "manager": ("Богдан", "Шевчук", ("manager",)),
    "editor": ("Тарас", "Коваль", ("Moderators", "Shop editors")),
    "cashier": ("Ірина", "Бондар", ("cashier", "Shop orders")),
    "accountant": ("Леся", "Гончар", ("accountant",)),
}

#: The shop's own groups: codenames of their permissions.
GROUPS = {
    "Shop editors": ("access_admin", "add_offer", "change_offer", "delete_offer", "publish_offer"),
    "Shop orders": ("access_admin", "view_shoporder", "change_shoporder"),
}


def seed() -> None:
    call_command("payparts_groups", verbosity=0)
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
    of_plugin = {role.key: str(role.name) for role in ROLES}
    user.groups.set(Group.objects.filter(name__in=[of_plugin.get(name, name) for name in groups]))

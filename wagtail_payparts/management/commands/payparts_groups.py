"""Three groups of people who work with payments, ready to be given out."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext as _

from wagtail_payparts.dashboard.permissions import ACCOUNTANT, ROLES, VIEW_BUYER, Role


class Command(BaseCommand):
    help = (
        "Make the groups of cashiers, accountants and managers, named in the language of the site, or add to them "
        "what they lack. What the project has added to a group stays, unless --reset is given. Repeatable."
    )

    is_silent = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--accountant-sees-buyers",
            action="store_true",
            help="let accountants see, and export, the names and phones of buyers",
        )
        parser.add_argument(
            "--reset", action="store_true", help="also take from each of the groups what it has beyond this"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.is_silent = options["verbosity"] == 0
        with translation.override(settings.LANGUAGE_CODE), transaction.atomic():
            wanted = {role: _wanted(role, options["accountant_sees_buyers"]) for role in ROLES}
            found = _find({label for labels in wanted.values() for label in labels})
            for role, labels in wanted.items():
                self._make(role, [found[label] for label in labels], reset=options["reset"])

    def _make(self, role: Role, permissions: list[Permission], *, reset: bool) -> None:
        group = Group.objects.filter(name__in=_names(role)).order_by("pk").first()
        is_new = group is None
        if group is None:
            group = Group.objects.create(name=str(role.name))
        before = set(group.permissions.all())
        after = set(permissions) if reset else before | set(permissions)
        if after != before:
            group.permissions.set(after)
        if self.is_silent:
            return
        self.stdout.write(f"{group.name}: {_outcome(is_new=is_new, is_changed=after != before)}")
        for permission in sorted(after, key=lambda permission: (permission.content_type_id, permission.codename)):
            label = f"{permission.content_type.app_label}.{permission.codename}"
            self.stdout.write(f"  {label:<42} {_(permission.name)}")


def _names(role: Role) -> set[str]:
    """What the group may be called: the language of the site may have been another when it was made."""
    names = set()
    for code, _language in settings.LANGUAGES:
        with translation.override(code):
            names.add(str(role.name))
    return names | {str(role.name)}


def _wanted(role: Role, accountant_sees_buyers: bool) -> tuple[str, ...]:
    if role == ACCOUNTANT and accountant_sees_buyers:
        return (*role.permissions, VIEW_BUYER)
    return role.permissions


def _find(labels: set[str]) -> dict[str, Permission]:
    """The permissions by ``app.codename``. Raises ``CommandError`` if one is not in the database."""
    condition = Q()
    for label in labels:
        app_label, codename = label.split(".")
        condition |= Q(content_type__app_label=app_label, codename=codename)
    found = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in Permission.objects.filter(condition).select_related("content_type")
    }
    if missing := sorted(labels - set(found)):
        raise CommandError(
            f"These permissions are not in the database: {', '.join(missing)}. Run “manage.py migrate” first, with "
            "wagtail.admin, wagtail_payparts and wagtail.contrib.settings in INSTALLED_APPS."
        )
    return found


def _outcome(*, is_new: bool, is_changed: bool) -> str:
    if is_new:
        return "made"
    return "brought up to date" if is_changed else "as it was"

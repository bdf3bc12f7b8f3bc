"""The command that makes the groups of cashiers, accountants and managers."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.management import CommandError, call_command
from django.utils import translation

from wagtail_payparts.dashboard.permissions import ACCOUNTANT, CASHIER, MANAGER, ROLES, VIEW_BUYER, Role
from wagtail_payparts.models import Order, Payment


pytestmark = pytest.mark.django_db


def _run(**options: Any) -> str:
    out = StringIO()
    call_command("payparts_groups", stdout=out, **options)
    return out.getvalue()


def _group(role: Role) -> Group:
    return Group.objects.get(name=str(role.name))


def _may(role: Role) -> set[str]:
    return {
        f"{permission.content_type.app_label}.{permission.codename}"
        for permission in _group(role).permissions.select_related("content_type")
    }


def test_each_group_may_do_what_its_work_needs_and_no_more() -> None:
    _run()
    ours = "wagtail_payparts."
    for role in ROLES:
        assert _may(role) == set(role.permissions)
        assert {"wagtailadmin.access_admin", f"{ours}view_payment", f"{ours}view_order"} <= _may(role)
    assert {VIEW_BUYER, f"{ours}ask_payment", f"{ours}hold_payment", f"{ours}handover_order"} <= _may(CASHIER)
    assert not _may(CASHIER) & {f"{ours}refund_payment", f"{ours}export_payment", f"{ours}resolve_payment"}
    assert f"{ours}export_payment" in _may(ACCOUNTANT)
    assert not _may(ACCOUNTANT) & {VIEW_BUYER, f"{ours}refund_payment", f"{ours}handover_order"}


def test_the_manager_may_do_everything_that_is_ours() -> None:
    _run()
    everything = Permission.objects.filter(
        content_type__app_label="wagtail_payparts", content_type__model__in=["payment", "order"]
    )
    assert set(everything) <= set(_group(MANAGER).permissions.all())
    for codename in ("add_offer", "change_offer", "delete_offer", "publish_offer", "change_paypartssettings"):
        assert f"wagtail_payparts.{codename}" in _may(MANAGER)


def test_no_group_may_do_what_nobody_may() -> None:
    """Permissions to write the ledger do not exist, so that no group can be given them."""
    for model in (Payment, Order):
        name = model._meta.model_name
        codenames = [f"{action}_{name}" for action in ("add", "change", "delete")]
        assert not Permission.objects.filter(codename__in=codenames, content_type__app_label="wagtail_payparts")


def test_an_accountant_who_is_to_see_buyers_does() -> None:
    _run(accountant_sees_buyers=True)
    assert VIEW_BUYER in _may(ACCOUNTANT)
    user = get_user_model().objects.create_user("lesia")
    user.groups.add(_group(ACCOUNTANT))
    assert user.has_perm(VIEW_BUYER)


def test_a_second_run_changes_nothing() -> None:
    assert _run().count(": made") == 3
    before = {role.key: (_group(role).pk, _may(role)) for role in ROLES}
    assert _run().count(": as it was") == 3
    assert {role.key: (_group(role).pk, _may(role)) for role in ROLES} == before
    assert Group.objects.filter(name__in=[str(role.name) for role in ROLES]).count() == 3


def test_what_is_missing_is_added_and_what_the_project_added_stays() -> None:
    _run()
    refund = Permission.objects.get(codename="refund_payment")
    ask = Permission.objects.get(codename="ask_payment")
    _group(CASHIER).permissions.add(refund)
    _group(CASHIER).permissions.remove(ask)
    assert f"{CASHIER.name}: brought up to date" in _run()
    assert {refund, ask} <= set(_group(CASHIER).permissions.all())


def test_reset_takes_away_what_the_project_added() -> None:
    _run(accountant_sees_buyers=True)
    _group(CASHIER).permissions.add(Permission.objects.get(codename="refund_payment"))
    _run(reset=True)
    assert _may(CASHIER) == set(CASHIER.permissions)
    assert _may(ACCOUNTANT) == set(ACCOUNTANT.permissions)


def test_it_says_what_each_may_do() -> None:
    said = _run()
    for role in ROLES:
        section = said[said.index(str(role.name)) :].split("\nPay in parts")[0]
        for label in role.permissions:
            assert label in section
    assert "Can see the buyer's details" in said
    assert _run(verbosity=0) == ""


def test_a_group_that_was_made_in_another_language_is_found_again(settings: Any) -> None:
    settings.LANGUAGE_CODE = "uk"
    _run()
    with translation.override("uk"):
        names = {str(role.name) for role in ROLES}
    assert Group.objects.filter(name__in=names).count() == 3
    before = Group.objects.count()
    settings.LANGUAGE_CODE = "en"
    assert _run().count(": as it was") == 3
    assert Group.objects.count() == before


def test_a_database_without_the_permissions_is_told_to_migrate() -> None:
    Permission.objects.get(codename="handover_order").delete()
    with pytest.raises(CommandError, match=r"wagtail_payparts\.handover_order.*migrate"):
        _run()
    assert not Group.objects.filter(name__in=[str(role.name) for role in ROLES])

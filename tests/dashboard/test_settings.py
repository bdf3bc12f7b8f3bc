"""What may differ between the Wagtail sites of a project, edited in the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from wagtail.models import Site

from tests.dashboard.reading import soup_of
from wagtail_payparts.models import PayPartsSettings


pytestmark = pytest.mark.django_db

TWO_STORES = {"main": {"STORE_ID": "A", "PASSWORD": "x"}, "second": {"STORE_ID": "B", "PASSWORD": "y"}}


def test_the_store_is_chosen_from_those_of_the_project(superuser: Client, settings: Any) -> None:
    settings.PAYPARTS_STORES = TWO_STORES
    site = Site.objects.get(is_default_site=True)
    address = f"/admin/settings/wagtail_payparts/paypartssettings/{site.pk}/"
    options = soup_of(superuser.get(address)).select("select[name=store] option")
    assert [(option["value"], option.has_attr("selected")) for option in options] == [("main", True), ("second", False)]
    superuser.post(address, {"store": "second", "legal_information": ""})
    assert PayPartsSettings.objects.get().store == "second"


def test_the_stores_of_a_project_make_no_migration(settings: Any) -> None:
    settings.PAYPARTS_STORES = TWO_STORES
    call_command("makemigrations", "wagtail_payparts", check_changes=True, dry_run=True, verbosity=0)

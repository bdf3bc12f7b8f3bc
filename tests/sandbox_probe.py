"""Runs in a process of its own, since the sandbox has settings of its own: fill it, look at it, print what was seen."""

from __future__ import annotations

import json
import os
import sys
from io import StringIO
from pathlib import Path

import django


PAGES = ("/uk/", "/en/", "/uk/espresso/", "/en/grinder/", "/uk/kettle/", "/en/beans/")
DRAFT = "/uk/roaster/"


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "sandbox.settings"
    Path(os.environ["SANDBOX_VAR"]).mkdir(exist_ok=True)
    django.setup()
    from django.core.management import call_command
    from django.test import Client

    call_command("migrate", verbosity=0)
    call_command("seed_demo")
    first = _rows()
    call_command("seed_demo")
    seen = {
        "first": first,
        "again": _rows(),
        "told twice alike": _tell() == _tell(),
        "pages": {path: _look(Client(), path) for path in PAGES},
        "draft": Client().get(DRAFT).status_code,
        "missing migrations": _missing_migrations(),
    }
    json.dump(seen, sys.stdout)


def _rows() -> dict[str, int]:
    from django.apps import apps

    labels = {"auth", "home", "shop", "wagtail_payparts", "wagtailcore", "wagtailimages"}
    return {
        model._meta.label: model._default_manager.count()
        for model in apps.get_models()
        if model._meta.app_label in labels
    }


def _tell() -> list[tuple[object, ...]]:
    """The history without its database rows."""
    from sandbox.seed.history import Writer
    from wagtail_payparts.models import Offer

    keys = {"Еспресо-машина «Світанок»": "espresso", "Кавомолка «Жорна 64»": "grinder"}
    offers = {keys.get(offer.title, "kettle"): offer for offer in Offer.objects.filter(live=True)}
    return [
        (
            story.payment.order_id,
            story.payment.state,
            story.payment.amount,
            [(event.type, event.state, event.created_at) for event in story.events],
        )
        for story in Writer(offers).write()
    ]


def _look(client: object, path: str) -> dict[str, object]:
    response = client.get(path)  # type: ignore[attr-defined]
    text = response.content.decode()
    return {
        "status": response.status_code,
        "button": "payparts__submit" in text,
        "cookies": sorted(response.cookies),
        "policy": response.headers.get("Content-Security-Policy", ""),
        "inline": "<style" in text or " style=" in text or "<script>" in text,
    }


def _missing_migrations() -> str:
    from django.core.management import call_command

    said = StringIO()
    try:
        call_command("makemigrations", "home", "shop", check=True, dry_run=True, stdout=said)
    except SystemExit:
        return said.getvalue()
    return ""


if __name__ == "__main__":
    main()

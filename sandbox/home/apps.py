"""The Django app."""

from __future__ import annotations

from django.apps import AppConfig


class HomeConfig(AppConfig):
    name = "sandbox.home"
    label = "home"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import page_cache

        page_cache.connect()

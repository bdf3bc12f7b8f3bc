"""The torture's own app: it sets the clocks, connects receivers that fail, and lets processes die."""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings


class TortureConfig(AppConfig):
    name = "tests.torture"
    label = "torture"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from tests.torture import hurry, receivers

        hurry.hurry(settings.PLAN.pace)
        receivers.connect()

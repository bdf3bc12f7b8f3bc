"""The Django app."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PayPartsConfig(AppConfig):
    name = "wagtail_payparts"
    label = "wagtail_payparts"
    verbose_name = _("Pay in parts")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from wagtail_payparts import checks, receivers  # noqa: F401 - models have to be loaded first

        receivers.connect()

"""What may differ between the Wagtail sites of a project. Holds no secret: the store is named by its alias."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel
from wagtail.contrib.settings.models import BaseSiteSetting, register_setting

from wagtail_payparts import conf


def store_choices() -> list[tuple[str, str]]:
    """The aliases of the project's stores. Migrations name this function, so they do not depend on the settings."""
    return [(alias, alias) for alias in conf.store_aliases()]


def default_store() -> str:
    return conf.store_aliases()[0]


@register_setting(icon="payparts-parts")
class PayPartsSettings(BaseSiteSetting):
    """Settings of one Wagtail site, edited in its admin."""

    store = models.CharField(
        _("store"),
        max_length=50,
        choices=store_choices,
        default=default_store,
        error_messages={"invalid_choice": _("There is no store “%(value)s”: PAYPARTS_STORES does not name it.")},
        help_text=_("Its alias in PAYPARTS_STORES; the id and the password stay in the project's settings."),
    )
    legal_information = models.TextField(
        _("legal information"),
        blank=True,
        help_text=_("Shown under the instalments: who lends, on what terms. Required by law where rates are shown."),
    )

    panels = [FieldPanel("store"), FieldPanel("legal_information")]

    class Meta:
        verbose_name = _("Pay in parts")
        verbose_name_plural = _("Pay in parts")

    def __str__(self) -> str:
        return str(self.site)

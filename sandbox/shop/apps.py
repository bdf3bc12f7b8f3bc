"""The Django app. ``ready`` is where a shop connects what is to happen once the money is there."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ShopConfig(AppConfig):
    name = "sandbox.shop"
    label = "shop"
    verbose_name = _("Shop")

    def ready(self) -> None:
        from wagtail_payparts import signals

        from . import receivers

        signals.payment_succeeded.connect(receivers.mark_paid, dispatch_uid="shop.mark_paid")
        signals.payment_late_success.connect(receivers.mark_for_a_person, dispatch_uid="shop.mark_for_a_person")
        signals.payment_failed.connect(receivers.mark_canceled, dispatch_uid="shop.mark_failed")
        signals.payment_canceled.connect(receivers.mark_canceled, dispatch_uid="shop.mark_canceled")
        signals.payment_expired.connect(receivers.mark_canceled, dispatch_uid="shop.mark_expired")

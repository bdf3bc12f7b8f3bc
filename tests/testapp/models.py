"""A page with whatever blocks an editor puts on it."""

from __future__ import annotations

from wagtail.admin.panels import FieldPanel
from wagtail.fields import StreamField
from wagtail.models import Page

from wagtail_payparts.blocks import PayPartsButtonBlock


class ShopPage(Page):
    body = StreamField([("button", PayPartsButtonBlock())], blank=True)

    content_panels = [*Page.content_panels, FieldPanel("body")]

"""The two kinds of page that the shop has."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from wagtail import blocks
from wagtail.admin.panels import FieldPanel, MultiFieldPanel
from wagtail.fields import StreamField
from wagtail.images import get_image_model_string
from wagtail.models import Page

from wagtail_payparts.blocks import PayPartsButtonBlock
from wagtail_payparts.models import Offer


class StepBlock(blocks.StructBlock):
    title = blocks.CharBlock(label=_("Title"))
    text = blocks.TextBlock(label=_("Text"))


class StepsBlock(blocks.StructBlock):
    heading = blocks.CharBlock(label=_("Heading"))
    steps = blocks.ListBlock(StepBlock(), label=_("Steps"))

    class Meta:
        icon = "list-ol"
        label = _("Steps")
        template = "home/blocks/steps.html"


class FactBlock(blocks.StructBlock):
    name = blocks.CharBlock(label=_("Name"))
    value = blocks.CharBlock(label=_("Value"))


class FactsBlock(blocks.StructBlock):
    heading = blocks.CharBlock(label=_("Heading"))
    facts = blocks.ListBlock(FactBlock(), label=_("Facts"))

    class Meta:
        icon = "table"
        label = _("Facts")
        template = "home/blocks/facts.html"


def rich_text() -> blocks.RichTextBlock:
    return blocks.RichTextBlock(
        label=_("Text"), features=["h2", "h3", "bold", "italic", "ul", "ol", "link"], template="home/blocks/text.html"
    )


def picture(label: Any) -> models.ForeignKey[Any, Any]:
    return models.ForeignKey(
        get_image_model_string(), on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=label
    )


class HomePage(Page):
    headline = models.CharField(_("headline"), max_length=120)
    lead = models.TextField(_("lead"), blank=True)
    image = picture(_("image"))
    body = StreamField([("steps", StepsBlock()), ("text", rich_text())], blank=True, verbose_name=_("body"))

    content_panels = [
        *Page.content_panels,
        MultiFieldPanel([FieldPanel("headline"), FieldPanel("lead"), FieldPanel("image")], heading=_("Top")),
        FieldPanel("body"),
    ]
    parent_page_types = ["wagtailcore.Page"]
    subpage_types = ["home.ProductPage"]

    class Meta:
        verbose_name = _("home page")

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(request, *args, **kwargs)
        context["products"] = ProductPage.objects.child_of(self).live().select_related("image")
        return context


class ProductPage(Page):
    kind = models.CharField(_("kind of product"), max_length=60, blank=True)
    summary = models.TextField(_("summary"), blank=True)
    image = picture(_("image"))
    body = StreamField(
        [("text", rich_text()), ("pay_in_parts", PayPartsButtonBlock()), ("facts", FactsBlock())],
        blank=True,
        verbose_name=_("body"),
    )

    content_panels = [
        *Page.content_panels,
        FieldPanel("kind"),
        FieldPanel("summary"),
        FieldPanel("image"),
        FieldPanel("body"),
    ]
    parent_page_types = ["home.HomePage"]
    subpage_types: list[str] = []

    class Meta:
        verbose_name = _("product page")

    @cached_property
    def offer(self) -> Offer | None:
        """What its first button sells, if it can be bought now."""
        offers = (block.value["offer"] for block in self.body if block.block_type == "pay_in_parts")
        offer = next(offers, None)
        return offer if offer is not None and offer.is_for_sale else None

"""The button as a block: it works in any StreamField, on a cached page and where there is no request."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from wagtail import blocks
from wagtail.blocks.struct_block import StructBlockValidationError
from wagtail.snippets.blocks import SnippetChooserBlock

from wagtail_payparts.button import make_button
from wagtail_payparts.models import Offer, OfferLine


class PayPartsButtonBlock(blocks.StructBlock):
    """A "Pay in parts" button with an instalment picker. Draws nothing while its offer cannot be sold.

    The names of its children are part of the projects' migrations and content: they do not change.
    """

    offer = SnippetChooserBlock("wagtail_payparts.Offer", label=_("Offer"))
    preselected_parts = blocks.IntegerBlock(
        required=False,
        min_value=2,
        label=_("Number of parts chosen at first"),
        help_text=_("Empty: the fewest that the offer allows."),
    )
    button_text = blocks.CharBlock(
        required=False, max_length=60, label=_("Text on the button"), help_text=_("Empty: “Pay in parts”.")
    )

    class Meta:
        icon = "payparts-parts"
        label = _("Pay in parts button")
        label_format = "{offer}"
        group = _("Shop")
        description = _("Sells an offer in instalments: the buyer chooses the number of parts and goes to the bank.")
        template = "wagtail_payparts/button.html"
        preview_template = "wagtail_payparts/block_preview.html"

    def clean(self, value: Any) -> Any:
        cleaned = super().clean(value)
        offer, parts = cleaned["offer"], cleaned["preselected_parts"]
        # Empty while a draft is being written.
        if offer is not None and parts is not None and parts not in offer.allowed_parts:
            message = gettext("The offer is sold in these numbers of parts: %(allowed)s.") % {
                "allowed": ", ".join(str(count) for count in offer.allowed_parts)
            }
            raise StructBlockValidationError(block_errors={"preselected_parts": ValidationError(message)})
        return cleaned

    def get_context(self, value: Any, parent_context: Any = None) -> Any:
        context = super().get_context(value, parent_context=parent_context)
        context["button"] = make_button(
            value.get("offer"),
            text=value.get("button_text") or "",
            preselected_parts=value.get("preselected_parts"),
            page=context.get("page"),
            request=context.get("request"),
        )
        return context

    def get_preview_value(self) -> Any:
        example = Offer(title=gettext("Coffee machine"), services="II,PP", parts="2-6", live=True)
        example.lines = [OfferLine(name=example.title, count=1, price=Decimal("12500.00"))]
        return self.normalize({"offer": example})

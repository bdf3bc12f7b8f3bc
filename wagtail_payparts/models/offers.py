"""The offer: what an editor sells, as a Wagtail snippet with drafts, previews and usage."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from modelcluster.fields import ParentalKey
from modelcluster.models import ClusterableModel
from wagtail.admin.panels import FieldPanel, FieldRowPanel, InlinePanel, MultiFieldPanel
from wagtail.images import get_image_model_string
from wagtail.models import DraftStateMixin, Orderable, PreviewableMixin, RevisionMixin

from wagtail_payparts import conf
from wagtail_payparts.bank import Line
from wagtail_payparts.formats import format_hryvnias
from wagtail_payparts.instalments import Schedule, schedule
from wagtail_payparts.models.fields import ChoiceListField, PartsField, parse_parts
from wagtail_payparts.models.payments import MerchantType


class BuyerDetails(models.TextChoices):
    """What a buyer is asked for before going to the bank."""

    NONE = "none", _("Nothing: straight to the bank")
    PHONE = "phone", _("Phone")
    ALL = "all", _("Name, phone and e-mail")


class Offer(DraftStateMixin, RevisionMixin, PreviewableMixin, ClusterableModel):
    """What an editor sells. The price is the sum of its lines, in UAH; it is read again when a buyer presses."""

    title = models.CharField(pgettext_lazy("an offer", "title"), max_length=255)
    description = models.TextField(_("description"), blank=True)
    image = models.ForeignKey(
        get_image_model_string(),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("image"),
    )
    services = ChoiceListField(
        _("services"),
        default="II,PP",
        code_choices=[(code.value, code.label) for code in (MerchantType.II, MerchantType.PP)],
        help_text=_("With an instant instalment the buyer pays for the service, with pay in parts the shop does."),
    )
    parts = PartsField(
        _("numbers of parts"),
        default="2-12",
        help_text=_("Like “2-12” or “3, 6, 12”. The bank allows 2 to 25."),
    )
    buyer_details = models.CharField(
        _("ask the buyer for"), max_length=10, choices=BuyerDetails.choices, default=BuyerDetails.NONE
    )

    hold = models.BooleanField(
        _("hold the money first"),
        default=False,
        help_text=_("The bank only holds the money until staff confirm it, for goods that may turn out to be gone."),
    )

    panels = [
        FieldPanel("title"),
        FieldPanel("description"),
        FieldPanel("image"),
        InlinePanel("lines", heading=_("What is sold"), label=_("line"), min_num=1),
        MultiFieldPanel([FieldPanel("services"), FieldPanel("parts")], heading=_("Instalments")),
        FieldPanel("buyer_details"),
        FieldPanel("hold"),
    ]

    class Meta:
        verbose_name = _("offer")
        verbose_name_plural = _("offers")
        ordering = ["title", "pk"]

    def __str__(self) -> str:
        return self.title

    @property
    def amount(self) -> Decimal:
        """The price, in UAH: the sum of the lines."""
        return sum((line.total for line in self.bank_lines), Decimal(0))

    @property
    def bank_lines(self) -> tuple[Line, ...]:
        return tuple(Line(line.name, line.count, line.price) for line in self.lines.all())

    @cached_property
    def allowed_services(self) -> list[MerchantType]:
        return [MerchantType(code) for code in self.services.split(",") if code in MerchantType.values]

    @cached_property
    def allowed_parts(self) -> tuple[int, ...]:
        try:
            return tuple(n for n in parse_parts(self.parts) if n <= conf.max_parts())
        except ValidationError:
            return ()

    def schedules(self, service: str) -> list[Schedule]:
        """The buyer's payments for each allowed number of parts, fewest first."""
        share = conf.rates(service).buyer_monthly
        return [schedule(self.amount, parts, share) for parts in self.allowed_parts]

    def problems(self) -> list[str]:
        """Why this offer cannot be sold as it stands, for the editor; empty when it can."""
        found: list[Any] = []
        lowest, highest = conf.min_amount(), conf.max_amount()
        now = timezone.now()
        if not self.live:
            found.append(_("The offer is not published."))
        elif self.go_live_at and self.go_live_at > now:
            found.append(_("The time from which the offer is sold has not come yet."))
        elif self.expire_at and self.expire_at <= now:
            # Wagtail unpublishes it when its scheduled command runs next.
            found.append(_("The time until which the offer is sold is over."))
        if not lowest <= self.amount <= highest:
            found.append(
                _("The price is %(amount)s; the bank takes from %(lowest)s to %(highest)s.")
                % {
                    "amount": format_hryvnias(self.amount),
                    "lowest": format_hryvnias(lowest),
                    "highest": format_hryvnias(highest),
                }
            )
        if not self.allowed_services:
            found.append(_("No service is chosen."))
        if not self.allowed_parts:
            found.append(_("No number of parts is left that the bank allows."))
        return [str(text) for text in found]

    @property
    def is_for_sale(self) -> bool:
        return not self.problems()

    def get_preview_template(self, request: Any, mode_name: str) -> str:
        return "wagtail_payparts/offer_preview.html"


class OfferLine(Orderable):
    """A line of an offer. ``price`` is for one piece, in UAH."""

    offer = ParentalKey(Offer, on_delete=models.CASCADE, related_name="lines")
    name = models.CharField(pgettext_lazy("a product", "name"), max_length=128)
    count = models.PositiveIntegerField(_("quantity"), default=1, validators=[MinValueValidator(1)])
    price = models.DecimalField(
        _("price of one, UAH"),
        max_digits=10,
        decimal_places=2,
        validators=[MinValueValidator(Decimal("0.01"))],
    )

    panels = [FieldPanel("name"), FieldRowPanel([FieldPanel("count"), FieldPanel("price")])]

    class Meta(Orderable.Meta):
        verbose_name = _("line of an offer")
        verbose_name_plural = _("lines of an offer")

    def __str__(self) -> str:
        return self.name

    @property
    def total(self) -> Decimal:
        return self.price * self.count

"""What a button needs to be drawn, for block and tag alike: the same for every visitor, with or without a request."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from wagtail.models import Site

from wagtail_payparts import conf
from wagtail_payparts.instalments import Schedule, schedule
from wagtail_payparts.models import MerchantType, Offer, PayPartsSettings


@dataclass(frozen=True)
class Plan:
    """One way to pay: a service and a number of parts, with the buyer's payments."""

    service: MerchantType
    parts_count: int
    schedule: Schedule

    @property
    def is_even(self) -> bool:
        return self.schedule.first == self.schedule.monthly

    @property
    def later_count(self) -> int:
        """How many payments come after the first."""
        return self.parts_count - 1


@dataclass(frozen=True)
class PartsChoice:
    """A number of parts, with what it means under each service."""

    parts_count: int
    plans: tuple[Plan, ...]
    is_chosen: bool


@dataclass(frozen=True)
class Button:
    """``problems`` say why it cannot be pressed; the public page then shows nothing, a preview shows them."""

    offer: Offer | None
    text: str
    amount: Decimal
    services: tuple[MerchantType, ...]
    parts: tuple[PartsChoice, ...]
    action: str
    page_id: int | None
    problems: tuple[str, ...]
    legal_information: str
    is_preview: bool

    @property
    def is_visible(self) -> bool:
        return self.is_preview or not self.problems

    @property
    def has_picker(self) -> bool:
        return bool(self.services and self.parts)


def make_button(
    offer: Offer | None,
    *,
    text: str = "",
    preselected_parts: int | None = None,
    page: Any = None,
    request: HttpRequest | None = None,
) -> Button:
    """A button for ``offer``; ``None`` stands for one that was deleted. An unsaved offer is a preview.

    Costs one query for the lines and one for the texts of the site; reads no cookie, session or user.
    """
    is_preview = getattr(request, "is_preview", False) or (offer is not None and offer.pk is None)
    if offer is None:
        return Button(
            offer=None,
            text=text or pgettext("a button", "Pay in parts"),
            amount=Decimal(0),
            services=(),
            parts=(),
            action="",
            page_id=None,
            problems=(_("The offer of this button was deleted. Choose another."),),
            legal_information="",
            is_preview=is_preview,
        )
    # Fetched once and kept with the offer, so that its price and its problems cost no further query.
    offer.lines.get_object_list()
    return Button(
        offer=offer,
        text=text or pgettext("a button", "Pay in parts"),
        amount=offer.amount,
        services=tuple(offer.allowed_services),
        parts=_choices(offer, preselected_parts),
        action=reverse("wagtail_payparts:checkout", args=[offer.pk]) if offer.pk else "",
        page_id=page.pk if isinstance(page, base_page_model()) else None,
        problems=tuple(offer.problems()),
        legal_information=_legal_information(request, page),
        is_preview=is_preview,
    )


def base_page_model() -> Any:
    """What every Wagtail page is an instance of: a project may have one of its own (Wagtail 8)."""
    return Site._meta.get_field("root_page").related_model


def plan_for(offer: Offer, service: str, parts_count: int) -> Plan:
    """The payments of a buyer who has chosen, at the offer's price of this moment."""
    share = conf.rates(service).buyer_monthly
    return Plan(MerchantType(service), parts_count, schedule(offer.amount, parts_count, share))


def _choices(offer: Offer, preselected_parts: int | None) -> tuple[PartsChoice, ...]:
    allowed = offer.allowed_parts
    # The fewest parts cost the buyer least.
    chosen = preselected_parts if preselected_parts in allowed else next(iter(allowed), None)
    return tuple(
        PartsChoice(
            parts_count=count,
            plans=tuple(plan_for(offer, service, count) for service in offer.allowed_services),
            is_chosen=count == chosen,
        )
        for count in allowed
    )


def _legal_information(request: HttpRequest | None, page: Any) -> str:
    site: Site | None = None
    if request is not None:
        site = Site.find_for_request(request)
    elif isinstance(page, base_page_model()):
        site = page.get_site()
    which = {"site": site} if site is not None else {"site__is_default_site": True}
    # Not for_site(), which would write a row while a page is being read.
    return PayPartsSettings.objects.filter(**which).values_list("legal_information", flat=True).first() or ""

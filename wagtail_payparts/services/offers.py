"""A buyer presses the button of an offer: read the offer again, write the order, start its payment."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _
from wagtail.models import Site

from wagtail_payparts import conf
from wagtail_payparts.exceptions import InvalidPayment, OrderIdTaken, OutcomeUnknown
from wagtail_payparts.models import Offer, Order, Payment, PayPartsSettings
from wagtail_payparts.services.checkout import start_payment
from wagtail_payparts.services.order_ids import new_order_number


logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Buyer:
    """Who buys, as far as the offer asks."""

    name: str = ""
    phone: str = ""
    email: str = ""
    comment: str = ""


def find_offer(offer_id: int) -> Offer:
    """An offer that can be bought now. Raises ``InvalidPayment`` for one that is gone, a draft or not sellable."""
    offer: Offer | None = Offer.objects.filter(pk=offer_id, live=True).first()
    if offer is None or not offer.is_for_sale:
        raise InvalidPayment(_("This offer is no longer available."), field="offer")
    return offer


def check_choice(offer: Offer, *, parts_count: int, merchant_type: str) -> None:
    """Raises ``InvalidPayment`` for a number of parts or a service that the offer does not allow."""
    if merchant_type not in offer.allowed_services:
        raise InvalidPayment(_("This offer is not sold with that service. Choose another."), field="service")
    if parts_count not in offer.allowed_parts:
        raise InvalidPayment(_("This offer is not sold in so many parts. Choose another number."), field="parts")


def buy_offer(
    offer: Offer,
    *,
    parts_count: int,
    merchant_type: str,
    buyer: Buyer | None = None,
    site: Site | None = None,
    page: Mapping[str, Any] | None = None,
    order_id: str | None = None,
) -> Payment:
    """Write an order for an offer at its price of this moment and start its payment.

    ``order_id``: a new one of ``order_ids.new_order_id``, for a caller that has to know it even if this raises.

    Raises what ``check_choice`` and ``start_payment`` raise; the order stays if the bank was
    asked, since its payment may yet be found.
    """
    check_choice(offer, parts_count=parts_count, merchant_type=merchant_type)
    buyer = buyer or Buyer()
    order = Order.objects.create(
        number=new_order_number(),
        amount=offer.amount,
        lines=[{"name": line.name, "count": line.count, "price": f"{line.price:.2f}"} for line in offer.bank_lines],
        buyer_name=buyer.name,
        buyer_phone=buyer.phone,
        buyer_email=buyer.email,
        comment=buyer.comment,
        offer=offer,
        offer_title=offer.title,
        site=site,
    )
    try:
        return start_payment(
            lines=offer.bank_lines,
            parts_count=parts_count,
            merchant_type=merchant_type,
            hold=offer.hold or None,
            reference=order.number,
            order_id=order_id,
            store=store_of(site),
            buyer_order=order,
            offer=offer,
            site=site,
            page=page,
        )
    except (InvalidPayment, OrderIdTaken, OutcomeUnknown, ImproperlyConfigured):
        # Nothing was written or sent, so nothing will ever come of this order.
        order.delete()
        raise


def store_of(site: Site | None) -> str:
    """The alias of the store at which a Wagtail site sells: the project's first where its own is not known."""
    settings = PayPartsSettings.objects.filter(site=site).first() if site else None
    aliases = conf.store_aliases()
    wanted: str = settings.store if settings else aliases[0]
    if wanted in aliases:
        return wanted
    logger.warning("site %s: there is no PayParts store %r, so it sells at %r", site, wanted, aliases[0])
    return aliases[0]

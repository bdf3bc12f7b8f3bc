"""What is stored."""

from __future__ import annotations

from wagtail_payparts.models.events import (
    EventType,
    Heartbeat,
    PaymentEvent,
    ReceiverResult,
    SignalDelivery,
    Source,
    Verdict,
)
from wagtail_payparts.models.offers import BuyerDetails, Offer, OfferLine
from wagtail_payparts.models.orders import Order, OrderStatus
from wagtail_payparts.models.payments import Action, AttentionCode, MerchantType, Payment
from wagtail_payparts.models.refunds import Refund, RefundState
from wagtail_payparts.models.site_settings import PayPartsSettings


__all__ = [
    "Action",
    "AttentionCode",
    "BuyerDetails",
    "EventType",
    "Heartbeat",
    "MerchantType",
    "Offer",
    "OfferLine",
    "Order",
    "OrderStatus",
    "PayPartsSettings",
    "Payment",
    "PaymentEvent",
    "ReceiverResult",
    "Refund",
    "RefundState",
    "SignalDelivery",
    "Source",
    "Verdict",
]

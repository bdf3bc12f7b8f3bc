"""How a test runs a bulk action on payments, and what it left."""

from __future__ import annotations

from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.contrib.messages import get_messages
from django.test import Client
from wagtail.models import ModelLogEntry

from wagtail_payparts.models import Payment


BULK = "/admin/bulk/wagtail_payparts/payment/"
ASK, EXPORT, RESOLVE = (f"{BULK}payparts_{name}/" for name in ("ask", "export", "resolve"))
PERMISSIONS = {ASK: "ask_payment", EXPORT: "export_payment", RESOLVE: "resolve_payment"}
DECISION = {"code": "late_success", "decision": "accept", "note": "checked in the bank’s cabinet"}


def chosen(*payments: Payment) -> dict[str, Any]:
    return {"id": [payment.pk for payment in payments]}


def post(client: Client, address: str, *payments: Payment, **data: Any) -> Any:
    """As the confirmation does it: the chosen payments are in the form too."""
    ids = " ".join(str(payment.pk) for payment in payments)
    query = "&".join(f"id={payment.pk}" for payment in payments)
    return client.post(f"{address}?{query}", {"payments": ids} | data)


def said(response: Any) -> str:
    return " ".join(str(message).strip() for message in get_messages(response.wsgi_request))


def entries(action: str) -> list[str]:
    logged = ModelLogEntry.objects.filter(action=action, content_type=ContentType.objects.get_for_model(Payment))
    return sorted(logged.values_list("object_id", flat=True))

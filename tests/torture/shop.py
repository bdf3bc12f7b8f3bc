"""A shop that keeps its own orders and calls ``start_payment`` itself, with its order number as the reference."""

from __future__ import annotations

from decimal import Decimal

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from wagtail_payparts.exceptions import BankError, OrderIdTaken, OutcomeUnknown
from wagtail_payparts.services import start_payment


@csrf_exempt
def pay(request: HttpRequest) -> JsonResponse:
    """``order``, ``amount``, ``key`` of the press and ``hold`` in; the bank's page out."""
    order, amount = request.POST["order"], Decimal(request.POST["amount"])
    try:
        payment = start_payment(
            lines=[{"name": f"Чайник «{order}»", "count": 1, "price": amount}],
            parts_count=3,
            hold=request.POST.get("hold") == "yes",
            reference=order,
            idempotency_key=request.POST["key"],
        )
    except (BankError, OrderIdTaken, OutcomeUnknown) as error:
        return JsonResponse({"problem": type(error).__name__}, status=503)
    return JsonResponse({"page": payment.redirect_url})

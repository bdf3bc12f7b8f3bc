"""The attempt cookie: a second press of the same buyer for the same thing goes on where the first one stands."""

from __future__ import annotations

import json
from dataclasses import asdict

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

from wagtail_payparts import conf
from wagtail_payparts.models import Offer, Payment
from wagtail_payparts.services.offers import Buyer


COOKIE = "payparts_attempt"
_SALT = "wagtail_payparts.attempt"


def fingerprint(offer: Offer, *, parts_count: int, service: str, buyer: Buyer) -> str:
    """What makes two presses the same: the offer at its price of this moment, the terms, the buyer. Keyed, so that
    a telephone number cannot be guessed from the cookie.
    """
    lines = [[line.name, line.count, str(line.price)] for line in offer.bank_lines]
    content = json.dumps([offer.pk, parts_count, service, lines, asdict(buyer)])
    return salted_hmac(_SALT, content, algorithm="sha256").hexdigest()


def remember(request: HttpRequest, response: HttpResponse, *, order_id: str, content: str, path: str) -> None:
    """``path`` keeps the cookie away from the shop's pages, so that their caches do not see it."""
    response.set_cookie(
        COOKIE,
        signing.dumps([order_id, content], salt=_SALT),
        max_age=int(conf.expire_after().total_seconds()),
        path=path,
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )


def recall(request: HttpRequest, content: str) -> Payment | None:
    """The open payment of an earlier press with the same content."""
    try:
        order_id, earlier = signing.loads(request.COOKIES[COOKIE], salt=_SALT, max_age=conf.expire_after())
    except (KeyError, signing.BadSignature, ValueError, TypeError):
        return None
    payment = Payment.objects.filter(order_id=order_id).first() if earlier == content else None
    return payment if payment is not None and payment.is_open else None

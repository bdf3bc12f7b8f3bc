"""One press of a button: what it names, and its way to the bank. Pages and JSON answer it differently."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from wagtail.models import Site

from wagtail_payparts.button import base_page_model
from wagtail_payparts.exceptions import BankError, InvalidPayment, PayPartsError
from wagtail_payparts.forms import ChoiceForm
from wagtail_payparts.models import Offer
from wagtail_payparts.services.limits import check_checkout_rate
from wagtail_payparts.services.offers import Buyer, buy_offer, check_choice, find_offer
from wagtail_payparts.services.order_ids import new_order_id, return_reference
from wagtail_payparts.views import attempts
from wagtail_payparts.views.problems import RETRY_AFTER, Problem, problem_of
from wagtail_payparts.views.visitor import visitor_address


logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Press:
    """What the browser named, checked against the live offer."""

    offer: Offer
    parts_count: int
    service: str
    page: Any = None

    @property
    def fields(self) -> dict[str, Any]:
        """What a form has to say again."""
        return {"parts": self.parts_count, "service": self.service, "page": self.page.pk if self.page else ""}


class Answers(Protocol):
    """How a browser is answered, or a program."""

    def onward(self, url: str) -> HttpResponse: ...

    def problem(self, problem: Problem, press: Press | None = None) -> HttpResponse: ...


def read_press(offer_id: int, data: Mapping[str, Any]) -> Press:
    """The live offer and what was chosen of it. Raises ``InvalidPayment``."""
    offer = find_offer(offer_id)
    form = ChoiceForm(data)
    if not form.is_valid():
        field, errors = next(iter(form.errors.items()))
        raise InvalidPayment(str(errors[0]), field=field)
    parts_count = form.cleaned_data["parts"]
    service = form.cleaned_data["service"] or offer.allowed_services[0]
    check_choice(offer, parts_count=parts_count, merchant_type=service)
    return Press(offer, parts_count, service, find_page(form.cleaned_data["page"]))


def start(request: HttpRequest, press: Press, buyer: Buyer, answers: Answers) -> HttpResponse:
    """Go on with this buyer's open attempt, or make a new one."""
    content = attempts.fingerprint(press.offer, parts_count=press.parts_count, service=press.service, buyer=buyer)
    onward = _where_the_last_press_stands(request, content)
    if onward:
        return answers.onward(onward)
    site = Site.find_for_request(request)
    order_id = new_order_id()
    try:
        check_checkout_rate(visitor=visitor_address(request), offer_id=press.offer.pk)
        payment = buy_offer(
            press.offer,
            parts_count=press.parts_count,
            merchant_type=press.service,
            buyer=buyer,
            site=site,
            page=_snapshot(request, press.page),
            order_id=order_id,
        )
    except (PayPartsError, ImproperlyConfigured) as error:
        _log(error, order_id)
        response = answers.problem(problem_of(error), press)
        if not isinstance(error, BankError):
            return response
    else:
        response = answers.onward(payment.redirect_url)
    attempts.remember(
        request,
        response,
        order_id=order_id,
        content=content,
        path=reverse("wagtail_payparts:checkout", args=[press.offer.pk]),
    )
    return response


def _where_the_last_press_stands(request: HttpRequest, content: str) -> str:
    """The bank's page of this buyer's open attempt; our waiting page while the bank has not answered yet."""
    earlier = attempts.recall(request, content)
    if earlier is None:
        return ""
    if earlier.token:
        return earlier.redirect_url
    if (timezone.now() - earlier.created_at).total_seconds() < RETRY_AFTER:
        return reverse("wagtail_payparts:return", args=[return_reference(earlier.store, earlier.order_id)])
    return ""


def find_page(page_id: int | None) -> Any:
    """The page on which the button stood, if the browser says so; any live one is harmless."""
    if page_id is None:
        return None
    return base_page_model()._default_manager.filter(pk=page_id, live=True).first()


def _snapshot(request: HttpRequest, page: Any) -> dict[str, Any] | None:
    return {"id": page.pk, "title": page.title, "url": page.get_full_url(request) or ""} if page else None


def _log(error: Exception, order_id: str) -> None:
    if isinstance(error, ImproperlyConfigured):
        logger.error("payment %s: the plugin is not configured: %s", order_id, error)
    elif isinstance(error, BankError):
        logger.warning("payment %s was not made: %s", order_id, error)

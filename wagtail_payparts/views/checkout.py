"""From the button to the bank: judge where the press came from, ask who is buying, start the payment, redirect."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from wagtail.models import Site

from wagtail_payparts.button import plan_for
from wagtail_payparts.exceptions import InvalidPayment
from wagtail_payparts.forms import BuyerForm
from wagtail_payparts.models import PayPartsSettings
from wagtail_payparts.services.offers import Buyer
from wagtail_payparts.views.buyer_page import SeeOther, buyer_page, in_language_of, render_page, way_back
from wagtail_payparts.views.json_checkout import json_checkout
from wagtail_payparts.views.press import Press, read_press, start
from wagtail_payparts.views.problems import Problem, foreign_press, not_a_press, problem_of
from wagtail_payparts.views.provenance import Provenance, judge


@csrf_exempt
@buyer_page(referrer_policy="same-origin")
def checkout(request: HttpRequest, offer_id: int) -> HttpResponse:
    """A press of the button on a page that may be cached, so without a CSRF token."""
    pages = Pages(request)
    if request.method != "POST":
        return pages.problem(not_a_press())
    if request.content_type == "application/json":
        return json_checkout(request, offer_id)
    provenance = judge(request)
    if provenance is Provenance.FOREIGN:
        return pages.problem(foreign_press())
    try:
        press = read_press(offer_id, request.POST)
    except InvalidPayment as error:
        return pages.problem(problem_of(error))
    with in_language_of(press.page):
        return _go_on(request, press, provenance, pages)


def _go_on(request: HttpRequest, press: Press, provenance: Provenance, pages: Pages) -> HttpResponse:
    form = BuyerForm(request.POST, offer=press.offer)
    if form.fields and not any(name in request.POST for name in form.fields):
        return pages.confirm(press, BuyerForm(offer=press.offer))
    if provenance is Provenance.UNSURE:
        return pages.confirm(press, form)
    if not form.is_valid():
        return pages.confirm(press, form, status=400)
    return start(request, press, Buyer(**form.cleaned_data), pages)


@csrf_protect
@buyer_page(referrer_policy="same-origin")
def confirm(request: HttpRequest, offer_id: int) -> HttpResponse:
    """The press on our own uncached page: with a token, and with the buyer's details if the offer asks for them."""
    pages = Pages(request)
    if request.method != "POST":
        return pages.problem(not_a_press())
    try:
        press = read_press(offer_id, request.POST)
    except InvalidPayment as error:
        return pages.problem(problem_of(error))
    with in_language_of(press.page):
        form = BuyerForm(request.POST, offer=press.offer)
        if not form.is_valid():
            return pages.confirm(press, form, status=400)
        return start(request, press, Buyer(**form.cleaned_data), pages)


class Pages:
    """Answers for a person with a browser."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    def onward(self, url: str) -> HttpResponse:
        return SeeOther(url)

    def problem(self, problem: Problem, press: Press | None = None) -> HttpResponse:
        response = render_page(
            self.request,
            "checkout_problem.html",
            {
                "problem": problem,
                "press": press,
                "back_url": way_back(self.request, press.page if press else None),
            },
            site=Site.find_for_request(self.request),
            status=problem.status,
        )
        return problem.mark(response)

    def confirm(self, press: Press, form: BuyerForm, *, status: int = 200) -> HttpResponse:
        """Who is buying, what it will cost, and one press that carries a token."""
        site = Site.find_for_request(self.request)
        texts = PayPartsSettings.objects.filter(site=site).first()
        return render_page(
            self.request,
            "checkout.html",
            {
                "press": press,
                "form": form,
                "plan": plan_for(press.offer, press.service, press.parts_count),
                "legal_information": texts.legal_information if texts else "",
                "back_url": way_back(self.request, press.page),
            },
            site=site,
            status=status,
        )

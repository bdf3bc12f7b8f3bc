"""The same checkout for scripts: a page that draws its own button, or a shop's front end."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from wagtail_payparts.exceptions import InvalidPayment
from wagtail_payparts.forms import BuyerForm
from wagtail_payparts.services.offers import Buyer
from wagtail_payparts.views.press import Press, read_press, start
from wagtail_payparts.views.problems import Problem, foreign_press, problem_of
from wagtail_payparts.views.provenance import Provenance, judge


_KEYS = {"offer", "parts", "service", "page", "contact"}


def json_checkout(request: HttpRequest, offer_id: int) -> HttpResponse:
    """``{"parts": 6, "service": "II", "contact": {"phone": "…"}}`` is answered ``{"redirect_url": "…"}``.

    A problem is answered ``{"error": {"code": "…", "message": "…", "fields": {…}}}`` with its status. A script
    cannot press once more, so a request whose origin is unknown is refused.
    """
    answers = _Json()
    if judge(request) is not Provenance.OWN:
        return answers.problem(foreign_press())
    try:
        body = _read(request, offer_id)
        press = read_press(offer_id, body)
    except InvalidPayment as error:
        return answers.problem(problem_of(error))
    form = BuyerForm(body.get("contact", {}), offer=press.offer)
    if not form.is_valid():
        return answers.incomplete(form)
    return start(request, press, Buyer(**form.cleaned_data), answers)


class _Json:
    def onward(self, url: str) -> HttpResponse:
        return JsonResponse({"redirect_url": url})

    def problem(self, problem: Problem, press: Press | None = None) -> HttpResponse:
        return problem.mark(JsonResponse({"error": {"code": problem.code, "message": problem.text, "fields": {}}}))

    def incomplete(self, form: BuyerForm) -> HttpResponse:
        fields = {name: [str(error) for error in errors] for name, errors in form.errors.items()}
        message = _("Some details of the buyer are missing or wrong.")
        return JsonResponse({"error": {"code": "contact", "message": message, "fields": fields}}, status=400)


def _read(request: HttpRequest, offer_id: int) -> dict[str, Any]:
    """The body, with nothing in it that we did not ask for. Raises ``InvalidPayment``."""
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise InvalidPayment(_("The request is not readable as JSON.")) from error
    if not isinstance(body, dict):
        raise InvalidPayment(_("The request has to be a JSON object."))
    contact = body.get("contact", {})
    _refuse_unknown(body, _KEYS)
    if not isinstance(contact, dict) or not all(isinstance(text, str) for text in contact.values()):
        raise InvalidPayment(_("“contact” has to be an object with texts."), field="contact")
    _refuse_unknown(contact, set(BuyerForm.base_fields))
    if body.get("offer", offer_id) != offer_id:
        raise InvalidPayment(_("“offer” is not the offer of this address."), field="offer")
    return body


def _refuse_unknown(given: dict[str, Any], known: set[str]) -> None:
    unknown = sorted(set(given) - known)
    if unknown:
        raise InvalidPayment(
            _("Unknown: %(names)s. Known: %(known)s.")
            % {"names": ", ".join(unknown)[:200], "known": ", ".join(sorted(known))}
        )

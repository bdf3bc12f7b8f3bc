"""The customer's pages: card, code, decision, result. Every step is a POST answered by a redirect."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from urllib.parse import urlsplit

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from .contract import CARD_CVV, CARD_EXPIRY, CARDS, OTP_CODE, instalments
from .customer import Customer, WrongEntry
from .moves import NotNow
from .pages import render
from .records import CLIENT_WAIT, CREATED, OTP_WAITING, PP_CREATION, Payment


PAGES = {
    CREATED: "card.html",
    CLIENT_WAIT: "card.html",
    OTP_WAITING: "otp.html",
    PP_CREATION: "waiting.html",
}
RESULT_PAGE = "result.html"
REDIRECT_SECONDS = 5


class Checkout:
    """``address`` is the path of the payment page; its steps are below it."""

    def __init__(self, *, customer: Customer, address: str, zone: tzinfo) -> None:
        self._customer = customer
        self._address = address
        self._zone = zone

    def show(self, request: Request) -> Response:
        token = request.args.get("token", "")
        try:
            # A HEAD is somebody who looks at a link, not a customer who has come.
            payment = self._customer.find(token) if request.method == "HEAD" else self._customer.open(token)
        except LookupError:
            return self._unknown()
        return self._page(payment)

    def step(self, request: Request, name: str) -> Response:
        token = request.form.get("token", "")
        try:
            self._take(token, name, request.form)
        except LookupError:
            return self._unknown()
        except WrongEntry as wrong:
            return self._page(self._customer.find(token), form=request.form, errors=wrong.errors)
        except NotNow:
            pass  # a second press, or the back button: the page tells where the payment is
        return redirect(f"{self._address}?token={token}", 303)

    def _take(self, token: str, name: str, form: Mapping[str, str]) -> None:
        if name == "give_up":
            self._customer.give_up(token)
        elif name == "otp":
            self._customer.enter_otp(token, form.get("code", ""))
        elif form.get("card") in CARDS:
            self._customer.enter_card(token, number=CARDS[form["card"]], expiry=CARD_EXPIRY, cvv=CARD_CVV)
        else:
            self._customer.enter_card(
                token,
                number=form.get("number", ""),
                expiry=form.get("expiry", ""),
                cvv=form.get("cvv", ""),
            )

    def _page(
        self,
        payment: Payment,
        *,
        form: Mapping[str, str] | None = None,
        errors: Mapping[str, str] | None = None,
    ) -> Response:
        return render(
            PAGES.get(payment.state, RESULT_PAGE),
            status=422 if errors else 200,
            payment=payment,
            instalments=instalments(payment),
            address=self._address,
            cards=CARDS,
            card_expiry=CARD_EXPIRY,
            card_cvv=CARD_CVV,
            otp_code=OTP_CODE,
            shop=urlsplit(payment.redirect_url).netloc,
            redirect_seconds=REDIRECT_SECONDS,
            zone=self._zone,
            form=form or {},
            errors=errors or {},
        )

    def _unknown(self) -> Response:
        return render("unknown.html", status=404)

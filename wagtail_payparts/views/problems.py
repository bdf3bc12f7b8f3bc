"""What went wrong at checkout, in words for the buyer and in a status for the browser. Details stay in the log."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.utils.translation import gettext as _

from wagtail_payparts.exceptions import BankRefused, CheckoutLimited, InvalidPayment, PayPartsError


#: Not 404: on a site with language prefixes Django sends the visitor of any 404 on to ``/uk/…`` instead of our page.
GONE = 410
#: A bank that did not answer is worth another try after this many seconds.
RETRY_AFTER = 60


@dataclass(frozen=True)
class Problem:
    """``code`` is for programs; ``can_retry``: the same press may succeed in a minute."""

    status: int
    code: str
    title: str
    text: str
    retry_after: int | None = None
    can_retry: bool = False

    def mark(self, response: HttpResponse) -> HttpResponse:
        """Set the headers that belong to it."""
        response.status_code = self.status
        if self.retry_after:
            response["Retry-After"] = str(self.retry_after)
        if self.status == 405:
            response["Allow"] = "POST"
        return response


def problem_of(error: PayPartsError | ImproperlyConfigured) -> Problem:
    """422 for a payment that the bank refuses to make, since the same request would be refused again; 503 where
    nobody knows what became of it, or the site itself is at fault.
    """
    if isinstance(error, InvalidPayment):
        if error.field == "offer":
            return Problem(GONE, "unavailable", _("No longer available"), error.user_message)
        return Problem(400, "invalid", _("This cannot be paid for in parts"), error.user_message)
    if isinstance(error, CheckoutLimited):
        return Problem(
            429,
            "too_many",
            _("Too many attempts"),
            _("Too many payments were started in the last minute. Please wait a minute and try again."),
            retry_after=error.retry_after,
            can_retry=True,
        )
    if isinstance(error, BankRefused):
        return Problem(
            422,
            "refused",
            _("The bank did not accept this payment"),
            _(
                "Nothing was charged. Try another number of parts or another way to pay, or ask the shop: it sees "
                "the bank's reason."
            ),
        )
    if isinstance(error, ImproperlyConfigured):
        return Problem(
            503,
            "unavailable",
            _("Paying in parts does not work at the moment"),
            _("Nothing was charged. Please choose another way to pay, or tell the shop about it."),
        )
    return Problem(
        503,
        "no_answer",
        _("The bank does not answer"),
        _("Nothing was charged. Please try again in a minute."),
        retry_after=RETRY_AFTER,
        can_retry=True,
    )


def foreign_press() -> Problem:
    return Problem(
        403,
        "foreign",
        _("This did not come from our page"),
        _("Your browser says that another site sent you here. Open the page of the shop and press the button there."),
    )


def not_a_press() -> Problem:
    return Problem(
        405,
        "method",
        _("Nothing was started"),
        _("A payment begins with the button on the page of the shop, not with this address."),
    )

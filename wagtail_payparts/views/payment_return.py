"""The page to which the bank sends the buyer back: it asks the bank, tells the truth, and writes nothing itself."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.urls import get_script_prefix
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from wagtail.models import Site

from wagtail_payparts.models import Payment
from wagtail_payparts.services.addresses import is_web_address
from wagtail_payparts.services.limits import may_ask_bank
from wagtail_payparts.services.order_ids import find_by_return_reference
from wagtail_payparts.services.sync import sync_in_a_hurry
from wagtail_payparts.states import DECIDED, NEGATIVE, PaymentState, from_bank
from wagtail_payparts.views.buyer_page import SeeOther, buyer_page, in_language_of, render_page
from wagtail_payparts.views.press import find_page
from wagtail_payparts.views.problems import GONE, RETRY_AFTER


logger = logging.getLogger(__name__)

#: Seconds until the page looks again, each time longer; five minutes in all, then it lets the buyer go.
PAUSES = (3, 3, 5, 5, 10, 10, 15, 15, 30, 30, 60, 60, 60)
_MONEY = frozenset({PaymentState.SUCCESS, PaymentState.LOCKED})


@dataclass(frozen=True)
class Outcome:
    """What a buyer is told. ``tone`` is one of ``good``, ``bad``, ``wait``."""

    code: str
    tone: str
    title: str
    text: str
    is_waiting: bool = False
    may_try_again: bool = False


# The bank's way back may be a POST, and a visitor's reload must never be one.
@csrf_exempt
@buyer_page(referrer_policy="no-referrer")
def payment_return(request: HttpRequest, reference: str) -> HttpResponse:
    """What has become of a payment, for whoever has its signed address; the same answer to every other address."""
    site = Site.find_for_request(request)
    payment = find_by_return_reference(reference)
    if payment is None:
        return render_page(request, "return_unknown.html", {}, site=site, status=GONE)
    if request.method not in {"GET", "HEAD"}:
        return SeeOther(request.path)
    with in_language_of(find_page(payment.page_id)):
        return _tell(request, _ask_bank(payment), site)


def _tell(request: HttpRequest, payment: Payment, site: Site | None) -> HttpResponse:
    bank_url = _bank_page(payment)
    outcome = outcome_of(payment, can_continue=bool(bank_url))
    looked = _count(request.GET.get("n", ""))
    waits = outcome.is_waiting and looked < len(PAUSES)
    return render_page(
        request,
        "return.html",
        {
            "payment": payment,
            "order_number": payment.reference or payment.order_id,
            "outcome": outcome,
            "bank_url": bank_url,
            "again_url": payment.page_url if is_web_address(payment.page_url) else get_script_prefix(),
            "pause": PAUSES[looked] if waits else None,
            "next_url": f"{request.path}?n={looked + 1}" if waits else "",
            "gave_up": outcome.is_waiting and not waits,
        },
        site=site,
    )


def outcome_of(payment: Payment, *, can_continue: bool) -> Outcome:
    """A payment's state in the words of a buyer."""
    state, claimed = payment.payment_state, from_bank(payment.claim_state)
    # Nobody is told to pay again while a callback says that there is money after all.
    if state in _ENDED and not (state in NEGATIVE and claimed in _MONEY):
        return _ENDED[state]()
    if state == PaymentState.PP_CREATION or claimed in DECIDED:
        return Outcome(
            "deciding",
            "wait",
            _("The bank is deciding"),
            _("This takes about half a minute. You may wait here; the page looks again by itself."),
            is_waiting=True,
        )
    if can_continue:
        return Outcome(
            "open",
            "wait",
            _("Not paid yet"),
            _("The bank is waiting for you: go on where you left. If you have just paid, wait a moment here."),
            is_waiting=True,
            may_try_again=True,
        )
    is_young = (timezone.now() - payment.created_at).total_seconds() < RETRY_AFTER
    return Outcome(
        "starting",
        "wait",
        _("The bank has not answered yet"),
        _("Nothing was charged. Wait a moment, or start again in a minute.")
        if is_young
        else _("Nothing was charged. Please start again."),
        is_waiting=is_young,
        may_try_again=not is_young,
    )


def _paid() -> Outcome:
    return Outcome(
        "paid", "good", _("Paid"), _("The bank has approved the instalments, and the shop sees the payment. Thank you!")
    )


def _on_hold() -> Outcome:
    return Outcome(
        "on_hold",
        "good",
        _("Approved, waiting for the shop"),
        _("The bank has approved the instalments and waits for the shop to confirm. There is nothing more to do."),
    )


def _refused() -> Outcome:
    return Outcome(
        "refused",
        "bad",
        _("The bank refused"),
        _(
            "Nothing was charged. The bank decides by itself, and your limit is shown in its application. "
            "Another number of parts, or another service, may be accepted."
        ),
        may_try_again=True,
    )


def _cancelled() -> Outcome:
    return Outcome(
        "cancelled",
        "bad",
        _("Cancelled"),
        _("The payment was cancelled or not finished in time. Nothing was charged."),
        may_try_again=True,
    )


def _expired() -> Outcome:
    return Outcome(
        "expired",
        "bad",
        _("Expired"),
        _("The payment was not finished in time. Nothing was charged."),
        may_try_again=True,
    )


_ENDED = {
    PaymentState.SUCCESS: _paid,
    PaymentState.LOCKED: _on_hold,
    PaymentState.FAIL: _refused,
    PaymentState.CANCELED: _cancelled,
    PaymentState.EXPIRED: _expired,
}


def _ask_bank(payment: Payment) -> Payment:
    is_settled = payment.is_decided and payment.settled_at and not payment.claim_state
    if is_settled or not may_ask_bank(payment):
        return payment
    try:
        return sync_in_a_hurry(payment)
    except ImproperlyConfigured:
        logger.exception("payment %s: its store %r cannot be used", payment.order_id, payment.store)
        return payment


def _bank_page(payment: Payment) -> str:
    """Where the buyer can still pay; empty where that is over."""
    if not payment.is_open:
        return ""
    try:
        return payment.redirect_url
    except ImproperlyConfigured:
        return ""


def _count(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0

"""How often strangers may make us work: starting payments, and asking the bank from the return page."""

from __future__ import annotations

import time

from django.core.cache import cache

from wagtail_payparts import conf
from wagtail_payparts.exceptions import CheckoutLimited
from wagtail_payparts.models import Payment


CHECKOUT_WINDOW = 60
#: A visitor who reloads the return page makes us ask this often, at most.
ASK_PAUSE = 3
#: Questions to the bank per second from all return pages together, over a window of ten.
ASK_WINDOW = 10
ASKS_PER_WINDOW = 50


def check_checkout_rate(*, visitor: str, offer_id: int | None = None) -> None:
    """Count one more start of a payment. Raises ``CheckoutLimited`` beyond ``PAYPARTS_CHECKOUT_LIMITS`` per minute."""
    limits = conf.get("PAYPARTS_CHECKOUT_LIMITS")
    for scope, key in (("visitor", visitor), ("offer", str(offer_id or "")), ("site", "all")):
        limit = limits.get(scope)
        if limit and key and _count(f"payparts-checkout-{scope}-{key}", CHECKOUT_WINDOW) > limit:
            raise CheckoutLimited(f"more than {limit} payments a minute by {scope}", retry_after=CHECKOUT_WINDOW)


def may_ask_bank(payment: Payment) -> bool:
    """Whether a visitor's request may cost a question to the bank now."""
    if not cache.add(f"payparts-ask-{payment.pk}", 1, ASK_PAUSE):
        return False
    return _count("payparts-ask-all", ASK_WINDOW) <= ASKS_PER_WINDOW


def may_record_rejected() -> bool:
    """Whether it is worth a look into the database if one more rejected callback may be written down this hour.

    A flood is told here that it is one. Of several processes without a shared cache each looks so often
    (``PAYPARTS_REJECTED_PER_HOUR``), and writes what is left.
    """
    return _count("payparts-rejected", 3600) <= int(conf.get("PAYPARTS_REJECTED_PER_HOUR"))


def _count(key: str, window: int) -> int:
    """One more within the current window of so many seconds. Two processes without a shared cache count apart."""
    slot = f"{key}-{int(time.time()) // window}"
    cache.add(slot, 0, window * 2)
    try:
        return cache.incr(slot)
    except ValueError:
        return 1

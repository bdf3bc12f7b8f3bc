"""Start a payment: write it down, make it at the bank, and know where to send the buyer."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from wagtail.models import Site

from wagtail_payparts import conf
from wagtail_payparts.bank import CreateRequest, Line, PayPartsClient, Store
from wagtail_payparts.exceptions import BankError, InvalidPayment, OrderIdTaken, OutcomeUnknown
from wagtail_payparts.formats import format_hryvnias, is_unicode
from wagtail_payparts.instalments import round_kopecks, shop_fee
from wagtail_payparts.models import MerchantType, Offer, Order, Payment
from wagtail_payparts.services import observations
from wagtail_payparts.services.deliveries import deliver_later
from wagtail_payparts.services.order_ids import check_order_id, new_order_id, return_reference
from wagtail_payparts.services.schedule import next_poll


LONGEST_NAME = 128
#: More pieces than the dearest payment has kopecks.
HIGHEST_COUNT = 10**9
#: As many characters as the columns hold.
_LONGEST = {"reference": 100, "idempotency_key": 100}
#: What makes two requests the same payment.
_TERMS = ("amount", "parts_count", "merchant_type", "hold", "lines", "reference", "buyer_order_id")


def start_payment(
    *,
    lines: Iterable[Line | Mapping[str, Any]],
    parts_count: int,
    merchant_type: str = MerchantType.II,
    hold: bool | None = None,
    order_id: str | None = None,
    reference: str = "",
    metadata: dict[str, Any] | None = None,
    store: str | None = None,
    response_url: str | None = None,
    redirect_url: str | None = None,
    idempotency_key: str | None = None,
    buyer_order: Order | None = None,
    offer: Offer | None = None,
    site: Site | None = None,
    page: Mapping[str, Any] | None = None,
) -> Payment:
    """Start a payment and return it with ``redirect_url``, the bank's page to which the buyer's browser goes.

    ``lines``: what is sold, as ``bank.Line`` or mappings with ``name``, ``count`` and ``price`` (UAH; ``Decimal``,
    ``int`` or ``str``). ``reference``: the shop's own order number; the first paid payment of a reference is the
    one that counts. ``redirect_url``: where the bank sends the buyer back; our return page by default.
    ``hold``: whether the money is only held until staff or your code confirm it (payparts-api §2, §4); by default as
    the store's ``HOLD`` says.
    ``store``: an alias of ``PAYPARTS_STORES``, the first by default. ``idempotency_key``: names one press; it belongs
    to one store.

    A second call with the same ``idempotency_key``, or the same ``order_id``, returns the same payment while it is
    open, if its lines, terms, ``reference`` and ``buyer_order`` are the same; one that the bank refused to make is
    tried again. The ``redirect_url`` of what is returned is never empty.

    The payment is written before the bank is asked, so nothing is lost if this process dies; in a transaction of
    the caller's that is true only after its commit.

    Raises ``InvalidPayment`` (nothing was sent), ``OrderIdTaken`` (by other terms, or by a payment that has ended),
    ``BankRefused``, ``BankUnreachable`` or ``BadAnswer`` (the outcome is unknown and settled by polling; start a new
    payment with a new order id), ``OutcomeUnknown`` (so it was with the first call, or it is still under way), and
    ``ImproperlyConfigured``. Rests on payparts-api §2.
    """
    store = store or conf.store_aliases()[0]
    credentials = conf.get_store(store)
    wanted = _terms(lines, parts_count, merchant_type, conf.holds_by_default(store) if hold is None else hold)
    wanted |= {"reference": reference, "buyer_order_id": buyer_order.pk if buyer_order else None}
    if order_id is not None:
        check_order_id(order_id)
    texts = {"response_url": response_url, "redirect_url": redirect_url, "idempotency_key": idempotency_key}
    for field, text in {"reference": reference, **texts}.items():
        _check_text(field, text or "", longest=_LONGEST.get(field))
    earlier = _find_earlier(store, order_id, idempotency_key)
    own_id = order_id or new_order_id()
    site_url = site.root_url if site else _default_site_url()
    wanted |= {
        "response_url": response_url or conf.absolute_url(reverse("wagtail_payparts:callback"), site_url=site_url),
        "return_url": redirect_url or _own_return_url(store, earlier.order_id if earlier else own_id, site_url),
    }
    payment, is_new = (
        (earlier, False)
        if earlier is not None
        else _insert(
            Payment(
                store=store,
                order_id=own_id,
                is_test=credentials.is_test,
                metadata=metadata or {},
                idempotency_key=idempotency_key or None,
                offer=offer,
                offer_title=offer.title if offer else "",
                site=site,
                **_page_snapshot(page),
                **wanted,
            )
        )
    )
    if is_new:
        return _create_at_bank(payment, credentials)
    if payment.store != store or (order_id and payment.order_id != order_id):
        raise _taken(
            f"The idempotency key belongs to the payment {payment.order_id} of the store {payment.store!r}: "
            "use a new key for each press."
        )
    if _goes_on(payment, wanted):
        return payment
    reopened = observations.reopen_refused(payment, **wanted)
    if reopened is not None:
        return _create_at_bank(reopened, credentials)
    payment.refresh_from_db()
    if _goes_on(payment, wanted):
        # It was reopened by somebody else between our look and our try.
        return payment
    raise _taken(
        f"The order id {payment.order_id} belongs to a payment "
        + ("with other terms" if payment.is_open else f"that has ended ({payment.state})")
        + ": start a new attempt with a new order id."
    )


def _taken(message: str) -> OrderIdTaken:
    return OrderIdTaken(message, user_message=_("This payment cannot be continued. Please start a new one."))


def _insert(payment: Payment) -> tuple[Payment, bool]:
    """Write a new payment; or find the one that the same press wrote a moment earlier in another process."""
    # auto_now_add fills it on save; the schedule counts from it before.
    payment.created_at = timezone.now()
    payment.next_poll_at = next_poll(payment, payment.created_at)
    try:
        with transaction.atomic():
            payment.save(force_insert=True)
    except IntegrityError:
        twin = _find_earlier(payment.store, payment.order_id, payment.idempotency_key)
        if twin is None:
            raise
        return twin, False
    return payment, True


def _create_at_bank(payment: Payment, credentials: Store) -> Payment:
    client = PayPartsClient(credentials)
    request = CreateRequest(
        order_id=payment.order_id,
        amount=payment.amount,
        parts_count=payment.parts_count,
        merchant_type=payment.merchant_type,
        lines=tuple(Line(line["name"], line["count"], line["price"]) for line in payment.lines_with_totals()),
        response_url=payment.response_url,
        redirect_url=payment.return_url,
    )
    try:
        reply = client.hold(request) if payment.hold else client.create(request)
    except BankError as error:
        moved = observations.observe_not_created(payment, error)
        if moved.next_delivery_at:
            deliver_later(moved)
        raise
    moved = observations.observe_created(payment, reply)
    deliver_later(moved)
    return moved


def _find_earlier(store: str, order_id: str | None, idempotency_key: str | None) -> Payment | None:
    if idempotency_key:
        found = Payment.objects.filter(idempotency_key=idempotency_key).first()
        if found is not None:
            return found
    return Payment.objects.filter(store=store, order_id=order_id).first() if order_id else None


def _goes_on(payment: Payment, wanted: dict[str, Any]) -> bool:
    """Whether the buyer can go on with an earlier payment. Raises ``OutcomeUnknown`` where we know no page of it."""
    if not payment.is_open or any(getattr(payment, name) != wanted[name] for name in _TERMS):
        return False
    if not payment.token:
        raise OutcomeUnknown(
            f"The bank's answer to the payment {payment.order_id} has not come yet, or was lost: "
            "start a new attempt with a new order id and a new idempotency key.",
            user_message=_("This payment cannot be continued. Please start a new one."),
        )
    return True


def _terms(
    lines: Iterable[Line | Mapping[str, Any]], parts_count: object, merchant_type: str, hold: bool
) -> dict[str, Any]:
    exact = [_exact_line(line) for line in lines]
    if not exact:
        raise InvalidPayment(_("There is nothing to pay for: add at least one line."), field="lines")
    amount = sum((line.total for line in exact), Decimal(0))
    lowest, highest = conf.min_amount(), conf.max_amount()
    if not lowest <= amount <= highest:
        raise InvalidPayment(
            _("The amount is %(amount)s; the bank takes from %(lowest)s to %(highest)s.")
            % {
                "amount": format_hryvnias(amount),
                "lowest": format_hryvnias(lowest),
                "highest": format_hryvnias(highest),
            },
            field="amount",
        )
    most = conf.max_parts()
    if isinstance(parts_count, bool) or not isinstance(parts_count, int) or not 2 <= parts_count <= most:
        raise InvalidPayment(_("The number of parts is from 2 to %(most)s.") % {"most": most}, field="parts_count")
    if merchant_type not in MerchantType.values:
        raise InvalidPayment(
            _("There is no service %(given)r: the bank knows %(known)s.")
            % {"given": str(merchant_type)[:20], "known": ", ".join(MerchantType.values)},
            field="merchant_type",
        )
    return {
        "lines": [{"name": line.name, "count": line.count, "price": f"{line.price:.2f}"} for line in exact],
        "amount": amount,
        "parts_count": parts_count,
        "merchant_type": str(merchant_type),
        "hold": bool(hold),
        "fee": shop_fee(amount, conf.rates(merchant_type).shop_share(parts_count)),
    }


def _check_text(field: str, text: str, *, longest: int | None = None) -> None:
    if longest is not None and len(text) > longest:
        raise InvalidPayment(
            _("%(field)s has %(most)s characters at most.") % {"field": field, "most": longest}, field=field
        )
    if "\x00" in text or not is_unicode(text):
        raise InvalidPayment(_("%(field)s has characters that cannot be kept.") % {"field": field}, field=field)


def _exact_line(line: Line | Mapping[str, Any]) -> Line:
    name, count, price = (
        (line.name, line.count, line.price)
        if isinstance(line, Line)
        else (line.get("name"), line.get("count"), line.get("price"))
    )
    name = unicodedata.normalize("NFC", str(name or "")).strip()
    if not 1 <= len(name) <= LONGEST_NAME:
        raise InvalidPayment(
            _("The name of a line has 1 to %(most)s characters.") % {"most": LONGEST_NAME}, field="lines"
        )
    _check_text("lines", name)
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= HIGHEST_COUNT:
        raise InvalidPayment(
            _("%(name)s: the quantity is a whole number from 1 to %(most)s.") % {"name": name, "most": HIGHEST_COUNT},
            field="lines",
        )
    if isinstance(price, (float, bool)):
        raise InvalidPayment(
            _("%(name)s: the price has to be exact, a Decimal or a text, not a float.") % {"name": name},
            field="lines",
        )
    try:
        exact = Decimal(price if price is not None else "")
    except (InvalidOperation, TypeError, ValueError) as error:
        raise InvalidPayment(_("%(name)s: the price is not a number.") % {"name": name}, field="lines") from error
    if not exact.is_finite() or exact < Decimal("0.01") or exact > conf.max_amount():
        raise InvalidPayment(
            _("%(name)s: the price is from 0.01 to %(highest)s UAH.") % {"name": name, "highest": conf.max_amount()},
            field="lines",
        )
    if exact != round_kopecks(exact):
        raise InvalidPayment(_("%(name)s: the price has two decimal places.") % {"name": name}, field="lines")
    return Line(name, count, round_kopecks(exact))


def _own_return_url(store: str, order_id: str, site_url: str) -> str:
    path = reverse("wagtail_payparts:return", args=[return_reference(store, order_id)])
    return conf.absolute_url(path, site_url=site_url)


def _default_site_url() -> str:
    site = Site.objects.filter(is_default_site=True).first()
    return site.root_url if site else ""


def _page_snapshot(page: Mapping[str, Any] | None) -> dict[str, Any]:
    if not page:
        return {}
    return {
        "page_id": page.get("id"),
        "page_title": str(page.get("title", ""))[:255],
        "page_url": page.get("url", ""),
    }

"""A buyer who is named wherever a buyer can be: in an order, a payment, its history, a refund, a complaint."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from tests.factories import make_order
from tests.secrets_search import dump_database
from wagtail_payparts.bank import parse_callback
from wagtail_payparts.models import EventType, Order, Payment, PaymentEvent, Refund
from wagtail_payparts.services import refund_payment, start_payment, sync_payment
from wagtail_payparts.services.callbacks import Stored, receive
from wagtail_payparts.services.desk import add_note
from wagtail_payparts.services.orders import note_version, write_note
from wagtail_payparts.simulator import Simulator


NAME, PHONE, EMAIL, COMMENT = "Ірина Гнатюк", "+380671234567", "Iryna@example.com", "Дзвоніть після шостої"
#: So the simulator calls whoever pays, in a receipt and in the contract.
CARD_OWNER, IN_CONTRACT = "TEST CLIENT", "ТЕСТОВИЙ КЛІЄНТ"
STAFF_NOTE = "Гнатюк просила не дзвонити"
NAMES_THE_BUYER = (NAME, PHONE, EMAIL, COMMENT, STAFF_NOTE, CARD_OWNER, IN_CONTRACT)
LINES = [{"name": "Чайник", "count": 1, "price": "800.00"}]


def named_order() -> Order:
    return make_order(buyer_name=NAME, buyer_phone=PHONE, buyer_email=EMAIL, comment=COMMENT, amount=Decimal("800.00"))


def named_payment(bank: Simulator, order: Order, by: Any) -> Payment:
    """A payment with everything in it that can name a buyer: contract, receipt, refund, notes, a failed receiver."""
    payment = start_payment(lines=LINES, parts_count=4, buyer_order=order, metadata={"who": NAME})
    bank.pay(payment.order_id)
    ring(bank, payment)
    payment = sync_payment(payment)
    assert payment.state == "SUCCESS"
    assert payment.receipt["owner_name"] == CARD_OWNER
    add_note(payment, STAFF_NOTE, by=by)
    write_note(order, STAFF_NOTE, seen=note_version(""), by=None)
    bank.fault("fail_verified", endpoint="decline")
    refund = refund_payment(payment, reason="Повернули товар")
    Refund.objects.filter(pk=refund.pk).update(bank_message=f"Відмова для {NAME}")
    because = payment.events_in_order().latest("pk")
    delivery = payment.deliveries.create(event=because, signal="payment_succeeded", done_at=timezone.now())
    delivery.results.create(
        receiver="crm.tell", attempts=2, last_error=f"no client {EMAIL}", given_up_at=timezone.now()
    )
    return Payment.objects.get(pk=payment.pk)


def ring(bank: Simulator, payment: Payment) -> Stored:
    """The bank calls, and its words name the buyer."""
    return receive(parse_callback(bank.callback_body(payment.order_id, message=f"Договір: {NAME}")))


def settle(payment: Payment, *, days: float = 31) -> Payment:
    """So many days after its end, when the bank is not asked any more."""
    then = timezone.now() - timedelta(days=days)
    Payment.objects.filter(pk=payment.pk).update(
        settled_at=then, state_changed_at=then, texts_since=then, next_poll_at=None, next_delivery_at=None, attention=""
    )
    PaymentEvent.objects.filter(payment=payment).update(created_at=then)
    return Payment.objects.get(pk=payment.pk)


def age(order: Order, *, days: float) -> None:
    then = timezone.now() - timedelta(days=days)
    Order.objects.filter(pk=order.pk).update(created_at=then, status_changed_at=then)


def places_of(*texts: str) -> set[str]:
    """Columns of the whole database in which one of the texts stands, as it is or as JSON may write it."""
    escaped = {text.encode("ascii", "backslashreplace").decode().lower() for text in texts} | {t.lower() for t in texts}
    return {place for place, value in dump_database() if any(text in value.lower() for text in escaped)}


def ledger_of(payment: Payment) -> dict[str, Any]:
    """What an accountant, a court and the plugin itself need of a payment."""
    fields = (
        "order_id",
        "amount",
        "state",
        "refunded_amount",
        "fee",
        "lines",
        "settled_at",
        "created_at",
        "bank_state",
    )
    events = ("type", "state", "verdict", "source", "user", "created_at", "fingerprint", "repeats", "http_status")
    by_staff = payment.events.filter(type__in=[EventType.RESOLVED, EventType.REFUND], http_status=None)
    return {
        "payment": Payment.objects.filter(pk=payment.pk).values(*fields).get(),
        "events": list(payment.events.order_by("pk").values(*events)),
        "decisions": list(by_staff.order_by("pk").values("message", "payload", "user")),
        "refunds": list(payment.refunds.order_by("pk").values("amount", "state", "reason", "requested_by")),
        "deliveries": list(payment.deliveries.order_by("pk").values("signal", "arguments", "done_at")),
    }

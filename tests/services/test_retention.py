"""What names people goes: by itself when it is old, at once for a buyer who asks. The ledger stays to the kopeck."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from wagtail.models import ModelLogEntry

from tests.factories import make_order, make_payment
from tests.secrets_search import dump_database
from wagtail_payparts.bank import parse_callback
from wagtail_payparts.exceptions import NotAllowed
from wagtail_payparts.models import EventType, Order, Payment, PaymentEvent, Refund, RefundState, Source, Verdict
from wagtail_payparts.services import erase_buyer, purge, refund_payment, retention, start_payment, sync_payment
from wagtail_payparts.services.callbacks import Stored, receive
from wagtail_payparts.services.desk import add_note, dismiss_callback, resolve_attention
from wagtail_payparts.services.orders import note_version, write_note
from wagtail_payparts.simulator import Simulator


pytestmark = pytest.mark.django_db

NAME, PHONE, EMAIL, COMMENT = "Ірина Гнатюк", "+380671234567", "Iryna@example.com", "Дзвоніть після шостої"
#: So the simulator calls whoever pays, in a receipt and in the contract.
CARD_OWNER, IN_CONTRACT = "TEST CLIENT", "ТЕСТОВИЙ КЛІЄНТ"
STAFF_NOTE = "Гнатюк просила не дзвонити"
NAMES_THE_BUYER = (NAME, PHONE, EMAIL, COMMENT, STAFF_NOTE, CARD_OWNER, IN_CONTRACT)
LINES = [{"name": "Чайник", "count": 1, "price": "800.00"}]


@pytest.fixture
def order() -> Order:
    return make_order(buyer_name=NAME, buyer_phone=PHONE, buyer_email=EMAIL, comment=COMMENT, amount=Decimal("800.00"))


@pytest.fixture
def paid(bank: Simulator, order: Order, boss: Any) -> Payment:
    """A payment with everything in it that can name a buyer: contract, receipt, refund, notes, a failed receiver."""
    payment = start_payment(lines=LINES, parts_count=4, buyer_order=order, metadata={"who": NAME})
    bank.pay(payment.order_id)
    ring(bank, payment)
    payment = sync_payment(payment)
    assert payment.state == "SUCCESS"
    assert payment.receipt["owner_name"] == CARD_OWNER
    add_note(payment, STAFF_NOTE, by=boss)
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


def test_after_its_period_nothing_of_the_bank_names_the_buyer_and_the_ledger_is_the_same(paid: Payment) -> None:
    settle(paid)
    before = ledger_of(paid)
    assert purge().payments == 1
    erased = Payment.objects.get(pk=paid.pk)
    assert ledger_of(erased) == before
    assert erased.erased_at is not None
    assert erased.bank_message == ""
    # What identifies the transfer stays; whom it was from does not.
    assert erased.receipt.keys() >= {"rrn", "auth_code"}
    assert not erased.receipt.keys() & {"card_mask", "owner_name"}
    # Contacts have a period of their own, and a shop's metadata none unless asked for.
    assert places_of(*NAMES_THE_BUYER) == {
        "wagtail_payparts_order.buyer_name",
        "wagtail_payparts_order.buyer_phone",
        "wagtail_payparts_order.buyer_email",
        "wagtail_payparts_order.comment",
        "wagtail_payparts_order.staff_note",
        "wagtail_payparts_payment.metadata",
        "wagtail_payparts_paymentevent.message",
    }
    assert paid.events.exclude(message="").filter(message=STAFF_NOTE).exists()


def test_amounts_and_words_for_states_stay_of_what_the_bank_sent(paid: Payment) -> None:
    settle(paid)
    purge()
    answers = [event.payload for event in paid.events.filter(type=EventType.POLL)]
    assert {"orderId": paid.order_id, "paymentState": "SUCCESS", "amount": "800.00"}.items() <= answers[0].items()
    assert not answers[0].keys() & {"message", "info", "ownerName", "cardMask"}


def test_after_three_years_the_buyer_is_gone_from_the_whole_database(paid: Payment, order: Order) -> None:
    settle(paid, days=1100)
    age(order, days=1100)
    before = ledger_of(paid)
    assert purge().orders == 1
    assert places_of(*NAMES_THE_BUYER) == {"wagtail_payparts_payment.metadata"}
    assert ledger_of(paid) == before


def test_what_is_young_stays(paid: Payment, order: Order) -> None:
    settle(paid, days=29)
    age(order, days=1000)
    before = list(dump_database())
    assert purge() == retention.Purged()
    assert list(dump_database()) == before


@pytest.mark.parametrize(
    "open_",
    [
        {"state": "LOCKED"},
        {"state": "CLIENT_WAIT"},
        {"next_poll_at": timezone.now()},
        {"next_delivery_at": timezone.now()},
        {"attention": "late_success"},
        {"pending_action": "refund"},
        {"claim_state": "SUCCESS", "next_poll_at": timezone.now()},
    ],
    ids=lambda open_: next(iter(open_)),
)
def test_a_payment_that_may_move_or_waits_for_somebody_is_left_and_told_of(paid: Payment, open_: Any) -> None:
    settle(paid)
    Payment.objects.filter(pk=paid.pk).update(**open_)
    done = purge()
    assert (done.payments, done.left) == (0, 1)
    assert "wagtail_payparts_payment.receipt" in places_of(CARD_OWNER)


def test_a_period_begins_when_the_payment_is_settled_and_not_when_it_was_made(paid: Payment) -> None:
    settle(paid)
    Payment.objects.filter(pk=paid.pk).update(settled_at=timezone.now() - timedelta(days=29))
    assert purge() == retention.Purged()


def test_an_expired_payment_which_was_never_settled_is_old_by_its_expiry(db: None) -> None:
    expired = settle(make_payment(state="EXPIRED", bank_message=NAME))
    Payment.objects.filter(pk=expired.pk).update(settled_at=None)
    assert purge().payments == 1


def test_a_payment_with_an_uncertain_refund_is_left(paid: Payment) -> None:
    settle(paid)
    Refund.objects.create(payment=paid, amount=Decimal(1), state=RefundState.UNCERTAIN)
    assert purge().left == 1


def test_what_the_bank_says_after_an_erasure_goes_after_another_period(paid: Payment, bank: Simulator) -> None:
    settle(paid)
    purge()
    sync_payment(paid)
    assert places_of(CARD_OWNER)
    Payment.objects.filter(pk=paid.pk).update(next_poll_at=None)
    assert purge().payments == 0
    settle(Payment.objects.get(pk=paid.pk))
    assert purge().payments == 1
    assert places_of(CARD_OWNER) == set()


def test_a_repeated_old_callback_is_still_recognised(paid: Payment, bank: Simulator) -> None:
    settle(paid)
    purge()
    assert not ring(bank, paid).is_new
    callback = PaymentEvent.objects.get(type=EventType.CALLBACK, payment=paid)
    assert (callback.repeats, callback.message) == (1, "")


def test_decisions_of_staff_and_their_reasons_stay(paid: Payment, boss: Any) -> None:
    Payment.objects.filter(pk=paid.pk).update(attention="late_success")
    resolve_attention(paid, "late_success", accept=True, note="Є на складі", by=boss)
    settle(paid, days=2000)
    age(Order.objects.get(), days=2000)
    purge()
    decision = paid.events.get(type=EventType.RESOLVED)
    assert (decision.message, decision.user, decision.payload) == ("Є на складі", boss, {"code": "late_success"})


def test_rejected_callbacks_are_deleted_after_their_period(db: None) -> None:
    for days in (91, 89):
        event = PaymentEvent.objects.create(type=EventType.CALLBACK, verdict=Verdict.REJECTED, message=f"{days}")
        PaymentEvent.objects.filter(pk=event.pk).update(created_at=timezone.now() - timedelta(days=days))
    assert purge().rejected == 1
    assert [event.message for event in PaymentEvent.objects.all()] == ["89"]


def test_a_dismissed_callback_for_an_unknown_order_loses_its_words_and_an_open_one_keeps_them(boss: Any) -> None:
    for name in ("dismissed", "open"):
        event = PaymentEvent.objects.create(
            type=EventType.CALLBACK,
            verdict=Verdict.UNKNOWN_ORDER,
            order_id=name,
            state="SUCCESS",
            message=NAME,
            payload={"orderId": name, "message": NAME},
            fingerprint=name,
        )
        PaymentEvent.objects.filter(pk=event.pk).update(created_at=timezone.now() - timedelta(days=31))
    dismiss_callback(PaymentEvent.objects.get(order_id="dismissed"), note="Не наше", by=boss)
    assert purge().callbacks == 1
    dismissed = PaymentEvent.objects.get(order_id="dismissed", type=EventType.CALLBACK)
    assert (dismissed.message, dismissed.payload, dismissed.fingerprint) == ("", {"orderId": "dismissed"}, "dismissed")
    assert PaymentEvent.objects.get(order_id="open").message == NAME


def test_the_metadata_of_a_shop_goes_only_where_it_says_so(paid: Payment, settings: Any) -> None:
    settle(paid, days=400)
    assert purge().metadata == 0
    settings.PAYPARTS_RETENTION = {"metadata": timedelta(days=365)}
    assert purge().metadata == 1
    assert Payment.objects.get(pk=paid.pk).metadata == {}


def test_what_a_project_keeps_for_ever_is_kept(paid: Payment, order: Order, settings: Any) -> None:
    settle(paid, days=9000)
    age(order, days=9000)
    settings.PAYPARTS_RETENTION = dict.fromkeys(("bank_texts", "buyers", "rejected_callbacks"))
    assert purge() == retention.Purged()


def test_a_dry_run_counts_what_would_go_and_changes_nothing(paid: Payment, order: Order, settings: Any) -> None:
    settings.PAYPARTS_RETENTION = {"metadata": timedelta(days=1)}
    settle(paid, days=1100)
    age(order, days=1100)
    waiting = settle(make_payment(state="SUCCESS"))
    Payment.objects.filter(pk=waiting.pk).update(attention="late_success")
    event = PaymentEvent.objects.create(type=EventType.CALLBACK, verdict=Verdict.REJECTED)
    PaymentEvent.objects.filter(pk=event.pk).update(created_at=timezone.now() - timedelta(days=91))
    before = list(dump_database())
    would = purge(dry_run=True)
    assert list(dump_database()) == before
    assert would == retention.Purged(payments=1, orders=1, metadata=1, rejected=1, left=1)
    assert purge() == would


def test_a_purge_works_in_batches_that_do_not_grow_with_the_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    for _number in range(10):
        settle(make_payment(state="SUCCESS", bank_message=NAME))
    stuck = settle(make_payment(state="SUCCESS", bank_message=NAME), days=300)
    Payment.objects.filter(pk=stuck.pk).update(attention="late_success")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert purge().payments == 10
    locks = [query["sql"] for query in queries if "lock_version" in query["sql"] and query["sql"].startswith("UPDATE")]
    assert len(locks) == 4
    with CaptureQueriesContext(connection) as queries:
        assert purge().payments == 0
    assert len(queries) < 12


def test_a_buyer_is_erased_on_request_however_young_the_payment_is(paid: Payment, order: Order, person: Any) -> None:
    Payment.objects.filter(pk=paid.pk).update(next_delivery_at=None)
    somebody = person("resolve", "viewbuyer")
    before = ledger_of(paid)
    erased = erase_buyer(phone=PHONE, with_metadata=True, by=somebody)
    assert [found.pk for found in erased.orders] == [order.pk]
    assert places_of(*NAMES_THE_BUYER) == set()
    assert ledger_of(paid) == before
    entry = ModelLogEntry.objects.get(action=retention.BUYER_ERASED)
    assert (entry.object_id, entry.user_id) == (str(order.pk), somebody.pk)


@pytest.mark.parametrize(
    "whom",
    [{"email": EMAIL.lower()}, {"phone": PHONE}, {"number": "order"}, {"number": "payment"}],
    ids=["e-mail in other letters", "phone", "number of the order", "order id at the bank"],
)
def test_a_buyer_is_found_by(paid: Payment, order: Order, whom: dict[str, str]) -> None:
    Payment.objects.filter(pk=paid.pk).update(next_delivery_at=None)
    numbers = {"order": str(order.number), "payment": paid.order_id}
    other = make_order(buyer_name="Олег", buyer_phone="+380501112233", buyer_email="oleh@example.com")
    erase_buyer(**{by: numbers.get(value, value) for by, value in whom.items()})
    assert places_of(NAME, EMAIL) == {"wagtail_payparts_payment.metadata"}
    other.refresh_from_db()
    assert (other.buyer_name, other.erased_at) == ("Олег", None)


def test_a_buyer_of_a_shops_own_order_is_erased_by_its_reference(bank: Simulator) -> None:
    payment = start_payment(lines=LINES, parts_count=4, reference="WEB-77", metadata={"who": NAME})
    bank.pay(payment.order_id)
    sync_payment(payment)
    Payment.objects.filter(pk=payment.pk).update(next_delivery_at=None)
    assert places_of(CARD_OWNER)
    erase_buyer(number="WEB-77")
    assert places_of(CARD_OWNER) == set()
    assert Payment.objects.get(pk=payment.pk).metadata == {"who": NAME}


def test_an_order_with_an_open_payment_is_left_whole_and_said_to_be(order: Order, bank: Simulator) -> None:
    payment = start_payment(lines=LINES, parts_count=4, buyer_order=order)
    kept = make_order(buyer_phone=PHONE, buyer_name=NAME)
    erased = erase_buyer(phone=PHONE)
    assert [found.pk for found in erased.open] == [payment.pk]
    order.refresh_from_db()
    kept.refresh_from_db()
    assert (order.buyer_name, kept.buyer_name) == (NAME, "")
    # Once it has ended, a second call erases it too.
    bank.cancel(payment.order_id)
    sync_payment(payment)
    Payment.objects.filter(pk=payment.pk).update(next_delivery_at=None)
    assert erase_buyer(phone=PHONE).open == ()
    assert places_of(NAME) == set()


def test_of_an_order_with_an_open_payment_nothing_is_erased_not_even_of_its_paid_one(
    paid: Payment, order: Order, bank: Simulator
) -> None:
    Payment.objects.filter(pk=paid.pk).update(next_delivery_at=None)
    start_payment(lines=LINES, parts_count=4, buyer_order=order)
    before = places_of(*NAMES_THE_BUYER)
    erase_buyer(phone=PHONE, with_metadata=True)
    assert places_of(*NAMES_THE_BUYER) == before


def test_what_the_bank_says_later_of_an_erased_buyer_goes_with_the_next_purge(
    paid: Payment, bank: Simulator, settings: Any
) -> None:
    settings.PAYPARTS_RETENTION = {"bank_texts": None}
    Payment.objects.filter(pk=paid.pk).update(next_delivery_at=None)
    erase_buyer(phone=PHONE)
    sync_payment(paid)
    assert places_of(CARD_OWNER)
    assert purge().payments == 0
    Payment.objects.filter(pk=paid.pk).update(next_poll_at=None)
    assert purge().payments == 1
    assert places_of(CARD_OWNER) == set()


@pytest.mark.parametrize("lacks", ["resolve", "viewbuyer"])
def test_nobody_erases_a_buyer_without_the_permissions(order: Order, person: Any, lacks: str) -> None:
    somebody = person(*({"resolve", "viewbuyer", "ask"} - {lacks}))
    with pytest.raises(NotAllowed):
        erase_buyer(phone=PHONE, by=somebody)
    assert places_of(NAME)


@pytest.mark.parametrize("whom", [{}, {"email": ""}, {"email": EMAIL, "phone": PHONE}])
def test_a_buyer_is_named_in_exactly_one_way(order: Order, whom: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="exactly one"):
        erase_buyer(**whom)
    assert places_of(NAME)


def test_the_log_of_an_erasure_does_not_say_whose(order: Order, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    erase_buyer(phone=PHONE)
    assert "erased a buyer: 1 orders" in caplog.text
    assert PHONE not in caplog.text
    assert NAME not in caplog.text


def test_a_note_of_the_poller_is_no_note_of_staff(paid: Payment) -> None:
    PaymentEvent.objects.create(
        payment=paid, type=EventType.NOTE, source=Source.POLL, message="no amount", payload={"note": "no_amount"}
    )
    Payment.objects.filter(pk=paid.pk).update(next_delivery_at=None)
    erase_buyer(phone=PHONE)
    assert paid.events.filter(message="no amount").exists()

"""What names people goes by itself when it is old enough. The ledger stays to the kopeck."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.factories import make_payment
from tests.naming import (
    CARD_OWNER,
    NAME,
    NAMES_THE_BUYER,
    STAFF_NOTE,
    age,
    ledger_of,
    named_order,
    named_payment,
    places_of,
    ring,
    settle,
)
from tests.secrets_search import dump_database
from wagtail_payparts.bank import parse_callback
from wagtail_payparts.models import EventType, Order, Payment, PaymentEvent, Refund, RefundState, Verdict
from wagtail_payparts.services import purge, retention, sync_payment
from wagtail_payparts.services.callbacks import receive
from wagtail_payparts.services.desk import dismiss_callback, resolve_attention
from wagtail_payparts.simulator import Simulator


pytestmark = pytest.mark.django_db


@pytest.fixture
def order() -> Order:
    return named_order()


@pytest.fixture
def paid(bank: Simulator, order: Order, boss: Any) -> Payment:
    return named_payment(bank, order, boss)


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


def test_what_a_late_callback_says_after_an_erasure_goes_too(paid: Payment, bank: Simulator) -> None:
    settle(paid)
    purge()
    receive(parse_callback(bank.callback_body(paid.order_id, message=f"Ще раз: {NAME}")))
    sync_payment(paid)
    settle(Payment.objects.get(pk=paid.pk))
    assert purge().payments == 1
    assert "wagtail_payparts_paymentevent.payload" not in places_of(NAME)
    assert "wagtail_payparts_paymentevent.message" not in places_of(NAME)


def test_which_password_signed_a_callback_is_remembered_after_an_erasure(
    paid: Payment, bank: Simulator, settings: Any
) -> None:
    store = {"STORE_ID": settings.PAYPARTS_API_STORE_ID, "PASSWORD": "new", "PREVIOUS_PASSWORD": bank.password}
    settings.PAYPARTS_STORES = {"default": store}
    receive(parse_callback(bank.callback_body(paid.order_id, message=f"Ще раз: {NAME}")))
    settings.PAYPARTS_STORES = {}
    sync_payment(paid)
    settle(paid)
    purge()
    assert paid.events.filter(type=EventType.CALLBACK, payload__signed_with="previous").count() == 1


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

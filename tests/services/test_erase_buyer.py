"""A buyer who asks for it is erased at once, from everything that has ended. The ledger stays to the kopeck."""

from __future__ import annotations

from typing import Any

import pytest
from wagtail.models import ModelLogEntry

from tests.factories import make_order
from tests.naming import (
    CARD_OWNER,
    EMAIL,
    LINES,
    NAME,
    NAMES_THE_BUYER,
    PHONE,
    ledger_of,
    named_order,
    named_payment,
    places_of,
)
from wagtail_payparts.exceptions import NotAllowed
from wagtail_payparts.models import EventType, Order, Payment, PaymentEvent, Source
from wagtail_payparts.services import erase_buyer, purge, retention, start_payment, sync_payment
from wagtail_payparts.simulator import Simulator


pytestmark = pytest.mark.django_db


@pytest.fixture
def order() -> Order:
    return named_order()


@pytest.fixture
def paid(bank: Simulator, order: Order, boss: Any) -> Payment:
    return named_payment(bank, order, boss)


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

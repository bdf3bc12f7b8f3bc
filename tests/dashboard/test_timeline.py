"""Everything that happened to a payment, in the words of whoever reads it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from tests.dashboard.conftest import PAYMENTS
from tests.dashboard.reading import soup_of, words
from tests.dashboard.test_payment_page import happened, page
from tests.factories import make_payment
from wagtail_payparts import signals
from wagtail_payparts.dashboard.announcements import receiver_label, signal_label
from wagtail_payparts.dashboard.timeline import MAX_EVENTS
from wagtail_payparts.exceptions import BankError
from wagtail_payparts.models import (
    EventType,
    Payment,
    PaymentEvent,
    ReceiverResult,
    SignalDelivery,
    Verdict,
)
from wagtail_payparts.services import start_payment, sync_payment
from wagtail_payparts.services.desk import add_note, deliver_again, resolve_attention
from wagtail_payparts.simulator import Simulator


pytestmark = pytest.mark.django_db


def entries(client: Client, payment: Payment, query: str = "") -> list[str]:
    soup = soup_of(client.get(f"{PAYMENTS}{payment.pk}/{query}"))
    return [words(entry) for entry in soup.select(".payparts-timeline > li")]


def test_the_timeline_runs_from_the_oldest_to_the_newest(viewer: Client) -> None:
    payment = make_payment(state="SUCCESS")
    user = get_user_model().objects.create_user("olha", first_name="Ольга", last_name="Коваль")
    happened(payment, type=EventType.PAYMENT_CREATE, source="checkout", state="CREATED", http_status=200)
    happened(payment, verdict=Verdict.UNREACHABLE, message="no answer", repeats=14, duration_ms=3000, trace_id="abc")
    happened(payment, source="staff", user=user, state="SUCCESS")
    happened(payment, type=EventType.ATTENTION, verdict="", message="late_success")
    first, second, third, fourth = (words(entry) for entry in page(viewer, payment).select(".payparts-timeline > li"))
    assert first.startswith("Creation of payment Created Applied")
    assert "HTTP 200" in first
    assert "No answer" in second
    assert "and 14 times more" in second
    assert "3000 ms" in second
    assert "Trace-Id: abc" in second
    assert "Ольга Коваль" in third
    assert fourth.startswith("Paid after it had ended")


def test_what_was_begun_with_the_money_is_named_and_is_not_called_the_banks(viewer: Client, accountant: Client) -> None:
    payment = make_payment(state="SUCCESS")
    begun = {"refund": 1, "amount": "1250.50", "state": "sent"}
    happened(payment, type=EventType.ACTION, verdict="", source="staff", payload={"action": "cancel"})
    happened(payment, type=EventType.REFUND, verdict="", source="staff", payload=begun, message="подряпано")
    happened(payment, type=EventType.REFUND, verdict=Verdict.REFUSED, source="staff", payload={"state": "FAIL"})
    cancelled, refunded, answered = entries(accountant, payment)
    assert cancelled.startswith("Action at the bank Cancelling the hold")
    assert refunded.startswith("Refund UAH 1,250.50 · Sent to the bank")
    assert ["What the bank sent" in each for each in (cancelled, refunded, answered)] == [False, False, True]
    assert "UAH 1,250.50" in entries(viewer, payment)[1]


@pytest.mark.parametrize("payload", [{}, {"amount": "much", "state": "gone"}, {"action": ["cancel"], "state": {}}])
@pytest.mark.parametrize("kind", [EventType.ACTION, EventType.REFUND])
def test_what_another_version_has_begun_stands_without_its_subject(
    viewer: Client, kind: str, payload: dict[str, Any]
) -> None:
    payment = make_payment(state="SUCCESS")
    happened(payment, type=kind, verdict="", source="staff", payload=payload)
    assert len(entries(viewer, payment)) == 1


def test_deliveries_stand_with_their_event(viewer: Client, accountant: Client) -> None:
    payment = make_payment(state="SUCCESS")
    event = happened(payment, state="SUCCESS")
    now = timezone.now()
    SignalDelivery.objects.create(payment=payment, event=event, signal="payment_state_changed", done_at=now)
    SignalDelivery.objects.create(payment=payment, event=event, signal="payment_locked")
    delivery = SignalDelivery.objects.create(payment=payment, event=event, signal="payment_succeeded")
    results = {
        "shop.good": {"delivered_at": now, "attempts": 1},
        "shop.slow": {"next_attempt_at": now, "attempts": 3, "last_error": "ValueError: <b>склад</b>"},
        "shop.dead": {"given_up_at": now, "attempts": 12, "last_error": "KeyError: 1"},
    }
    for receiver, fields in results.items():
        ReceiverResult.objects.create(delivery=delivery, receiver=receiver, **fields)
    signals = [words(item) for item in page(accountant, payment).select(".payparts-signals > li")]
    assert signals[0] == "Signal “The state has changed” payment_state_changed nobody listens to it"
    assert signals[1] == "Signal “On hold” payment_locked about to be delivered"
    assert re.search(r"shop\.good : delivered", signals[2])
    assert re.search(r"shop\.slow : failed; again .* attempts: 3 ValueError: <b>склад</b>", signals[2])
    assert re.search(r"shop\.dead : given up .* attempts: 12 KeyError: 1", signals[2])
    # A receiver's words are the project's, and may name the buyer.
    seen = words(page(viewer, payment).select(".payparts-signals > li")[2])
    assert re.search(r"shop\.slow : failed; again .* attempts: 3 ValueError → shop\.dead : .* KeyError$", seen)
    assert "склад" not in seen


# What went wrong with the bank


@pytest.mark.parametrize(
    ("fault", "in_words", "technical"),
    [
        ("http_500", "The bank has a fault of its own (HTTP 500).", "cannot be read"),
        ("html", "The answer cannot be read.", "the reply cannot be read"),
        ("forged", "The answer is not signed with the store's password", "the signature is not the bank's"),
        ("other_order", "The answer is about another order", "the reply is about another order"),
        ("empty_state", "The answer does not say how the payment stands.", "does not say the payment's state"),
        ("unreachable", "No connection with the bank could be made.", "ConnectionError"),
    ],
)
def test_what_went_wrong_is_told_in_words_and_unfolds_as_it_was_noted(
    viewer: Client, created: Payment, bank: Simulator, fault: str, in_words: str, technical: str
) -> None:
    bank.fault(fault, endpoint="state")
    sync_payment(created)
    last = page(viewer, created).select(".payparts-timeline > li")[-1]
    assert in_words in words(last.select_one(".payparts-prose"))
    assert technical in words(last.select_one("details pre"))
    last.details.decompose()
    assert technical not in words(last)


def test_a_bank_that_does_not_answer_in_time_is_told(viewer: Client, created: Payment, bank: Simulator) -> None:
    bank.fault("timeout_before", endpoint="state", seconds=1)
    sync_payment(created, timeout=(0.5, 0.1))
    assert "The bank did not answer in time." in entries(viewer, created)[-1]


def test_a_create_that_failed_is_told_in_words_too(viewer: Client, bank: Simulator) -> None:
    bank.fault("http_500", endpoint="create")
    with pytest.raises(BankError):
        start_payment(lines=[{"name": "Чайник", "count": 1, "price": "400.00"}], parts_count=2)
    assert "The bank has a fault of its own (HTTP 500)." in entries(viewer, Payment.objects.get())[0]


@pytest.mark.parametrize(
    ("fields", "in_words"),
    [
        ({"verdict": "unreachable", "message": "no reply from the bank: ReadTimeout"}, "did not answer in time"),
        ({"verdict": "unreachable", "message": "no reply from the bank: SSLError"}, "No secure connection"),
        ({"verdict": "unreachable", "message": "no reply from the bank: ProxyError"}, "The proxy"),
        ({"verdict": "unreachable", "message": "something else"}, "The bank did not answer."),
        ({"verdict": "bad_answer", "message": "x", "http_status": 404}, "does not take our question (HTTP 404)"),
        ({"verdict": "bad_answer", "message": "the bank redirects elsewhere", "http_status": 302}, "leads elsewhere"),
        ({"verdict": "bad_answer", "message": "more than the bank ever sends"}, "longer than the bank's ever are"),
        ({"verdict": "bad_answer", "message": "of another version"}, "is not what the bank sends"),
        ({"verdict": "refused", "message": "refused without a reason"}, "The bank gave no reason."),
        ({"verdict": "unknown_order", "message": "refused without a reason"}, "The bank gave no reason."),
    ],
)
def test_what_our_client_notes_in_english_is_told_in_words(
    viewer: Client, fields: dict[str, Any], in_words: str
) -> None:
    payment = make_payment()
    happened(payment, **fields)
    (entry,) = page(viewer, payment).select(".payparts-timeline > li")
    assert in_words in words(entry.select_one(".payparts-prose"))
    assert words(entry.select_one("details pre")) == fields["message"]


@pytest.mark.parametrize("verdict", ["refused", "unknown_order", "applied", "duplicate"])
def test_the_bank_s_own_words_stay_as_they_are(viewer: Client, verdict: str) -> None:
    payment = make_payment()
    happened(payment, verdict=verdict, message="Недостатній ліміт", state="FAIL")
    (entry,) = page(viewer, payment).select(".payparts-timeline > li")
    assert words(entry.select_one(".payparts-prose")) == "Недостатній ліміт"
    assert not entry.select("details")


def test_a_missing_amount_is_told_in_the_reader_s_language(viewer: Client, created: Payment, bank: Simulator) -> None:
    bank.pay(created.order_id)
    bank.fault("amount_absent", endpoint="state")
    sync_payment(created)
    PaymentEvent.objects.filter(type=EventType.NOTE).update(message="Відповідь без суми")
    told = " ".join(entries(viewer, created))
    assert "The bank's answer named no amount, so it could not be compared with ours." in told
    assert "Відповідь без суми" not in told


# What staff did


def test_what_staff_did_is_told_with_who_and_why(viewer: Client) -> None:
    olha = get_user_model().objects.create_superuser("olha", first_name="Ольга")
    payment = make_payment(state="SUCCESS", attention="late_success claim_overdue")
    event = happened(payment)
    delivery = SignalDelivery.objects.create(payment=payment, event=event, signal="payment_succeeded")
    ReceiverResult.objects.create(delivery=delivery, receiver="shop", attempts=12, given_up_at=timezone.now())
    add_note(payment, "Дзвонили <b>покупцеві</b>", by=olha)
    resolve_attention(payment, "late_success", accept=True, note="Товар є", by=olha)
    resolve_attention(payment, "claim_overdue", accept=False, note="Не страшно", by=olha)
    deliver_again(payment, by=olha)
    _poll, note, accepted, dismissed, again = entries(viewer, payment)
    assert re.fullmatch(r"Note .* · Ольга Дзвонили <b>покупцеві</b>", note)
    assert re.fullmatch(r"Decided by staff Paid after it had ended Accepted .* · Ольга Товар є", accepted)
    assert re.fullmatch(
        r"Decided by staff The bank does not confirm its own callback Dismissed .* · Ольга Не страшно", dismissed
    )
    assert re.fullmatch(r"Signals are delivered again .* · Ольга", again)


def test_a_refund_that_was_accepted_stands_with_the_decision(viewer: Client) -> None:
    olha = get_user_model().objects.create_superuser("olha")
    payment = make_payment(state="SUCCESS", attention="negative_after_success")
    resolve_attention(payment, "negative_after_success", accept=True, note="Так", by=olha)
    (decided,) = entries(viewer, payment)
    assert "Signal “Refunded”" in decided


# Signals


def test_every_signal_and_every_receiver_of_ours_has_words() -> None:
    for name, signal in signals.MONEY_SIGNALS.items():
        assert signal_label(name) != name
        for receiver in signal.connected(Payment):
            if receiver.name.startswith("wagtail_payparts."):
                assert receiver_label(receiver.name) != receiver.name
    assert signal_label("payment_teleported") == "payment_teleported"
    assert receiver_label("shop.\u202eship") == "shop.ship"


def test_a_signal_says_what_it_was_about(viewer: Client) -> None:
    payment = make_payment()
    event = happened(payment)
    for signal, arguments in (
        ("payment_state_changed", {"old_state": "CREATED", "new_state": "SUCCESS"}),
        ("payment_state_changed", {"old_state": "CREATED", "new_state": "TELEPORTED\u202e"}),
        ("payment_needs_attention", {"code": "late_success"}),
        ("payment_teleported", {"where": "to"}),
    ):
        SignalDelivery.objects.create(payment=payment, event=event, signal=signal, arguments=arguments)
    told = entries(viewer, payment)[0]
    assert "Signal “The state has changed” Created → Paid payment_state_changed" in told
    assert "Created → TELEPORTED payment_state_changed" in told
    assert "Signal “Needs attention” Paid after it had ended payment_needs_attention" in told
    assert "Signal “payment_teleported” about to be delivered" in told


def test_a_receiver_that_is_gone_is_said_to_be(viewer: Client) -> None:
    payment = make_payment()
    delivery = SignalDelivery.objects.create(
        payment=payment, event=happened(payment), signal="payment_succeeded", done_at=timezone.now()
    )
    ReceiverResult.objects.create(delivery=delivery, receiver="shop.gone", attempts=0)
    assert "shop.gone : this receiver is no longer there" in entries(viewer, payment)[0]


# Long lives and other versions


def test_a_very_long_life_is_read_page_by_page(viewer: Client, django_assert_max_num_queries: Any) -> None:
    payment = make_payment()
    PaymentEvent.objects.bulk_create(
        PaymentEvent(payment=payment, type=EventType.POLL, message=f"event {n}.") for n in range(10_000)
    )
    viewer.get(f"{PAYMENTS}{payment.pk}/")
    with django_assert_max_num_queries(13):
        soup = soup_of(viewer.get(f"{PAYMENTS}{payment.pk}/"))
    assert "There are older events." in words(soup)
    seen = 0
    query = ""
    for _page in range(3):
        here = entries(viewer, payment, query)
        assert len(here) == MAX_EVENTS
        seen += MAX_EVENTS
        assert f"event {10_000 - seen}." in here[0]
        soup = soup_of(viewer.get(f"{PAYMENTS}{payment.pk}/{query}"))
        older = soup.select_one('#timeline-section a[href^="?before"]')
        assert older is not None
        query = str(older["href"]).partition("#")[0]


def test_the_oldest_page_leads_back_to_the_newest(viewer: Client) -> None:
    payment = make_payment()
    first, second = happened(payment), happened(payment)
    soup = soup_of(viewer.get(f"{PAYMENTS}{payment.pk}/?before={second.pk}"))
    assert len(soup.select(".payparts-timeline > li")) == 1
    assert "There are older events" not in words(soup)
    assert soup.select_one('#timeline-section a[href="?#timeline-section"]')
    soup = soup_of(viewer.get(f"{PAYMENTS}{payment.pk}/?before={first.pk}"))
    assert words(soup.select_one(".payparts-timeline")) == "Nothing yet."


@pytest.mark.parametrize("before", ["", "x", "-1", "1.5", "9" * 18, "9" * 40, "²", "\0", "1 or 1=1"])
def test_nonsense_in_the_address_shows_the_newest(viewer: Client, before: str) -> None:
    payment = make_payment()
    happened(payment, message="one")
    soup = soup_of(viewer.get(f"{PAYMENTS}{payment.pk}/", {"before": before}))
    assert "one" in words(soup.select_one(".payparts-timeline"))


def test_an_event_of_another_version_is_readable(viewer: Client) -> None:
    payment = make_payment(attention="of_another_version")
    happened(payment, type="teleported", verdict="sideways", source="moon", state="BEAMED", message="hello\u202e")
    happened(payment, type=EventType.ATTENTION, verdict="", message="of_another_version")
    happened(payment, type=EventType.RESOLVED, verdict="postponed", source="staff", payload={})
    first, second, third = entries(viewer, payment)
    for said in ("teleported", "BEAMED", "sideways", "moon", "hello"):
        assert said in first or said == "hello"
    assert second.startswith("of_another_version")
    assert third.startswith("Decided by staff postponed")


def test_a_name_that_turns_the_text_around_does_not(viewer: Client) -> None:
    user = get_user_model().objects.create_user("olha", first_name="Ольга\u202e<b>")
    payment = make_payment()
    happened(payment, type=EventType.NOTE, source="staff", user=user, message="\u2067так\u202e")
    content = viewer.get(f"{PAYMENTS}{payment.pk}/").content.decode()
    assert not re.search("[\u202e\u2067]", content)
    assert "Ольга&lt;b&gt;" in content


def test_in_another_language_nothing_of_ours_stays_english_that_is_translated(viewer: Client) -> None:
    """The words are chosen when the page is read, and not when the event is written."""
    payment = make_payment()
    happened(payment, verdict=Verdict.UNREACHABLE, message="no reply from the bank: ReadTimeout")
    soup = soup_of(viewer.get(f"{PAYMENTS}{payment.pk}/", headers={"accept-language": "uk"}))
    entry = soup.select_one(".payparts-timeline > li")
    assert entry is not None
    entry.details.decompose()  # type: ignore[union-attr]
    assert "ReadTimeout" not in words(entry)

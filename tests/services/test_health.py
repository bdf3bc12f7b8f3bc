"""What is known of callbacks, the poller and deliveries, and what it is taken to mean."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.factories import make_payment
from tests.wellbeing import (
    a_shop_in_health,
    a_shop_in_trouble,
    beaten,
    called,
    ended,
    event,
    minutes_ago,
    not_taken,
    rejected,
)
from wagtail_payparts.models import PaymentEvent, Source, Verdict
from wagtail_payparts.services import start_payment, sync_payment
from wagtail_payparts.services.diagnosis import Finding, Level, ago, diagnose
from wagtail_payparts.services.health import Decided, StoreHealth, examine
from wagtail_payparts.simulator import Simulator


pytestmark = pytest.mark.django_db

WEEK = 7 * 24 * 60


def found(code: str) -> Finding:
    """The one finding of that kind."""
    (finding,) = [finding for finding in diagnose(examine()) if finding.code == code]
    return finding


def codes(*, trouble: bool = True) -> set[str]:
    return {finding.code for finding in diagnose(examine()) if finding.level.is_trouble or not trouble}


def store(alias: str = "default") -> StoreHealth:
    (named,) = [store for store in examine().stores if store.alias == alias]
    return named


@pytest.fixture
def two_stores(settings: Any) -> None:
    settings.PAYPARTS_STORES = {
        "default": {"STORE_ID": settings.PAYPARTS_API_STORE_ID, "PASSWORD": "one"},
        "outlet": {"STORE_ID": "OUTLET-ID", "PASSWORD": "two"},
    }


def test_a_fresh_installation_is_told_nothing_bad() -> None:
    findings = diagnose(examine())
    assert {finding.level for finding in findings} == {Level.INFO}
    assert {finding.code for finding in findings} == {"callbacks_unknown", "decided", "poller"}


def test_a_shop_in_health_is_told_that_all_is_well() -> None:
    a_shop_in_health()
    assert {finding.level for finding in diagnose(examine())} == {Level.OK}


def test_each_trouble_has_its_verdict_and_says_what_to_do() -> None:
    a_shop_in_trouble()
    bad = [finding for finding in diagnose(examine()) if finding.level.is_trouble]
    assert {finding.code for finding in bad} == {
        "callbacks_missing",
        "wrong_signature",
        "strangers",
        "unknown_orders",
        "poller",
        "overdue",
        "deliveries",
        "no_amount",
        "attention",
    }
    assert all(finding.advice for finding in bad)


@pytest.mark.usefixtures("two_stores")
def test_of_each_store_the_last_valid_and_the_last_rejected_callback_are_known() -> None:
    for minutes in (30, 10, 20):
        called(minutes=minutes)
        rejected(minutes=minutes + 1)
        called(store_id="OUTLET-ID", minutes=minutes + 100)
    ours, outlet = store(), store("outlet")
    assert round((timezone.now() - ours.last_valid).total_seconds() / 60) == 20  # type: ignore[operator]
    assert ours.last_rejected is not None
    assert ours.rejected == 3
    assert outlet.last_valid is not None
    assert (outlet.last_rejected, outlet.rejected) == (None, 0)


@pytest.mark.parametrize("verdict", [Verdict.RECEIVED, Verdict.CONFLICT, Verdict.UNKNOWN_ORDER, Verdict.DISMISSED])
def test_a_signed_callback_is_valid_whatever_became_of_it(verdict: str) -> None:
    called(verdict=verdict)
    assert store().last_valid is not None


@pytest.mark.usefixtures("two_stores")
def test_rejected_callbacks_that_name_no_store_of_ours_stand_in_a_row_of_their_own() -> None:
    rejected("unknown_store", store_id="NOT-OURS", minutes=5)
    rejected("not_json", store_id="", minutes=3)
    rejected("not_json", store_id="", minutes=WEEK + 5)
    health = examine()
    assert health.strangers == 2
    assert health.last_stranger is not None
    assert [store.rejected for store in health.stores] == [0, 0]
    assert [store.last_rejected for store in health.stores] == [None, None]


def test_a_store_without_an_id_is_not_taken_for_those_that_could_not_be_read(settings: Any) -> None:
    settings.PAYPARTS_API_STORE_ID = ""
    rejected("not_json", store_id="")
    health = examine()
    assert health.strangers == 1
    assert (health.stores[0].last_rejected, health.stores[0].is_usable) == (None, False)


@pytest.mark.usefixtures("two_stores")
def test_payments_are_counted_by_what_told_us_of_their_end_for_each_store() -> None:
    for by in (Source.CALLBACK, Source.CALLBACK, Source.POLL, Source.STAFF):
        ended(by)
    ended(Source.POLL, store="outlet", state="FAIL")
    assert store().decided == Decided(by_callback=2, by_asking=2, expected=2)
    assert store("outlet").decided == Decided(by_callback=0, by_asking=1, expected=1)
    assert examine().decided == Decided(by_callback=2, by_asking=3, expected=3)


def test_what_says_nothing_of_callbacks_is_not_counted() -> None:
    ended(is_test=True)
    ended(Source.CHECKOUT, state="FAIL")
    ended(state="EXPIRED")
    ended(minutes=WEEK + 1)
    make_payment(state="CLIENT_WAIT")
    assert examine().decided == Decided()


def test_callbacks_that_do_not_arrive_are_a_problem_and_the_address_is_named(settings: Any) -> None:
    settings.PAYPARTS_BASE_URL = "https://staff:password@shop.example.com"
    for _number in range(3):
        ended()
    missing = found("callbacks_missing")
    assert missing.level is Level.FAIL
    assert "https://shop.example.com/pay-parts/callback/" in missing.advice
    assert "password" not in missing.advice.replace("without a login", "")


def test_without_a_setting_the_address_is_that_of_the_site() -> None:
    assert examine().callback_url == "http://localhost/pay-parts/callback/"


def test_two_payments_are_too_few_to_tell() -> None:
    ended()
    ended()
    assert found("callbacks_unknown").level is Level.INFO


def test_one_callback_is_proof_that_they_arrive() -> None:
    for by in (Source.POLL, Source.POLL, Source.POLL, Source.CALLBACK):
        ended(by)
    assert "callbacks_missing" not in codes()


def test_callbacks_that_come_after_the_buyer_has_come_back_are_not_missing() -> None:
    for _number in range(3):
        ended()
    called(verdict=Verdict.DUPLICATE)
    assert found("callbacks").level is Level.OK


def test_callbacks_that_ceased_a_week_ago_are_missing() -> None:
    called(minutes=WEEK + 1)
    for _number in range(3):
        ended()
    assert "callbacks_missing" in codes()


def test_of_what_was_long_given_up_the_bank_need_not_tell() -> None:
    for _number in range(3):
        ended(state="CANCELED", lasted=25 * 60)
    assert "callbacks_missing" not in codes()


@pytest.mark.usefixtures("two_stores")
def test_one_store_whose_callbacks_arrive_does_not_hide_another_whose_do_not() -> None:
    called()
    for _number in range(3):
        ended(store="outlet")
    assert "outlet" in found("callbacks_missing").text
    assert "default" in found("callbacks").text


def test_a_store_that_is_not_set_up_is_a_problem_once_there_are_payments(settings: Any) -> None:
    settings.PAYPARTS_API_PASSWORD = ""
    assert found("store_unusable").level is Level.INFO
    make_payment()
    assert found("store_unusable").level is Level.FAIL


def test_payments_of_a_store_that_the_settings_no_longer_name_are_a_problem() -> None:
    ended(store="closed")
    assert "closed" in found("store_forgotten").text
    assert found("store_forgotten").level is Level.FAIL


def test_a_wrong_signature_makes_one_compare_passwords_unless_a_right_one_came_since() -> None:
    rejected(minutes=10, payload={"reason": "wrong_signature", "signature": {"kind": "well_formed"}})
    wrong = found("wrong_signature")
    assert wrong.level is Level.WARN
    assert "password in the settings" in wrong.advice
    called(minutes=5)
    assert "the password is right" in found("wrong_signature").advice


def test_a_wrong_signature_of_last_month_is_no_news() -> None:
    rejected(minutes=WEEK + 1)
    assert "wrong_signature" not in codes()


def test_strangers_at_the_door_are_a_warning_only_where_no_callback_gets_in() -> None:
    rejected("not_json", store_id="")
    assert found("strangers").level is Level.INFO
    make_payment()
    assert found("strangers").level is Level.WARN
    called()
    assert found("strangers").level is Level.INFO


@pytest.mark.usefixtures("two_stores")
def test_a_signed_callback_for_an_order_of_another_store_is_recognised() -> None:
    make_payment(order_id="OF-OUTLET", store="outlet")
    called(verdict=Verdict.UNKNOWN_ORDER, order_id="OF-OUTLET")
    called(verdict=Verdict.UNKNOWN_ORDER, order_id="OF-NOBODY")
    called(verdict=Verdict.DISMISSED, order_id="PUT-ASIDE")
    assert [(callback.order_id, callback.alias, callback.other_store) for callback in examine().unknown] == [
        ("OF-NOBODY", "default", ""),
        ("OF-OUTLET", "default", "outlet"),
    ]
    assert found("unknown_orders").level is Level.WARN


@pytest.mark.parametrize(
    ("minutes", "level"),
    [(0, Level.OK), (9, Level.OK), (11, Level.WARN), (59, Level.WARN), (61, Level.FAIL), (-5, Level.OK)],
)
def test_the_poller_is_judged_by_its_last_sign_of_life(minutes: float, level: Level) -> None:
    beaten(minutes)
    assert found("poller").level is level


def test_a_poller_that_never_ran_is_a_problem_once_there_are_payments() -> None:
    make_payment()
    assert found("poller").level is Level.FAIL


def test_a_question_that_is_long_overdue_is_told_of() -> None:
    make_payment(next_poll_at=minutes_ago(9))
    make_payment(next_poll_at=timezone.now() + timedelta(hours=1))
    assert "overdue" not in codes()
    make_payment(next_poll_at=minutes_ago(180))
    make_payment(next_poll_at=minutes_ago(60))
    overdue = found("overdue")
    assert overdue.text.startswith("2 payments")
    assert "3 hours ago" in overdue.text


def test_receivers_that_fail_or_were_given_up_are_named_and_those_that_took_it_are_not() -> None:
    payment = make_payment()
    not_taken(payment, receiver="shop.took_it", delivered_at=timezone.now())
    not_taken(payment, receiver="shop.not_asked_yet", attempts=0)
    assert "deliveries" not in codes()
    not_taken(payment, receiver="shop.fails")
    not_taken(payment, receiver="shop.given_up", next_attempt_at=None, given_up_at=timezone.now())
    assert [failure.receiver for failure in examine().failing] == ["shop.given_up", "shop.fails"]
    assert examine().failing[0].payment_id == payment.pk
    assert "shop.given_up, shop.fails" in found("deliveries").text


def test_no_more_failing_deliveries_are_gathered_than_can_be_read() -> None:
    payment = make_payment()
    for number in range(21):
        not_taken(payment, receiver=f"shop.{number}")
    health = examine()
    assert (len(health.failing), health.failing_count.count, health.failing_count.is_more) == (20, 20, True)
    assert found("deliveries").text.startswith("20+ signals")


def test_a_bank_that_names_no_amount_is_told_of(bank: Simulator) -> None:
    payment = start_payment(
        lines=[{"name": "Чайник", "count": 1, "price": "800.00"}], parts_count=4, redirect_url="https://shop.example/"
    )
    bank.pay(payment.order_id)
    bank.fault("amount_absent", endpoint="state")
    assert sync_payment(payment).state == "SUCCESS"
    assert found("no_amount").level is Level.WARN
    PaymentEvent.objects.update(created_at=timezone.now() - timedelta(days=31))
    assert "no_amount" not in codes()


def test_a_note_of_staff_is_not_taken_for_it() -> None:
    event(type="note", source=Source.STAFF, payment=make_payment(), message="rang the buyer")
    assert "no_amount" not in codes()


def test_what_waits_for_a_person_is_counted_by_code() -> None:
    make_payment(attention="late_success double_payment")
    make_payment(attention="late_success")
    waiting = found("attention")
    assert waiting.text.startswith("2 payments")
    assert waiting.advice == "Paid after it had ended: 2; The order was paid twice: 1"


def test_an_attention_of_another_version_is_counted_under_its_code() -> None:
    make_payment(attention="of_the_future")
    assert found("attention").advice == "of_the_future: 1"


def test_the_number_of_queries_does_not_grow_with_stores_or_trouble(settings: Any) -> None:
    settings.PAYPARTS_BASE_URL = "https://shop.example.com"
    stores = {f"store{n}": {"STORE_ID": f"ID-{n}", "PASSWORD": "x"} for n in range(9)}
    with CaptureQueriesContext(connection) as fresh:
        examine()
    settings.PAYPARTS_STORES = {"default": {"STORE_ID": settings.PAYPARTS_API_STORE_ID, "PASSWORD": "x"}} | stores
    a_shop_in_trouble()
    with CaptureQueriesContext(connection) as troubled:
        examine()
    assert len(fresh) == len(troubled) == 11


def test_nothing_is_written() -> None:
    a_shop_in_trouble()
    with CaptureQueriesContext(connection) as queries:
        diagnose(examine())
    assert all(query["sql"].startswith("SELECT") for query in queries.captured_queries)


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (-3, "just now"),
        (0.5, "just now"),
        (1, "1 minute ago"),
        (119, "119 minutes ago"),
        (120, "2 hours ago"),
        (47 * 60, "47 hours ago"),
        (48 * 60, "2 days ago"),
    ],
)
def test_how_long_ago_is_said_by_the_largest_unit_that_fits(minutes: float, words: str) -> None:
    now = timezone.now()
    assert ago(now - timedelta(minutes=minutes), now) == words

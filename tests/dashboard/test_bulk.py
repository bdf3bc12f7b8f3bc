"""Bulk actions on payments: what they show, do and say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from wagtail import hooks
from wagtail.models import ModelLogEntry

from tests.dashboard.choosing import ASK, DECISION, EXPORT, PERMISSIONS, RESOLVE, chosen, entries, post, said
from tests.dashboard.conftest import PAYMENTS
from tests.dashboard.reading import soup_of, words
from tests.factories import make_payment
from wagtail_payparts.models import EventType, Payment, Refund
from wagtail_payparts.services.desk import resolve_attention
from wagtail_payparts.services.sync import beat
from wagtail_payparts.simulator import Simulator


pytestmark = pytest.mark.django_db


@pytest.fixture
def cashier(staff: Callable[..., Client]) -> Client:
    return staff("view_payment", "ask_payment", "resolve_payment", "export_payment")


@pytest.mark.parametrize("address", PERMISSIONS)
def test_an_action_is_offered_to_those_who_may_run_it(staff: Callable[..., Client], address: str) -> None:
    make_payment()
    may, may_not = staff("view_payment", PERMISSIONS[address]), staff("view_payment")
    offered = soup_of(may.get(PAYMENTS)).select("[data-bulk-action-footer] [data-bulk-action-button]")
    assert [button["href"] for button in offered] == [address]
    content = may_not.get(PAYMENTS).content.decode()
    assert "data-bulk-action" not in content
    assert "bulk-actions.js" not in content


def test_each_row_has_a_box_that_says_which_payment_it_is_for(cashier: Client) -> None:
    payment = make_payment(order_id="ORDER1")
    for address in (PAYMENTS, f"{PAYMENTS}results/"):
        soup = soup_of(cashier.get(address))
        box = soup.select_one("table.listing tbody tr td:first-child input[type=checkbox]")
        assert box is not None
        assert box["data-object-id"] == str(payment.pk)
        assert words(soup.select_one(f"#{box['aria-describedby']}")) == "ORDER1"


def test_buttons_stand_in_the_order_of_their_weight(cashier: Client) -> None:
    order = [button.label for button in cashier.get(PAYMENTS).context["view"].bulk_buttons]
    assert [str(label) for label in order] == ["Ask the bank", "Export", "Resolve"]


@pytest.mark.parametrize("method", ["get", "post", "put", "delete", "patch", "head"])
@pytest.mark.parametrize("address", PERMISSIONS)
def test_nobody_runs_an_action_without_its_permission(staff: Callable[..., Client], address: str, method: str) -> None:
    payment = make_payment(attention="late_success")
    others = [permission for permission in PERMISSIONS.values() if permission != PERMISSIONS[address]]
    for client in (staff(), staff("view_payment", *others), staff(PERMISSIONS[address])):
        response = getattr(client, method)(f"{address}?id={payment.pk}", DECISION)
        assert response.status_code == 302
        assert response["Location"] == "/admin/"
    payment.refresh_from_db()
    assert payment.attention == "late_success"
    assert not payment.events.exists()


@pytest.mark.parametrize("address", PERMISSIONS)
def test_a_stranger_is_asked_to_log_in(client: Client, address: str) -> None:
    response = client.post(f"{address}?id={make_payment().pk}", DECISION)
    assert response["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
@pytest.mark.parametrize("address", PERMISSIONS)
def test_no_other_method_does_anything(superuser: Client, address: str, method: str) -> None:
    payment = make_payment(attention="late_success")
    assert getattr(superuser, method)(f"{address}?id={payment.pk}").status_code == 405
    assert not payment.events.exists()


def test_an_action_needs_the_token_against_forgery(cashier: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = cashier.cookies
    payment = make_payment(attention="late_success")
    assert strict.post(f"{RESOLVE}?id={payment.pk}", DECISION).status_code == 403
    payment.refresh_from_db()
    assert payment.attention == "late_success"


@pytest.mark.parametrize("address", [ASK, RESOLVE])
def test_the_confirmation_repeats_the_facts_and_does_nothing(cashier: Client, address: str) -> None:
    one = make_payment(order_id="ONE", amount="300.00", attention="late_success", state="SUCCESS", reference="SHOP-1")
    two = make_payment(order_id="TWO", amount="450.50", attention="late_success", is_test=True)
    page = words(soup_of(cashier.get(address, chosen(one, two))).select_one("main"))
    for fact in ("2 payments", "UAH 750.50", "ONE", "UAH 300.00", "SHOP-1", "Paid", "TWO", "UAH 450.50", "Test"):
        assert fact in page
    for payment in (one, two):
        payment.refresh_from_db()
        assert payment.attention == "late_success"
        assert not payment.events.exists()


def test_the_confirmation_lists_fifty_and_counts_the_rest(cashier: Client) -> None:
    payments = [make_payment(order_id=f"P{number:03}") for number in range(53)]
    soup = soup_of(cashier.get(ASK, chosen(*payments)))
    assert len(soup.select("main tbody tr")) == 50
    assert "and 3 more payments" in words(soup)
    assert "53 payments" in words(soup)


def test_a_confirmation_costs_no_query_for_each_payment(cashier: Client, django_assert_max_num_queries: Any) -> None:
    payments = [make_payment(attention="late_success") for _number in range(40)]
    cashier.get(RESOLVE, chosen(*payments))
    # Nine are Wagtail's own for the person and the page.
    with django_assert_max_num_queries(10):
        cashier.get(RESOLVE, chosen(*payments))


def test_the_bank_is_to_be_asked_and_staff_are_told_when(cashier: Client) -> None:
    beat()
    payments = [make_payment(next_poll_at=timezone.now() + timedelta(days=1)) for _number in range(5)]
    response = post(cashier, ASK, *payments, next=f"{PAYMENTS}?state=NEW")
    assert response["Location"] == f"{PAYMENTS}?state=NEW"
    assert "being asked about 3 payments now" in said(response)
    assert "will be asked about 2 payments within a few minutes" in said(response)
    assert "poller" not in said(response)
    for payment in payments:
        payment.refresh_from_db()
        assert payment.next_poll_at is not None
        assert payment.next_poll_at <= timezone.now()
    assert entries("wagtail_payparts.ask") == sorted(str(payment.pk) for payment in payments)


def test_staff_are_told_that_nobody_is_there_to_ask(cashier: Client) -> None:
    payments = [make_payment() for _number in range(5)]
    assert "has not been seen for more than five minutes" in said(post(cashier, ASK, *payments))


def test_one_payment_is_asked_about_at_once(
    cashier: Client, bank: Simulator, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    payment = make_payment()
    with django_capture_on_commit_callbacks(execute=True):
        response = post(cashier, ASK, payment)
    assert [asked.order_id for asked in bank.requests] == [payment.order_id]
    assert "being asked about 1 payment now" in said(response)
    assert "poller" not in said(response)


def test_a_second_press_asks_nothing_and_logs_nothing_more(cashier: Client) -> None:
    payment = make_payment()
    for _press in range(2):
        assert post(cashier, ASK, payment).status_code == 302
    assert payment.events.count() == 1
    assert len(entries("wagtail_payparts.ask")) == 1


def test_a_decision_is_taken_for_each_and_logged_for_each(cashier: Client) -> None:
    payments = [make_payment(state="SUCCESS", attention="late_success double_payment") for _number in range(3)]
    untouched = make_payment(attention="late_success")
    response = post(cashier, RESOLVE, *payments, **DECISION)
    assert response.status_code == 302
    assert "3 payments were resolved" in said(response)
    for payment in payments:
        payment.refresh_from_db()
        assert payment.attention == "double_payment"
        event = payment.events.get(type=EventType.RESOLVED)
        assert event.message == DECISION["note"]
    untouched.refresh_from_db()
    assert untouched.attention == "late_success"
    assert entries("wagtail_payparts.resolve") == sorted(str(payment.pk) for payment in payments)
    entry = ModelLogEntry.objects.filter(action="wagtail_payparts.resolve").first()
    assert entry is not None
    assert entry.data == {"code": "late_success", "accepted": True, "note": DECISION["note"]}
    # Wagtail shows one entry for each uuid and action.
    assert ModelLogEntry.objects.filter(action="wagtail_payparts.resolve").values("uuid").distinct().count() == 3


@pytest.mark.parametrize("wrong", [{"note": " "}, {"decision": ""}, {"code": ""}, {"decision": "both"}])
def test_a_decision_needs_a_code_a_side_and_a_note(cashier: Client, wrong: dict[str, str]) -> None:
    payments = [make_payment(attention="late_success"), make_payment(attention="late_success unknown_state")]
    soup = soup_of(post(cashier, RESOLVE, *payments, **DECISION | wrong))
    assert soup.select(".error-message")
    # The rest of what was chosen and typed is still there.
    assert len(soup.select("main tbody tr")) == 2
    assert len(soup.select("input[name=code]")) == 2
    for payment in payments:
        payment.refresh_from_db()
        assert "late_success" in payment.attention_codes


@pytest.mark.parametrize("code", ["negative_after_success", "bogus", "late_success\0", "x" * 100_000])
def test_a_code_that_is_not_decided_for_several_is_refused(cashier: Client, code: str) -> None:
    payment = make_payment(state="SUCCESS", attention="late_success negative_after_success")
    soup = soup_of(post(cashier, RESOLVE, payment, **DECISION | {"code": code}))
    assert soup.select(".error-message")
    payment.refresh_from_db()
    assert payment.attention == "late_success negative_after_success"
    assert not Refund.objects.exists()


def test_what_moves_money_is_pointed_to_and_not_offered(cashier: Client) -> None:
    both = make_payment(state="SUCCESS", attention="late_success negative_after_success")
    soup = soup_of(cashier.get(RESOLVE, chosen(both)))
    assert [box["value"] for box in soup.select("input[name=code]")] == ["late_success"]
    assert "1 payment has something to decide that moves money" in words(soup)
    alone = make_payment(state="SUCCESS", attention="negative_after_success")
    soup = soup_of(cashier.get(RESOLVE, chosen(alone)))
    assert not soup.select("input[name=code]")
    assert not soup.select("form[method=POST] button[type=submit]")


def test_what_a_colleague_has_decided_meanwhile_is_told_and_not_done_twice(cashier: Client, superuser: Client) -> None:
    mine, hers = make_payment(attention="late_success"), make_payment(attention="late_success")
    assert cashier.get(RESOLVE, chosen(mine, hers)).status_code == 200
    root = superuser.get(PAYMENTS).wsgi_request.user
    resolve_attention(hers, "late_success", accept=False, note="hers", by=root)
    response = post(cashier, RESOLVE, mine, hers, **DECISION)
    assert "1 payment was resolved" in said(response)
    assert "1 payment had already been decided by somebody" in said(response)
    assert hers.events.get(type=EventType.RESOLVED).message == "hers"
    assert entries("wagtail_payparts.resolve") == [str(mine.pk)]
    # A second press of the same button.
    again = post(cashier, RESOLVE, mine, hers, **DECISION)
    assert "2 payments had already been decided by somebody" in said(again)
    assert said(again).count("resolved.") == 1


def test_nothing_to_decide_is_said(cashier: Client) -> None:
    payment = make_payment()
    soup = soup_of(cashier.get(RESOLVE, chosen(payment)))
    assert "None of these payments waits for a decision" in words(soup)
    response = post(cashier, RESOLVE, payment, **DECISION)
    assert "None of the chosen payments waits for this decision" in said(response)
    assert not payment.events.exists()


def test_a_code_of_another_version_can_be_decided(cashier: Client) -> None:
    payment = make_payment(attention="from_the_future")
    assert "1 payment was resolved" in said(post(cashier, RESOLVE, payment, **DECISION | {"code": "from_the_future"}))
    payment.refresh_from_db()
    assert payment.attention == ""


def test_the_export_is_led_to_with_what_was_ticked(cashier: Client) -> None:
    older, newer = make_payment(), make_payment()
    make_payment()
    response = cashier.get(EXPORT, chosen(older, newer) | {"next": f"{PAYMENTS}?state=NEW"})
    assert response.status_code == 302
    assert response["Location"] == f"{PAYMENTS}export/?id={newer.pk}&id={older.pk}"


def test_the_export_of_a_whole_listing_keeps_its_filters_and_has_no_limit(
    cashier: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wagtail_payparts.dashboard.bulk.selection.MAX_SELECTED", 1)
    make_payment(), make_payment()
    query = {"state": ["NEW", "FAIL"], "q": "А", "ordering": "amount", "p": "2", "id": "all", "next": PAYMENTS}
    response = cashier.get(EXPORT, query)
    assert response["Location"] == f"{PAYMENTS}export/?state=NEW&state=FAIL&q=%D0%90&ordering=amount"
    assert cashier.get(EXPORT, {"id": "all"})["Location"] == f"{PAYMENTS}export/"


def test_the_bank_is_never_called_within_a_transaction_of_wagtail(
    cashier: Client, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    # What Wagtail does around its own actions would make one transaction of all decisions.
    depths: list[int] = []

    def look(*_args: Any) -> None:
        depths.append(len(connection.savepoint_ids))

    with hooks.register_temporarily("before_bulk_action", look), hooks.register_temporarily("after_bulk_action", look):
        post(cashier, RESOLVE, make_payment(attention="late_success"), **DECISION)
    assert depths == [0, 0]


def test_a_hook_of_the_project_may_answer_instead(cashier: Client) -> None:
    payment = make_payment(attention="late_success")

    def refuse(_request: Any, action: str, objects: list[Payment], _view: Any) -> HttpResponse:
        return HttpResponse(f"{action} {[row.pk for row in objects]}")

    with hooks.register_temporarily("before_bulk_action", refuse):
        response = post(cashier, RESOLVE, payment, **DECISION)
    assert response.content.decode() == f"payparts_resolve [{payment.pk}]"
    payment.refresh_from_db()
    assert payment.attention == "late_success"

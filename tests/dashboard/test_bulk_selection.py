"""Which payments a bulk action is about: those that were ticked, or those that the listing finds, and no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.dashboard.choosing import ASK, DECISION, EXPORT, PERMISSIONS, RESOLVE, post, said
from tests.dashboard.conftest import PAYMENTS
from tests.dashboard.reading import listed, soup_of, words
from tests.factories import make_order, make_payment
from wagtail_payparts.dashboard.bulk.selection import MAX_SELECTED
from wagtail_payparts.dashboard.listings import PaymentIndexView
from wagtail_payparts.models import Payment


pytestmark = pytest.mark.django_db


@pytest.fixture
def cashier(staff: Callable[..., Client]) -> Client:
    return staff("view_payment", *PERMISSIONS.values())


def _shown(client: Client, address: str = ASK, **query: Any) -> set[str]:
    rows = soup_of(client.get(address, query)).select("tbody tr td:first-child a")
    return {row.get_text() for row in rows}


def test_all_in_the_listing_is_what_its_filters_and_search_find(cashier: Client) -> None:
    make_payment(order_id="A1", state="SUCCESS", amount="300")
    make_payment(order_id="A2", state="FAIL", amount="300")
    make_payment(order_id="A3", state="SUCCESS", amount="900")
    make_payment(order_id="B1", state="SUCCESS", amount="300")
    query = {"state": "SUCCESS", "amount_max": "500", "q": "A"}
    assert _shown(cashier, id="all", **query) == set(listed(cashier, PAYMENTS, **query)) == {"A1"}
    assert _shown(cashier, id="all") == {"A1", "A2", "A3", "B1"}
    assert _shown(cashier, id=["all", "1"], state="FAIL") == {"A2"}


def test_a_phone_finds_nothing_for_those_who_may_not_see_the_buyer(cashier: Client, staff: Any) -> None:
    make_payment(order_id="A", buyer_order=make_order(buyer_phone="+380671234567"))
    sees_buyers = staff("view_payment", "ask_payment", "viewbuyer_payment")
    assert _shown(sees_buyers, id="all", q="+380671234567") == {"A"}
    response = cashier.get(ASK, {"id": "all", "q": "+380671234567"})
    assert response.status_code == 302
    assert "No payment matches these filters" in said(response)


@pytest.mark.parametrize(
    "query",
    [
        {"state": "BOGUS"},
        {"state": ["SUCCESS", "BOGUS"]},
        {"created_at_from": "garbage"},
        {"created_at_from": "2026-03-02", "created_at_to": "2026-03-01"},
        {"amount_min": "2", "amount_max": "1"},
        {"amount_max": "1e400"},
        {"attention": "maybe"},
        {"q": "\0"},
        {"state": "\0"},
        {"state": "x" * 100_000},
        {"merchant_type": "\u202e<script>"},
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("address", PERMISSIONS)
def test_a_filter_that_cannot_be_read_stops_an_action_on_all(
    cashier: Client, address: str, method: str, query: dict[str, Any]
) -> None:
    payment = make_payment(attention="late_success", state="SUCCESS")
    if method == "get":
        response = cashier.get(address, {"id": "all", **query})
    elif address == EXPORT:
        assert cashier.post(address, query_params={"id": "all", **query}).status_code == 405
        return
    else:
        response = cashier.post(address, DECISION, query_params={"id": "all", **query})
    assert response.status_code == 302
    assert response["Location"] == PAYMENTS
    assert "Nothing was done, since a filter cannot be read." in said(response)
    assert len(said(response)) < 1000
    # The message reaches the page as text.
    messages = soup_of(cashier.get(PAYMENTS)).select_one(".messages")
    assert messages is not None
    assert not messages.select("script")
    assert "\u202e" not in str(messages)
    payment.refresh_from_db()
    assert payment.attention == "late_success"
    assert not payment.events.exists()


@pytest.mark.parametrize("address", PERMISSIONS)
@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({}, "No payment was chosen"),
        ({"id": ""}, "The payments that were chosen are not here"),
        ({"id": "0"}, "not here any more"),
        ({"id": "999999"}, "not here any more"),
        ({"id": "-1"}, "not here any more"),
        ({"id": "1' OR 1=1 --"}, "not here any more"),
        ({"id": "abc"}, "not here any more"),
        ({"id": "\0"}, "not here any more"),
        ({"id": "٣"}, "not here any more"),
        ({"id": "1.5"}, "not here any more"),
        ({"id": "9" * 5000}, "not here any more"),
        ({"id": str(2**63)}, "not here any more"),
        ({"id": ["ALL", "All"]}, "not here any more"),
        ({"id": [str(number) for number in range(1_000_000, 1_000_000 + MAX_SELECTED + 1)]}, "At most 500 payments"),
        ({"id": [str(number) for number in range(10_000)]}, "At most 500 payments"),
    ],
)
def test_a_selection_that_is_none_leads_back_and_says_why(
    cashier: Client, address: str, query: dict[str, Any], reason: str
) -> None:
    payment = make_payment(attention="late_success")
    response = cashier.get(address, query | {"next": f"{PAYMENTS}?state=NEW"})
    assert response.status_code == 302
    assert response["Location"].startswith(PAYMENTS)
    assert reason in said(response)
    payment.refresh_from_db()
    assert payment.attention == "late_success"


@pytest.mark.parametrize("ids", ["", " ", "abc", "0 -1", "9" * 5000, "\0", " ".join(str(n) for n in range(10_000))])
@pytest.mark.parametrize("address", [ASK, RESOLVE])
def test_nonsense_in_the_form_does_nothing(cashier: Client, address: str, ids: str) -> None:
    payment = make_payment(attention="late_success")
    response = cashier.post(f"{address}?id={payment.pk}", {"payments": ids, **DECISION})
    assert response.status_code == 302
    assert said(response)
    payment.refresh_from_db()
    assert payment.attention == "late_success"
    assert not payment.events.exists()


def test_ids_that_are_not_here_are_counted_and_repeated_ones_are_one(cashier: Client) -> None:
    payment = make_payment(order_id="HERE")
    query = {"id": [str(payment.pk), str(payment.pk), "999999", "nonsense"]}
    soup = soup_of(cashier.get(ASK, query))
    assert _shown(cashier, **query) == {"HERE"}
    assert "2 of the chosen payments are not here any more" in words(soup)
    assert "1 payment" in words(soup)


def test_what_was_confirmed_is_what_is_done_though_the_listing_finds_more_by_then(cashier: Client) -> None:
    seen = make_payment(attention="late_success")
    soup = soup_of(cashier.get(RESOLVE, {"id": "all", "attention": "needed"}))
    form = soup.select_one("form[method=POST]")
    assert form is not None
    unseen = make_payment(attention="late_success")
    shown = form.select_one("input[name=payments]")
    assert shown is not None
    cashier.post(form["action"], {"payments": shown["value"], **DECISION})
    seen.refresh_from_db()
    unseen.refresh_from_db()
    assert (seen.attention, unseen.attention) == ("", "late_success")


def test_payments_beyond_the_site_s_own_listing_do_not_exist_here(
    cashier: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = make_payment(order_id="MINE", attention="late_success")
    foreign = make_payment(order_id="FOREIGN", store="other", attention="late_success")
    whole = PaymentIndexView.get_base_queryset
    monkeypatch.setattr(PaymentIndexView, "get_base_queryset", lambda view: whole(view).filter(store="default"))
    assert _shown(cashier, id=[mine.pk, foreign.pk]) == {"MINE"}
    assert _shown(cashier, id="all") == {"MINE"}
    post(cashier, RESOLVE, mine, foreign, **DECISION)
    assert Payment.objects.get(order_id="FOREIGN").attention == "late_success"
    assert Payment.objects.get(order_id="MINE").attention == ""


def test_more_than_can_be_done_at_once_is_refused_also_for_all(
    cashier: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    payments = [make_payment(attention="late_success") for _number in range(3)]
    monkeypatch.setattr("wagtail_payparts.dashboard.bulk.selection.MAX_SELECTED", 2)
    for response in (
        cashier.get(ASK, {"id": "all"}),
        cashier.post(f"{RESOLVE}?id=all", DECISION),
        post(cashier, RESOLVE, *payments, **DECISION),
    ):
        assert "At most 2 payments can be chosen at once" in said(response)
    assert Payment.objects.filter(attention="late_success").count() == 3
    assert _shown(cashier, id=[payment.pk for payment in payments[:2]])


@pytest.mark.parametrize("where", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "\0"])
def test_nobody_is_led_away(cashier: Client, where: str) -> None:
    response = cashier.post(ASK, {"payments": make_payment().pk}, query_params={"next": where})
    assert response["Location"] == PAYMENTS


def test_what_outsiders_wrote_is_text_in_a_confirmation(cashier: Client) -> None:
    payment = make_payment(reference="<script>1</script>\u202e", attention="<script>2</script>")
    for address in (ASK, RESOLVE):
        main = soup_of(cashier.get(address, {"id": payment.pk})).select_one("main")
        assert main is not None
        assert not main.select("script")
        assert "<script>1</script>" in words(main)
        assert "\u202e" not in str(main)

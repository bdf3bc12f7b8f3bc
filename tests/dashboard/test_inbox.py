"""Needs attention: what waits for a person, in words, the most money first; and saying so if nothing does."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.dashboard.conftest import PAYMENTS
from tests.dashboard.reading import soup_of, words
from tests.factories import make_order, make_payment
from wagtail_payparts.dashboard import inbox
from wagtail_payparts.dashboard.attention import explain
from wagtail_payparts.dashboard.inbox import payments_waiting
from wagtail_payparts.models import AttentionCode, EventType, Payment, PaymentEvent, Verdict


pytestmark = pytest.mark.django_db

INBOX = f"{PAYMENTS}attention/"
WAYS = [INBOX, f"{INBOX}results/"]


def _callback(**fields: Any) -> PaymentEvent:
    defaults = {"type": EventType.CALLBACK, "verdict": Verdict.UNKNOWN_ORDER, "state": "SUCCESS", "store_id": "A1"}
    return PaymentEvent.objects.create(**defaults | {"order_id": "ELSEWHERE"} | fields)


def _listed(client: Client, **query: Any) -> list[str]:
    """The order ids from top to bottom."""
    return [words(number) for number in soup_of(client.get(INBOX, query)).select("ol .payparts-inbox__number")]


def _callbacks(client: Client, **query: Any) -> list[str]:
    return [words(number) for number in soup_of(client.get(INBOX, query)).select("ul .payparts-inbox__number")]


def _text(client: Client, **query: Any) -> str:
    return words(soup_of(client.get(INBOX, query)).select_one("#listing-results"))


# What is there


@pytest.mark.parametrize("way", WAYS)
def test_when_all_is_well_it_says_so(viewer: Client, way: str) -> None:
    make_payment(state="SUCCESS")
    PaymentEvent.objects.create(type=EventType.CALLBACK, verdict=Verdict.REJECTED, order_id="FORGED")
    told = words(soup_of(viewer.get(way)))
    assert "All is well. No payment and no callback waits for a person." in told
    assert "FORGED" not in told


def test_the_most_money_comes_first_and_test_money_last(viewer: Client) -> None:
    make_payment(order_id="SMALL", amount=300, attention="late_success", state="SUCCESS")
    make_payment(order_id="TEST", amount=99_000, attention="late_success", is_test=True)
    make_payment(order_id="REFUNDED", amount=50_000, refunded_amount=49_900, attention="late_success")
    make_payment(order_id="UNPAID", amount=20_000, attention="amount_mismatch", state="CREATED")
    make_payment(order_id="LARGE", amount=30_000, attention="double_payment", state="SUCCESS")
    make_payment(order_id="WELL", amount=90_000, state="SUCCESS")
    assert _listed(viewer) == ["LARGE", "UNPAID", "SMALL", "REFUNDED", "TEST"]


def test_a_payment_is_one_entry_with_all_its_codes(viewer: Client) -> None:
    order = make_order(number="N-1", buyer_name="Олена")
    make_payment(
        order_id="ORDER-1",
        reference="SHOP-7",
        buyer_order=order,
        offer_title="Чайник",
        refunded_amount=Decimal("500.00"),
        attention="late_success delivery_failing of_another_version",
        state="SUCCESS",
    )
    (entry,) = soup_of(viewer.get(INBOX)).select(".payparts-inbox__entry")
    told = words(entry)
    for code in ("late_success", "delivery_failing"):
        assert explain(code).label in told
        assert explain(code).advice in told
    for fact in ("of_another_version", "ORDER-1", "SHOP-7", "N-1", "Чайник", "Paid", "At risk UAH 12,000.00"):
        assert fact in told
    assert "Олена" not in told


@pytest.mark.parametrize("code", AttentionCode.values)
def test_every_code_is_explained_and_can_be_asked_for(viewer: Client, code: str) -> None:
    make_payment(order_id="THIS", attention=code)
    make_payment(order_id="AMONG", attention=f"x_{code} {code} {code}_x")
    make_payment(order_id="SIMILAR", attention=f"x_{code} {code}_x")
    make_payment(order_id="NONE")
    assert sorted(_listed(viewer, code=code)) == ["AMONG", "THIS"]
    assert explain(code).advice in _text(viewer, code=code)


def test_a_code_that_nothing_has_is_said_to_be_so(viewer: Client) -> None:
    make_payment(attention="late_success")
    _callback()
    told = _text(viewer, code="double_payment")
    assert "Nothing of this kind needs attention." in told
    assert "All is well" not in told
    assert "ELSEWHERE" not in told


@pytest.mark.parametrize("code", ["BOGUS", "late_success late_lock", "%", "x" * 5000, "\0"])
def test_a_filter_that_cannot_be_read_shows_nothing_and_says_why(viewer: Client, code: str) -> None:
    make_payment(order_id="THIS", attention="late_success")
    _callback()
    for way in WAYS:
        told = words(soup_of(viewer.get(way, {"code": code})))
        assert "Nothing is shown, since a filter cannot be read" in told
        for never in ("THIS", "ELSEWHERE", "All is well", "Nothing of this kind"):
            assert never not in told


@pytest.mark.parametrize("page", ["2", "99999999999999999999", "0", "-1", "last", "x"])
def test_pages_beyond_the_end_and_before_the_beginning(viewer: Client, page: str) -> None:
    for number in range(30):
        make_payment(attention="late_success", amount=1000 - number, order_id=f"N{number:02}")
    listed = _listed(viewer, p=page)
    assert listed in ([f"N{n:02}" for n in range(25)], [f"N{n:02}" for n in range(25, 30)])


def test_a_filter_survives_paging(viewer: Client) -> None:
    for _number in range(30):
        make_payment(attention="late_success")
    links = [
        link["href"] for link in soup_of(viewer.get(INBOX, {"code": "late_success"})).select(".pagination a[href]")
    ]
    assert any("p=2" in link and "code=late_success" in link for link in links)


def test_what_others_wrote_cannot_hurt_the_page(superuser: Client) -> None:
    bad = "<script>alert(1)</script>\u202e"
    make_payment(attention="late_success <b>bad\u202e", reference=bad, offer_title=bad, order_id="A<b>\u202e")
    _callback(order_id="A<i>\u202e", store_id="<u>\u202e", state="<s>\u202e", message=bad)
    content = superuser.get(INBOX).content.decode()
    for never in ("<script>alert", "<b>", "<i>", "<u>", "<s>", "\u202e"):
        assert never not in content


# Callbacks for orders that nobody knows


def test_unknown_callbacks_are_shown_with_their_number(viewer: Client) -> None:
    _callback(order_id="FIRST", repeats=2)
    _callback(order_id="SECOND", state="TELEPORTED")
    _callback(order_id="ASIDE", verdict=Verdict.DISMISSED)
    _callback(order_id="KNOWN", payment=make_payment())
    assert _callbacks(viewer) == ["SECOND", "FIRST"]
    assert _callbacks(viewer, code="unknown_order") == ["SECOND", "FIRST"]
    told = _text(viewer)
    assert explain("unknown_order").advice in told
    for said in ("2 wait.", "and 2 times more", "TELEPORTED", "A1"):
        assert said in told
    assert "All is well" not in told


def test_many_unknown_callbacks_are_not_all_shown(viewer: Client) -> None:
    PaymentEvent.objects.bulk_create(
        PaymentEvent(type=EventType.CALLBACK, verdict=Verdict.UNKNOWN_ORDER, order_id=f"N{number}")
        for number in range(150)
    )
    assert len(_callbacks(viewer)) == 100
    assert "More than 100 wait; the newest are shown." in _text(viewer)


def test_a_callback_is_put_aside_with_a_note(staff: Callable[..., Client]) -> None:
    client, callback = staff("view_payment", "resolve_payment"), _callback()
    link = soup_of(client.get(INBOX)).select_one("ul .payparts-inbox__entry a.button")
    assert link is not None
    soup = soup_of(client.get(link["href"]))
    assert "ELSEWHERE" in words(soup.select_one(".payparts-facts"))
    assert soup_of(client.post(link["href"], {"note": " "})).select_one(".error-message")
    assert _callbacks(client) == ["ELSEWHERE"]
    response = client.post(link["href"], {"note": "Інший сайт"})
    assert response["Location"] == INBOX
    told = words(soup_of(client.get(INBOX)))
    assert "The callback is put aside." in told
    assert "All is well" in told
    callback.refresh_from_db()
    assert callback.verdict == Verdict.DISMISSED
    for again in (client.get(link["href"]), client.post(link["href"], {"note": "Ще раз"})):
        assert again["Location"] == INBOX
    assert PaymentEvent.objects.filter(type=EventType.RESOLVED).count() == 1


@pytest.mark.parametrize("permissions", [(), ("ask_payment", "refund_payment", "hold_payment", "export_payment")])
def test_those_who_may_not_decide_see_and_do_not(staff: Callable[..., Client], permissions: tuple[str, ...]) -> None:
    client, callback = staff("view_payment", *permissions), _callback()
    payment = make_payment(attention="late_success")
    links = {link["href"] for link in soup_of(client.get(INBOX)).select(".payparts-inbox a")}
    assert links == {f"{PAYMENTS}{payment.pk}/"}
    address = f"{INBOX}callbacks/{callback.pk}/dismiss/"
    assert client.get(address)["Location"] == client.post(address, {"note": "x"})["Location"] == "/admin/"
    callback.refresh_from_db()
    assert callback.verdict == Verdict.UNKNOWN_ORDER


def test_what_is_no_callback_is_not_found(superuser: Client) -> None:
    event = PaymentEvent.objects.create(type=EventType.POLL, verdict=Verdict.UNKNOWN_ORDER)
    for number in (event.pk, 0, "9" * 30):
        assert superuser.get(f"{INBOX}callbacks/{number}/dismiss/").status_code == 404


def test_a_message_of_the_bank_s_names_the_buyer_only_to_those_who_may_see_them(staff: Callable[..., Client]) -> None:
    address = f"{INBOX}callbacks/{_callback(message='Договір, ПЕТРЕНКО').pk}/dismiss/"
    assert "ПЕТРЕНКО" not in staff("view_payment", "resolve_payment").get(address).content.decode()
    client = staff("view_payment", "resolve_payment", "viewbuyer_payment")
    assert "ПЕТРЕНКО" in client.get(address).content.decode()


# Who may open it, and where it stands


@pytest.mark.parametrize("way", WAYS)
def test_it_is_for_those_who_see_payments(staff: Callable[..., Client], client: Client, way: str) -> None:
    viewer = staff("view_payment")
    assert viewer.get(way).status_code == 200
    assert viewer.post(way).status_code == 405
    assert staff("resolve_payment", "ask_payment", "view_order").get(way)["Location"] == "/admin/"
    assert client.get(way)["Location"].startswith("/admin/login/")


def test_nothing_is_exported_from_it(superuser: Client) -> None:
    make_payment(attention="late_success")
    response = superuser.get(INBOX, {"export": "csv"})
    assert response["Content-Type"].startswith("text/html")


def test_its_name_leads_there() -> None:
    assert reverse("payparts_payments:attention") == INBOX


def test_the_menu_has_it_right_after_the_payments(viewer: Client, staff: Callable[..., Client]) -> None:
    content = viewer.get("/admin/").content.decode()
    places = [content.find(f'"{address}"') for address in (PAYMENTS, INBOX, "/admin/payparts/orders/")]
    assert -1 not in places
    assert places == sorted(places)
    assert INBOX not in staff("view_order").get("/admin/").content.decode()


def test_after_deciding_a_person_comes_back_to_the_same_filter(superuser: Client) -> None:
    payment = make_payment(attention="late_success")
    for way in WAYS:
        query = {"code": "late_success", "_w_filter_fragment": "1"}
        link = soup_of(superuser.get(way, query)).select_one(".payparts-attention a.button")
        assert link is not None
        response = superuser.post(link["href"], {"decision": "dismiss", "note": "Перевірено"})
        assert response["Location"] == f"{INBOX}?code=late_success"
        Payment.objects.filter(pk=payment.pk).update(attention="late_success")


# What it costs


def test_more_entries_cost_no_more_queries(superuser: Client, django_assert_max_num_queries: Any) -> None:
    for _number in range(25):
        make_payment(attention="late_success delivery_failing", buyer_order=make_order())
        _callback()
    superuser.get(INBOX)
    # How many there are, the page of them, and the callbacks are three; the rest is Wagtail's own.
    with django_assert_max_num_queries(9):
        superuser.get(INBOX)


def test_it_counts_no_further_than_a_person_works(
    viewer: Client, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    monkeypatch.setattr(inbox, "MOST_PAYMENTS", 3)
    for number in range(5):
        make_payment(attention="late_success", amount=1000 - number, order_id=f"N{number}")
    assert _listed(viewer) == ["N0", "N1", "N2"]
    assert "More than 3 payments wait for a person" in _text(viewer)


def test_what_waits_is_found_by_its_index() -> None:
    """``<> ''`` is not served by one, and a million payments would be read."""
    assert "<>" not in str(payments_waiting().query)
    assert "NOT" not in str(payments_waiting().query)

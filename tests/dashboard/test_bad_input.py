"""Nonsense in addresses, and odd rows behind a page: a clear answer, never a 500."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from wagtail.models import Page, Site

from tests.dashboard.conftest import ORDERS, PAYMENTS
from tests.dashboard.reading import listed, soup_of, words
from tests.factories import make_offer, make_order, make_payment
from wagtail_payparts.models import EventType, Payment, PaymentEvent, Refund, Source


pytestmark = pytest.mark.django_db

RIGHT_TO_LEFT = "\u202egro.live\u202c \u2066x\u2069 \u200f"
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"
LONG = "дуже довгий текст " * 5_700
PARAMETERS = [
    "state",
    "merchant_type",
    "created_at_from",
    "created_at_to",
    "amount_min",
    "amount_max",
    "attention",
    "is_test",
    "q",
    "p",
    "ordering",
    "export",
    "locale",
    "next",
    "_w_filter_fragment",
    "unheard_of",
]
NONSENSE = [
    "",
    " ",
    "\0",
    "x\0y",
    "-1",
    "0",
    "9" * 400,
    "1e400",
    "NaN",
    "%00",
    "'\"`;--",
    SCRIPT,
    RIGHT_TO_LEFT,
    "🧨" * 50,
]


@pytest.fixture
def clerk(superuser: Client) -> Client:
    """Someone who sees everything, so that everything is tried."""
    return superuser


@pytest.mark.exhaustive
@pytest.mark.parametrize("address", [PAYMENTS, f"{PAYMENTS}results/"])
@pytest.mark.parametrize("name", PARAMETERS)
def test_no_parameter_breaks_the_listing(clerk: Client, address: str, name: str) -> None:
    make_payment()
    for nonsense in NONSENSE:
        response = clerk.get(address, {name: nonsense})
        assert response.status_code in {200, 400}, nonsense
        if response.status_code == 200 and not response.streaming:
            assert SCRIPT not in response.content.decode(), nonsense
        b"".join(response)


@pytest.mark.exhaustive
@pytest.mark.parametrize("address", [PAYMENTS, f"{PAYMENTS}results/"])
@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_given_twice_or_with_broken_bytes_breaks_nothing(clerk: Client, address: str, name: str) -> None:
    make_payment()
    for query in (f"{name}=1&{name}=SUCCESS&{name}=", f"{name}=%FF%FE", f"{name}=%ED%A0%80", f"{name}", f"{name}[]=1"):
        response = clerk.get(f"{address}?{query}")
        assert response.status_code in {200, 400}, query
        b"".join(response)


@pytest.mark.parametrize("address", [PAYMENTS, ORDERS])
@pytest.mark.parametrize("number", ["0", "-1", "2", "999999999", "9" * 400, "abc", "1.5", "", "last", "\0"])
def test_a_page_beyond_the_end_shows_one_that_is_there(clerk: Client, address: str, number: str) -> None:
    row = make_payment(order_id="HERE") if address == PAYMENTS else make_order(number="HERE")
    assert row.pk
    assert listed(clerk, address, p=number) == ["HERE"]


@pytest.mark.parametrize("address", [PAYMENTS, ORDERS])
def test_a_page_beyond_the_end_of_nothing_is_empty_and_says_so(clerk: Client, address: str) -> None:
    soup = soup_of(clerk.get(address, {"p": "7"}))
    assert not soup.select("table.listing tbody tr")


def test_more_parameters_than_django_reads_are_refused(clerk: Client) -> None:
    assert clerk.get(PAYMENTS, {f"x{number}": "1" for number in range(1001)}).status_code == 400


def test_filters_that_exclude_each_other_find_nothing_and_say_so(clerk: Client) -> None:
    make_payment(state="SUCCESS")
    soup = soup_of(clerk.get(PAYMENTS, {"state": "FAIL", "q": "НЕМАЄ"}))
    assert not soup.select("table.listing tbody tr")
    assert "match" in words(soup.select_one("#listing-results"))


@pytest.mark.parametrize("listing", [PAYMENTS, ORDERS])
@pytest.mark.parametrize("pk", ["0", "999999", "9" * 18, "9" * 30, "9" * 5000, "-1", "abc", "1%00", "%2e%2e"])
def test_a_row_that_is_not_there_is_not_found(clerk: Client, listing: str, pk: str) -> None:
    assert clerk.get(f"{listing}{pk}/").status_code == 404


def test_a_payment_outlives_what_it_came_from(clerk: Client) -> None:
    offer, order = make_offer(title="Чайник"), make_order()
    site = Site.objects.create(hostname="shop.example", root_page=Page.objects.get(depth=1))
    person = get_user_model().objects.create_superuser("gone")
    payment = make_payment(
        offer=offer,
        offer_title="Чайник",
        buyer_order=order,
        site=site,
        page_id=999_999,
        page_title="Стара сторінка",
        page_url="https://shop.example/old/",
        state="SUCCESS",
    )
    PaymentEvent.objects.create(payment=payment, type=EventType.NOTE, source=Source.STAFF, user=person, message="so")
    Refund.objects.create(payment=payment, amount="1.00", reason="так", requested_by=person, state="external")
    for row in (offer, order, site, person):
        row.delete()
    page = words(soup_of(clerk.get(f"{PAYMENTS}{payment.pk}/")).select_one("main"))
    for kept in ("Чайник", "Стара сторінка", "так", "so"):
        assert kept in page
    row = words(soup_of(clerk.get(PAYMENTS)).select_one("table.listing tbody tr"))
    assert "Чайник" in row
    assert "Стара сторінка" in row


def test_a_payment_whose_store_has_left_the_settings_is_shown(clerk: Client, settings: Any) -> None:
    payment = make_payment(store="gone", token="T" * 20)
    assert "gone" in words(soup_of(clerk.get(f"{PAYMENTS}{payment.pk}/")))
    assert listed(clerk, PAYMENTS) == [payment.order_id]


@pytest.mark.parametrize(
    "text", [SCRIPT, RIGHT_TO_LEFT, LONG, "\n" * 1000, "\u2028\u2029", "\x07\x1b[31m", "e\u0301" * 9000]
)
def test_what_the_bank_and_the_buyer_wrote_is_text_of_bearable_length(clerk: Client, text: str) -> None:
    short = text[:100]
    order = make_order(buyer_name=short, buyer_email="o@example.com", lines=[{"name": text, "count": 1, "price": "1"}])
    payment = make_payment(
        buyer_order=order,
        reference=text[:100],
        offer_title=short,
        page_title=short,
        page_url=f"https://shop.example/{text}",
        bank_message=text,
        bank_state=text[:64],
        claim_state=text[:32],
        claim_at="2026-01-01T00:00:00Z",
        next_poll_at="2026-01-01T00:00:00Z",
        attention=text[:200],
        lines=[{"name": text, "count": 1, "price": "12500.00"}],
        receipt={"owner_name": text, "card_mask": text, "rrn": text},
    )
    for source in Source.values:
        PaymentEvent.objects.create(
            payment=payment,
            type=EventType.POLL,
            source=source,
            state=text[:64],
            message=text,
            trace_id=short[:128],
            payload={"message": text, "deep": [[[{"text": text}]]]},
        )
    Refund.objects.create(payment=payment, amount="1.00", reason=text, state="external")
    for address in (PAYMENTS, f"{PAYMENTS}{payment.pk}/", ORDERS, f"{ORDERS}{order.pk}/"):
        response = clerk.get(address)
        main = soup_of(response).select_one("main")
        assert main is not None
        assert not main.select("script:not([src]), img[onerror]"), address
        assert len(response.content) < 3_000_000, address


def test_marks_that_turn_text_round_do_not_come_from_the_bank_to_the_page(clerk: Client) -> None:
    turned = f"до{RIGHT_TO_LEFT}після"
    payment = make_payment(
        bank_message=turned,
        bank_state=turned[:64],
        claim_state=turned[:32],
        next_poll_at="2026-01-01T00:00:00Z",
        lines=[{"name": turned, "count": 1, "price": "12500.00"}],
        receipt={"owner_name": turned},
    )
    PaymentEvent.objects.create(
        payment=payment, type=EventType.POLL, message=turned, state=turned[:64], payload={"message": turned}
    )
    main = soup_of(clerk.get(f"{PAYMENTS}{payment.pk}/")).select_one("main")
    assert main is not None
    assert words(main).count("доgro.live x") >= 5
    assert not set("\u202e\u202c\u2066\u2069\u200f") & set(str(main))


@pytest.mark.parametrize(
    "where",
    ["javascript:alert(1)", "data:text/html,x", "//evil.example/", "http://[", "mailto:a@b.c", "java\tscript:x"],
)
def test_no_odd_address_of_a_page_is_a_link(clerk: Client, where: str) -> None:
    payment = make_payment(page_title="Сторінка", page_url=where)
    soup = soup_of(clerk.get(f"{PAYMENTS}{payment.pk}/"))
    assert not soup.select(f'a[href="{where}"]')
    assert "Сторінка" in words(soup)


@pytest.mark.parametrize(
    "odd",
    [
        {"lines": []},
        {"receipt": {"rrn": None, "card_mask": 5, "owner_name": ["x"], "unheard_of": {}}},
        {"metadata": [1, 2]},
        {"parts_count": 0},
        {"attention": "unheard_of late_success  late_success"},
        {"bank_state": "НЕЧУВАНЕ"},
        {"claim_state": "НЕЧУВАНЕ", "next_poll_at": "2026-01-01T00:00:00Z"},
        {"merchant_type": "ZZ"},
        {"settled_by": "unheard_of"},
        {"pending_action": "unheard_of"},
        {"amount": "9999999999.99"},
        {"poll_count": 2_147_483_647},
    ],
)
def test_an_odd_row_is_shown(clerk: Client, odd: dict[str, Any]) -> None:
    payment = make_payment(**odd)
    assert clerk.get(PAYMENTS).status_code == 200
    assert clerk.get(f"{PAYMENTS}{payment.pk}/").status_code == 200


@pytest.mark.parametrize("payload", [[], "text", 5, {"a": None}, {"": {"": []}}, {"x": "\\u0000"}])
def test_an_odd_event_is_shown(clerk: Client, payload: Any) -> None:
    payment = make_payment()
    PaymentEvent.objects.create(
        payment=payment, type="unheard_of", verdict="unheard_of", source="unheard_of", payload=payload, state="?"
    )
    assert clerk.get(f"{PAYMENTS}{payment.pk}/").status_code == 200


def test_a_thousand_events_are_a_page_that_can_be_opened(clerk: Client) -> None:
    payment = make_payment()
    PaymentEvent.objects.bulk_create(
        PaymentEvent(payment=payment, type=EventType.POLL, message=LONG[:2000]) for _number in range(1000)
    )
    response = clerk.get(f"{PAYMENTS}{payment.pk}/")
    assert response.status_code == 200
    assert len(response.content) < 3_000_000


def test_nothing_of_all_this_writes(clerk: Client) -> None:
    payment = make_payment()
    before = Payment.objects.values().get(pk=payment.pk)
    for name in PARAMETERS:
        b"".join(clerk.get(PAYMENTS, {name: "1"}))
        clerk.get(f"{PAYMENTS}{payment.pk}/", {name: "1"})
    assert Payment.objects.values().get(pk=payment.pk) == before
    assert not PaymentEvent.objects.exists()

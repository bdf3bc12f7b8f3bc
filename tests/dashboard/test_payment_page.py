"""The page of one payment: what it says, to whom, and what it makes of what the bank sent."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone
from wagtail.models import Site

from tests.dashboard.conftest import ORDERS, PAYMENTS
from tests.dashboard.reading import soup_of, words
from tests.factories import make_offer, make_order, make_payment
from wagtail_payparts.dashboard.attention import explain
from wagtail_payparts.models import (
    AttentionCode,
    EventType,
    Payment,
    PaymentEvent,
    ReceiverResult,
    Refund,
    SignalDelivery,
    Verdict,
)
from wagtail_payparts.services import start_payment, sync_payment
from wagtail_payparts.simulator import Simulator


pytestmark = pytest.mark.django_db


def page(client: Client, payment: Payment) -> Any:
    return soup_of(client.get(f"{PAYMENTS}{payment.pk}/")).select_one(".payparts-page")


def happened(payment: Payment, **fields: Any) -> PaymentEvent:
    defaults = {"type": EventType.POLL, "verdict": Verdict.APPLIED, "source": "poll", "order_id": payment.order_id}
    return PaymentEvent.objects.create(payment=payment, **defaults | fields)


def facts(soup: Any) -> dict[str, str]:
    return {words(row.dt): words(row.dd) for row in soup.select(".payparts-facts > div")}


def test_the_overview_says_what_became_of_the_money(viewer: Client) -> None:
    payment = make_payment(
        state="SUCCESS", refunded_amount=Decimal("500.00"), fee=Decimal("250.00"), reference="SHOP-7", hold=True
    )
    said = facts(page(viewer, payment))
    assert said["To pay"] == said["Paid"] == "UAH 12,500.00"
    assert said["Refunded"] == "UAH 500.00"
    assert said["Paid less refunds"] == "UAH 12,000.00"
    assert said["Fee of the shop, by its tariff"] == "UAH 250.00"
    assert said["Instalments"].startswith("4 × UAH 3,362.50")
    assert said["Service"] == "Instant instalment, two-stage"
    assert said["Reference"] == "SHOP-7"


def test_what_is_not_paid_is_not_said_to_be(viewer: Client) -> None:
    said = facts(page(viewer, make_payment(state="CANCELED")))
    assert said["Paid"] == said["Paid less refunds"] == "—"


def test_lines_add_up(viewer: Client) -> None:
    lines = [{"name": "Чайник", "count": 2, "price": "1000.50"}, {"name": "Кава", "count": 1, "price": "299.00"}]
    table = page(viewer, make_payment(amount="2300.00", lines=lines)).select_one(".payparts-table")
    rows = [words(row) for row in table.select("tbody tr, tfoot tr")]
    assert rows == [
        "Чайник 2 UAH 1,000.50 UAH 2,001.00",
        "Кава 1 UAH 299.00 UAH 299.00",
        "Total UAH 2,300.00",
    ]


def test_the_buyer_is_shown_only_to_those_who_may_see_them(accountant: Client, viewer: Client) -> None:
    order = make_order(
        buyer_name="Олена Петренко", buyer_phone="+380671234567", buyer_email="olena@example.com", comment="Після 18:00"
    )
    payment = make_payment(
        buyer_order=order,
        receipt={"owner_name": "OLENA PETRENKO", "card_mask": "5168****1234", "rrn": "123456"},
    )
    happened(payment, payload={"ownerName": "OLENA PETRENKO"})
    personal = ("Олена", "+380671234567", "olena@example.com", "18:00", "OLENA", "5168****1234")
    for_accountant, for_viewer = (words(page(client, payment)) for client in (accountant, viewer))
    for detail in personal:
        assert detail in for_accountant
        assert detail not in for_viewer
    assert "123456" in for_viewer
    assert "permission to see the buyer’s details" in for_viewer


@pytest.mark.parametrize("state", ["SUCCESS", "LOCKED", "SOMETHING_NEW"])
def test_the_contract_of_a_payment_is_shown_only_to_those_who_may_see_the_buyer(
    accountant: Client, viewer: Client, state: str
) -> None:
    contract = "Договір, клієнт ПЕТРЕНКО ОЛЕНА, картка 5168****1234"
    payment = make_payment(state="SUCCESS", bank_message=contract)
    happened(payment, state=state, message=contract)
    assert words(page(accountant, payment)).count(contract) == 2
    for_viewer = words(page(viewer, payment))
    assert "ПЕТРЕНКО" not in for_viewer
    assert for_viewer.count("permission to see the buyer’s details") == 2


@pytest.mark.parametrize("state", ["FAIL", "CANCELED"])
def test_why_a_payment_was_not_made_is_shown_to_all(viewer: Client, state: str) -> None:
    payment = make_payment(state=state, bank_message="Недостатній ліміт")
    happened(payment, state=state, message="Недостатній ліміт")
    happened(payment, verdict=Verdict.UNREACHABLE, message="no reply from the bank")
    told = words(page(viewer, payment))
    assert told.count("Недостатній ліміт") == 2
    assert "no reply from the bank" in told


def test_links_lead_where_the_person_may_go(viewer: Client, superuser: Client) -> None:
    offer, order = make_offer(), make_order()
    payment = make_payment(
        buyer_order=order, offer=offer, offer_title=offer.title, page_title="Каталог", page_url="/catalog/"
    )
    links = {link["href"] for link in page(superuser, payment).select("dd a")}
    assert links == {f"{ORDERS}{order.pk}/", f"/admin/snippets/wagtail_payparts/offer/edit/{offer.pk}/", "/catalog/"}
    links = {link["href"] for link in page(viewer, payment).select("dd a")}
    assert links == {f"{ORDERS}{order.pk}/", "/catalog/"}


def test_an_order_is_no_link_for_those_who_may_not_see_orders(staff: Any) -> None:
    order = make_order()
    soup = page(staff("view_payment"), make_payment(buyer_order=order))
    assert order.number in words(soup)
    assert not soup.select("dd a")


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "http:///evil.example",
        "https://shop.example.com\\@evil.example/",
        "data:text/html,x",
        "http://[",
        " /x",
    ],
)
def test_an_odd_page_address_is_no_link(viewer: Client, address: str) -> None:
    assert not page(viewer, make_payment(page_title="Каталог", page_url=address)).select("dd a")


@pytest.mark.parametrize("address", ["/каталог/", "https://shop.example.com/каталог/?a=1", "http://localhost:8000/"])
def test_a_page_is_a_link(viewer: Client, address: str) -> None:
    (link,) = page(viewer, make_payment(page_title="Каталог", page_url=address)).select("dd a")
    assert link["href"] == address


def test_what_was_deleted_is_remembered_by_its_title(viewer: Client) -> None:
    offer = make_offer()
    payment = make_payment(offer=offer, offer_title="Чайник «Світанок»", buyer_order=make_order())
    payment.buyer_order.delete()
    offer.delete()
    assert facts(page(viewer, payment))["Offer"] == "Чайник «Світанок»"


@pytest.mark.parametrize("code", AttentionCode.values)
def test_each_thing_to_decide_is_explained(viewer: Client, code: str) -> None:
    told = words(page(viewer, make_payment(attention=code)).select_one(".payparts-attention"))
    assert "Decide" not in told
    label, advice = explain(code)
    assert advice
    assert told == f"{label} {advice}"


def test_a_code_of_a_later_version_is_shown_as_it_is(viewer: Client) -> None:
    assert "something_new" in words(page(viewer, make_payment(attention="late_success something_new")))


def test_the_bank_s_last_word_the_claim_and_the_next_question(viewer: Client) -> None:
    now = timezone.now()
    payment = make_payment(
        state="CLIENT_WAIT", bank_state="CLIENT_WAIT", claim_state="SUCCESS", claim_at=now, next_poll_at=now
    )
    said = facts(page(viewer, payment))
    assert said["Its last word"] == "Waiting for the buyer CLIENT_WAIT"
    assert said["Claimed by a callback"].startswith("Paid SUCCESS")
    assert said["Next question to the bank"] != "—"
    said = facts(page(viewer, make_payment(bank_state="SOMETHING_NEW")))
    assert said["Its last word"] == "unknown word SOMETHING_NEW"
    assert said["Next question to the bank"] == "—"


def test_payloads_unfold(accountant: Client) -> None:
    payment = make_payment()
    happened(payment, payload={"state": "SUCCESS", "message": "Договір", "signature": "***"})
    unfolding = page(accountant, payment).select_one(".payparts-timeline details pre")
    assert '"message": "Договір"' in unfolding.text


def test_the_bank_cannot_hurt_the_page(accountant: Client) -> None:
    bad = "<script>alert(1)</script>\u202edlo\u2066\x07 " + "договір " * 13_000
    payment = make_payment(
        bank_message=bad,
        bank_state="<b>\u202eX",
        receipt={"bank_name": "<img src=x>\u202e"},
        lines=[{"name": "<script>2</script>\u202e", "count": 1, "price": "12500.00"}],
    )
    happened(
        payment, state="<i>\u202eY", message=bad, payload={"message": "<script>3</script>\u202e"}, trace_id="\u202e"
    )
    response = accountant.get(f"{PAYMENTS}{payment.pk}/")
    soup = soup_of(response).select_one(".payparts-page")
    assert soup is not None
    assert not soup.select("script, img, b, i")
    assert "<script>alert(1)</script>" in words(soup)
    assert not re.search("[\u202e\u2066\x07]", response.content.decode())
    assert len(response.content) < 300_000
    message = soup.select_one("#bank-content details summary")
    assert message is not None
    assert len(words(message)) < 300


def test_no_number_of_events_costs_more_queries(
    viewer: Client, superuser: Client, staff: Any, django_assert_max_num_queries: Any
) -> None:
    payment = make_payment(buyer_order=make_order(), offer=make_offer())
    user = get_user_model().objects.create_user("olha")
    for number in range(20):
        delivery = SignalDelivery.objects.create(
            payment=payment, event=happened(payment, user=user), signal="payment_succeeded"
        )
        for receiver in range(3):
            ReceiverResult.objects.create(delivery=delivery, receiver=f"r{receiver}")
        Refund.objects.create(payment=payment, amount=number + 1, requested_by=user)
    desk = staff("view_payment", "view_order", "viewbuyer_payment", "ask_payment", "resolve_payment", "export_payment")
    # The payment with its refunds, its events, their deliveries are three; the rest is Wagtail's own.
    for client in (viewer, superuser, desk):
        client.get(f"{PAYMENTS}{payment.pk}/")
        with django_assert_max_num_queries(13):
            client.get(f"{PAYMENTS}{payment.pk}/")


def test_refunds_are_listed_with_who_wanted_them(viewer: Client) -> None:
    payment = make_payment(state="SUCCESS", refunded_amount=Decimal("100.00"))
    user = get_user_model().objects.create_user("olha", first_name="Ольга")
    Refund.objects.create(
        payment=payment, amount=Decimal("100.00"), reason="Пошкоджено\u202e", state="accepted", requested_by=user
    )
    happened(payment, type=EventType.RESOLVED, source="staff", user=user)
    Refund.objects.create(payment=payment, amount=Decimal("7.00"), state="of_another_version")
    told = words(page(viewer, payment).select_one("#refunds-section"))
    assert re.search("UAH 100.00 Accepted Пошкоджено .* · Ольга UAH 7.00 of_another_version", told)


@pytest.mark.parametrize("number", ["0", "999999", "9" * 30])
def test_a_payment_that_is_not_there_is_not_found(viewer: Client, number: str) -> None:
    assert viewer.get(f"{PAYMENTS}{number}/").status_code == 404


def test_all_that_it_was_about_is_deleted_and_it_is_still_read(viewer: Client) -> None:
    site = Site.objects.create(hostname="gone.example", root_page=Site.objects.get().root_page)
    user = get_user_model().objects.create_user("olha")
    offer = make_offer()
    payment = make_payment(
        buyer_order=make_order(), offer=offer, offer_title="Чайник", site=site, page_id=999_999, page_title="Каталог"
    )
    note = happened(payment, type=EventType.NOTE, verdict="", source="staff", user=user, message="Дзвонили")
    Refund.objects.create(payment=payment, amount=1, requested_by=user)
    for gone in (payment.buyer_order, offer, site, user):
        gone.delete()
    note.refresh_from_db()
    assert note.user is None
    told = words(page(viewer, payment))
    for remembered in ("Чайник", "Каталог", "Дзвонили", "somebody whose account is gone"):
        assert remembered in told


def test_the_page_of_a_real_payment_tells_its_story(bank: Simulator, superuser: Client) -> None:
    payment = start_payment(lines=[{"name": "Чайник", "count": 1, "price": "12500.00"}], parts_count=4)
    sync_payment(payment)
    titles = [words(entry.strong) for entry in page(superuser, payment).select(".payparts-timeline > li")]
    assert titles == ["Creation of payment", "Question to the bank"]
    content = superuser.get(f"{PAYMENTS}{payment.pk}/").content.decode()
    assert payment.token
    assert payment.token not in content


def test_the_permission_to_see_buyers_is_asked_each_time(viewer: Client) -> None:
    payment = make_payment(buyer_order=make_order(buyer_name="Олена"))
    assert "Олена" not in words(page(viewer, payment))
    user = get_user_model().objects.get(username__startswith="staff-view_payment")
    user.user_permissions.add(Permission.objects.get(codename="viewbuyer_payment"))
    assert "Олена" in words(page(viewer, payment))

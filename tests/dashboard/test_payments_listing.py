"""The listing of payments: what it shows, finds, sorts and refuses."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone
from wagtail.users.models import UserProfile

from tests.dashboard.conftest import PAYMENTS
from tests.dashboard.reading import listed, made_at, soup_of, words
from tests.factories import make_order, make_payment
from wagtail_payparts.models import Payment
from wagtail_payparts.states import PaymentState


pytestmark = pytest.mark.django_db

KYIV = ZoneInfo("Europe/Kyiv")


def test_a_row_says_everything_about_a_payment(viewer: Client) -> None:
    order = make_order(buyer_phone="+380671234567")
    payment = make_payment(
        order_id="ORDER1",
        state="SUCCESS",
        reference="SHOP-7",
        buyer_order=order,
        is_test=True,
        attention="late_success",
        refunded_amount=Decimal("500.00"),
        offer_title="Чайник",
        page_title="Каталог",
    )
    made_at(payment, datetime(2026, 3, 1, 23, 30, tzinfo=KYIV))
    row = soup_of(viewer.get(PAYMENTS)).select_one("table.listing tbody tr")
    text = words(row)
    for expected in (
        "ORDER1",
        "SHOP-7",
        order.number,
        "Paid",
        "Needs attention",
        "Test",
        "UAH 12,500.00",
        "refunded UAH 500.00",
        "4 × UAH 3,362.50",
        "Instant instalment",
        "Чайник",
        "Каталог",
        "1 Mar 2026, 23:30",
    ):
        assert expected in text
    assert "+380671234567" not in text
    assert row.select_one(f'a[href="{PAYMENTS}{payment.pk}/"]')  # type: ignore[union-attr]


@pytest.mark.parametrize("state", list(PaymentState))
def test_every_state_is_said_in_words(viewer: Client, state: PaymentState) -> None:
    make_payment(state=state)
    tag = soup_of(viewer.get(PAYMENTS)).select_one("table.listing .payparts-tag")
    assert words(tag) == str(state.label)


def test_money_is_written_as_people_of_the_language_write_it(superuser: Client, settings: Any) -> None:
    settings.LANGUAGE_CODE = "uk"
    settings.USE_THOUSAND_SEPARATOR = True
    make_payment()
    text = words(soup_of(superuser.get(PAYMENTS)).select_one("table.listing tbody tr"))
    assert "12 500,00 грн" in text
    assert "4 × 3 362,50 грн" in text


def test_no_number_of_rows_costs_more_queries(viewer: Client, django_assert_max_num_queries: Any) -> None:
    for number in range(30):
        make_payment(buyer_order=make_order(), reference=f"R{number}", attention="late_success")
    viewer.get(PAYMENTS)
    # Nine of Wagtail's own for the person and the page; the payments bring their number with them.
    with django_assert_max_num_queries(10):
        assert len(listed(viewer, PAYMENTS)) == 30


def test_the_order_of_equals_is_stable_and_follows_the_index(viewer: Client) -> None:
    ids = [make_payment(order_id=f"P{n}").order_id for n in range(5)]
    moment = timezone.now()
    for row in Payment.objects.all():
        made_at(row, moment)
    assert listed(viewer, PAYMENTS) == ids[::-1]
    assert listed(viewer, PAYMENTS, ordering="created_at") == ids
    assert listed(viewer, PAYMENTS, ordering="-created_at") == ids[::-1]
    assert listed(viewer, PAYMENTS, ordering="amount") == ids
    assert listed(viewer, PAYMENTS, ordering="-amount") == ids[::-1]
    assert listed(viewer, PAYMENTS, ordering="bank_message") == ids[::-1]


def test_pages_neither_repeat_nor_skip_a_row(viewer: Client) -> None:
    made = {make_payment(order_id=f"P{n:03}").order_id for n in range(60)}
    first, second = listed(viewer, PAYMENTS, ordering="amount"), listed(viewer, PAYMENTS, ordering="amount", p=2)
    assert len(first) == 50
    assert sorted(first + second) == sorted(made)


def test_states_and_services_are_filtered_by_any_of_the_ticked(viewer: Client) -> None:
    make_payment(order_id="A", state="SUCCESS", merchant_type="II")
    make_payment(order_id="B", state="FAIL", merchant_type="PP")
    make_payment(order_id="C", state="CREATED", merchant_type="PP")
    assert set(listed(viewer, PAYMENTS, state=["SUCCESS", "FAIL"])) == {"A", "B"}
    assert listed(viewer, PAYMENTS, state=["SUCCESS", "FAIL"], merchant_type="PP") == ["B"]


def test_filters_do_not_make_the_database_look_for_doubles(viewer: Client, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(10) as queries:
        viewer.get(PAYMENTS, {"state": ["SUCCESS", "FAIL"], "merchant_type": "II"})
    ours = [query["sql"] for query in queries if 'FROM "wagtail_payparts_payment"' in query["sql"].replace("`", '"')]
    assert ours
    assert not any("DISTINCT" in sql for sql in ours)


def test_amounts_are_filtered_with_both_ends(viewer: Client) -> None:
    for order_id, amount in {"A": "300.00", "B": "300.01", "C": "500.00"}.items():
        make_payment(order_id=order_id, amount=amount)
    assert set(listed(viewer, PAYMENTS, amount_min="300.01")) == {"B", "C"}
    assert set(listed(viewer, PAYMENTS, amount_max="300.01")) == {"A", "B"}
    assert listed(viewer, PAYMENTS, amount_min="300.01", amount_max="300.01") == ["B"]


def test_tests_and_those_that_need_a_person_can_be_told_apart(viewer: Client) -> None:
    make_payment(order_id="A")
    make_payment(order_id="B", is_test=True)
    make_payment(order_id="C", attention="late_success")
    assert set(listed(viewer, PAYMENTS, is_test="real")) == {"A", "C"}
    assert listed(viewer, PAYMENTS, is_test="test") == ["B"]
    assert listed(viewer, PAYMENTS, attention="needed") == ["C"]
    assert set(listed(viewer, PAYMENTS, attention="none")) == {"A", "B"}


@pytest.mark.parametrize("day", [datetime(2026, 3, 29), datetime(2026, 10, 25), datetime(2026, 6, 1)])  # noqa: DTZ001
def test_a_day_is_the_day_of_the_site_also_when_the_clocks_change(viewer: Client, day: datetime) -> None:
    start = day.replace(tzinfo=KYIV)
    end = (day + timedelta(days=1)).replace(tzinfo=KYIV)
    moments = {
        "before": start.astimezone(ZoneInfo("UTC")) - timedelta(microseconds=1),
        "first": start,
        "last": end.astimezone(ZoneInfo("UTC")) - timedelta(microseconds=1),
        "after": end,
    }
    for order_id, moment in moments.items():
        made_at(make_payment(order_id=order_id), moment)
    that_day = f"{day:%Y-%m-%d}"
    assert set(listed(viewer, PAYMENTS, created_at_from=that_day, created_at_to=that_day)) == {"first", "last"}
    assert set(listed(viewer, PAYMENTS, created_at_from=that_day)) == {"first", "last", "after"}
    assert set(listed(viewer, PAYMENTS, created_at_to=that_day)) == {"before", "first", "last"}


def test_a_person_in_another_time_zone_sees_the_days_of_the_site(viewer: Client) -> None:
    profile = UserProfile.get_for_user(viewer.get(PAYMENTS).wsgi_request.user)
    profile.current_time_zone = "America/New_York"
    profile.save()
    made_at(make_payment(order_id="A"), datetime(2026, 6, 2, 0, 30, tzinfo=KYIV))
    assert listed(viewer, PAYMENTS, created_at_from="2026-06-02") == ["A"]
    assert "2 Jun 2026, 00:30" in viewer.get(PAYMENTS).content.decode()


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"state": "BOGUS"}, "BOGUS is not one of the available choices"),
        ({"state": ["SUCCESS", "BOGUS"]}, "BOGUS is not one of the available choices"),
        ({"merchant_type": "XX"}, "XX is not one of the available choices"),
        ({"created_at_from": "garbage"}, "Enter a valid date."),
        ({"created_at_to": "9999-12-31"}, "2999-12-31"),
        ({"created_at_from": "0001-01-01"}, "2000-01-01"),
        ({"created_at_from": "2026-03-02", "created_at_to": "2026-03-01"}, "The first day comes after the last."),
        ({"amount_min": "abc"}, "Enter a number."),
        ({"amount_min": "NaN"}, "Enter a number."),
        ({"amount_max": "1e400"}, "Ensure that there are no more than"),
        ({"amount_min": "-1"}, "greater than or equal to 0"),
        ({"amount_min": "2", "amount_max": "1"}, "The lowest amount is above the highest."),
        ({"is_test": "maybe"}, "maybe is not one of the available choices"),
        ({"attention": "maybe"}, "maybe is not one of the available choices"),
        ({"q": "\0"}, "Null characters are not allowed."),
    ],
)
@pytest.mark.parametrize("address", [PAYMENTS, f"{PAYMENTS}results/"])
def test_a_filter_that_cannot_be_read_shows_nothing_and_says_why(
    accountant: Client, address: str, query: dict[str, Any], reason: str
) -> None:
    make_payment()
    soup = soup_of(accountant.get(address, query))
    assert not soup.select("table.listing tbody tr")
    assert reason in words(soup.select_one(".payparts-refusal[role=alert]"))
    assert "export=" not in str(soup)


def test_export_is_offered_to_those_who_may_and_keeps_the_filters(
    accountant: Client, viewer: Client, staff: Callable[..., Client]
) -> None:
    offered = soup_of(accountant.get(PAYMENTS, {"state": "SUCCESS"})).select('a[href*="export="]')
    assert {link["href"] for link in offered} == {
        f"{PAYMENTS}?state=SUCCESS&export=csv",
        f"{PAYMENTS}?state=SUCCESS&export=xlsx",
    }
    assert "export=" not in viewer.get(PAYMENTS).content.decode()


def test_the_listing_runs_no_script_of_its_own(superuser: Client) -> None:
    make_payment()
    content = superuser.get(f"{PAYMENTS}results/", {"_w_filter_fragment": "1"}).content.decode()
    assert 'type="date"' in content
    assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=", content)


def test_what_outsiders_wrote_is_text(viewer: Client) -> None:
    make_payment(reference="<script>1</script>", offer_title="<script>2</script>", page_title="<img src=x>")
    soup = soup_of(viewer.get(f"{PAYMENTS}results/"))
    assert not soup.select("script, img")
    assert "<script>1</script>" in words(soup)

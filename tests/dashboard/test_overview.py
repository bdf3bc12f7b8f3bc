"""The overview: a small ledger whose figures are reckoned by hand, the days that it is about, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from bs4 import BeautifulSoup
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.dashboard.conftest import PAYMENTS
from tests.dashboard.reading import listed, made_at, soup_of, words
from tests.factories import make_payment
from wagtail_payparts.models import Payment


pytestmark = pytest.mark.django_db

OVERVIEW = "/admin/payparts/overview/"
KYIV = ZoneInfo("Europe/Kyiv")
TEN_DAYS = {"first": "2026-11-01", "last": "2026-11-10"}


def pay(day: int, amount: str = "1000.00", state: str = "SUCCESS", *, month: int = 11, **fields: Any) -> Payment:
    """A payment that was created at noon, or at ``at`` (hour and minute), of a day of 2026 in Kyiv."""
    hour, minute = fields.pop("at", (12, 0))
    fields.setdefault("furthest_state", "SUCCESS" if state == "SUCCESS" else "CREATED")
    payment = make_payment(amount=Decimal(amount), state=state, **fields)
    made_at(payment, datetime(2026, month, day, hour, minute, tzinfo=KYIV))
    return payment


def figures(page: BeautifulSoup) -> dict[str, tuple[str, ...]]:
    """Each figure by its label: its value, how it changed, and what it was before."""
    return {
        words(figure.dt): tuple(
            words(part).removeprefix("before: ")
            for part in figure.select(".payparts-figure__value, .payparts-figure__change > *")
        )
        for figure in page.select(".payparts-figure")
    }


def rows(page: BeautifulSoup, panel: str) -> list[list[str]]:
    """The table of a panel, without its bars."""
    return [[words(cell) for cell in row.select("th, td")] for row in page.select(f"#{panel}-section tbody tr")]


def small_ledger() -> None:
    """Ten days of November; and one payment of the ten days before, which are the last of October."""
    pay(1, "1000.00", fee=Decimal("20.00"), parts_count=3, at=(0, 1))
    pay(5, "3000.50", fee=Decimal("90.02"), parts_count=4, refunded_amount=Decimal("500.25"))
    pay(5, "2000.00", fee=Decimal("40.00"), parts_count=3, merchant_type="PP", store="second")
    pay(10, "700.00", "FAIL", furthest_state="OTP_WAITING", bank_message="Недостатньо\nкредитного ліміту", at=(23, 59))
    pay(9, "800.00", "CANCELED", furthest_state="CLIENT_WAIT")
    pay(9, "900.00", "EXPIRED")
    pay(9, "950.00", "NEW", furthest_state="NEW")
    pay(8, "600.00", "LOCKED", furthest_state="LOCKED", hold=True)
    # Neither of these days nor real.
    pay(31, "5000.00", month=10, fee=Decimal("100.00"), at=(23, 59))
    pay(11, "7777.00", at=(0, 0))
    pay(5, "9999.00", is_test=True, refunded_amount=Decimal("1.00"))


def test_the_figures_are_those_of_the_ledger(viewer: Client) -> None:
    small_ledger()
    found = figures(soup_of(viewer.get(OVERVIEW, TEN_DAYS)))
    # 1000.00 + 3000.50 + 2000.00, and 5000.00 before.
    assert found["Sales"] == ("UAH 6,000.50", "+20%", "UAH 5,000.00")
    assert found["Refunds"] == ("UAH 500.25", "—", "UAH 0.00")
    assert found["Sales less refunds"] == ("UAH 5,500.25", "+10%", "UAH 5,000.00")
    # 20.00 + 90.02 + 40.00
    assert found["Cost of the service"] == ("UAH 150.02", "+50%", "UAH 100.00")
    assert found["Left to the shop"] == ("UAH 5,350.23", "+9.2%", "UAH 4,900.00")
    # A third of 6000.50.
    assert found["Average payment"] == ("UAH 2,000.17", "−60%", "UAH 5,000.00")
    assert found["Payments created"] == ("8", "+700%", "1")
    assert found["Payments paid"] == ("3", "+200%", "1")
    # Three of the five that the bank has decided: paid three times, refused once, cancelled once.
    assert found["Approval rate"] == ("60%", "−40 pp", "100%")


def test_shares_and_steps_are_those_of_the_ledger(viewer: Client) -> None:
    small_ledger()
    page = soup_of(viewer.get(OVERVIEW, TEN_DAYS))
    assert rows(page, "parts") == [["3", "2", "67%", "UAH 3,000.00"], ["4", "1", "33%", "UAH 3,000.50"]]
    assert rows(page, "services") == [
        ["Instant instalment", "2", "67%", "UAH 4,000.50"],
        ["Pay in parts", "1", "33%", "UAH 2,000.00"],
    ]
    assert rows(page, "funnel") == [
        ["Created", "8", "100%"],
        # All but the one that is new.
        ["At the bank", "7", "88%"],
        # The paid, the refused and the held one.
        ["Asked for the code", "5", "63%"],
        ["Paid", "3", "38%"],
    ]
    assert rows(page, "refusals") == [["Недостатньо кредитного ліміту", "1", "100%"]]


def test_sales_are_shown_day_by_day_as_a_chart_and_as_a_table(viewer: Client) -> None:
    small_ledger()
    page = soup_of(viewer.get(OVERVIEW, TEN_DAYS))
    table = rows(page, "sales")
    assert [row[0] for row in table] == [f"{day} November" for day in range(1, 11)]
    assert {row[0]: row[1:] for row in table if row[2] != "0"} == {
        "1 November": ["UAH 1,000.00", "1"],
        "5 November": ["UAH 5,000.50", "2"],
    }
    chart = page.select_one("#sales-section svg[role=img]")
    assert chart is not None
    named = [words(page.select_one(f"#{name}")) for name in str(chart["aria-labelledby"]).split()]
    says = "The most was sold on 5 November: UAH 5,000.50. On 8 days nothing was sold."
    assert named == ["Sales by day", says]
    assert words(page.select_one("#sales-section figcaption")) == says
    assert [words(bar.title) for bar in chart.select("rect")] == [
        "1 November: UAH 1,000.00",
        "5 November: UAH 5,000.50",
    ]


def test_columns_are_as_high_as_the_sales_and_written_with_points_in_every_language(viewer: Client) -> None:
    pay(1, "300.00")
    pay(3, "1200.00")
    for language in ("en", "uk"):
        page = soup_of(viewer.get(OVERVIEW, TEN_DAYS, headers={"Accept-Language": language}))
        bars = page.select("#sales-section rect")
        # 160 px are 1200.00; each of ten days has a tenth of the width.
        assert [bar["height"] for bar in bars] == ["40.0", "160.0"]
        assert [bar["x"] for bar in bars] == ["1.50%", "21.50%"]
        assert [bar["width"] for bar in bars] == ["7.00%", "7.00%"]
        numbers = [
            bar[name] for bar in page.select("svg rect, svg line, svg text") for name in bar.attrs if name != "class"
        ]
        assert not [number for number in numbers if "," in str(number)]


def test_what_is_open_is_counted_whenever_it_was_created(viewer: Client) -> None:
    pay(1, "600.00", "LOCKED", month=3)
    pay(2, "400.50", "LOCKED", month=9)
    pay(3, "1000.00", "CREATED", month=3)
    pay(3, "250.25", "OTP_WAITING")
    pay(3, "111.00", "LOCKED", is_test=True)
    page = soup_of(viewer.get(OVERVIEW, TEN_DAYS))
    shown = {words(figure.dt): words(figure) for figure in page.select("#now-section .payparts-figure")}
    assert "UAH 1,000.50 2 payments" in shown["On hold"]
    assert "UAH 1,250.25 2 payments" in shown["Money waiting"]
    links = [str(link["href"]) for link in page.select("#now-section .payparts-figure a")]
    assert [len(listed(viewer, link)) for link in links] == [2, 2]


def test_figures_lead_to_the_payments_that_they_count(viewer: Client) -> None:
    small_ledger()
    page = soup_of(viewer.get(OVERVIEW, TEN_DAYS))
    links = {words(link): str(link["href"]) for link in page.select(f".payparts-page a[href^='{PAYMENTS}']")}
    assert len(listed(viewer, links["8"])) == 8
    assert len(listed(viewer, links["3"])) == 3
    assert len(listed(viewer, links["Show the refused payments"])) == 1
    assert len(listed(viewer, links["Pay in parts"])) == 1
    assert parse_qs(urlsplit(links["3"]).query) == {
        "is_test": ["real"],
        "state": ["SUCCESS"],
        "created_at_from": ["2026-11-01"],
        "created_at_to": ["2026-11-10"],
    }


def test_frequent_refusals_come_first_and_rare_ones_are_put_together(viewer: Client) -> None:
    for number in range(12):
        for _time in range(3 if number == 11 else 2 if number == 10 else 1):
            pay(3, state="FAIL", bank_message=f"reason {number:02d}")
    pay(3, state="FAIL", bank_message="reason\u202e 11\x07  ")
    pay(3, state="FAIL", bank_message="")
    found = rows(soup_of(viewer.get(OVERVIEW, TEN_DAYS)), "refusals")
    assert found[:2] == [["reason 11", "4", "24%"], ["reason 10", "2", "12%"]]
    assert len(found) == 9
    assert found[-1] == ["Other reasons", "5", "29%"]


def test_what_the_bank_wrote_is_shown_as_text_and_not_at_any_length(viewer: Client) -> None:
    pay(3, state="FAIL", bank_message="<script>alert(1)</script>" + "щ" * 100_000)
    pay(4, state="FAIL", bank_message="")
    response = viewer.get(OVERVIEW, TEN_DAYS)
    assert b"<script>alert" not in response.content
    found = [reason for reason, *_rest in rows(soup_of(response), "refusals")]
    assert sorted(found) == ["<script>alert(1)</script>" + "щ" * 175, "The bank gave no reason"]


def test_days_begin_and_end_by_the_clock_of_the_site_when_clocks_change(viewer: Client) -> None:
    # On 29 March a day of Kyiv has 23 hours, on 25 October 25.
    for month, day in ((3, 29), (10, 25)):
        pay(day - 1, "1.00", month=month, at=(23, 59))
        pay(day, "10.00", month=month, at=(0, 0))
        pay(day, "100.00", month=month, at=(23, 59))
        pay(day + 1, "1000.00", month=month, at=(0, 0))
        date = f"2026-{month}-{day}"
        found = figures(soup_of(viewer.get(OVERVIEW, {"first": date, "last": date})))
        assert found["Sales"] == ("UAH 110.00", "+10,900%", "UAH 1.00")
        first, last = f"2026-{month}-{day - 1}", f"2026-{month}-{day + 1}"
        by_day = rows(soup_of(viewer.get(OVERVIEW, {"first": first, "last": last})), "sales")
        assert [row[1] for row in by_day] == ["UAH 1.00", "UAH 110.00", "UAH 1,000.00"]


def test_days_are_those_of_the_site_whatever_zone_a_person_has_chosen(viewer: Client) -> None:
    pay(10, at=(0, 30))
    with timezone.override("America/New_York"):
        found = figures(soup_of(viewer.get(OVERVIEW, {"first": "2026-11-10", "last": "2026-11-10"})))
    assert found["Payments created"][0] == "1"


@pytest.mark.parametrize(
    ("days", "message"),
    [
        ({"first": "2026-11-10", "last": "2026-11-01"}, "The first day comes after the last."),
        ({"first": "2026-11-10"}, "Choose this day, too."),
        ({"first": "", "last": ""}, "Choose this day, too."),
        ({"first": "yesterday\x00", "last": "2026-11-10"}, "Enter a valid date."),
        ({"first": "9999-12-31", "last": "9999-12-31"}, "Choose a day of our time"),
        ({"first": "0001-01-01", "last": "0001-01-01"}, "Choose a day of our time"),
        ({"first": "2024-01-01", "last": "2026-11-10"}, "This is longer than two years."),
        ({"period": "next_year"}, "There is no such period."),
        ({"period": ""}, "There is no such period."),
    ],
)
def test_days_that_cannot_be_used_are_refused_beside_the_form(
    viewer: Client, days: dict[str, str], message: str
) -> None:
    small_ledger()
    page = soup_of(viewer.get(OVERVIEW, days))
    assert message in words(page.select_one(".payparts-period"))
    assert page.select_one(".payparts-period [role=alert]") is not None
    assert figures(page) == {}
    assert not page.select("#sales-section, #funnel-section")


def test_the_longest_and_the_oldest_days_that_can_be_chosen_are_shown(viewer: Client) -> None:
    for days in ({"first": "2024-01-01", "last": "2025-12-31"}, {"first": "2000-01-01", "last": "2000-01-01"}):
        assert soup_of(viewer.get(OVERVIEW, days)).select_one("[role=alert]") is None


def test_an_unused_ledger_is_explained(viewer: Client) -> None:
    make_payment(is_test=True, state="SUCCESS")
    page = soup_of(viewer.get(OVERVIEW))
    assert "Nobody has paid in parts yet" in words(page.select_one(".payparts-page"))
    assert figures(page) == {}


def test_days_without_payments_are_said_to_have_none(viewer: Client) -> None:
    pay(1, month=3)
    page = soup_of(viewer.get(OVERVIEW, TEN_DAYS))
    assert "No payments were created on these days" in words(page.select_one(".payparts-page"))
    assert set(figures(page)) == {"On hold", "Money waiting"}


def test_days_without_payments_are_still_compared_with_those_before(viewer: Client) -> None:
    pay(28, "100.00", month=10)
    found = figures(soup_of(viewer.get(OVERVIEW, TEN_DAYS)))
    assert found["Sales"] == ("UAH 0.00", "−100%", "UAH 100.00")
    assert found["Average payment"] == ("—", "—", "UAH 100.00")
    assert found["Approval rate"] == ("—", "—", "100%")


def test_enormous_amounts_are_added_up(viewer: Client) -> None:
    for day in (1, 2, 3):
        pay(day, "9999999999.99")
    found = figures(soup_of(viewer.get(OVERVIEW, TEN_DAYS)))
    assert found["Sales"][0] == "UAH 29,999,999,999.97"
    assert found["Average payment"][0] == "UAH 9,999,999,999.99"


def test_one_day_with_one_payment_has_figures_and_no_chart_of_days(viewer: Client) -> None:
    pay(5)
    page = soup_of(viewer.get(OVERVIEW, {"first": "2026-11-05", "last": "2026-11-05"}))
    assert figures(page)["Sales"][0] == "UAH 1,000.00"
    assert not page.select("#sales-section")


def test_it_takes_five_queries_however_many_payments_and_days(viewer: Client) -> None:
    small_ledger()
    viewer.get(OVERVIEW)
    for days in (TEN_DAYS, {"first": "2025-01-01", "last": "2026-11-10"}):
        with CaptureQueriesContext(connection) as asked:
            viewer.get(OVERVIEW, days)
        assert len([query for query in asked if "payparts_payment" in query["sql"]]) == 5


def test_no_buyer_is_named(superuser: Client) -> None:
    pay(5, bank_message="договір: Олена Коваль, карта 5168****1234", receipt={"owner_name": "OLENA KOVAL"})
    content = superuser.get(OVERVIEW, TEN_DAYS).content.decode()
    assert "Коваль" not in content
    assert "OLENA" not in content


def test_it_is_the_first_thing_in_the_menu_of_those_who_see_payments(staff: Callable[..., Client]) -> None:
    content = staff("view_payment").get("/admin/").content.decode()
    assert 0 < content.index(f'"{OVERVIEW}"') < content.index(f'"{PAYMENTS}"')
    assert f'"{OVERVIEW}"' not in staff("view_order").get("/admin/").content.decode()


@pytest.mark.parametrize("codenames", [(), ("view_order",), ("viewbuyer_payment", "export_payment")])
def test_others_are_sent_home(staff: Callable[..., Client], codenames: tuple[str, ...]) -> None:
    client = staff(*codenames)
    for response in (client.get(OVERVIEW), client.post(OVERVIEW)):
        assert (response.status_code, response["Location"]) == (302, "/admin/")


def test_nothing_is_written_by_any_method(viewer: Client) -> None:
    for method in ("post", "put", "patch", "delete"):
        assert getattr(viewer, method)(OVERVIEW).status_code == 405

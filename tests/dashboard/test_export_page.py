"""The page on which an export is chosen: what it says, what it takes, what it refuses."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from openpyxl import load_workbook
from wagtail.models import ModelLogEntry

from tests.dashboard.reading import soup_of, words
from tests.factories import make_order, make_payment
from wagtail_payparts.dashboard import export_page, exports, searching
from wagtail_payparts.models import Payment
from wagtail_payparts.resources import PaymentResource


pytestmark = pytest.mark.django_db

PAYMENTS = "/admin/payparts/payments/"
EXPORT = f"{PAYMENTS}export/"
ACCOUNTANT = [
    "Order id at the bank",
    "Reference",
    "Order",
    "State",
    "Amount, UAH",
    "Refunded, UAH",
    "Paid less refunds, UAH",
    "Fee of the shop, UAH",
    "Left after the fee, UAH",
    "Number of parts",
    "Service",
    "Created",
    "Changed",
    "Test",
]


def choose(client: Client, query: str = "", **chosen: Any) -> Any:
    return client.post(
        f"{EXPORT}{query}", {"format": "csv", "preset": "all", "delimiter": ",", "columns": [], **chosen}
    )


def read(response: Any, delimiter: str = ",") -> list[list[str]]:
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/csv"), response.content.decode()
    return list(csv.reader(io.StringIO(response.getvalue().decode("utf-8-sig"), newline=""), delimiter=delimiter))


def said(soup: BeautifulSoup) -> dict[str, str]:
    facts = soup.select("#export-what-content div, .payparts-export .payparts-facts > div")
    return {words(fact.dt): words(fact.dd) for fact in facts if fact.dt and fact.dd}


def test_the_listing_leads_to_it_with_its_filters(accountant: Client, viewer: Client) -> None:
    make_payment(state="SUCCESS")
    query = {"state": "SUCCESS", "q": "x", "ordering": "-amount", "p": "1"}
    links = soup_of(accountant.get(PAYMENTS, query)).select(f'a[href^="{EXPORT}"]')
    assert [link["href"] for link in links] == [f"{EXPORT}?state=SUCCESS&q=x&ordering=-amount"]
    # The menu still leads to the listing.
    assert soup_of(accountant.get("/admin/")).find(string=lambda text: f'"url": "{PAYMENTS}"' in (text or ""))
    assert not soup_of(viewer.get(PAYMENTS)).select(f'a[href^="{EXPORT}"]')
    assert not soup_of(accountant.get(PAYMENTS, {"state": "BOGUS"})).select(f'a[href^="{EXPORT}"]')


def test_it_says_what_it_will_hold(accountant: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for _number in range(3):
        make_payment(state="SUCCESS", order_id=f"AB{_number}")
    payment = make_payment(state="FAIL")
    assert said(soup_of(accountant.get(EXPORT))) == {
        "Payments": "4 payments",
        "Filters": "none: every payment, test payments too",
    }
    found = said(soup_of(accountant.get(EXPORT, {"state": "SUCCESS", "q": "AB"})))
    assert found == {"Payments": "3 payments", "State": "Paid", "Search": "AB"}
    found = said(soup_of(accountant.get(EXPORT, {"id": [payment.pk]})))
    assert found == {"Payments": "1 payment", "Selection": "only 1 payment chosen in the list"}
    monkeypatch.setattr(export_page, "COUNTED", 2)
    assert said(soup_of(accountant.get(EXPORT)))["Payments"].startswith("More than 2 payments")


def test_the_file_follows_filter_search_order_and_selection(accountant: Client) -> None:
    ids = {}
    for order_id, amount, state in [("A", "300", "SUCCESS"), ("B", "500", "SUCCESS"), ("C", "400", "FAIL")]:
        ids[order_id] = make_payment(order_id=order_id, amount=amount, state=state).pk

    def exported(query: str) -> list[str]:
        return [row[0] for row in read(choose(accountant, query))[1:]]

    assert exported("?state=SUCCESS&ordering=-amount") == ["B", "A"]
    assert exported("?q=C") == ["C"]
    assert exported(f"?id={ids['A']}&id={ids['C']}") == ["C", "A"]
    assert exported(f"?id={ids['A']},{ids['C']}&ordering=amount") == ["A", "C"]
    assert exported(f"?id={ids['A']}&id=999999") == ["A"]
    assert exported("?id=999999") == []


def test_a_search_is_exported_whole_though_the_list_shows_what_is_found_first(
    accountant: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "MOST_FOUND", 2)
    for number in range(7):
        make_payment(order_id=f"AB{number}", reference="AB" if number % 2 else "")
    make_payment(order_id="OTHER")
    expected = [f"AB{number}" for number in range(6, -1, -1)]
    assert said(soup_of(accountant.get(EXPORT, {"q": "AB"})))["Payments"] == "7 payments"
    assert [row[0] for row in read(choose(accountant, "?q=AB"))[1:]] == expected
    assert [row[0] for row in read(accountant.get(PAYMENTS, {"q": "AB", "export": "csv"}))[1:]] == expected


def test_presets_and_ticks_choose_the_columns(accountant: Client) -> None:
    make_payment(buyer_order=make_order())
    assert read(choose(accountant))[0] == PaymentResource(with_buyer=True).get_export_headers()
    assert read(choose(accountant, preset="accountant"))[0] == ACCOUNTANT
    # In the order of the Resource, whatever the order of the ticks; those of another choice do not count.
    assert read(choose(accountant, preset="own", columns=["amount", "order_id"]))[0] == [
        "Order id at the bank",
        "Amount, UAH",
    ]
    assert read(choose(accountant, preset="accountant", columns=["order_id"]))[0] == ACCOUNTANT


def test_xlsx_has_the_chosen_columns_and_a_row_of_totals(accountant: Client) -> None:
    make_payment(amount="300.10", state="SUCCESS")
    make_payment(amount="400.05", state="FAIL")
    response = choose(accountant, format="xlsx", preset="own", columns=["amount", "order_id", "net_amount"])
    sheet = load_workbook(io.BytesIO(response.getvalue())).active
    assert sheet is not None
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert rows[0] == ["Order id at the bank", "Amount, UAH", "Paid less refunds, UAH"]
    assert [row[1:] for row in rows[1:]] == [[400.05, 0], [300.1, 300.1], [700.15, 300.1]]
    assert rows[-1][0] == "Total: 2 payments, whatever their state"
    assert sheet["B4"].font.bold
    assert sheet["B4"].number_format == "#,##0.00"
    # Sorting and filtering leave the totals where they are.
    assert sheet.auto_filter.ref == "A1:C3"
    assert sheet.freeze_panes == "A2"


@pytest.mark.parametrize("columns", [["order_id", "amount", "is_test"], ["order_id", "amount"]])
def test_test_payments_are_no_part_of_the_totals(accountant: Client, columns: list[str]) -> None:
    make_payment(amount="300.10", state="SUCCESS")
    make_payment(amount="9000.00", state="SUCCESS", is_test=True)
    response = choose(accountant, format="xlsx", preset="own", columns=columns)
    sheet = load_workbook(io.BytesIO(response.getvalue())).active
    assert sheet is not None
    rows = [[cell.value for cell in row][1] for row in sheet.iter_rows()]
    assert rows == ["Amount, UAH", 9000, 300.1, 300.1]
    assert sheet["A4"].value == "Total without test payments: 1 payment, whatever its state"
    assert sheet.auto_filter.ref.endswith("3")


def test_a_workbook_of_test_payments_has_totals_of_nothing(accountant: Client) -> None:
    make_payment(amount="9000.00", state="SUCCESS", is_test=True)
    response = choose(accountant, format="xlsx", preset="accountant")
    sheet = load_workbook(io.BytesIO(response.getvalue())).active
    assert sheet is not None
    headings, row, totals = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert headings == ACCOUNTANT
    assert row[headings.index("Test")] == "Yes"
    assert totals[0] == "Total without test payments: 0 payments, whatever their state"
    assert totals[headings.index("Amount, UAH")] == 0


def test_a_workbook_of_nothing_but_money_has_totals_without_words(accountant: Client) -> None:
    make_payment(amount="300.10")
    response = choose(accountant, format="xlsx", preset="own", columns=["amount"])
    sheet = load_workbook(io.BytesIO(response.getvalue())).active
    assert sheet is not None
    assert [cell.value for row in sheet.iter_rows() for cell in row] == ["Amount, UAH", 300.1, 300.1]


@pytest.mark.parametrize(
    ("language", "delimiter", "amount"),
    [("en", ",", "12500.00"), ("en", ";", "12500.00"), ("uk", ";", "12500,00"), ("uk", ",", "12500.00")],
)
def test_a_comma_between_cells_means_a_point_in_numbers(
    accountant: Client, settings: Any, language: str, delimiter: str, amount: str
) -> None:
    settings.LANGUAGE_CODE = language
    make_payment()
    rows = read(choose(accountant, preset="own", columns=["order_id", "amount"], delimiter=delimiter), delimiter)
    assert rows[1][1] == amount


def test_the_delimiter_of_the_language_is_offered_first(accountant: Client, settings: Any) -> None:
    for language, expected in [("en", ","), ("uk", ";"), ("ru", ";")]:
        settings.LANGUAGE_CODE = language
        chosen = soup_of(accountant.get(EXPORT)).select_one("input[name=delimiter][checked]")
        assert chosen is not None
        assert chosen["value"] == expected


def test_the_buyer_is_offered_only_to_those_who_may_know(accountant: Client, staff: Callable[..., Client]) -> None:
    make_payment(buyer_order=make_order(buyer_name="Олена"))
    offered = soup_of(accountant.get(EXPORT)).select("input[name=columns][value^=buyer_]")
    assert len(offered) == 3
    other = staff("view_payment", "export_payment")
    assert not soup_of(other.get(EXPORT)).select("input[name=columns][value^=buyer_]")
    for preset in ("own", "all"):
        response = choose(other, preset=preset, columns=["order_id", "buyer_name"])
        content = b"".join(response).decode()
        assert "Олена" not in content
    # Asked for what is not on offer, it refuses instead of leaving it out.
    refused = choose(other, preset="own", columns=["order_id", "buyer_name"])
    assert refused["Content-Type"].startswith("text/html")


def test_the_last_choice_is_remembered(accountant: Client) -> None:
    make_payment()
    choose(accountant, format="xlsx", preset="own", columns=["amount"], delimiter=";")
    soup = soup_of(accountant.get(EXPORT))
    ticked = [(each["name"], each["value"]) for each in soup.select(".payparts-export input[checked]")]
    assert ticked == [("format", "xlsx"), ("delimiter", ";"), ("preset", "own"), ("columns", "amount")]


@pytest.mark.parametrize("remembered", ["nonsense", {"format": "pdf", "preset": [], "columns": 7, "delimiter": None}])
def test_a_remembered_choice_that_is_none_any_more_does_no_harm(accountant: Client, remembered: Any) -> None:
    session = accountant.session
    session["payparts_export"] = remembered
    session.save()
    assert soup_of(accountant.get(EXPORT)).select_one("input[name=format][value=csv][checked]")


@pytest.mark.parametrize(
    "query",
    [
        "?state=BOGUS",
        "?created_at_from=garbage",
        "?created_at_from=2026-02-02&created_at_to=2026-01-01",
        "?amount_min=1e999",
        "?q=%00",
        "?id=x",
        "?id=-1",
        "?id=1&id=",
        "?id=1,,2",
        "?id=99999999999999999999999",
        "?id=%D9%A3",
    ],
)
def test_what_cannot_be_read_is_refused_and_nothing_leaves(accountant: Client, query: str) -> None:
    make_payment(order_id="SECRET")
    for response in (accountant.get(f"{EXPORT}{query}"), choose(accountant, query)):
        assert response.status_code == 400
        soup = BeautifulSoup(response.content, "html.parser")
        assert "Nothing can be exported" in words(soup.select_one("[role=alert]"))
        assert not soup.select(".payparts-export form")
        assert "SECRET" not in response.content.decode()
    assert not ModelLogEntry.objects.exists()


def test_too_many_chosen_by_hand_are_refused(accountant: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_page, "MOST_SELECTED", 2)
    assert accountant.get(f"{EXPORT}?id=1,2").status_code == 200
    response = accountant.get(f"{EXPORT}?id=1,2,3")
    assert response.status_code == 400
    assert "More than 2 payments were chosen" in response.content.decode()


@pytest.mark.parametrize(
    ("chosen", "problem"),
    [
        ({"format": "pdf"}, "pdf is not one of the available choices"),
        ({"format": ""}, "This field is required"),
        ({"preset": "nobody"}, "nobody is not one of the available choices"),
        ({"preset": "own"}, "Tick at least one column."),
        ({"preset": "own", "columns": ["token"]}, "token is not one of the available choices"),
        ({"delimiter": "|"}, "is not one of the available choices"),
    ],
)
def test_a_choice_that_is_not_on_offer_is_refused(accountant: Client, chosen: dict[str, Any], problem: str) -> None:
    make_payment(order_id="SECRET")
    soup = soup_of(choose(accountant, **chosen))
    assert problem in words(soup.select_one("[role=alert]"))
    assert "SECRET" not in soup.get_text()
    assert not ModelLogEntry.objects.exists()


def test_more_than_a_workbook_holds_is_refused_with_a_way_out(
    accountant: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_payment()
    make_payment()
    monkeypatch.setattr(export_page, "MAX_XLSX_ROWS", 1)
    soup = soup_of(choose(accountant, format="xlsx"))
    assert "take CSV" in words(soup.select_one("[role=alert]"))
    assert len(read(choose(accountant))) == 3


def test_the_log_tells_who_what_and_how_much(accountant: Client) -> None:
    pk = make_payment(state="SUCCESS").pk
    choose(accountant, f"?state=SUCCESS&id={pk}", preset="accountant")
    entry = ModelLogEntry.objects.get(action=exports.EXPORTED)
    assert entry.user.username.startswith("staff-")
    columns = entry.data.pop("columns")
    assert len(columns) == len(ACCOUNTANT)
    assert entry.data == {
        "format": "csv",
        "preset": "accountant",
        "buyer": True,
        "filters": "state=SUCCESS",
        "selected": [pk],
        "rows": 1,
    }


def test_the_log_does_not_tell_whom_somebody_looked_for(accountant: Client) -> None:
    make_payment(state="SUCCESS", buyer_order=make_order(buyer_phone="+380671234567"))
    query = "?q=%2B380671234567&state=SUCCESS"
    assert len(read(choose(accountant, query))) == 2
    assert len(read(accountant.get(f"{PAYMENTS}{query}&export=csv"))) == 2
    choose(accountant, "?q=+")
    found, listed, blank = [entry.data for entry in ModelLogEntry.objects.order_by("pk")]
    for data in (found, listed):
        assert "380671234567" not in str(data)
        assert (data["filters"], data["searched"], data["rows"]) == ("state=SUCCESS", True, 1)
    assert "searched" not in blank


@pytest.mark.parametrize(
    "permissions", [(), ("view_payment",), ("export_payment",), ("view_payment", "viewbuyer_payment"), ("view_order",)]
)
def test_nobody_else_gets_in(staff: Callable[..., Client], permissions: tuple[str, ...]) -> None:
    make_payment()
    client = staff(*permissions)
    for response in (client.get(EXPORT), choose(client), client.delete(EXPORT)):
        assert response.status_code == 302
        assert response["Location"] == "/admin/"
    assert not ModelLogEntry.objects.exists()


def test_a_stranger_is_asked_to_log_in(client: Client) -> None:
    for response in (client.get(EXPORT), choose(client)):
        assert response.status_code == 302
        assert response["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_no_other_method_is_answered(superuser: Client, method: str) -> None:
    assert getattr(superuser, method)(EXPORT).status_code == 405


def test_a_download_needs_the_token_of_the_form(accountant: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = accountant.cookies
    assert choose(strict).status_code == 403
    assert not ModelLogEntry.objects.exists()


def test_columns_of_the_project_are_on_offer_too(accountant: Client, settings: Any) -> None:
    settings.PAYPARTS_EXPORT_RESOURCE = "tests.test_export.ShopResource"
    make_payment(reference="SHOP-7")
    groups = soup_of(accountant.get(EXPORT)).select(".payparts-export__groups fieldset")
    assert words(groups[-1]) == "Others Shop Initial Shouted"
    assert read(choose(accountant, preset="own", columns=["shouted"])) == [["Shouted"], ["'=SHOP-7"]]


def test_a_file_of_nothing_has_its_headings(accountant: Client) -> None:
    assert said(soup_of(accountant.get(EXPORT)))["Payments"] == "0 payments"
    assert read(choose(accountant, preset="accountant")) == [ACCOUNTANT]
    assert Payment.objects.count() == 0

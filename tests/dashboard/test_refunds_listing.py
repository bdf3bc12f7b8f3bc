"""The list of refunds, and its export: columns, filters, search, who may see what, and how little it costs."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook
from wagtail.admin.admin_url_finder import AdminURLFinder
from wagtail.models import ModelLogEntry

from tests.dashboard.conftest import PAYMENTS
from tests.dashboard.reading import listed, soup_of, words
from tests.factories import make_order, make_payment
from wagtail_payparts.dashboard.exports import EXPORTED
from wagtail_payparts.models import Payment, Refund


pytestmark = pytest.mark.django_db

REFUNDS = "/admin/payparts/refunds/"
EXPORT = f"{REFUNDS}export/"
BUYER = {"buyer_name": "Олена", "buyer_phone": "+380671234567", "buyer_email": "olena@example.com"}


def make_refund(
    amount: str = "100.00", *, state: str = "accepted", at: datetime | None = None, **fields: Any
) -> Refund:
    """``fields`` are those of the payment."""
    payment = make_payment(**{"state": "SUCCESS"} | fields)
    refund = Refund.objects.create(payment=payment, amount=amount, state=state, reason="скол")
    if at:
        Refund.objects.filter(pk=refund.pk).update(created_at=at)
    return refund


def read(response: Any) -> list[dict[str, str]]:
    assert response.status_code == 200
    text = response.getvalue().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=","))


def choose(client: Client, query: str = "", **chosen: Any) -> Any:
    return client.post(
        f"{EXPORT}{query}", {"format": "csv", "preset": "all", "delimiter": ",", "columns": [], **chosen}
    )


# The list


def test_the_newest_come_first_and_each_leads_to_its_payment(viewer: Client) -> None:
    for number in range(3):
        make_refund(order_id=f"A{number}")
    assert listed(viewer, REFUNDS) == ["A2", "A1", "A0"]
    row = soup_of(viewer.get(REFUNDS)).select("table.listing tbody tr")[0]
    payment = Payment.objects.get(order_id="A2")
    assert row.select_one("a")["href"] == f"{PAYMENTS}{payment.pk}/"  # type: ignore[index]
    assert "Accepted" in words(row)
    assert "UAH 100.00" in words(row)
    assert "скол" in words(row)


def test_a_row_says_who_asked_for_it_and_whether_it_is_a_test(viewer: Client) -> None:
    refund = make_refund(is_test=True)
    Refund.objects.update(requested_by=get_user_model().objects.create_user("olha", first_name="Ольга"))
    row = words(soup_of(viewer.get(REFUNDS)).select_one("table.listing tbody tr"))
    assert "Ольга" in row
    assert "Test" in row
    assert refund.payment.order_id in row


def test_the_buyer_is_shown_and_searched_only_by_those_who_may_see_them(viewer: Client, accountant: Client) -> None:
    make_refund(order_id="A", buyer_order=make_order(**BUYER))
    assert "Олена" not in viewer.get(REFUNDS).content.decode()
    assert "Олена" in accountant.get(REFUNDS).content.decode()
    for typed in ("067 123", "olena@"):
        assert listed(viewer, REFUNDS, q=typed) == []
        assert listed(accountant, REFUNDS, q=typed) == ["A"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"state": "uncertain"}, ["B"]),
        ({"state": ["uncertain", "rejected"]}, ["C", "B"]),
        ({"created_at_from": "2026-03-02", "created_at_to": "2026-03-02"}, ["B"]),
        ({"amount_min": "200", "amount_max": "300"}, ["C", "B"]),
        ({"is_test": "test"}, ["C"]),
        ({"store": "second"}, ["A"]),
        ({"ordering": "amount"}, ["A", "B", "C"]),
        ({"ordering": "-amount"}, ["C", "B", "A"]),
        ({"ordering": "created_at"}, ["A", "B", "C"]),
        ({"q": "SHOP"}, ["B"]),
        ({"q": "a"}, ["A"]),
    ],
)
def test_filters_sorting_and_search_narrow_the_list(
    viewer: Client, settings: Any, query: dict[str, Any], found: list[str]
) -> None:
    store = {"STORE_ID": "1", "PASSWORD": "x"}
    settings.PAYPARTS_STORES = {"default": store, "second": store}
    days = [datetime(2026, 3, day, 10, tzinfo=timezone.utc) for day in (1, 2, 3)]
    make_refund("100.00", at=days[0], order_id="A", store="second")
    make_refund("200.00", at=days[1], order_id="B", state="uncertain", reference="SHOP-7")
    make_refund("300.00", at=days[2], order_id="C", state="rejected", is_test=True)
    assert listed(viewer, REFUNDS, **query) == found


@pytest.mark.parametrize("query", [{"state": "BOGUS"}, {"created_at_from": "nonsense"}, {"amount_min": "ten"}])
def test_a_filter_that_cannot_be_read_shows_nothing_and_exports_nothing(
    accountant: Client, query: dict[str, str]
) -> None:
    make_refund()
    soup = soup_of(accountant.get(REFUNDS, query))
    assert not soup.select("table.listing tbody tr")
    assert "a filter cannot be read" in words(soup.select_one(".payparts-refusal"))
    assert accountant.get(REFUNDS, query | {"export": "csv"}).status_code == 400
    assert accountant.get(EXPORT, query).status_code == 400


def test_a_refund_of_a_number_that_many_payments_begin_with_is_found(viewer: Client) -> None:
    Payment.objects.bulk_create(Payment(order_id=f"P{n:05}", amount=500, parts_count=2) for n in range(301))
    make_refund(order_id="P99999")
    assert listed(viewer, REFUNDS, q="P") == ["P99999"]


def test_what_others_wrote_cannot_hurt_the_list(accountant: Client) -> None:
    bad = "<script>alert(1)</script>"
    make_refund(order_id="A<b>", reference=bad, buyer_order=make_order(buyer_name=bad))
    Refund.objects.update(reason=f"{bad}\u202e{'x' * 5000}")
    content = accountant.get(REFUNDS).content.decode()
    assert "<script>alert" not in content
    assert "\u202e" not in content
    assert "x" * 500 not in content


def test_no_number_of_refunds_costs_more_queries(accountant: Client, django_assert_max_num_queries: Any) -> None:
    user = get_user_model().objects.create_user("olha")
    for number in range(60):
        make_refund(buyer_order=make_order(**BUYER), order_id=f"A{number:02}")
    Refund.objects.update(requested_by=user)
    accountant.get(REFUNDS)
    with django_assert_max_num_queries(10):
        assert len(listed(accountant, REFUNDS)) == 50


def test_what_is_long_and_not_shown_is_not_read(viewer: Client) -> None:
    make_refund()
    with CaptureQueriesContext(connection) as queries:
        viewer.get(REFUNDS)
    (rows,) = [q["sql"] for q in queries if '"reason"' in q["sql"] or "`reason`" in q["sql"]]
    for name in ("metadata", "bank_message", "receipt", "staff_note"):
        assert name not in rows


def test_there_is_no_page_of_one_refund_and_no_way_to_change_one(superuser: Client) -> None:
    refund = make_refund()
    for page in ("", "edit/", "delete/"):
        assert superuser.get(f"{REFUNDS}{page}{refund.pk}/").status_code == 404
    assert superuser.get(f"{REFUNDS}new/").status_code == 404
    assert superuser.post(REFUNDS).status_code == 405
    root = get_user_model().objects.get(username="root")
    assert AdminURLFinder(root).get_edit_url(refund) == f"{PAYMENTS}{refund.payment_id}/"


def test_it_is_in_the_menu_of_those_who_see_payments(viewer: Client, staff: Callable[..., Client]) -> None:
    assert f'"{REFUNDS}"' in viewer.get("/admin/").content.decode()
    assert REFUNDS not in staff("view_order").get("/admin/").content.decode()


def test_an_order_leads_to_the_payments_on_which_money_can_be_moved(viewer: Client) -> None:
    payment = make_payment(state="LOCKED", buyer_order=make_order())
    soup = soup_of(viewer.get(f"/admin/payparts/orders/{payment.buyer_order_id}/"))
    assert soup.select_one(f'a[href="{PAYMENTS}{payment.pk}/"]')


# The export


@pytest.mark.parametrize("address", [f"{REFUNDS}?export=csv", f"{REFUNDS}results/?export=xlsx", EXPORT])
def test_the_export_needs_the_permission(staff: Callable[..., Client], viewer: Client, address: str) -> None:
    for client in (viewer, staff("export_payment")):
        assert client.get(address)["Location"] == "/admin/"
    response = staff("view_payment", "export_payment").get(address)
    b"".join(response)
    assert response.status_code == 200


def test_a_file_holds_what_the_list_shows_in_its_order(accountant: Client) -> None:
    for number, state in enumerate(("accepted", "rejected", "uncertain", "external")):
        make_refund(f"{number + 1}00.50", state=state, order_id=f"A{number}")
    rows = read(choose(accountant, "?state=accepted&state=rejected&ordering=-amount"))
    assert [(row["Order id at the bank"], row["State"]) for row in rows] == [("A1", "Rejected"), ("A0", "Accepted")]
    assert [(row["Amount, UAH"], row["Went back to the buyer, UAH"]) for row in rows] == [
        ("200.50", "0.00"),
        ("100.50", "100.50"),
    ]
    everything = read(choose(accountant))
    assert sum(float(row["Went back to the buyer, UAH"]) for row in everything) == 501.0


def test_a_search_is_exported_whole_and_not_only_what_a_page_shows(accountant: Client) -> None:
    for number in range(120):
        make_refund(order_id=f"P{number:03}")
    assert len(read(choose(accountant, "?q=P"))) == 120


def test_a_workbook_totals_what_went_back_without_test_payments(accountant: Client) -> None:
    make_refund("100.50")
    make_refund("50.00", state="rejected")
    make_refund("999.00", is_test=True)
    response = choose(accountant, format="xlsx")
    sheet: Any = load_workbook(io.BytesIO(response.getvalue())).active
    assert sheet.title == "Refunds"
    heading, *_rows, total = list(sheet.iter_rows(values_only=True))
    assert total[0] == "Total without test payments: 2 refunds, whatever their state"
    assert total[heading.index("Went back to the buyer, UAH")] == 100.5
    assert "refunds-" in response["Content-Disposition"]


def test_formulas_are_made_harmless(accountant: Client) -> None:
    make_refund()
    Refund.objects.update(reason="=HYPERLINK(1)")
    (row,) = read(choose(accountant))
    assert row["Reason"] == "'=HYPERLINK(1)"


def test_the_buyer_and_what_the_bank_said_are_left_out_for_those_who_may_not_see_the_buyer(
    accountant: Client, staff: Callable[..., Client]
) -> None:
    make_refund(buyer_order=make_order(**BUYER))
    Refund.objects.update(bank_message="Договір з Олена")
    (whole,) = read(choose(accountant))
    assert whole["Buyer"] == "Олена"
    assert whole["The bank’s message"] == "Договір з Олена"
    (row,) = read(choose(staff("view_payment", "export_payment")))
    assert "Олена" not in " ".join(row.values())
    assert not {"Buyer", "Phone", "E-mail", "The bank’s message"} & set(row)


def test_an_export_is_logged_as_one_of_refunds(accountant: Client) -> None:
    make_refund()
    choose(accountant, "?state=accepted&q=olena")
    entry = ModelLogEntry.objects.get(action=EXPORTED)
    assert entry.label == "Refunds"
    assert (entry.data["rows"], entry.data["filters"], entry.data["searched"]) == (0, "state=accepted", True)


def test_the_page_of_the_export_says_what_it_is_and_remembers_its_own_columns(accountant: Client) -> None:
    make_refund()
    choose(accountant, preset="own", columns=["order_id", "gone_back"])
    soup = soup_of(accountant.get(f"{EXPORT}?state=accepted"))
    text = words(soup.select_one(".payparts-export"))
    assert "Refunds 1 refund" in text
    assert "Back to the refunds" in text
    assert {box["value"] for box in soup.select("input[name=columns][checked]")} == {"order_id", "gone_back"}
    payments = soup_of(accountant.get(f"{PAYMENTS}export/"))
    assert len(payments.select("input[name=columns][checked]")) > 10

"""The Django admin, for projects that live there: read-only, exported by django-import-export's mixin."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from openpyxl import load_workbook
from wagtail.models import ModelLogEntry

from tests.factories import make_order, make_payment
from wagtail_payparts.admin import StreamingExport
from wagtail_payparts.dashboard.exports import EXPORTED
from wagtail_payparts.models import Payment, PaymentEvent


pytestmark = pytest.mark.django_db

PAYMENTS = "/django-admin/wagtail_payparts/payment/"
LOG = "/django-admin/wagtail_payparts/paymentevent/"
CSV, XLSX = "0", "1"


@pytest.fixture
def staff() -> Callable[..., Client]:
    def enter(*codenames: str) -> Client:
        user = get_user_model().objects.create_user(f"staff-{'-'.join(codenames) or 'nothing'}", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client = Client()
        client.force_login(user)
        return client

    return enter


@pytest.fixture
def payment() -> Payment:
    made = make_payment(
        order_id="ORDER1",
        reference="=SHOP-7",
        token="T-SECRET",
        bank_message="договір Олени",
        receipt={"owner_name": "OLENA"},
        metadata={"who": "OLENA"},
        buyer_order=make_order(buyer_name="Олена", buyer_phone="+380671234567"),
    )
    PaymentEvent.objects.create(payment=made, type="callback", order_id="ORDER1", message="=договір Олени")
    return made


def export(client: Client, address: str, file_format: str = CSV, query: str = "", **fields: Any) -> Any:
    return client.post(f"{address}export/{query}", {"format": file_format, "resource": "0", **fields})


def read(response: Any) -> list[dict[str, str]]:
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/csv"), response.content.decode()
    assert response.streaming
    return list(csv.DictReader(io.StringIO(response.getvalue().decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("address", [PAYMENTS, LOG])
def test_nothing_can_be_added_changed_or_deleted(payment: Payment, client: Client, address: str) -> None:
    client.force_login(get_user_model().objects.create_superuser("root"))
    pk = payment.pk if address == PAYMENTS else payment.events.get().pk
    assert client.get(address).status_code == 200
    page = client.get(f"{address}{pk}/change/")
    assert page.status_code == 200
    assert 'name="_save"' not in page.content.decode()
    assert client.get(f"{address}add/").status_code == 403
    assert client.post(f"{address}{pk}/change/", {"state": "SUCCESS"}).status_code == 403
    assert client.post(f"{address}{pk}/delete/", {"post": "yes"}).status_code == 403
    assert "delete_selected" not in client.get(address).content.decode()


def test_what_names_the_buyer_is_shown_by_permission(payment: Payment, staff: Callable[..., Client]) -> None:
    viewer, knower = staff("view_payment"), staff("view_payment", "viewbuyer_payment")
    address = f"{PAYMENTS}{payment.pk}/change/"
    content = viewer.get(address).content.decode()
    assert "ORDER1" in content
    for text in ("договір", "OLENA", "T-SECRET"):
        assert text not in content
    content = knower.get(address).content.decode()
    assert "договір" in content
    assert "T-SECRET" not in content


@pytest.mark.parametrize(
    ("address", "lookup"),
    [
        *((PAYMENTS, f"{name}__startswith") for name in ("token", "idempotency_key", "response_url", "return_url")),
        *((PAYMENTS, f"{name}__contains") for name in ("bank_message", "receipt", "metadata")),
        *(
            (PAYMENTS, lookup)
            for lookup in ("token", "receipt__owner_name", "buyer_order__buyer_name", "events__message")
        ),
        *(
            (LOG, lookup)
            for lookup in ("payload__contains", "token__startswith", "message__contains", "payment__token")
        ),
    ],
)
def test_what_is_hidden_cannot_be_guessed_by_a_filter(
    payment: Payment, staff: Callable[..., Client], address: str, lookup: str
) -> None:
    client = staff("view_payment", "view_paymentevent", "export_payment")
    assert client.get(address, {lookup: "T"}).status_code == 400
    assert export(client, address, query=f"?{lookup}=T").status_code == 400
    assert not ModelLogEntry.objects.exists()


def test_the_list_s_own_filters_are_still_there(payment: Payment, staff: Callable[..., Client]) -> None:
    client = staff("view_payment", "view_paymentevent")
    for query in ("state__exact=CREATED", "is_test__exact=0", "created_at__gte=2020-01-01 00:00:00%2B00:00", "q=ORD"):
        assert client.get(f"{PAYMENTS}?{query}").status_code == 200, query
    for query in ("type__exact=callback", "verdict__in=applied,rejected", "created_at__lt=2020-01-01 00:00:00%2B00:00"):
        assert client.get(f"{LOG}?{query}").status_code == 200, query
    links = [part.split('"')[0] for part in client.get(PAYMENTS).content.decode().split('href="?')[1:]]
    assert len(links) > 10
    for link in links:
        assert client.get(f"{PAYMENTS}?{link.replace('&amp;', '&')}").status_code == 200, link


def test_payments_are_exported_with_what_a_person_may_see(payment: Payment, staff: Callable[..., Client]) -> None:
    (row,) = read(export(staff("view_payment", "export_payment"), PAYMENTS))
    assert row["Order id at the bank"] == "ORDER1"
    assert row["Reference"] == "'=SHOP-7"
    assert "Buyer" not in row
    (row,) = read(export(staff("view_payment", "export_payment", "viewbuyer_payment"), PAYMENTS))
    assert (row["Buyer"], row["Phone"]) == ("Олена", "+380671234567")
    assert [entry.data["buyer"] for entry in ModelLogEntry.objects.filter(action=EXPORTED).order_by("pk")] == [
        False,
        True,
    ]


def test_the_log_is_exported_too(payment: Payment, staff: Callable[..., Client]) -> None:
    (row,) = read(export(staff("view_paymentevent", "export_payment"), LOG))
    assert row["Log type"] == "Payment callback"
    assert "Message" not in row
    (row,) = read(export(staff("view_paymentevent", "export_payment", "viewbuyer_payment"), LOG))
    assert row["Message"] == "'=договір Олени"


def test_a_workbook_is_ours_as_well(payment: Payment, staff: Callable[..., Client]) -> None:
    response = export(staff("view_payment", "export_payment"), PAYMENTS, XLSX)
    sheet = load_workbook(io.BytesIO(response.getvalue())).active
    assert sheet is not None
    assert [cell.value for cell in sheet["A"]] == [
        "Order id at the bank",
        "ORDER1",
        "Total: 1 payment, whatever its state",
    ]


def test_the_list_s_filters_and_a_selection_are_followed(payment: Payment, staff: Callable[..., Client]) -> None:
    paid = make_payment(order_id="PAID", state="SUCCESS")
    client = staff("view_payment", "export_payment")

    def exported(**how: Any) -> list[str]:
        return [row["Order id at the bank"] for row in read(export(client, PAYMENTS, **how))]

    assert exported() == ["PAID", "ORDER1"]
    assert exported(query="?state__exact=SUCCESS") == ["PAID"]
    assert exported(query="?q=ORD") == ["ORDER1"]
    searched = ModelLogEntry.objects.order_by("pk").last().data
    assert (searched["filters"], searched["searched"]) == ("", True)
    assert exported(export_items=[str(payment.pk)]) == ["ORDER1"]
    form = client.post(PAYMENTS, {"action": "export_admin_action", "_selected_action": [str(paid.pk)]})
    assert f'name="export_items" value="{paid.pk}"' in form.content.decode()


@pytest.mark.parametrize("nonsense", ["x", "-1", "٣", "999999"])
def test_a_selection_of_nonsense_is_refused(payment: Payment, staff: Callable[..., Client], nonsense: str) -> None:
    response = export(staff("view_payment", "export_payment"), PAYMENTS, export_items=[nonsense])
    assert response["Content-Type"].startswith("text/html")
    assert not ModelLogEntry.objects.exists()


def test_too_many_chosen_one_by_one_are_refused(
    payment: Payment, staff: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StreamingExport, "most_selected", 1)
    chosen = [payment.pk, make_payment().pk]
    response = staff("view_payment", "export_payment").post(
        PAYMENTS, {"action": "export_admin_action", "_selected_action": chosen}, follow=True
    )
    assert "too many to choose one by one" in response.content.decode()


@pytest.mark.parametrize("permissions", [("view_payment",), ("export_payment",), ("viewbuyer_payment",)])
def test_nobody_exports_without_the_permission(
    payment: Payment, staff: Callable[..., Client], permissions: tuple[str, ...]
) -> None:
    client = staff(*permissions)
    assert client.get(f"{PAYMENTS}export/").status_code == 403
    assert export(client, PAYMENTS).status_code == 403
    assert export(client, LOG).status_code == 403
    client.post(PAYMENTS, {"action": "export_admin_action", "_selected_action": [payment.pk]})
    listing = client.get(PAYMENTS).content.decode()
    assert "export_admin_action" not in listing
    assert "payment/export/" not in listing
    assert not ModelLogEntry.objects.exists()


def test_in_memory_it_is_the_same_file(payment: Payment, rf: Any) -> None:
    """The mixin's own way, for whoever calls it."""
    from django.contrib import admin
    from import_export.formats.base_formats import CSV as CsvFormat

    request = rf.get("/")
    request.user = get_user_model().objects.create_superuser("root")
    content = admin.site.get_model_admin(Payment).get_export_data(CsvFormat(), request, Payment.objects.all())
    assert content.startswith(b"\xef\xbb\xbf")
    assert b"'=SHOP-7" in content

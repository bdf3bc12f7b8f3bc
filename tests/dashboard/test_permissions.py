"""Who may open what: every address, for every kind of person, by every method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import translation
from wagtail.users.templatetags.wagtailusers_tags import normalize_permission_label

from tests.dashboard.conftest import ORDERS, PAYMENTS
from tests.dashboard.reading import soup_of, words
from tests.factories import make_order, make_payment
from wagtail_payparts.dashboard.permissions import order_policy, payment_policy


pytestmark = pytest.mark.django_db

PEOPLE: dict[str, tuple[str, ...]] = {
    "nobody": (),
    "views payments": ("view_payment",),
    "views orders": ("view_order",),
    "sees buyers only": ("viewbuyer_payment",),
    "exports only": ("export_payment",),
    "views and exports payments": ("view_payment", "export_payment"),
    "acts on payments": ("ask_payment", "hold_payment", "refund_payment", "resolve_payment"),
}
ADDRESSES: dict[str, tuple[str, set[str]]] = {
    "payments": (PAYMENTS, {"views payments", "views and exports payments"}),
    "payments, results": (f"{PAYMENTS}results/", {"views payments", "views and exports payments"}),
    "payment": (PAYMENTS + "{payment}/", {"views payments", "views and exports payments"}),
    "payments as CSV": (f"{PAYMENTS}?export=csv", {"views and exports payments"}),
    "payments as XLSX": (f"{PAYMENTS}?export=xlsx", {"views and exports payments"}),
    "results as CSV": (f"{PAYMENTS}results/?export=csv", {"views and exports payments"}),
    "orders": (ORDERS, {"views orders"}),
    "orders, results": (f"{ORDERS}results/", {"views orders"}),
    "order": (ORDERS + "{order}/", {"views orders"}),
}


def _address(name: str) -> str:
    order = make_order()
    return ADDRESSES[name][0].format(order=order.pk, payment=make_payment(buyer_order=order).pk)


def _is_sent_home(response: Any) -> bool:
    """Wagtail refuses with a message on its home page."""
    return bool(response.status_code == 302 and response["Location"] == "/admin/")


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("name", ADDRESSES)
def test_an_address_opens_for_those_who_may_read_it(staff: Callable[..., Client], person: str, name: str) -> None:
    client = staff(*PEOPLE[person])
    response = client.get(_address(name))
    # A file is closed when it has been read.
    b"".join(response)
    if person in ADDRESSES[name][1]:
        assert response.status_code == 200
    else:
        assert _is_sent_home(response)


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_superuser_opens_everything(superuser: Client, name: str) -> None:
    response = superuser.get(_address(name))
    b"".join(response)
    assert response.status_code == 200


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_stranger_is_asked_to_log_in(client: Client, name: str) -> None:
    response = client.get(_address(name))
    assert response.status_code == 302
    assert response["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("name", ADDRESSES)
def test_nothing_is_written_by_any_method(superuser: Client, name: str, method: str) -> None:
    assert getattr(superuser, method)(_address(name)).status_code == 405


@pytest.mark.parametrize("method", ["post", "delete"])
@pytest.mark.parametrize("name", ADDRESSES)
def test_those_without_permission_are_refused_before_the_method_is(
    staff: Callable[..., Client], name: str, method: str
) -> None:
    assert _is_sent_home(getattr(staff(), method)(_address(name)))


@pytest.mark.parametrize("listing", [PAYMENTS, ORDERS])
@pytest.mark.parametrize("page", ["new/", "edit/{pk}/", "delete/{pk}/", "copy/{pk}/", "usage/{pk}/", "history/{pk}/"])
def test_there_is_no_address_for_changing_the_ledger(superuser: Client, listing: str, page: str) -> None:
    row = make_payment() if listing == PAYMENTS else make_order()
    assert superuser.get(listing + page.format(pk=row.pk)).status_code == 404


@pytest.mark.parametrize("namespace", ["payparts_payments", "payparts_orders"])
@pytest.mark.parametrize("action", ["add", "edit", "delete", "copy", "usage"])
def test_there_is_no_name_for_changing_the_ledger(namespace: str, action: str) -> None:
    with pytest.raises(NoReverseMatch):
        reverse(f"{namespace}:{action}")
    with pytest.raises(NoReverseMatch):
        reverse(f"{namespace}:{action}", args=[1])


@pytest.mark.parametrize("policy", [payment_policy, order_policy])
@pytest.mark.parametrize("action", ["add", "change", "delete"])
def test_not_even_a_superuser_may_change_the_ledger(policy: Any, action: str) -> None:
    root = get_user_model().objects.create_superuser("root")
    assert not policy.user_has_permission(root, action)
    assert not policy.user_has_any_permission(root, [action])
    assert root not in policy.users_with_permission(action)
    assert policy.user_has_permission(root, "view")
    assert root in policy.users_with_permission("view")


def test_wagtail_goes_by_the_same_policies(superuser: Client) -> None:
    content = superuser.get(PAYMENTS).content.decode()
    assert "/payparts/payments/new/" not in content
    assert superuser.get(PAYMENTS).context["view"].permission_policy is payment_policy
    assert superuser.get(ORDERS).context["view"].permission_policy is order_policy


@pytest.mark.parametrize(
    ("person", "entries"),
    [
        ("nobody", set()),
        ("views payments", {"/payparts/payments/"}),
        ("views orders", {"/payparts/orders/"}),
        ("acts on payments", set()),
    ],
)
def test_the_menu_has_what_a_person_may_open(staff: Callable[..., Client], person: str, entries: set[str]) -> None:
    content = staff(*PEOPLE[person]).get("/admin/").content.decode()
    offered = {path for path in ("/payparts/payments/", "/payparts/orders/", "/snippets/") if path in content}
    assert offered == entries


#: What the group editor offers, in its order: the object, then what may be allowed beside add, change and delete.
OFFERED = {
    "Payment": [
        "Can ask the bank",
        "Can export",
        "Can confirm and cancel holds",
        "Can refund",
        "Can resolve what needs attention",
        "Can view",
        "Can see the buyer's details",
    ],
    "Order": ["Can hand over and write notes", "Can view"],
    "Offer": ["Can publish"],
    "Pay in parts": [],
}


def test_the_group_editor_offers_our_permissions_together_and_in_whole_words(superuser: Client) -> None:
    soup = soup_of(superuser.get(reverse("wagtailusers_groups:add")))
    rows = soup.select("#object-permissions-content tbody tr")
    offered = {
        words(row.select_one("h3")): [words(label) for label in row.select("td fieldset label")] for row in rows[:4]
    }
    assert offered == OFFERED
    assert list(offered) == list(OFFERED)


def test_every_permission_of_ours_can_be_given_out(superuser: Client) -> None:
    content = superuser.get(reverse("wagtailusers_groups:add")).content.decode()
    for permission in Permission.objects.filter(
        content_type__app_label="wagtail_payparts", content_type__model__in=["payment", "order"]
    ):
        assert f'value="{permission.pk}"' in content, permission
    codenames = Permission.objects.filter(content_type__app_label="wagtail_payparts")
    assert set(codenames.filter(content_type__model="payment").values_list("codename", flat=True)) == {
        f"{action}_payment" for action in ("view", "viewbuyer", "export", "ask", "hold", "refund", "resolve")
    }
    assert set(codenames.filter(content_type__model="order").values_list("codename", flat=True)) == {
        "view_order",
        "handover_order",
    }


def test_labels_that_the_group_editor_cuts_are_left_whole() -> None:
    """It cuts the model's name off their end, in English and in the language of whoever reads."""
    for language in ("en", "uk", "ru"):
        with translation.override(language):
            for permission in Permission.objects.filter(
                content_type__app_label="wagtail_payparts", content_type__model__in=["payment", "order"]
            ).exclude(codename__startswith="view_"):
                assert normalize_permission_label(permission) == permission.name

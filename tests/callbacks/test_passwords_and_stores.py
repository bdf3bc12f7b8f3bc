"""A password that is being changed, several stores, and messages that are signed by the wrong one."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from tests.callbacks.conftest import URL, Ring
from tests.callbacks.signing import signed
from tests.factories import make_payment
from tests.public.pages import make_page
from wagtail_payparts.models import Payment, PaymentEvent, Verdict
from wagtail_payparts.services.health import examine
from wagtail_payparts.services.rotation import rotations
from wagtail_payparts.simulator import Simulator


pytestmark = pytest.mark.django_db

A = {"store_id": "STORE-A", "password": "password of A"}
B = {"store_id": "STORE-B", "password": "password of B"}


@pytest.fixture(autouse=True)
def two_stores(settings: Any) -> None:
    cache.clear()
    settings.PAYPARTS_CHECK_INLINE = False
    settings.PAYPARTS_STORES = {
        "a": {"STORE_ID": A["store_id"], "PASSWORD": A["password"]},
        "b": {"STORE_ID": B["store_id"], "PASSWORD": B["password"]},
    }


def _post(body: bytes) -> str:
    """``ok``, or why it was rejected."""
    answer = Client().post(URL, body, content_type="application/json").json()
    return str(answer.get("reason", answer["status"]))


def _claims() -> dict[str, str]:
    return dict(Payment.objects.values_list("store", "claim_state"))


@pytest.fixture
def payments() -> dict[str, Payment]:
    """One of each store."""
    return {alias: make_payment(store=alias, state="CREATED") for alias in ("a", "b")}


# Several stores.


def test_each_store_speaks_of_its_own_payments(payments: dict[str, Payment]) -> None:
    assert _post(signed(payments["a"].order_id, "SUCCESS", **A)) == "ok"
    assert _claims() == {"a": "SUCCESS", "b": ""}
    assert _post(signed(payments["b"].order_id, "CANCELED", **B)) == "ok"
    assert _claims() == {"a": "SUCCESS", "b": "CANCELED"}


def test_the_password_of_store_b_does_not_sign_for_store_a(payments: dict[str, Payment]) -> None:
    assert _post(signed(payments["a"].order_id, store_id=A["store_id"], password=B["password"])) == "wrong_signature"
    assert _claims() == {"a": "", "b": ""}


def test_store_b_cannot_pay_an_order_of_store_a(payments: dict[str, Payment]) -> None:
    """It is well signed, so it is kept for staff; but it is about an order of B, and B has no such order."""
    assert _post(signed(payments["a"].order_id, **B)) == "ok"
    assert _claims() == {"a": "", "b": ""}
    (unknown,) = examine().unknown
    assert (unknown.alias, unknown.other_store) == ("b", "a")


def test_the_id_of_the_store_cannot_be_swapped_after_signing(payments: dict[str, Payment]) -> None:
    swapped = signed(payments["a"].order_id, **B, storeId=A["store_id"])
    assert _post(swapped) == "wrong_signature"
    assert _post(signed(payments["a"].order_id, **B, storeIdentifier=A["store_id"])) == "bad_field"
    assert _claims() == {"a": "", "b": ""}


def test_two_stores_may_have_an_order_of_the_same_id() -> None:
    for alias in ("a", "b"):
        make_payment(store=alias, order_id="ORDER-1", state="CREATED")
    assert _post(signed("ORDER-1", **B)) == "ok"
    assert _claims() == {"a": "", "b": "SUCCESS"}


def test_stores_that_share_a_password_are_still_told_apart(payments: dict[str, Payment], settings: Any) -> None:
    settings.PAYPARTS_STORES["b"]["PASSWORD"] = A["password"]
    assert _post(signed(payments["a"].order_id, store_id=B["store_id"], password=A["password"])) == "ok"
    assert _claims() == {"a": "", "b": ""}
    assert _post(signed(payments["a"].order_id, **B | {"password": A["password"], "storeId": A["store_id"]})) == (
        "wrong_signature"
    )
    assert _claims() == {"a": "", "b": ""}


def test_a_shared_password_does_not_let_one_cut_store_and_order_elsewhere(settings: Any) -> None:
    """Nothing separates what is signed: ``AB`` + ``C-1`` signs like ``A`` + ``BC-1``. Ids that are whole tell them
    apart: our own are 26 letters, whatever the store is called.
    """
    settings.PAYPARTS_STORES = {
        "long": {"STORE_ID": "AB", "PASSWORD": "shared"},
        "short": {"STORE_ID": "A", "PASSWORD": "shared"},
    }
    payment = make_payment(store="long", order_id="C-1", state="CREATED")
    body = signed("C-1", store_id="AB", password="shared", storeId="A", orderId="BC-1")
    assert _post(body) == "ok"
    payment.refresh_from_db()
    assert payment.claim_state == ""
    assert PaymentEvent.objects.get().verdict == Verdict.UNKNOWN_ORDER


def test_sites_that_sell_through_different_stores_share_one_address(
    payments: dict[str, Payment], settings: Any
) -> None:
    """The host that the bank calls decides nothing: the store of the message does."""
    settings.ALLOWED_HOSTS = ["shop.example", "outlet.example"]
    make_page(slug="outlet")
    for host, alias, keys in (("outlet.example", "a", A), ("shop.example", "b", B)):
        body = signed(payments[alias].order_id, **keys)
        answer = Client().post(URL, body, content_type="application/json", headers={"host": host})
        assert answer.status_code == 200
    assert _claims() == {"a": "SUCCESS", "b": "SUCCESS"}


# A password that is being changed.


@pytest.fixture
def changing(settings: Any) -> dict[str, str]:
    """Store A has a new password; the bank does not know it yet."""
    settings.PAYPARTS_STORES["a"] |= {"PASSWORD": "the new one", "PREVIOUS_PASSWORD": A["password"]}
    return {"store_id": A["store_id"], "password": "the new one"}


def test_both_passwords_pass_while_one_is_being_changed_and_the_older_one_is_marked(
    payments: dict[str, Payment], changing: dict[str, str]
) -> None:
    assert _post(signed(payments["a"].order_id, "LOCKED", **A)) == "ok"
    assert _post(signed(payments["a"].order_id, "SUCCESS", **changing)) == "ok"
    assert _post(signed(payments["b"].order_id, "SUCCESS", **B)) == "ok"
    assert _claims() == {"a": "SUCCESS", "b": "SUCCESS"}
    marks = {event.state: event.payload.get("signed_with") for event in payments["a"].events.all()}
    assert marks == {"LOCKED": "previous", "SUCCESS": None}
    found = examine()
    (changed, other) = found.stores
    assert changed.rotation is not None
    assert changed.rotation.count == 1
    assert changed.rotation.last == payments["a"].events.get(state="LOCKED").created_at
    assert other.rotation is None


def test_a_mark_that_nobody_signed_is_not_believed(payments: dict[str, Payment], changing: dict[str, str]) -> None:
    assert _post(signed(payments["a"].order_id, **changing, signed_with="previous")) == "ok"
    assert "signed_with" not in payments["a"].events.get().payload
    (store, _other) = examine().stores
    assert store.rotation is not None
    assert store.rotation.last is None


def test_the_previous_password_of_one_store_is_none_of_another(
    payments: dict[str, Payment], changing: dict[str, str]
) -> None:
    assert _post(signed(payments["b"].order_id, store_id=B["store_id"], password=A["password"])) == "wrong_signature"


def test_the_log_says_once_an_hour_that_the_bank_uses_the_previous_password(
    payments: dict[str, Payment],
    changing: dict[str, str],
    caplog: pytest.LogCaptureFixture,
    django_capture_on_commit_callbacks: Any,
) -> None:
    caplog.set_level(logging.WARNING)
    with django_capture_on_commit_callbacks(execute=True):
        for state in ("CLIENT_WAIT", "OTP_WAITING", "SUCCESS"):
            assert _post(signed(payments["a"].order_id, state, **A)) == "ok"
    assert [record.getMessage() for record in caplog.records if "previous password" in record.getMessage()] == [
        "store a: the bank still signs callbacks with the previous password"
    ]
    assert A["password"] not in caplog.text


def test_nothing_is_asked_where_no_password_is_being_changed(django_assert_num_queries: Any) -> None:
    store = examine().now
    with django_assert_num_queries(0):
        assert rotations(store, lately=store - store) == {}


def test_a_reply_of_the_bank_signed_with_the_previous_password_is_not_believed(
    bank: Simulator, ring: Ring, settings: Any
) -> None:
    """A reply moves money. It answers a request that was signed with the new password, so the bank knows that."""
    from wagtail_payparts.services import start_payment, sync_payment

    settings.PAYPARTS_STORES = {"default": {"STORE_ID": bank.store_id, "PASSWORD": bank.password}}
    payment = start_payment(
        lines=[{"name": "Чайник", "count": 1, "price": 400}], parts_count=2, redirect_url="https://shop.example/"
    )
    bank.pay(payment.order_id)
    settings.PAYPARTS_STORES["default"] |= {"PASSWORD": "the new one", "PREVIOUS_PASSWORD": bank.password}
    assert ring(bank.callback_body(payment.order_id)).status_code == 200
    after = sync_payment(payment)
    assert (after.state, after.claim_state) == ("CREATED", "SUCCESS")
    settings.PAYPARTS_STORES["default"] = {"STORE_ID": bank.store_id, "PASSWORD": bank.password}
    assert sync_payment(payment).state == "SUCCESS"

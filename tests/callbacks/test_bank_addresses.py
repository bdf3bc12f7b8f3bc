"""``PAYPARTS_BANK_ADDRESSES``: callbacks from elsewhere are refused before they are read, and cannot lie about it."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.test.client import ClientHandler

from tests.callbacks.conftest import URL, Heard
from tests.callbacks.signing import signed
from tests.factories import make_payment
from wagtail_payparts.models import PaymentEvent, Verdict
from wagtail_payparts.services.health import examine
from wagtail_payparts.services.rejections import explain_rejection


pytestmark = pytest.mark.django_db

#: Those of the bank's documentation (payparts-api §3), and networks of IPv6.
BANK = ["217.117.66.32/27", "217.117.68.32/27", "217.117.64.236", "217.117.68.236", "2001:db8:ba11::/48", "fe80::/10"]


@pytest.fixture(autouse=True)
def only_the_bank(settings: Any, within_one_window: None) -> None:
    cache.clear()
    settings.PAYPARTS_BANK_ADDRESSES = BANK
    settings.PAYPARTS_CHECK_INLINE = False


def _ring(address: str = "217.117.66.33", forwarded: str | None = None, **headers: str) -> int:
    """A callback that the bank has signed, from this address."""
    body = signed(make_payment(state="CREATED").order_id)
    if forwarded is not None:
        headers["HTTP_X_FORWARDED_FOR"] = forwarded
    client = Client(REMOTE_ADDR=address)
    return int(client.post(URL, body, content_type="application/json", **headers).status_code)


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("217.117.66.32", 200),
        ("217.117.66.63", 200),
        ("217.117.64.236", 200),
        ("::ffff:217.117.66.33", 200),
        ("2001:db8:ba11::1", 200),
        ("fe80::1%eth0", 200),
        ("217.117.66.31", 403),
        ("217.117.66.64", 403),
        ("217.117.64.237", 403),
        ("::ffff:203.0.113.7", 403),
        ("::217.117.66.33", 403),
        ("2001:db8:ba12::1", 403),
        ("", 403),
        ("unix:", 403),
        ("217.117.066.033", 403),
        ("3648340513", 403),
    ],
)
def test_the_banks_addresses_are_let_in_and_no_others(address: str, status: int) -> None:
    assert _ring(address) == status


@pytest.mark.parametrize(
    ("proxies", "forwarded", "status"),
    [
        # No proxy of ours: the header is the caller's own.
        (0, "217.117.66.33", 403),
        (0, "203.0.113.7", 403),
        # One, which adds the caller's address at the end.
        (1, "217.117.66.33", 200),
        (1, "203.0.113.7, 217.117.66.33", 200),
        (1, "217.117.66.33, 203.0.113.7", 403),
        (1, "217.117.66.33:51000", 200),
        (1, "[2001:db8:ba11::1]:51000", 200),
        (1, "::ffff:217.117.66.33", 200),
        (1, "::ffff:203.0.113.7", 403),
        # Two: what the caller said stands before what ours have added.
        (2, "217.117.66.33, 10.0.0.1", 200),
        (2, "217.117.66.33, 203.0.113.7, 10.0.0.1", 403),
        # Fewer entries than proxies: it came past them, from the address of its connection.
        (1, "", 403),
        (2, "217.117.66.33", 403),
        (3, "217.117.66.33, 217.117.66.33", 403),
        # Nonsense is no address, and nothing else is tried instead of it.
        (1, "217.117.66.33, unknown", 403),
        (1, "217.117.66.33, '\"<>", 403),
        (1, "217.117.66.33;", 403),
        (1, "217.117.66.33/27", 403),
        (1, "2001:db8:ba11::zz", 403),
        (1, "9" * 5000, 403),
    ],
    ids=lambda value: str(value)[:40],
)
def test_nobody_writes_himself_into_the_bank(proxies: int, forwarded: str, status: int, settings: Any) -> None:
    settings.PAYPARTS_TRUSTED_PROXIES = proxies
    assert _ring("192.0.2.1", forwarded) == status


def test_who_comes_past_the_proxies_is_judged_by_his_own_address(settings: Any) -> None:
    settings.PAYPARTS_TRUSTED_PROXIES = 2
    assert _ring("217.117.66.33", "203.0.113.7") == 200


@pytest.mark.parametrize("name", ["HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_CLIENT_IP", "HTTP_X_FORWARDED_HOST"])
def test_other_headers_say_nothing(name: str, settings: Any) -> None:
    settings.PAYPARTS_TRUSTED_PROXIES = 1
    assert _ring("192.0.2.1", "203.0.113.7", **{name: "217.117.66.33"}) == 403


def test_a_stranger_is_told_so_in_json_and_moves_nothing(refused: list[Heard]) -> None:
    payment = make_payment(state="CREATED")
    body = signed(payment.order_id)
    answer = Client(REMOTE_ADDR="203.0.113.7").post(URL, body, content_type="application/json")
    assert (answer.status_code, answer.json()) == (403, {"status": "rejected", "reason": "foreign_address"})
    payment.refresh_from_db()
    assert payment.claim_state == ""
    assert not payment.events.exists()
    # What he said was not read, so there is nothing to tell of it.
    assert refused == []


def test_nothing_of_a_strangers_body_is_read() -> None:
    class Unread(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise AssertionError("it was read")

    request = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": URL,
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "203.0.113.7",
        "CONTENT_LENGTH": "100",
        "wsgi.url_scheme": "http",
        "wsgi.input": Unread(),
    }
    assert ClientHandler()(request).status_code == 403


def test_staff_read_where_it_came_from_and_what_to_do() -> None:
    assert _ring("203.0.113.7") == 403
    record = PaymentEvent.objects.get(verdict=Verdict.REJECTED)
    assert (record.payload, record.order_id) == ({"reason": "foreign_address", "address": "203.0.113.7"}, "")
    (rejection,) = examine().rejections
    explained = explain_rejection(rejection)
    assert explained.label == "From an address that is not the bank’s"
    assert explained.hint == "It came from 203.0.113.7."
    assert "PAYPARTS_TRUSTED_PROXIES" in explained.advice


def test_a_stranger_without_an_address_is_written_down_too() -> None:
    assert _ring("unix:") == 403
    (rejection,) = examine().rejections
    assert explain_rejection(rejection).hint == "Where it came from is no address."


def test_strangers_leave_no_more_rows_than_other_forgers(settings: Any) -> None:
    settings.PAYPARTS_REJECTED_PER_HOUR = 3
    assert {_ring("203.0.113.7") for _time in range(5)} == {403}
    assert PaymentEvent.objects.filter(verdict=Verdict.REJECTED).count() == 3


def test_the_doctors_knock_leaves_no_record_here_either() -> None:
    answer = Client(REMOTE_ADDR="203.0.113.7").post(URL, b"{}", content_type="application/json")
    assert answer.status_code == 403
    assert not PaymentEvent.objects.exists()


@pytest.mark.parametrize("nothing", [(), [], "", None])
def test_where_no_addresses_are_named_all_are_let_in(nothing: Any, settings: Any) -> None:
    settings.PAYPARTS_BANK_ADDRESSES = nothing
    assert _ring("203.0.113.7") == 200


def test_one_network_may_be_written_without_a_list(settings: Any) -> None:
    settings.PAYPARTS_BANK_ADDRESSES = "217.117.66.32/27"
    assert (_ring("217.117.66.33"), _ring("217.117.64.236")) == (200, 403)


@pytest.mark.parametrize("wrong", ["privatbank.ua", "217.117.66.33/27", "0.0.0.0/0.0.0.0.0", "any", " "])
def test_nobody_is_in_what_is_no_network(wrong: str, settings: Any) -> None:
    settings.PAYPARTS_BANK_ADDRESSES = [wrong]
    assert _ring("217.117.66.33") == 403
    settings.PAYPARTS_BANK_ADDRESSES = [wrong, "217.117.66.32/27"]
    assert _ring("217.117.66.33") == 200

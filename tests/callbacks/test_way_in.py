"""The callback address under the settings, servers and middleware that sites have."""

from __future__ import annotations

import io
import logging
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.db import connections
from django.test.client import ClientHandler

from tests.callbacks.conftest import URL, Heard, Ring
from wagtail_payparts.bank import MAX_CALLBACK_BYTES
from wagtail_payparts.models import Payment, PaymentEvent
from wagtail_payparts.services.callbacks import sweep
from wagtail_payparts.signals import pay_parts_success_callback
from wagtail_payparts.simulator import Simulator
from wagtail_payparts.views import callback


class EndlessBody(io.RawIOBase):
    """A body that goes on for as long as it is read, and counts."""

    def __init__(self) -> None:
        self.sent = 0

    def read(self, size: int = -1) -> bytes:
        assert size >= 0, "read without a limit"
        self.sent += size
        return b"x" * size


def _post_raw(body: Any, **environ: str) -> int:
    """What a WSGI server hands over: the test client would measure the body itself."""
    request = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": URL,
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "wsgi.input": body,
    }
    return ClientHandler()(request | environ).status_code


@pytest.mark.parametrize("length", [MAX_CALLBACK_BYTES + 1, 10**9, 10**30])
def test_a_body_that_says_it_is_too_large_is_not_read_at_all(length: int, db: None, bank: Simulator) -> None:
    body = EndlessBody()
    assert _post_raw(body, CONTENT_LENGTH=str(length)) == 400
    assert body.sent == 0


@pytest.mark.parametrize("environ", [{"HTTP_TRANSFER_ENCODING": "chunked"}, {"CONTENT_LENGTH": ""}], ids=str)
def test_of_a_body_without_a_length_no_more_is_read_than_a_callback_can_have(
    environ: dict[str, str], db: None, bank: Simulator
) -> None:
    body = EndlessBody()
    assert _post_raw(body, **environ) == 400
    assert body.sent <= MAX_CALLBACK_BYTES + 1


def test_an_asgi_server_that_has_spooled_an_endless_body_is_asked_for_no_more_of_it_either(
    db: None, bank: Simulator
) -> None:
    body = EndlessBody()
    request = ASGIRequest({"type": "http", "method": "POST", "path": URL, "headers": []}, body)
    assert callback(request).status_code == 400
    assert body.sent == MAX_CALLBACK_BYTES + 1


@pytest.mark.parametrize("length", ["-1", "x", "1e3", "0x10", "٣", "9" * 5000])
def test_a_length_that_is_no_length_is_refused(length: str, db: None, bank: Simulator) -> None:
    body = EndlessBody()
    assert _post_raw(body, CONTENT_LENGTH=length) == 400
    assert body.sent <= MAX_CALLBACK_BYTES + 1


def test_a_body_that_breaks_off_is_refused(db: None, bank: Simulator) -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise ConnectionResetError

    assert _post_raw(Broken(), CONTENT_LENGTH="100") == 400
    assert PaymentEvent.objects.get().message.startswith("unreadable")


def test_a_callback_needs_no_login_where_everything_else_does(
    payment: Payment, bank: Simulator, ring: Ring, settings: Any
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    assert ring(bank.callback_body(payment.order_id)).status_code == 200


class ReadsTheBodyFirst:
    """A middleware that logs requests."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        assert request.body
        return self.get_response(request)


class ReadsTheFormFirst(ReadsTheBodyFirst):
    def __call__(self, request: Any) -> Any:
        assert not request.FILES
        return self.get_response(request)


@pytest.mark.parametrize("middleware", [ReadsTheBodyFirst, ReadsTheFormFirst])
@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
def test_a_middleware_may_have_read_the_body_before(
    middleware: type, content_type: str, payment: Payment, bank: Simulator, ring: Ring, settings: Any
) -> None:
    settings.MIDDLEWARE = [f"{__name__}.{middleware.__name__}", *settings.MIDDLEWARE]
    assert ring(bank.callback_body(payment.order_id), content_type=content_type).status_code == 200


def test_a_host_that_is_not_ours_is_refused_by_django_and_stores_nothing(
    payment: Payment, bank: Simulator, ring: Ring
) -> None:
    assert ring(bank.callback_body(payment.order_id), headers={"host": "evil.example"}).status_code == 400
    assert not PaymentEvent.objects.filter(type="callback").exists()


def test_the_host_header_decides_nothing(payment: Payment, bank: Simulator, ring: Ring, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    assert ring(bank.callback_body(payment.order_id), headers={"host": "evil.example"}).status_code == 200
    payment.refresh_from_db()
    assert payment.response_url == "http://testserver/pay-parts/callback/"


@pytest.fixture
def atomic_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)


@pytest.mark.usefixtures("atomic_requests")
def test_atomic_requests_do_not_lose_a_callback_whose_receiver_fails(
    payment: Payment, bank: Simulator, ring: Ring, announced: list[Heard]
) -> None:
    def broken(**kwargs: Any) -> None:
        raise ValueError("the shop's mail server is down")

    pay_parts_success_callback.connect(broken)
    try:
        response = ring(bank.callback_body(payment.order_id))
    finally:
        pay_parts_success_callback.disconnect(broken)
    assert response.status_code == 200
    assert payment.events.filter(type="callback").count() == 1
    assert len(announced) == 1


@pytest.mark.usefixtures("atomic_requests")
def test_atomic_requests_do_not_lose_a_callback_when_the_process_is_stopped_after_it(
    payment: Payment, bank: Simulator, ring: Ring
) -> None:
    def stop(**kwargs: Any) -> None:
        raise SystemExit

    pay_parts_success_callback.connect(stop)
    try:
        with pytest.raises(SystemExit):
            ring(bank.callback_body(payment.order_id))
    finally:
        pay_parts_success_callback.disconnect(stop)
    assert payment.events.get(type="callback").announced_at is None


@pytest.mark.usefixtures("atomic_requests")
def test_atomic_requests_do_not_lose_the_record_of_a_rejected_callback(
    payment: Payment, bank: Simulator, ring: Ring
) -> None:
    assert ring(bank.callback_body(payment.order_id, password="guess")).status_code == 400
    assert PaymentEvent.objects.filter(verdict="rejected").count() == 1


def test_the_bank_is_not_asked_within_the_request_where_workers_do_it(
    payment: Payment, bank: Simulator, ring: Ring, settings: Any
) -> None:
    settings.PAYPARTS_CHECK_INLINE = False
    bank.pay(payment.order_id)
    ring(bank.callback_body(payment.order_id))
    assert [request.endpoint for request in bank.requests] == ["create"]
    payment.refresh_from_db()
    assert payment.claim_state == "SUCCESS"


def test_the_bank_gets_its_answer_though_it_does_not_answer_itself(
    payment: Payment, bank: Simulator, ring: Ring
) -> None:
    bank.pay(payment.order_id)
    bank.fault("unreachable", endpoint="state", times=None)
    assert ring(bank.callback_body(payment.order_id)).status_code == 200
    payment.refresh_from_db()
    assert (payment.state, payment.claim_state) == ("CREATED", "SUCCESS")


def test_a_signed_callback_is_stored_where_the_check_breaks(
    payment: Payment, bank: Simulator, ring: Ring, settings: Any
) -> None:
    settings.PAYPARTS_POLL_SCHEDULE = None
    assert ring(bank.callback_body(payment.order_id)).status_code == 200
    assert payment.events.filter(type="callback").exists()


def test_no_secret_reaches_the_log_or_the_database(
    payment: Payment, bank: Simulator, ring: Ring, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bank.pay(payment.order_id)
    bodies = [
        bank.callback_body(payment.order_id),
        bank.callback_body(payment.order_id, state="CANCELED", message="the shop's own"),
        bank.callback_body(payment.order_id, password="guess"),
        bank.callback_body(payment.order_id, store_id="NOT-OURS", password="guess"),
        bank.callback_body(payment.order_id, store_id=bank.store_id, orderId="UNKNOWN"),
        bank.callback_body(payment.order_id)[:-1],
    ]
    quoting = bodies[0].split(b'"signature"')[1].split(b'"')[1].decode()
    bodies.append(bank.callback_body(payment.order_id, message=f"підпис {quoting} не збігається"))
    for body in bodies:
        ring(body)
    sweep()
    secrets = {bank.password, "guess"} | {_signature_in(body) for body in bodies}
    written = caplog.text + everything_stored()
    assert {secret for secret in secrets if secret in written} == set()


def _signature_in(body: bytes) -> str:
    return body.split(b'"signature"')[1].split(b'"')[1].decode()


def everything_stored() -> str:
    """All that the database holds, as text."""
    connection = connections["default"]
    rows: list[Any] = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            rows += cursor.fetchall()
    return str(rows)


def test_the_test_above_sees_all_that_is_stored(payment: Payment, bank: Simulator) -> None:
    assert payment.order_id in everything_stored()


@pytest.mark.parametrize("headers", [{"x-forwarded-for": "1.2.3.4"}, {"cookie": "sessionid=x"}, {"origin": "null"}])
def test_headers_make_no_difference(headers: dict[str, str], payment: Payment, bank: Simulator, ring: Ring) -> None:
    assert ring(bank.callback_body(payment.order_id), headers=headers).status_code == 200

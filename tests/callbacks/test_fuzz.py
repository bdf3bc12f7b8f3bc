"""Whatever is posted to the callback address: no error of ours, no row that nobody signed, no more read than may be."""

from __future__ import annotations

import hashlib
import io
import json
import tracemalloc
from base64 import b64encode
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse
from django.test.client import ClientHandler
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.callbacks.conftest import URL
from tests.callbacks.signing import signed
from tests.factories import make_payment
from wagtail_payparts.bank import MAX_CALLBACK_BYTES
from wagtail_payparts.models import Payment, PaymentEvent, Verdict
from wagtail_payparts.views import callback


pytestmark = pytest.mark.django_db

CAP = 3
#: The database is the same for all examples of a test: what one leaves counts for all.
FUZZ = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

# What a server lets through as a header: Latin-1 without control characters.
header = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_categories=["Cc"]), max_size=60)
lengths = st.one_of(
    st.none(),
    st.sampled_from(["", "0", "-1", "+5", " 7 ", "1_0", "1e3", "0x10", "٣", "NaN", "9" * 400, "18446744073709551616"]),
    st.integers(min_value=0, max_value=2 * MAX_CALLBACK_BYTES).map(str),
)
headers = st.fixed_dictionaries(
    {},
    optional={
        "CONTENT_TYPE": st.one_of(
            header,
            st.sampled_from(
                [
                    "application/json; charset=UTF-8",
                    "application/json; charset=utf-7",
                    "application/json; charset=no-such-thing",
                    "multipart/form-data",
                    "multipart/form-data; boundary=" + "x" * 300,
                    "application/x-www-form-urlencoded; charset=utf-16",
                    "text/xml",
                    "; ; ;",
                ]
            ),
        ),
        "QUERY_STRING": header,
        "REMOTE_ADDR": header,
        "HTTP_ACCEPT_LANGUAGE": header,
        "HTTP_CONTENT_ENCODING": st.sampled_from(["gzip", "br", "identity", "x"]),
        "HTTP_COOKIE": header,
        "HTTP_EXPECT": st.just("100-continue"),
        "HTTP_TRANSFER_ENCODING": st.sampled_from(["chunked", "gzip, chunked", "identity"]),
        "HTTP_X_FORWARDED_FOR": header,
    },
)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**30, max_value=10**60)
    | st.floats(allow_nan=True, allow_infinity=True)
    | st.text(st.characters(exclude_categories=[]), max_size=20),  # lone surrogates and NUL too
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = ["storeId", "storeIdentifier", "orderId", "paymentState", "message", "signature"]
near_callbacks = st.dictionaries(
    st.sampled_from(NAMES) | st.text(max_size=8),
    json_values
    | st.sampled_from(["SUCCESS", "A" * 33, "aKfkuWjqdvvyAkbUIW6GnOAg3k8=", django_settings.PAYPARTS_API_STORE_ID]),
    max_size=8,
)
odd_json = st.sampled_from(
    [
        b"",
        b"{}",
        b"null",
        b"\xef\xbb\xbf{}",
        b'{"storeId": 1e999999999999}',
        b'{"storeId": ' + b"9" * 5000 + b"}",
        b'{"orderId": "\\ud800", "storeId": "\\udfff\\u0000"}',
        b'{"a": ' * 3000 + b"1" + b"}" * 3000,
        b"[" * 50_000,
        b'{"' + b"a" * 70_000 + b'": 1}',
        b'{"a": 1, "a": 2}',
        '{"orderId": "1"}'.encode("utf-16"),
        b'{"message": "\xed\xa0\x80"}',
    ]
)
bodies = st.one_of(
    st.binary(max_size=400),
    odd_json,
    st.one_of(json_values, near_callbacks).map(lambda value: json.dumps(value).encode()),
)


class Body(io.RawIOBase):
    """What a server offers to be read. It counts what is taken, and goes on for ever if told to."""

    def __init__(self, content: bytes, *, is_endless: bool = False) -> None:
        self.left, self.is_endless, self.taken = io.BytesIO(content), is_endless, 0

    def read(self, size: int = -1) -> bytes:
        assert size >= 0, "read without a limit"
        piece = self.left.read(size)
        if self.is_endless:
            piece += b" " * (size - len(piece))
        self.taken += len(piece)
        return piece


def _post(body: Body, environ: dict[str, Any]) -> HttpResponse:
    request = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": URL,
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "192.0.2.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": body,
    }
    return ClientHandler()(request | environ)


@pytest.fixture(autouse=True)
def few_records(settings: Any, within_one_window: None) -> None:
    cache.clear()
    settings.PAYPARTS_REJECTED_PER_HOUR = CAP
    settings.PAYPARTS_CHECK_INLINE = False


@FUZZ
@given(content=bodies, length=lengths, environ=headers, is_endless=st.booleans())
@example(content=b"{}", length="2", environ={"CONTENT_TYPE": "multipart/form-data; boundary=x"}, is_endless=False)
def test_what_nobody_signed_is_refused(
    content: bytes, length: str | None, environ: dict[str, str], is_endless: bool
) -> None:
    if length is not None:
        environ = environ | {"CONTENT_LENGTH": length}
    body = Body(content, is_endless=is_endless)
    answer = _post(body, environ)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/json"
    assert body.taken <= MAX_CALLBACK_BYTES + 1
    assert PaymentEvent.objects.count() <= CAP


@FUZZ
@given(data=st.data())
def test_a_callback_that_was_tampered_with_passes_only_if_what_was_signed_is_still_there(data: st.DataObject) -> None:
    payment = Payment.objects.first() or make_payment(state="CREATED")
    body = bytearray(signed(payment.order_id, "SUCCESS", "Договір № 17"))
    for _change in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        how = data.draw(st.sampled_from(["flip", "cut", "insert", "double"]))
        if how == "flip":
            body[at] ^= data.draw(st.integers(1, 255))
        elif how == "cut":
            del body[at : at + data.draw(st.integers(1, 30))]
        elif how == "insert":
            body[at:at] = data.draw(st.binary(min_size=1, max_size=8))
        else:
            body += body[at:]
        body = body or bytearray(b" ")
    before = PaymentEvent.objects.exclude(verdict=Verdict.REJECTED).count()
    answer = _post(Body(bytes(body)), {"CONTENT_LENGTH": str(len(body))})
    assert answer.status_code in {200, 400}
    stored = PaymentEvent.objects.exclude(verdict=Verdict.REJECTED).count()
    if answer.status_code == 400:
        assert stored == before
    else:
        assert _is_signed(bytes(body))
    assert PaymentEvent.objects.filter(verdict=Verdict.REJECTED).count() <= CAP


def _is_signed(body: bytes) -> bool:
    """Told without the code under test."""
    said = json.loads(body)
    fields = (said.get("storeId") or said["storeIdentifier"], said["orderId"], said["paymentState"])
    text = "".join((*fields, said.get("message") or ""))
    password = django_settings.PAYPARTS_API_PASSWORD
    digest = hashlib.sha1(f"{password}{text}{password}".encode(), usedforsecurity=False).digest()
    return bool(b64encode(digest).decode() == said["signature"])


@FUZZ
@given(
    message=st.text(st.characters(exclude_categories=["Cs"]), max_size=300),
    unsigned=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), json_values, max_size=4),
)
def test_what_the_bank_signed_is_stored_whatever_else_stands_in_it(message: str, unsigned: dict[str, Any]) -> None:
    """Or refused as a whole, where it is no JSON; but never an error."""
    payment = Payment.objects.first() or make_payment(state="CREATED")
    extra = {f"x{name}": value for name, value in unsigned.items()}
    body = signed(payment.order_id, "CLIENT_WAIT", message, **extra)
    answer = _post(Body(body), {"CONTENT_LENGTH": str(len(body))})
    assert answer.status_code == (200 if _is_strict_json(body) else 400)


def _is_strict_json(body: bytes) -> bool:
    """Without NaN, lone surrogates and numbers of more than 40 digits."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    def measure(digits: str) -> float:
        if len(digits) > 40:
            raise ValueError(digits)
        return 0.0

    try:
        value = json.loads(body, parse_constant=refuse, parse_int=measure, parse_float=measure)
        json.dumps(value, ensure_ascii=False).encode()
    except ValueError:
        return False
    return True


LARGEST = {
    "open lists": b"[" * MAX_CALLBACK_BYTES,
    "open objects": (b'{"a":' * MAX_CALLBACK_BYTES)[:MAX_CALLBACK_BYTES],
    "empty lists": b"[" + b"[]," * (MAX_CALLBACK_BYTES // 3 - 2) + b"[]]",
    "empty objects": b"[" + b"{}," * (MAX_CALLBACK_BYTES // 3 - 2) + b"{}]",
    "keys": b"{" + b",".join(b'"%d":0' % number for number in range(MAX_CALLBACK_BYTES // 12)) + b"}",
    "numbers": b"[" + b"1," * (MAX_CALLBACK_BYTES // 2 - 2) + b"1]",
    "fractions": b"[" + b"1e9," * (MAX_CALLBACK_BYTES // 4 - 2) + b"1]",
    "text": b'{"message": "' + b"x" * (MAX_CALLBACK_BYTES - 20) + b'"}',
    "escapes": b'{"message": "' + b"\\u0416" * (MAX_CALLBACK_BYTES // 6 - 4) + b'"}',
}


@pytest.mark.parametrize("kind", LARGEST)
def test_the_largest_callbacks_take_little_memory(kind: str) -> None:
    body = LARGEST[kind]
    assert len(body) <= MAX_CALLBACK_BYTES
    tracemalloc.start()
    try:
        answer = _post(Body(body), {"CONTENT_LENGTH": str(len(body))})
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.status_code == 400
    assert peak < 40 * 1024 * 1024


def test_a_body_without_end_takes_no_more_memory_than_the_largest_callback() -> None:
    """As an ASGI server spools it: what says no length, WSGI does not read at all."""
    tracemalloc.start()
    try:
        body = Body(b"", is_endless=True)
        answer = callback(ASGIRequest({"type": "http", "method": "POST", "path": URL, "headers": []}, body))
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.status_code == 400
    assert body.taken == MAX_CALLBACK_BYTES + 1
    assert peak < 8 * 1024 * 1024

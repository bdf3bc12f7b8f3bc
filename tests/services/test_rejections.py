"""Why a callback was rejected, from the wire to the words."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.wellbeing import rejected
from wagtail_payparts.services import start_payment
from wagtail_payparts.services.health import examine
from wagtail_payparts.services.rejections import explain_rejection
from wagtail_payparts.simulator import Simulator


pytestmark = pytest.mark.django_db


def test_a_rejected_callback_is_explained_from_the_wire_to_the_words(bank: Simulator) -> None:
    payment = start_payment(
        lines=[{"name": "Чайник", "count": 1, "price": "800.00"}], parts_count=4, redirect_url="https://shop.example/"
    )
    signature = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3"
    for body in (
        bank.callback_body(payment.order_id, password="another"),
        bank.callback_body(payment.order_id, signature=signature),
        bank.callback_body(payment.order_id, signature=None),
        bank.callback_body(payment.order_id, store_id="NOT-OURS"),
        b"<payment/>",
    ):
        assert Client().post("/pay-parts/callback/", body, content_type="application/json").status_code == 400
    newest = [explain_rejection(rejection) for rejection in examine().rejections]
    assert [explained.label for explained in newest] == [
        "No readable JSON",
        "A store that is not ours",
        "Wrong signature",
        "Wrong signature",
        "Wrong signature",
    ]
    assert [explained.hint for explained in newest[2:]] == [
        "There was no signature.",
        "28 characters of base64 expected, got 40 (hex).",
        "The signature has the right form.",
    ]
    assert "PREVIOUS_PASSWORD" in newest[-1].advice
    assert signature not in str(examine())


def test_a_record_of_an_older_version_is_explained_too() -> None:
    rejected(payload={}, message="wrong_signature: 28 characters of base64 expected, got nothing")
    (rejection,) = examine().rejections
    assert explain_rejection(rejection).label == "Wrong signature"


@pytest.mark.parametrize(
    ("signature", "hint"),
    [
        ({"kind": "spaces", "length": 30, "alphabet": "base64"}, "spaces around"),
        ({"kind": "not_text", "length": 0, "alphabet": "int"}, "no text"),
        ({"kind": "odd", "length": 1, "alphabet": "base64url"}, "got 1 (base64 for addresses)"),
        ({"kind": "odd", "length": 6, "alphabet": "of the future"}, "got 6 (of the future)"),
        ({"kind": "of the future"}, ""),
        ({}, ""),
        ("text", ""),
    ],
    ids=str,
)
def test_a_shape_is_put_into_words(signature: Any, hint: str) -> None:
    rejected(payload={"reason": "wrong_signature", "signature": signature})
    (rejection,) = examine().rejections
    explained = explain_rejection(rejection)
    assert hint in explained.hint
    assert bool(hint) == bool(explained.hint)


def test_an_unknown_reason_explains_itself() -> None:
    rejected("of_the_future", store_id="")
    (rejection,) = examine().rejections
    assert explain_rejection(rejection).label == "of_the_future"

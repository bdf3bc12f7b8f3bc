"""What staff and the doctor are told while a password is being changed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.wellbeing import called
from wagtail_payparts.services import rotation
from wagtail_payparts.services.diagnosis import Finding, Level, diagnose
from wagtail_payparts.services.health import examine


pytestmark = pytest.mark.django_db
BY_PREVIOUS = {"signed_with": "previous"}


@pytest.fixture(autouse=True)
def changing(settings: Any) -> None:
    own = {"STORE_ID": settings.PAYPARTS_API_STORE_ID, "PASSWORD": "new", "PREVIOUS_PASSWORD": "old"}
    settings.PAYPARTS_STORES = {"default": own, "other": {"STORE_ID": "OTHER", "PASSWORD": "its own"}}


def _told() -> Finding:
    (finding,) = (one for one in diagnose(examine()) if one.code == "previous_password")
    return finding


def test_a_bank_that_still_signs_with_the_previous_password_is_warned_about_with_numbers() -> None:
    called(minutes=8 * 24 * 60, payload=BY_PREVIOUS)
    called(minutes=3 * 24 * 60, payload=BY_PREVIOUS, verdict="stale")
    called(minutes=120, payload=BY_PREVIOUS, verdict="received")
    told = _told()
    assert told.level == Level.WARN
    assert told.text == (
        "The bank still signs with the previous password of the store “default”: 2 callbacks in the last 7 days, the "
        "last one 2 hours ago."
    )
    assert "Compare the password" in told.advice


def test_once_the_bank_has_gone_over_it_is_said_that_the_previous_one_can_go() -> None:
    called(minutes=60, payload=BY_PREVIOUS)
    called(minutes=30)
    told = _told()
    assert told.level == Level.INFO
    assert "the last one with the previous password came 60 minutes ago" in told.text
    assert "take PREVIOUS_PASSWORD out" in told.advice


def test_a_previous_password_that_nobody_needs_is_mentioned() -> None:
    called(minutes=30)
    called(minutes=30, store_id="OTHER", payload=BY_PREVIOUS)
    told = _told()
    assert (told.level, "no callback has needed it" in told.text) == (Level.INFO, True)


def test_where_no_password_is_being_changed_nothing_is_said(settings: Any) -> None:
    del settings.PAYPARTS_STORES["default"]["PREVIOUS_PASSWORD"]
    called(minutes=30, payload=BY_PREVIOUS)
    assert [one for one in diagnose(examine()) if one.code == "previous_password"] == []


def test_more_than_can_be_told_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "COUNTED", 2)
    monkeypatch.setattr("wagtail_payparts.services.diagnosis.COUNTED", 2)
    for minutes in (1, 2, 3):
        called(minutes=minutes, payload=BY_PREVIOUS)
    assert "2+ callbacks" in _told().text


def test_stores_that_cannot_be_read_hinder_nobody(settings: Any) -> None:
    settings.PAYPARTS_STORES["broken"] = {"STORE_ID": "X", "PASSWORD": "x", "API_URL": "nowhere"}
    called(minutes=30, payload=BY_PREVIOUS)
    assert _told().level == Level.WARN

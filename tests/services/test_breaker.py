"""A bank that is down is left alone, and found again as soon as it is back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache

from wagtail_payparts.exceptions import BadAnswer, BankError, BankRefused, BankUnreachable
from wagtail_payparts.services.backoff import SPREAD
from wagtail_payparts.services.breaker import (
    FIRST_PAUSE,
    FORGOTTEN_AFTER,
    LONGEST_PAUSE,
    PROBE_LASTS,
    SILENCES,
    Breaker,
)


ADDRESS = "https://bank.example/ipp/v2/"
SILENCE = BankUnreachable("no reply")
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def nothing_is_known() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Put the clock forward."""
    real, shift = time.time, timedelta()

    def forward(duration: timedelta) -> None:
        nonlocal shift
        shift += duration

    monkeypatch.setattr(time, "time", lambda: real() + shift.total_seconds())
    return forward


@pytest.fixture
def poller() -> Breaker:
    return Breaker(ADDRESS)


def _fall_silent(breaker: Breaker, times: int = SILENCES) -> None:
    for _time in range(times):
        assert breaker.may_ask()
        breaker.report(SILENCE)


def test_a_few_silences_are_no_reason_not_to_ask(poller: Breaker) -> None:
    _fall_silent(poller, SILENCES - 1)
    assert poller.may_ask()
    assert not poller.is_open()


def test_after_enough_of_them_in_a_row_nobody_asks(poller: Breaker) -> None:
    _fall_silent(poller)
    assert poller.is_open()
    assert not poller.may_ask()


def test_an_answer_in_between_starts_the_count_anew(poller: Breaker) -> None:
    _fall_silent(poller, SILENCES - 1)
    poller.report(None)
    _fall_silent(poller, SILENCES - 1)
    assert poller.may_ask()


def test_after_a_pause_one_alone_finds_out(poller: Breaker, pass_time: Callable[[timedelta], None]) -> None:
    _fall_silent(poller)
    pass_time(FIRST_PAUSE)
    assert not poller.is_open()
    assert [Breaker(ADDRESS).may_ask() for _asker in range(3)] == [True, False, False]
    assert poller.is_open()


def test_the_first_answer_lets_everybody_ask(poller: Breaker, pass_time: Callable[[timedelta], None]) -> None:
    _fall_silent(poller)
    pass_time(FIRST_PAUSE)
    assert poller.may_ask()
    poller.report(None)
    assert [poller.may_ask() for _asker in range(3)] == [True, True, True]
    _fall_silent(poller, SILENCES - 1)
    assert not poller.is_open()


def test_the_pauses_grow_up_to_a_limit_and_are_not_all_alike(
    poller: Breaker, pass_time: Callable[[timedelta], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[int] = []
    keep = cache.set

    def note(key: str, value: Any, timeout: int) -> None:
        pauses.append(timeout)
        keep(key, value, timeout)

    monkeypatch.setattr(cache, "set", note, raising=False)
    _fall_silent(poller)
    for _probe in range(9):
        pass_time(LONGEST_PAUSE)
        assert poller.may_ask()
        poller.report(SILENCE)
    for number, seconds in enumerate(pauses):
        longest = min(FIRST_PAUSE * 2**number, LONGEST_PAUSE)
        assert longest * (1 - SPREAD) - SECOND <= timedelta(seconds=seconds) <= longest
    assert len(set(pauses[4:])) > 1


def test_questions_that_were_under_way_when_it_was_found_out_lengthen_no_pause(
    poller: Breaker, pass_time: Callable[[timedelta], None]
) -> None:
    _fall_silent(poller)
    for _late in range(10):
        poller.report(SILENCE)
    pass_time(FIRST_PAUSE)
    assert poller.may_ask()


def test_who_dies_while_finding_out_is_replaced(poller: Breaker, pass_time: Callable[[timedelta], None]) -> None:
    _fall_silent(poller)
    pass_time(FIRST_PAUSE)
    assert poller.may_ask()
    pass_time(PROBE_LASTS - SECOND)
    assert not poller.may_ask()
    pass_time(2 * SECOND)
    assert poller.may_ask()


def test_who_has_nothing_to_ask_after_all_lets_the_next_one_find_out(
    poller: Breaker, pass_time: Callable[[timedelta], None]
) -> None:
    _fall_silent(poller)
    poller.forgo()
    assert not poller.may_ask(), "a pause is nobody's to give away"
    pass_time(FIRST_PAUSE)
    assert poller.may_ask()
    poller.forgo()
    assert poller.may_ask()


def test_hasty_questions_find_out_for_themselves_and_do_not_take_the_pollers_turn(
    poller: Breaker, pass_time: Callable[[timedelta], None]
) -> None:
    """A bank that takes five seconds to answer is down for the return page, and not for the poller."""
    hasty = Breaker(ADDRESS, in_a_hurry=True)
    _fall_silent(hasty)
    assert not hasty.may_ask()
    for _time in range(3):
        pass_time(LONGEST_PAUSE)
        assert hasty.may_ask()
        hasty.report(SILENCE)
    assert poller.may_ask()
    poller.report(None)
    assert hasty.may_ask()


def test_another_address_is_another_bank(poller: Breaker) -> None:
    _fall_silent(poller)
    assert Breaker("https://other.example/ipp/v2/").may_ask()


def test_a_silence_of_long_ago_says_nothing(poller: Breaker, pass_time: Callable[[timedelta], None]) -> None:
    _fall_silent(poller)
    pass_time(FORGOTTEN_AFTER + SECOND)
    assert [poller.may_ask() for _asker in range(3)] == [True, True, True]


@pytest.mark.parametrize(
    ("error", "is_silence"),
    [
        (BankUnreachable("no reply"), True),
        (BadAnswer("a gateway's page", http_status=502), True),
        (BadAnswer("a page about maintenance", http_status=200), True),
        (BadAnswer("a fault of its own", http_status=500, payload={"status": 500}), True),
        (BadAnswer("signed with another password", http_status=200, payload={"state": "SUCCESS"}), False),
        (BankRefused("no such payment", verified=True, payload={"state": "FAIL"}), False),
        (BankRefused("busy", verified=False, payload={"state": "FAIL"}), False),
        (None, False),
    ],
)
def test_whatever_the_bank_says_itself_is_an_answer(poller: Breaker, error: BankError | None, is_silence: bool) -> None:
    """One store with a wrong password must not keep the others from asking."""
    for _time in range(SILENCES):
        poller.report(error)
    assert poller.is_open() is is_silence


def test_a_cache_that_does_not_work_keeps_nobody_from_asking(
    poller: Breaker, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "there_is_no_such_table"}
    }
    for _time in range(SILENCES):
        poller.report(SILENCE)
    assert poller.may_ask()
    assert not poller.is_open()
    assert "the cache does not say" in caplog.text

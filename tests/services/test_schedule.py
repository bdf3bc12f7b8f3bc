"""When the bank is asked next."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from wagtail_payparts.models import Payment
from wagtail_payparts.services.schedule import next_poll
from wagtail_payparts.states import PaymentState


BORN = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def _payment(state: str = PaymentState.CREATED, **fields: object) -> Payment:
    return Payment(state=state, created_at=BORN, state_changed_at=BORN, **fields)


@pytest.mark.parametrize(
    ("age", "then"),
    [
        (timedelta(0), 30 * SECOND),
        (30 * SECOND, MINUTE),
        (MINUTE, 2 * MINUTE),
        (7 * MINUTE, 15 * MINUTE),
        (2 * HOUR, 3 * HOUR),
        (12 * HOUR, 24 * HOUR),
        (25 * HOUR, 49 * HOUR),
    ],
)
def test_an_open_payment_is_asked_about_less_and_less_often_but_at_least_daily(age: timedelta, then: timedelta) -> None:
    assert next_poll(_payment(), BORN + age) == BORN + then


def test_the_schedule_is_a_setting(settings: object) -> None:
    settings.PAYPARTS_POLL_SCHEDULE = (1, timedelta(seconds=4))  # type: ignore[attr-defined]
    assert next_poll(_payment(), BORN + 2 * SECOND) == BORN + 4 * SECOND


def test_a_question_without_an_answer_is_repeated_soon_and_consumes_no_step() -> None:
    late = BORN + 13 * HOUR
    assert next_poll(_payment(poll_failures=1), late) == late + 30 * SECOND
    assert next_poll(_payment(poll_failures=3), late) == late + 2 * MINUTE
    assert next_poll(_payment(poll_failures=50), late) == late + 15 * MINUTE


def test_luck_makes_a_pause_after_a_failure_a_quarter_shorter_and_touches_nothing_else() -> None:
    late = BORN + 13 * HOUR
    assert next_poll(_payment(poll_failures=3), late, luck=1) == late + 90 * SECOND
    assert next_poll(_payment(), BORN, luck=1) == BORN + 30 * SECOND


def test_a_claim_has_its_own_schedule_and_goes_on_hourly_without_end() -> None:
    claimed = {"claim_state": "SUCCESS", "claim_at": BORN + DAY}
    assert next_poll(_payment(**claimed), BORN + DAY) == BORN + DAY + 10 * SECOND
    assert next_poll(_payment(**claimed), BORN + DAY + 6 * MINUTE) == BORN + DAY + 15 * MINUTE
    month = BORN + 30 * DAY
    assert next_poll(_payment(**claimed), month) == month + HOUR


def test_a_paid_payment_is_looked_at_again_for_refunds_and_then_left_alone() -> None:
    paid = _payment(PaymentState.SUCCESS, settled_at=BORN)
    assert [next_poll(paid, BORN + age) for age in (SECOND, HOUR, DAY, 7 * DAY)] == [
        BORN + HOUR,
        BORN + DAY,
        BORN + 7 * DAY,
        BORN + 30 * DAY,
    ]
    assert next_poll(paid, BORN + 30 * DAY) is None


@pytest.mark.parametrize("state", [PaymentState.CANCELED, PaymentState.FAIL])
def test_a_refused_or_cancelled_payment_is_asked_about_again_for_a_month(state: str) -> None:
    over = _payment(state, settled_at=BORN)
    assert next_poll(over, BORN) == BORN + DAY
    assert next_poll(over, BORN + DAY) == BORN + 7 * DAY
    assert next_poll(over, BORN + 30 * DAY) is None


def test_an_expired_payment_is_asked_about_daily_for_thirty_days() -> None:
    expired = _payment(PaymentState.EXPIRED)
    assert next_poll(expired, BORN + 5 * DAY) == BORN + 6 * DAY
    assert next_poll(expired, BORN + 30 * DAY) is None


def test_a_hold_is_asked_about_daily_without_end() -> None:
    year = BORN + 365 * DAY
    assert next_poll(_payment(PaymentState.LOCKED), year) == year + DAY


@pytest.mark.parametrize("state", list(PaymentState))
def test_a_claim_always_has_a_next_question(state: str) -> None:
    claimed = _payment(state, claim_state="SUCCESS", claim_at=BORN, settled_at=BORN)
    assert next_poll(claimed, BORN + 400 * DAY) is not None

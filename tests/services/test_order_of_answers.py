"""The bank's answers may be written down in any order: where a payment ends is the same (design §5)."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.factories import make_order, make_payment
from wagtail_payparts.bank import Exchange, StateReply
from wagtail_payparts.models import EventType, Payment
from wagtail_payparts.services.observations import observe_state
from wagtail_payparts.states import NEGATIVE, PaymentState


pytestmark = pytest.mark.django_db
AMOUNT = Decimal("400.00")
#: Without a hold, which may truly end either way.
WORDS = ("CREATED", "CLIENT_WAIT", "OTP_WAITING", "PP_CREATION", "SUCCESS", "CANCELED", "FAIL", "REJECTED", "NEWS")


def _answer(word: str, **fields: Any) -> StateReply:
    exchange = Exchange(http_status=200, payload={}, duration_ms=1, trace_id="")
    told = {"amount": AMOUNT, "message": "", "description": "", "receipt": {}, "refunds": None, "exchange": exchange}
    return StateReply(payment_state=word, **told | fields)


def _written_down(answers: list[StateReply]) -> Payment:
    payment = make_payment(amount=AMOUNT, buyer_order=make_order())
    for answer in answers:
        observe_state(payment, answer, asked_at=timezone.now())
    return Payment.objects.get(pk=payment.pk)


def _end(payment: Payment) -> tuple[Any, ...]:
    """Paid, refused or how far along; whether a person looks at the contradiction; what is told about money."""
    money = [signal for signal in _signals(payment) if signal in {"payment_succeeded", "payment_late_success"}]
    raised = set(payment.events.filter(type=EventType.ATTENTION).values_list("message", flat=True))
    return (
        "negative" if payment.payment_state in NEGATIVE else payment.state,
        bool(raised & {"late_success", "negative_after_success"}),
        "unknown_state" in raised,
        len(money),
        payment.refunded_amount,
    )


def _signals(payment: Payment) -> list[str]:
    return list(payment.deliveries.order_by("pk").values_list("signal", flat=True))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(WORDS), min_size=2, max_size=5).flatmap(st.permutations), st.data())
def test_the_order_in_which_answers_are_written_down_does_not_change_the_end(told: list[str], data: Any) -> None:
    answers = [_answer(word) for word in told]
    other = data.draw(st.permutations(answers))
    assert _end(_written_down(answers)) == _end(_written_down(list(other)))


def test_paid_refused_and_refunded_in_any_order_are_paid_with_one_signal_and_a_persons_attention() -> None:
    back = _answer("SUCCESS", refunds=[{"amount": Decimal("150.00")}])
    for answers in permutations([_answer("SUCCESS"), back, _answer("CANCELED")]):
        payment = _written_down(list(answers))
        assert _end(payment) == ("SUCCESS", True, False, 1, Decimal("150.00"))
        assert _signals(payment).count("payment_refunded") == 1


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("state", list(PaymentState))
def test_an_answer_that_names_another_amount_moves_nothing(state: str, word: str) -> None:
    payment = make_payment(amount=AMOUNT, state=state)
    after = observe_state(payment, _answer(word, amount=AMOUNT + 1), asked_at=timezone.now())
    assert after.state == state
    assert "amount_mismatch" in after.attention_codes or word == "NEWS"
    assert "payment_state_changed" not in _signals(after)

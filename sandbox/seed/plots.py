"""How payments go: the usual ways, and the rare ones after which a person has to decide."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from django.contrib.auth import get_user_model

from wagtail_payparts.models import AttentionCode, RefundState, Verdict
from wagtail_payparts.states import PaymentState

from .story import NOT_APPROVED, NOT_FINISHED, Story


Plot = Callable[[Story], None]

HALF_MINUTE = timedelta(seconds=30)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


def _came_to_the_bank(story: Story) -> None:
    story.created()
    story.polled(HALF_MINUTE, PaymentState.CLIENT_WAIT)


def _thought(story: Story) -> timedelta:
    return timedelta(seconds=story.rng.randint(40, 600))


def _typed_the_code(story: Story) -> None:
    story.polled(timedelta(minutes=1), PaymentState.OTP_WAITING)


def paid(story: Story) -> None:
    _came_to_the_bank(story)
    _typed_the_code(story)
    contract = story.contract()
    story.called_back(_thought(story), PaymentState.SUCCESS, contract)
    story.polled(SECOND, PaymentState.SUCCESS, contract)


def paid_without_callback(story: Story) -> None:
    """The callback was lost: polling found the money all the same."""
    _came_to_the_bank(story)
    story.polled(timedelta(minutes=5), PaymentState.SUCCESS, story.contract())


def canceled(story: Story) -> None:
    _came_to_the_bank(story)
    if story.rng.random() < 0.3:
        _typed_the_code(story)
    story.called_back(_thought(story), PaymentState.CANCELED, NOT_FINISHED)
    story.polled(SECOND, PaymentState.CANCELED, NOT_FINISHED)


def refused(story: Story) -> None:
    _came_to_the_bank(story)
    _typed_the_code(story)
    reason = story.rng.choice(NOT_APPROVED)
    story.called_back(_thought(story), PaymentState.FAIL, reason)
    story.polled(SECOND, PaymentState.FAIL, reason)


def refused_at_once(story: Story) -> None:
    story.refused_at_once()


def expired(story: Story) -> None:
    _came_to_the_bank(story)
    story.polled(DAY, PaymentState.CLIENT_WAIT, verdict=Verdict.DUPLICATE, repeats=9)
    story.expired()


def refunded(story: Story) -> None:
    paid(story)
    _refund(story, story.payment.amount, "покупець передумав протягом 14 днів")


def partly_refunded(story: Story) -> None:
    paid(story)
    _refund(story, Decimal("600.00"), "набору для догляду не було на складі")


def _refund(story: Story, amount: Decimal, reason: str) -> None:
    manager = get_user_model().objects.get(username="manager")
    story.refunded(timedelta(days=2, hours=3), amount, reason, state=RefundState.ACCEPTED, requested_by=manager)


def refunded_elsewhere(story: Story) -> None:
    paid(story)
    story.refunded(timedelta(days=1), story.payment.amount, "у кабінеті банку", state=RefundState.EXTERNAL)
    story.needs_attention(AttentionCode.EXTERNAL_REFUND)


def paid_too_late(story: Story) -> None:
    expired(story)
    story.polled(timedelta(hours=11), PaymentState.SUCCESS, story.contract())
    story.needs_attention(AttentionCode.LATE_SUCCESS)


def taken_back(story: Story) -> None:
    paid(story)
    story.polled(DAY, PaymentState.CANCELED, NOT_FINISHED, verdict=Verdict.CONFLICT)
    story.needs_attention(AttentionCode.NEGATIVE_AFTER_SUCCESS)


def other_amount(story: Story) -> None:
    paid(story)
    story.polled(DAY, PaymentState.SUCCESS, verdict=Verdict.MISMATCH)
    story.needs_attention(AttentionCode.AMOUNT_MISMATCH)


def contradicted(story: Story) -> None:
    """A callback with our password says "paid", and the bank says "cancelled" when asked."""
    _came_to_the_bank(story)
    story.called_back(_thought(story), PaymentState.SUCCESS, story.contract(), Verdict.CONFLICT)
    story.payment.receipt = {}
    story.polled(SECOND, PaymentState.CANCELED, NOT_FINISHED)
    story.needs_attention(AttentionCode.CLAIM_CONTRADICTED)


#: The usual ways, and how many of a hundred payments go so.
USUAL: dict[Plot, int] = {
    paid: 55,
    paid_without_callback: 7,
    canceled: 15,
    refused: 9,
    refused_at_once: 2,
    expired: 12,
}
#: The rare ones, each once, and how many days ago. Those that wait for a person are recent.
RARE: dict[Plot, int] = {
    refunded: 41,
    partly_refunded: 23,
    refunded_elsewhere: 9,
    paid_too_late: 6,
    taken_back: 4,
    other_amount: 12,
    contradicted: 3,
}

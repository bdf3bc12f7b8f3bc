"""Two-stage payments: nothing but what the bank says when it is asked settles a confirmation or a cancellation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import transaction
from django.utils import timezone

from tests.dying import Died
from tests.factories import make_offer, make_order
from wagtail_payparts import conf
from wagtail_payparts.bank import PayPartsClient, parse_callback
from wagtail_payparts.exceptions import NotAllowed
from wagtail_payparts.models import EventType, Payment
from wagtail_payparts.services import cancel_hold, confirm_hold, start_payment, sync_payment
from wagtail_payparts.services.callbacks import receive
from wagtail_payparts.services.deliveries import deliver_payment
from wagtail_payparts.services.desk import resolve_attention
from wagtail_payparts.services.locking import POLL_LEASE
from wagtail_payparts.services.observations import observe_state
from wagtail_payparts.services.offers import buy_offer
from wagtail_payparts.services.schedule import ACTION_STUCK_AFTER
from wagtail_payparts.simulator import Simulator
from wagtail_payparts.states import PaymentState


pytestmark = pytest.mark.django_db
S = PaymentState
LINES = [{"name": "Чайник", "count": 1, "price": "800.00"}]


@pytest.fixture
def held(bank: Simulator) -> Payment:
    payment = start_payment(lines=LINES, parts_count=4, hold=True, buyer_order=make_order())
    bank.pay(payment.order_id)
    locked = sync_payment(payment)
    assert locked.state == S.LOCKED
    return locked


def _owed(payment: Payment) -> list[str]:
    return list(payment.deliveries.order_by("pk").values_list("signal", flat=True))


def _actions(payment: Payment) -> list[tuple[str, str]]:
    events = payment.events.filter(type=EventType.ACTION).order_by("pk")
    return [(event.payload.get("action", ""), event.verdict) for event in events]


def test_a_confirmed_hold_is_paid_as_soon_as_the_bank_says_so(held: Payment, bank: Simulator) -> None:
    paid = confirm_hold(held)
    assert paid.state == S.SUCCESS
    assert paid.pending_action == ""
    assert "payment_succeeded" in _owed(paid)
    assert bank.payment(held.order_id).state == "SUCCESS"


def test_a_cancelled_hold_is_cancelled_and_its_order_with_it(held: Payment, bank: Simulator) -> None:
    canceled = cancel_hold(held)
    assert canceled.state == S.CANCELED
    deliver_payment(held.pk)
    assert held.buyer_order is not None
    held.buyer_order.refresh_from_db()
    assert held.buyer_order.status == "canceled"


@pytest.mark.parametrize("act", [confirm_hold, cancel_hold])
def test_what_is_about_to_be_done_is_committed_before_the_bank_is_told(
    held: Payment, bank: Simulator, act: Any
) -> None:
    bank.fault("timeout_after", endpoint="any", times=None, seconds=0.01)
    waiting = act(held)
    assert waiting.state == S.LOCKED
    assert waiting.pending_action in {"confirm", "cancel"}
    assert _actions(held)[0] == (waiting.pending_action, "")
    assert _actions(held)[1][1] == "unreachable"
    bank.clear_faults()
    settled = sync_payment(held)
    assert settled.pending_action == ""
    assert settled.state == (S.SUCCESS if act is confirm_hold else S.CANCELED)


def test_what_a_process_that_died_has_told_the_bank_is_found_out_soon(
    held: Payment, bank: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell = PayPartsClient.confirm

    def tell_and_die(client: PayPartsClient, order_id: str) -> None:
        tell(client, order_id)
        raise Died

    monkeypatch.setattr(PayPartsClient, "confirm", tell_and_die)
    with pytest.raises(Died):
        confirm_hold(held)
    held.refresh_from_db()
    assert held.pending_action == "confirm"
    assert held.next_poll_at <= timezone.now() + POLL_LEASE


@pytest.mark.parametrize("fault", ["timeout_before", "http_500", "html", "fail_unverified", "forged", "reset"])
def test_an_action_that_never_reached_the_bank_stays_under_way_until_a_person_decides(
    held: Payment, bank: Simulator, fault: str
) -> None:
    bank.fault(fault, endpoint="confirm", seconds=0.01)
    waiting = confirm_hold(held)
    if fault == "forged":
        # The bank acted; only its reply was not to be believed.
        assert waiting.state == S.SUCCESS
        return
    assert (waiting.state, waiting.pending_action) == (S.LOCKED, "confirm")
    with pytest.raises(NotAllowed, match="under way"):
        cancel_hold(held)
    Payment.objects.filter(pk=held.pk).update(pending_since=timezone.now() - ACTION_STUCK_AFTER)
    assert "action_stuck" in sync_payment(held).attention_codes


def test_a_refusal_that_the_bank_signed_and_stands_by_frees_the_payment(held: Payment, bank: Simulator) -> None:
    bank.fault("fail_verified", endpoint="confirm")
    still_held = confirm_hold(held)
    assert (still_held.state, still_held.pending_action) == (S.LOCKED, "")
    assert confirm_hold(held).state == S.SUCCESS


def test_a_refusal_is_not_believed_while_the_bank_cannot_be_asked(held: Payment, bank: Simulator) -> None:
    bank.fault("fail_verified", endpoint="confirm")
    bank.fault("unreachable", endpoint="state", times=None)
    assert confirm_hold(held).pending_action == "confirm"


def test_a_certain_refusal_frees_the_payment_as_soon_as_the_bank_can_be_asked(held: Payment, bank: Simulator) -> None:
    bank.fault("fail_verified", endpoint="confirm")
    bank.fault("unreachable", endpoint="state")
    confirm_hold(held)
    after = sync_payment(held)
    assert (after.state, after.pending_action, after.attention) == (S.LOCKED, "", "")
    assert cancel_hold(held).state == S.CANCELED


def test_an_answer_to_a_question_from_before_the_refusal_frees_nothing(held: Payment, bank: Simulator) -> None:
    asked_at = timezone.now()
    reply = PayPartsClient(conf.get_store()).state(held.order_id, show_amount=True)
    bank.fault("fail_verified", endpoint="confirm")
    bank.fault("unreachable", endpoint="state")
    confirm_hold(held)
    assert observe_state(held, reply, asked_at=asked_at).pending_action == "confirm"


def test_an_action_after_a_refused_one_is_not_taken_for_it(held: Payment, bank: Simulator) -> None:
    bank.fault("fail_verified", endpoint="confirm")
    confirm_hold(held)
    bank.fault("timeout_before", endpoint="confirm", seconds=0)
    assert confirm_hold(held).pending_action == "confirm"
    assert sync_payment(held).pending_action == "confirm", "the bank may have taken it, and be slow"


@pytest.mark.parametrize("state", [s for s in S if s != S.LOCKED])
def test_nothing_is_confirmed_or_cancelled_that_is_not_held(held: Payment, bank: Simulator, state: str) -> None:
    Payment.objects.filter(pk=held.pk).update(state=state)
    for act in (confirm_hold, cancel_hold):
        with pytest.raises(NotAllowed):
            act(held)
    assert not [seen for seen in bank.requests if seen.endpoint in {"confirm", "cancel"}]


def test_a_hold_taken_in_the_banks_cabinet_is_found(held: Payment, bank: Simulator) -> None:
    bank.confirm(held.order_id)
    assert sync_payment(held).state == S.SUCCESS


def test_a_hold_is_not_touched_inside_a_transaction(held: Payment, bank: Simulator, settings: Any) -> None:
    # Django lets a durable block into the transaction of a test, and into no other.
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        confirm_hold(held)
    assert not [seen for seen in bank.requests if seen.endpoint == "confirm"]


def test_a_hold_needs_the_permission(held: Payment, bank: Simulator) -> None:
    user = get_user_model().objects.create_user("clerk")
    with pytest.raises(NotAllowed):
        confirm_hold(held, by=user)
    user.user_permissions.add(Permission.objects.get(codename="hold_payment"))
    user = get_user_model().objects.get(pk=user.pk)
    assert confirm_hold(held, by=user, reason="є на складі").state == S.SUCCESS
    begun = held.events.filter(type=EventType.ACTION).order_by("pk").first()
    assert begun is not None
    assert (begun.user, begun.message, begun.source) == (user, "є на складі", "staff")


def test_staff_are_reminded_before_a_hold_ends_and_no_longer_once_it_is_over(
    held: Payment, bank: Simulator, settings: Any
) -> None:
    assert "hold_expiring" not in sync_payment(held).attention_codes
    Payment.objects.filter(pk=held.pk).update(state_changed_at=timezone.now() - timedelta(days=27))
    reminded = sync_payment(held)
    assert "hold_expiring" in reminded.attention_codes
    assert "payment_needs_attention" in _owed(held)
    assert reminded.state == S.LOCKED, "nothing confirms a hold by itself"
    assert "hold_expiring" not in confirm_hold(held).attention_codes


def test_a_store_says_how_long_the_bank_keeps_a_hold(held: Payment, settings: Any) -> None:
    assert held.hold_ends_at == held.state_changed_at + timedelta(days=29)
    settings.PAYPARTS_HOLD_FOR = timedelta(days=5)
    assert held.hold_ends_at == held.state_changed_at + timedelta(days=5)
    settings.PAYPARTS_HOLD_FOR = None
    assert held.hold_ends_at is None


def test_an_offer_may_ask_for_a_hold(bank: Simulator) -> None:
    offer = make_offer(hold=True)
    payment = buy_offer(offer, parts_count=2, merchant_type="II")
    assert payment.hold
    bank.pay(payment.order_id)
    assert sync_payment(payment).attention == "", "a hold that was asked for needs nobody"


def test_a_store_may_hold_by_default_and_a_call_has_the_last_word(bank: Simulator, settings: Any) -> None:
    settings.PAYPARTS_STORES = {
        "default": {
            "STORE_ID": settings.PAYPARTS_API_STORE_ID,
            "PASSWORD": settings.PAYPARTS_API_PASSWORD,
            "HOLD": True,
        }
    }
    assert start_payment(lines=LINES, parts_count=2).hold
    assert not start_payment(lines=LINES, parts_count=2, hold=False).hold


def test_a_stuck_action_is_freed_by_a_person(held: Payment, bank: Simulator) -> None:
    bank.fault("timeout_before", endpoint="confirm", seconds=0.01)
    confirm_hold(held)
    Payment.objects.filter(pk=held.pk).update(pending_since=timezone.now() - ACTION_STUCK_AFTER)
    sync_payment(held)
    chief = get_user_model().objects.create_superuser("chief")
    resolve_attention(held, "action_stuck", accept=True, note="банк нічого не зробив", by=chief)
    held.refresh_from_db()
    assert (held.pending_action, held.attention) == ("", "")
    assert confirm_hold(held).state == S.SUCCESS


def test_a_reminder_that_was_dismissed_is_not_given_again_for_this_hold(held: Payment, bank: Simulator) -> None:
    Payment.objects.filter(pk=held.pk).update(state_changed_at=timezone.now() - timedelta(days=27))
    sync_payment(held)
    chief = get_user_model().objects.create_superuser("chief")
    resolve_attention(held, "hold_expiring", accept=False, note="хай спливає", by=chief)
    assert sync_payment(held).attention == ""
    assert _owed(held).count("payment_needs_attention") == 1


def test_an_order_whose_hold_was_cancelled_waits_for_its_other_attempt(held: Payment, bank: Simulator) -> None:
    deliver_payment(held.pk)
    start_payment(lines=LINES, parts_count=2, buyer_order=held.buyer_order)
    cancel_hold(held)
    deliver_payment(held.pk)
    assert held.buyer_order is not None
    held.buyer_order.refresh_from_db()
    assert held.buyer_order.status == "awaiting_payment"


def test_what_was_said_of_a_hold_is_not_kept_as_what_is_said_of_its_end(held: Payment, bank: Simulator) -> None:
    Payment.objects.filter(pk=held.pk).update(bank_message="Договір з Олена Коваль")
    bank.set_state(held.order_id, "CANCELED", "")
    assert sync_payment(held).bank_message == ""


@pytest.mark.parametrize("stands_by_it", [True, False])
def test_a_word_about_the_end_of_a_hold_is_judged_when_the_hold_has_ended(
    held: Payment, bank: Simulator, stands_by_it: bool
) -> None:
    """Found by torture: a forged "paid" was put aside while the money was held, and nobody heard of it after."""
    receive(parse_callback(bank.callback_body(held.order_id, state="SUCCESS")))
    assert sync_payment(held).claim_state == ""
    (bank.confirm if stands_by_it else bank.cancel_hold)(held.order_id)
    ended = sync_payment(held)
    assert ended.attention_codes == ([] if stands_by_it else ["claim_contradicted"])
    assert held.events.get(type="callback").verdict == ("applied" if stands_by_it else "conflict")

"""The old package's two signals: about callbacks, once for each, after it is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.callbacks.conftest import URL, Heard, Ring
from wagtail_payparts.models import Payment, PaymentEvent
from wagtail_payparts.services.callbacks import sweep
from wagtail_payparts.signals import pay_parts_success_callback
from wagtail_payparts.simulator import Simulator


@pytest.fixture
def restart() -> Iterator[Callable[[], Any]]:
    """The process dies between the storing of a callback and its announcement. Returns what starts a new one."""

    def die(**kwargs: Any) -> None:
        raise SystemExit

    def start_again() -> None:
        pay_parts_success_callback.disconnect(die)

    pay_parts_success_callback.connect(die)
    yield start_again
    start_again()


def _grow_old() -> None:
    """The process that was to announce them has had its time."""
    PaymentEvent.objects.filter(type="callback").update(announcing_until=timezone.now() - timedelta(seconds=1))


def test_a_receiver_is_given_the_stored_log_and_the_request(
    payment: Payment, bank: Simulator, ring: Ring, announced: list[Heard], refused: list[Heard]
) -> None:
    ring(bank.callback_body(payment.order_id, state="CANCELED", message="Клієнт не завершив оплату"))
    (heard,) = announced
    assert heard.sender is PaymentEvent
    assert heard.was_stored
    assert heard.request is not None
    assert heard.request.path == URL
    log = heard.log
    assert (log.type, log.state, log.message) == ("callback", "CANCELED", "Клієнт не завершив оплату")
    assert (log.store_id, log.order_id, log.token) == (bank.store_id, payment.order_id, "")
    assert str(log) == f"{payment.order_id}: Cancelled"
    assert not refused


@pytest.mark.parametrize(
    ("state", "success", "fail", "canceled"),
    [
        ("SUCCESS", True, False, False),
        ("FAIL", False, True, False),
        ("CANCELED", False, False, True),
        ("CLIENT_WAIT", False, False, False),
        ("LOCKED", False, False, False),
        ("WAIT_LIQPAY", False, False, False),
    ],
)
def test_a_receiver_hears_of_every_state_and_looks_at_the_log(
    state: str,
    success: bool,
    fail: bool,
    canceled: bool,
    payment: Payment,
    bank: Simulator,
    ring: Ring,
    announced: list[Heard],
) -> None:
    ring(bank.callback_body(payment.order_id, state=state))
    (heard,) = announced
    assert (heard.log.is_success, heard.log.is_fail, heard.log.is_canceled) == (success, fail, canceled)


def test_the_signal_is_about_the_callback_and_not_about_the_money(
    payment: Payment, bank: Simulator, ring: Ring, announced: list[Heard]
) -> None:
    ring(bank.callback_body(payment.order_id, state="SUCCESS"))
    assert announced[0].log.is_success
    payment.refresh_from_db()
    assert not payment.is_paid


def test_an_order_that_we_do_not_know_is_told_of_too(
    order_made_elsewhere: str, bank: Simulator, ring: Ring, announced: list[Heard]
) -> None:
    ring(bank.callback_body(order_made_elsewhere, state="SUCCESS"))
    assert [(heard.log.order_id, heard.log.payment) for heard in announced] == [(order_made_elsewhere, None)]


def test_each_new_word_is_told_of_and_no_repeat(
    payment: Payment, bank: Simulator, ring: Ring, announced: list[Heard]
) -> None:
    for state in ("CLIENT_WAIT", "CLIENT_WAIT", "SUCCESS", "CLIENT_WAIT", "SUCCESS"):
        ring(bank.callback_body(payment.order_id, state=state))
    assert [heard.log.state for heard in announced] == ["CLIENT_WAIT", "SUCCESS"]


def test_one_receiver_that_raises_stops_neither_the_others_nor_the_answer(
    payment: Payment, bank: Simulator, ring: Ring, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []

    def broken(**kwargs: Any) -> None:
        raise ValueError("the shop's mail server is down")

    def sound(log: PaymentEvent, **kwargs: Any) -> None:
        heard.append(log.order_id)

    for receiver in (broken, sound):
        pay_parts_success_callback.connect(receiver)
    try:
        assert ring(bank.callback_body(payment.order_id)).status_code == 200
    finally:
        for receiver in (broken, sound):
            pay_parts_success_callback.disconnect(receiver)
    assert heard == [payment.order_id]
    assert "the shop's mail server is down" in caplog.text
    assert sweep() == 0


def test_what_a_dead_process_has_stored_is_announced_by_the_sweeper_without_a_request(
    payment: Payment, bank: Simulator, ring: Ring, restart: Callable[[], Any], announced: list[Heard]
) -> None:
    with pytest.raises(SystemExit):
        ring(bank.callback_body(payment.order_id, state="FAIL"))
    assert not announced
    restart()
    assert sweep() == 0, "its process may be alive"
    _grow_old()
    assert sweep() == 1
    (heard,) = announced
    assert (heard.sender, heard.request, heard.log.is_fail) == (PaymentEvent, None, True)
    assert heard.log.payment == payment
    assert sweep() == 0
    assert len(announced) == 1


def test_a_repeat_does_not_announce_what_the_sweeper_will(
    payment: Payment, bank: Simulator, ring: Ring, restart: Callable[[], Any]
) -> None:
    body = bank.callback_body(payment.order_id)
    with pytest.raises(SystemExit):
        ring(body)
    assert ring(body).status_code == 200
    assert payment.events.get(type="callback").announced_at is None


def test_a_rejected_callback_is_never_swept(payment: Payment, bank: Simulator, ring: Ring) -> None:
    ring(bank.callback_body(payment.order_id, password="guess"))
    _grow_old()
    assert sweep() == 0


def test_the_sweeper_tells_of_an_unknown_order_too(
    order_made_elsewhere: str, bank: Simulator, ring: Ring, announced: list[Heard]
) -> None:
    ring(bank.callback_body(order_made_elsewhere))
    PaymentEvent.objects.update(announced_at=None)
    _grow_old()
    assert sweep() == 1
    assert [heard.request is None for heard in announced] == [False, True]


def test_a_receiver_that_sweeps_itself_hears_of_nothing_twice(
    payment: Payment, bank: Simulator, ring: Ring, announced: list[Heard]
) -> None:
    """As a second poller would, which begins while the first is at a slow receiver."""
    ring(bank.callback_body(payment.order_id))
    announced.clear()
    PaymentEvent.objects.update(announced_at=None)
    _grow_old()

    def second_poller(**kwargs: Any) -> None:
        pay_parts_success_callback.disconnect(second_poller)
        sweep()

    pay_parts_success_callback.connect(second_poller)
    sweep()
    assert len(announced) == 1

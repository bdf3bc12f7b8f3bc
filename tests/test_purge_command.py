"""``payparts_purge`` on the command line: what it says, what it asks, and how it refuses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError
from django.utils import timezone

from tests.factories import make_order, make_payment
from wagtail_payparts.models import Order, Payment


pytestmark = pytest.mark.django_db

PHONE, EMAIL = "+380671234567", "iryna@example.com"


@pytest.fixture
def order() -> Order:
    return make_order(buyer_name="Ірина", buyer_phone=PHONE, buyer_email=EMAIL)


@pytest.fixture
def old(order: Order) -> Payment:
    then = timezone.now() - timedelta(days=31)
    payment = make_payment(state="SUCCESS", bank_message="Договір", buyer_order=order, settled_at=then)
    Payment.objects.update(texts_since=then)
    return payment


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """What the person at the terminal types."""

    def answer(text: str) -> None:
        monkeypatch.setattr("builtins.input", lambda prompt: text)

    return answer


def run(*args: str) -> str:
    out = StringIO()
    call_command("payparts_purge", *args, stdout=out, no_color=True)
    return out.getvalue()


def test_it_says_what_it_has_erased(old: Payment) -> None:
    assert "1 payments: what the bank wrote about them" in run()
    old.refresh_from_db()
    assert old.bank_message == ""


def test_a_dry_run_says_what_it_would_erase(old: Payment) -> None:
    said = run("--dry-run")
    assert said.startswith("Would be erased:")
    assert "1 payments: what the bank wrote about them" in said
    old.refresh_from_db()
    assert old.bank_message == "Договір"


def test_it_says_how_many_it_had_to_leave(old: Payment) -> None:
    Payment.objects.update(attention="late_success")
    assert "1 payments are old enough, but may still move, or need attention" in run()


@pytest.mark.parametrize("whom", [PHONE, "067 123-45-67", EMAIL.upper()])
def test_a_buyer_is_erased_after_the_word_was_typed(order: Order, answered: Callable[[str], None], whom: str) -> None:
    answered("erase")
    said = run("--buyer", whom)
    assert f"order {order.number}: " in said
    assert said.endswith("Erased.\n")
    order.refresh_from_db()
    assert (order.buyer_name, order.buyer_phone, order.buyer_email) == ("", "", "")


@pytest.mark.parametrize("typed", ["", "y", "yes", "ERASE"])
def test_nothing_is_erased_without_that_word(order: Order, answered: Callable[[str], None], typed: str) -> None:
    answered(typed)
    with pytest.raises(CommandError, match=r"Nothing was erased"):
        run("--buyer", PHONE)
    order.refresh_from_db()
    assert order.buyer_phone == PHONE


def test_a_script_is_not_asked(order: Order) -> None:
    run("--order", str(order.number), "--noinput")
    order.refresh_from_db()
    assert order.buyer_phone == ""


def test_what_would_be_erased_of_a_buyer_is_shown_by_numbers_alone(order: Order) -> None:
    said = run("--buyer", PHONE, "--dry-run")
    assert str(order.number) in said
    assert not any(personal in said for personal in (PHONE, EMAIL, "Ірина"))
    order.refresh_from_db()
    assert order.buyer_phone == PHONE


@pytest.mark.parametrize(
    ("open_", "why"),
    [
        ({"state": "LOCKED"}, "is LOCKED"),
        ({"state": "SUCCESS", "attention": "late_success"}, "needs attention (late_success)"),
        ({"state": "SUCCESS", "next_delivery_at": timezone.now()}, "owes a signal to a receiver"),
        ({"state": "SUCCESS", "pending_action": "refund"}, "the bank is being asked"),
    ],
    ids=lambda case: "",
)
def test_an_open_payment_is_named_with_what_is_open_about_it(
    order: Order, capsys: pytest.CaptureFixture[str], open_: dict[str, Any], why: str
) -> None:
    payment = make_payment(buyer_order=order, **open_)
    with pytest.raises(CommandError, match="settle them first"):
        call_command("payparts_purge", "--buyer", PHONE, "--noinput")
    assert f"not ended: payment {payment.order_id}: {why}" in capsys.readouterr().out
    order.refresh_from_db()
    assert order.buyer_phone == PHONE


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--buyer", "nobody"], "neither a telephone number nor an e-mail"),
        (["--buyer", "+380501112233", "--noinput"], "Nothing was found"),
        (["--order", "NOBODYS", "--noinput"], "Nothing was found"),
        (["--buyer", PHONE, "--order", "1"], "not allowed with argument"),
        (["--metadata"], "is for one buyer"),
    ],
)
def test_what_cannot_be_done_is_said(db: None, args: list[str], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        run(*args)


def test_it_does_not_run_with_periods_that_cannot_be_used(old: Payment, settings: Any) -> None:
    settings.PAYPARTS_RETENTION = {"bank_text": timedelta(days=1)}
    with pytest.raises(SystemCheckError, match=r"there is no 'bank_text'"):
        call_command("payparts_purge", skip_checks=False)
    old.refresh_from_db()
    assert old.bank_message == "Договір"

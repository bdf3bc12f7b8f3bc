"""The panel on Wagtail's home page: what waits for a person."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.dashboard.reading import soup_of, words
from tests.factories import make_payment
from wagtail_payparts.dashboard.home import attention_url
from wagtail_payparts.models import EventType, PaymentEvent, Verdict


pytestmark = pytest.mark.django_db

HOME = "/admin/"


def panel(client: Client) -> Any:
    return soup_of(client.get(HOME)).select_one("#payparts-waiting-section")


def waiting(client: Client) -> dict[str, str]:
    """What waits, by where it leads."""
    return {item.a["href"]: words(item) for item in panel(client).select("li")}


def unknown_callback(**fields: Any) -> None:
    PaymentEvent.objects.create(**{"type": EventType.CALLBACK, "verdict": Verdict.UNKNOWN_ORDER} | fields)


def test_it_counts_what_waits_and_the_money_in_it(viewer: Client) -> None:
    make_payment(state="SUCCESS", attention="late_success", amount=Decimal("1000.00"))
    make_payment(
        state="SUCCESS", attention="double_payment claim_overdue", amount="500.50", refunded_amount=Decimal("100.25")
    )
    make_payment(state="LOCKED", amount=Decimal("700.00"))
    make_payment(state="SUCCESS", amount=Decimal("9999.00"))
    for number in range(3):
        unknown_callback(order_id=str(number))
    # These wait for nobody: a test, one put aside, and one that is no callback.
    make_payment(state="LOCKED", attention="late_lock", is_test=True)
    unknown_callback(verdict=Verdict.DISMISSED)
    unknown_callback(type=EventType.POLL)
    assert [words(item) for item in panel(viewer).select("li")] == [
        "2 payments need attention UAH 1,400.25",
        "3 callbacks of orders that are not known here",
        "1 hold to confirm or cancel UAH 700.00",
    ]


def test_what_waits_leads_to_where_it_is_dealt_with(viewer: Client) -> None:
    make_payment(state="SUCCESS", attention="late_success")
    make_payment(state="LOCKED", order_id="HELD")
    found = waiting(viewer)
    assert "needs attention" in found[attention_url()]
    assert all(viewer.get(address).status_code == 200 for address in found)


def test_it_says_that_nothing_waits(viewer: Client) -> None:
    make_payment(state="SUCCESS")
    assert "Nothing waits for a person." in words(panel(viewer))
    assert not panel(viewer).select("li")


@pytest.mark.parametrize("codenames", [(), ("view_order",), ("viewbuyer_payment", "resolve_payment")])
def test_others_do_not_see_it(staff: Callable[..., Client], codenames: tuple[str, ...]) -> None:
    make_payment(state="LOCKED")
    client = staff(*codenames)
    with CaptureQueriesContext(connection) as asked:
        assert panel(client) is None
    assert "payparts_payment" not in "".join(query["sql"] for query in asked)


def test_it_asks_one_question(viewer: Client) -> None:
    make_payment(state="LOCKED", attention="late_lock")
    unknown_callback()
    viewer.get(HOME)
    with CaptureQueriesContext(connection) as asked:
        viewer.get(HOME)
    assert len([query for query in asked if "payparts_payment" in query["sql"]]) == 1

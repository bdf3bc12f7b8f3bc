"""How many payments may be started, by one visitor, of one offer, and by all of them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from tests.factories import make_offer
from tests.public.pages import SAME_ORIGIN, press
from wagtail_payparts.models import Offer, Payment
from wagtail_payparts.simulator import Simulator


pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("within_one_window")]


def visitor(number: int) -> Client:
    return Client(REMOTE_ADDR=f"192.0.2.{number}")


def press_json(client: Client, offer: Offer) -> Any:
    body = {"parts": 3}
    return client.post(f"/pay-parts/checkout/{offer.pk}/", body, content_type="application/json", headers=SAME_ORIGIN)


@pytest.mark.parametrize("way", [press, press_json])
@pytest.mark.parametrize("scope", ["visitor", "offer", "site"])
def test_beyond_a_limit_a_payment_is_not_started_and_one_is_asked_to_wait(
    scope: str, way: Any, bank: Simulator, offer: Offer, settings: Any
) -> None:
    settings.PAYPARTS_CHECKOUT_LIMITS = {scope: 2}
    # One limit is met by each: a visitor who presses too often, an offer that many want, a site that all press on.
    visitors = [visitor(1 if scope == "visitor" else number) for number in range(3)]
    offers = [make_offer() if scope == "site" else offer for _time in range(3)]
    answers = [way(one, sold) for one, sold in zip(visitors, offers, strict=True)]
    started = 303 if way is press else 200
    assert [answer.status_code for answer in answers] == [started, started, 429]
    assert answers[-1]["Retry-After"] == "60"
    assert Payment.objects.count() == 2
    assert len(bank.requests) == 2


def test_who_presses_too_often_does_not_use_up_what_is_left_for_others(
    bank: Simulator, offer: Offer, settings: Any
) -> None:
    settings.PAYPARTS_CHECKOUT_LIMITS = {"visitor": 1, "offer": 3, "site": 3}
    assert [press(visitor(1), offer).status_code for _time in range(10)] == [303] + [429] * 9
    assert [press(visitor(number), offer).status_code for number in (2, 3, 4)] == [303, 303, 429]


def test_a_second_press_is_not_counted(client: Client, bank: Simulator, offer: Offer, settings: Any) -> None:
    settings.PAYPARTS_CHECKOUT_LIMITS = {"visitor": 1}
    assert [press(client, offer).status_code for _ in range(3)] == [303, 303, 303]


def test_another_offer_goes_on_while_one_is_beset(bank: Simulator, offer: Offer, settings: Any) -> None:
    settings.PAYPARTS_CHECKOUT_LIMITS = {"offer": 1}
    assert [press(visitor(number), offer).status_code for number in (1, 2)] == [303, 429]
    assert press(visitor(3), make_offer()).status_code == 303


def test_the_page_is_kind_and_offers_the_same_press_again(bank: Simulator, offer: Offer, settings: Any) -> None:
    settings.PAYPARTS_CHECKOUT_LIMITS = {"site": 1}
    press(visitor(1), offer)
    with translation.override("uk"):
        answer = press(visitor(2), offer, headers=SAME_ORIGIN | {"Accept-Language": "uk"})
    page = answer.content.decode()
    assert answer.status_code == 429
    assert '<html lang="uk"' in page
    assert "Забагато спроб" in page
    assert "Зачекайте, будь ласка, хвилину" in page
    assert "Назад, спробувати ще раз" in page
    assert "no-store" in answer["Cache-Control"]


def test_a_program_is_told_in_json(bank: Simulator, offer: Offer, settings: Any) -> None:
    settings.PAYPARTS_CHECKOUT_LIMITS = {"site": 1}
    press_json(visitor(1), offer)
    error = press_json(visitor(2), offer).json()["error"]
    assert error["code"] == "too_many"
    assert "wait a minute" in error["message"]


@pytest.mark.parametrize("limits", [{}, {"visitor": None, "offer": 0, "site": None}])
def test_limits_can_be_switched_off(limits: dict[str, Any], bank: Simulator, offer: Offer, settings: Any) -> None:
    settings.PAYPARTS_CHECKOUT_LIMITS = limits
    assert {press(Client(), offer).status_code for _time in range(5)} == {303}

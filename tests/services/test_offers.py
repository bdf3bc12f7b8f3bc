"""An offer is bought: at its price of this moment, in its time, at the store of its site."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.utils import timezone
from wagtail.models import Site

from tests.factories import make_offer
from wagtail_payparts.exceptions import BadAnswer, InvalidPayment, OrderIdTaken
from wagtail_payparts.models import Offer, Order, Payment, PayPartsSettings
from wagtail_payparts.services.offers import buy_offer, find_offer
from wagtail_payparts.simulator import Simulator
from wagtail_payparts.states import PaymentState


pytestmark = pytest.mark.django_db


def test_an_offer_is_bought_at_the_price_of_this_moment(bank: Simulator) -> None:
    offer = make_offer()
    line = offer.lines.get()
    line.price = Decimal("9000.00")
    line.save()
    payment = buy_offer(find_offer(offer.pk), parts_count=4, merchant_type="II")
    assert payment.amount == Decimal("9000.00")
    assert payment.buyer_order == Order.objects.get()
    assert payment.reference == payment.buyer_order.number


@pytest.mark.parametrize("change", [{"live": False}, {"parts": "26"}, {"lines": [("Чайник", 1, "299.99")]}])
def test_an_offer_that_cannot_be_sold_is_not_found(bank: Simulator, change: dict[str, Any]) -> None:
    offer = make_offer(**change)
    with pytest.raises(InvalidPayment):
        find_offer(offer.pk)


@pytest.mark.parametrize(
    ("field", "minutes", "is_sold"),
    [("expire_at", -1, False), ("expire_at", 1, True), ("go_live_at", 1, False), ("go_live_at", -1, True)],
)
def test_an_offer_is_sold_in_its_time_even_where_the_scheduler_has_not_run(
    db: None, field: str, minutes: int, is_sold: bool
) -> None:
    offer = make_offer(**{field: timezone.now() + timedelta(minutes=minutes)})
    assert Offer.objects.get(pk=offer.pk).is_for_sale is is_sold
    if is_sold:
        assert find_offer(offer.pk) == offer
    else:
        with pytest.raises(InvalidPayment):
            find_offer(offer.pk)


@pytest.mark.parametrize(
    "choice", [{"parts_count": 7, "merchant_type": "II"}, {"parts_count": 4, "merchant_type": "PB"}]
)
def test_a_choice_that_the_offer_does_not_allow_writes_no_order(bank: Simulator, choice: dict[str, Any]) -> None:
    with pytest.raises(InvalidPayment):
        buy_offer(make_offer(), **choice)
    assert not Order.objects.exists()


def test_the_order_stays_when_the_bank_does_not_answer(bank: Simulator) -> None:
    bank.fault("http_500", endpoint="create")
    with pytest.raises(BadAnswer):
        buy_offer(make_offer(), parts_count=4, merchant_type="II")
    assert Order.objects.get().payments.get().state == PaymentState.NEW


@pytest.fixture
def main_store(settings: Any) -> None:
    own = {"STORE_ID": settings.PAYPARTS_API_STORE_ID, "PASSWORD": settings.PAYPARTS_API_PASSWORD}
    settings.PAYPARTS_STORES = {"main": own, "second": own | {"STORE_ID": "OTHER"}}


def _at_this_site() -> Payment:
    return buy_offer(make_offer(), parts_count=4, merchant_type="II", site=Site.objects.get(is_default_site=True))


def test_a_site_whose_editor_saved_other_settings_sells_at_the_first_store(bank: Simulator, main_store: None) -> None:
    texts = PayPartsSettings.for_site(Site.objects.get(is_default_site=True))
    texts.legal_information = "Кредит надає банк."
    texts.full_clean()
    texts.save()
    assert texts.store == "main"
    assert _at_this_site().store == "main"


def test_a_store_that_is_no_longer_there_is_replaced_by_the_first_and_logged(
    bank: Simulator, main_store: None, caplog: pytest.LogCaptureFixture
) -> None:
    PayPartsSettings.objects.create(site=Site.objects.get(is_default_site=True), store="closed")
    assert _at_this_site().store == "main"
    assert "'closed'" in caplog.text


def test_a_site_names_a_store_of_the_project(db: None, main_store: None) -> None:
    texts = PayPartsSettings(site=Site.objects.get(is_default_site=True), store="closed")
    with pytest.raises(ValidationError, match="no store “closed”: PAYPARTS_STORES"):
        texts.full_clean()
    texts.store = "second"
    texts.full_clean()


def test_a_shop_that_is_not_configured_collects_no_orders(bank: Simulator, settings: Any) -> None:
    settings.PAYPARTS_API_PASSWORD = ""
    with pytest.raises(ImproperlyConfigured):
        buy_offer(make_offer(), parts_count=4, merchant_type="II")
    assert not Order.objects.exists()


def test_an_order_that_could_not_be_paid_by_an_earlier_attempt_is_not_left_behind(bank: Simulator) -> None:
    offer = make_offer()
    buy_offer(offer, parts_count=4, merchant_type="II", order_id="ORDER-1")
    with pytest.raises(OrderIdTaken):
        buy_offer(offer, parts_count=4, merchant_type="II", order_id="ORDER-1")
    assert Order.objects.count() == 1


@pytest.mark.parametrize(("parts", "is_fine"), [("2-25", True), ("2-26", False), ("3, 99", False), ("1-5", False)])
def test_an_editor_is_told_of_parts_that_the_bank_does_not_allow(parts: str, is_fine: bool) -> None:
    field = Offer._meta.get_field("parts")
    if is_fine:
        assert field.clean(parts, None) == parts
    else:
        with pytest.raises(ValidationError):
            field.clean(parts, None)

"""A buyer is spoken to in the language of the page on which the button stood."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from wagtail.models import Locale

from tests.factories import make_offer
from tests.public.pages import make_page, press
from wagtail_payparts.models import Payment
from wagtail_payparts.simulator import Simulator


pytestmark = pytest.mark.django_db
ENGLISH = {"Accept-Language": "en", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def ukrainian_page(settings: Any) -> Any:
    settings.WAGTAIL_I18N_ENABLED = True
    page = make_page(make_offer(buyer_details="phone"))
    type(page).objects.filter(pk=page.pk).update(locale=Locale.objects.create(language_code="uk"))
    return page


def test_the_form_and_the_return_page_speak_the_language_of_the_page(
    client: Client, bank: Simulator, ukrainian_page: Any
) -> None:
    offer = ukrainian_page.body[0].value["offer"]
    form = press(client, offer, headers=ENGLISH, page=ukrainian_page.pk)
    assert "Телефон" in form.content.decode()

    press(client, offer, headers=ENGLISH, page=ukrainian_page.pk, phone="067 123 45 67")
    payment = Payment.objects.get()
    bank.pay(payment.order_id)
    told = client.get(payment.return_url, headers=ENGLISH).content.decode()
    assert '<html lang="uk"' in told
    assert "Оплачено" in told


def test_without_a_page_the_wish_of_the_browser_stands(client: Client, bank: Simulator, ukrainian_page: Any) -> None:
    form = press(client, ukrainian_page.body[0].value["offer"], headers=ENGLISH)
    assert '<html lang="en"' in form.content.decode()


@pytest.mark.urls("tests.urls_i18n")
def test_language_prefixes_do_not_swallow_our_answers(client: Client, bank: Simulator) -> None:
    """Django sends the visitor of a 404 on to the address with the prefix, which Wagtail's pages match."""
    gone = make_offer(live=False)
    answer = press(client, gone)
    assert answer.status_code == 410
    assert "No longer available" in answer.content.decode()
    told = client.get(reverse("wagtail_payparts:return", args=["nonsense"]))
    assert told.status_code == 410

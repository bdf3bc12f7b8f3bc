"""The way back from the bank: the truth, for whoever has the signed address, and nothing for anybody else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.core import signing
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.factories import make_order, make_payment
from tests.public.pages import make_page, press
from wagtail_payparts.models import Offer, Order, Payment
from wagtail_payparts.services.order_ids import return_reference
from wagtail_payparts.simulator import Simulator
from wagtail_payparts.views.payment_return import PAUSES


pytestmark = pytest.mark.django_db


def url_of(payment: Payment) -> str:
    return reverse("wagtail_payparts:return", args=[return_reference(payment.store, payment.order_id)])


def outcome(answer: Any) -> str:
    box = BeautifulSoup(answer.content, "html.parser").select_one("[data-payparts-outcome]")
    assert box is not None
    return str(box["data-payparts-outcome"])


def bought(client: Client, offer: Offer, **data: Any) -> Payment:
    press(client, offer, **data)
    return Payment.objects.get()


def test_the_bank_sends_the_buyer_to_this_page(client: Client, bank: Simulator, offer: Offer) -> None:
    payment = bought(client, offer)
    # The reference is signed with the second in which it was made.
    assert payment.return_url.rsplit(":", 2)[0] == f"http://testserver{url_of(payment)}".rsplit(":", 2)[0]
    assert client.get(payment.return_url.removeprefix("http://testserver")).status_code == 200
    assert bank.payment(payment.order_id).redirect_url == payment.return_url


def test_it_asks_the_bank_and_says_paid(bank: Simulator, offer: Offer, django_capture_on_commit_callbacks: Any) -> None:
    payment = bought(Client(), offer)
    bank.pay(payment.order_id)
    with django_capture_on_commit_callbacks(execute=True):
        answer = Client().get(url_of(payment))
    assert outcome(answer) == "paid"
    assert Payment.objects.get().is_paid
    assert Order.objects.get().status == "paid"


def test_it_says_refused(client: Client, bank: Simulator, offer: Offer) -> None:
    payment = bought(client, offer, page=make_page(offer).pk)
    bank.pay(payment.order_id, card="refusal")
    answer = client.get(url_of(payment))
    assert outcome(answer) == "refused"
    ways = BeautifulSoup(answer.content, "html.parser").select(".payparts-page__ways a")
    assert [link["href"] for link in ways] == [Payment.objects.get().page_url]


@pytest.mark.parametrize("odd", ["/\\evil.example/", "//evil.example/", "/\t/evil.example/", "javascript:alert(1)"])
def test_an_odd_address_of_a_page_leads_home(client: Client, bank: Simulator, offer: Offer, odd: str) -> None:
    payment = bought(client, offer, page=make_page(offer).pk)
    bank.pay(payment.order_id, card="refusal")
    Payment.objects.update(page_url=odd)
    answer = client.get(url_of(payment))
    ways = BeautifulSoup(answer.content, "html.parser").select(".payparts-page__ways a")
    assert [link["href"] for link in ways] == ["/"]


def test_it_says_cancelled(client: Client, bank: Simulator, offer: Offer) -> None:
    payment = bought(client, offer)
    bank.cancel(payment.order_id)
    assert outcome(client.get(url_of(payment))) == "cancelled"


def test_a_buyer_who_left_the_bank_can_go_on_there(client: Client, bank: Simulator, offer: Offer) -> None:
    payment = bought(client, offer)
    answer = client.get(url_of(payment))
    assert outcome(answer) == "open"
    links = BeautifulSoup(answer.content, "html.parser").select(".payparts-page__ways a")
    assert links[0]["href"] == payment.redirect_url


@pytest.mark.parametrize(
    ("word", "said"), [("PP_CREATION", "deciding"), ("OTP_WAITING", "open"), ("LOCKED", "on_hold")]
)
def test_each_state_has_its_words(client: Client, bank: Simulator, offer: Offer, word: str, said: str) -> None:
    payment = bought(client, offer)
    bank.set_state(payment.order_id, word)
    assert outcome(client.get(url_of(payment))) == said


def test_a_callback_that_the_bank_has_not_confirmed_is_not_called_paid(
    client: Client, bank: Simulator, offer: Offer
) -> None:
    payment = bought(client, offer)
    bank.fault("unreachable", endpoint="state", times=None)
    body = bank.callback_body(payment.order_id, state="SUCCESS")
    client.post(reverse("wagtail_payparts:callback"), body, content_type="application/json")
    assert outcome(client.get(url_of(payment))) == "deciding"


def test_nobody_is_told_to_pay_again_while_a_callback_says_that_it_is_paid_after_all(
    client: Client, bank: Simulator, offer: Offer
) -> None:
    payment = bought(client, offer)
    bank.set_state(payment.order_id, "CANCELED")
    assert outcome(client.get(url_of(payment))) == "cancelled"
    bank.fault("unreachable", endpoint="state", times=None)
    body = bank.callback_body(payment.order_id, state="SUCCESS")
    client.post(reverse("wagtail_payparts:callback"), body, content_type="application/json")
    assert outcome(client.get(url_of(payment))) == "deciding"
    bank.clear_faults()
    cache.clear()
    assert outcome(client.get(url_of(payment))) == "cancelled", "the bank was asked, and does not stand by it"


def test_an_expired_payment_is_told(client: Client, bank: Simulator) -> None:
    payment = make_payment(state="EXPIRED", settled_at=timezone.now())
    assert outcome(client.get(url_of(payment))) == "expired"


def test_a_bank_that_never_answered(client: Client, bank: Simulator) -> None:
    payment = make_payment()
    answer = client.get(url_of(payment))
    assert outcome(answer) == "starting"
    assert b"http-equiv" in answer.content
    Payment.objects.update(created_at=timezone.now() - timedelta(minutes=2))
    later = client.get(url_of(payment))
    assert b"http-equiv" not in later.content
    assert b"start again" in later.content


def test_a_bank_that_is_down_changes_nothing(client: Client, bank: Simulator, offer: Offer) -> None:
    payment = bought(client, offer)
    bank.fault("html", endpoint="state", times=None)
    assert outcome(client.get(url_of(payment))) == "open"
    assert Payment.objects.get().state == "CREATED"


def test_a_store_that_lost_its_settings(client: Client, bank: Simulator, offer: Offer, settings: Any) -> None:
    payment = bought(client, offer)
    settings.PAYPARTS_API_PASSWORD = ""
    assert client.get(url_of(payment)).status_code == 200
    settings.PAYPARTS_STORES = {"another": {}}
    assert outcome(client.get(url_of(payment))) == "starting"


def test_reloading_asks_the_bank_no_more_than_now_and_then(client: Client, bank: Simulator, offer: Offer) -> None:
    payment = bought(client, offer)
    for _ in range(5):
        client.get(url_of(payment))
    assert [request.endpoint for request in bank.requests].count("state") == 1


def test_a_settled_payment_costs_no_question(client: Client, bank: Simulator) -> None:
    payment = make_payment(state="SUCCESS", settled_at=timezone.now())
    assert outcome(client.get(url_of(payment))) == "paid"
    assert bank.requests == []


def test_it_looks_again_ever_more_slowly_and_lets_go(client: Client, bank: Simulator, offer: Offer) -> None:
    payment = bought(client, offer)
    url, pauses = url_of(payment), []
    for _ in range(len(PAUSES)):
        refresh = BeautifulSoup(client.get(url).content, "html.parser").select_one("noscript meta")
        assert refresh is not None
        pause, _, url = str(refresh["content"]).partition(";url=")
        pauses.append(int(pause))
    assert pauses == sorted(pauses) == list(PAUSES)
    last = client.get(url)
    assert b"http-equiv" not in last.content
    assert b"longer than usual" in last.content


@pytest.mark.parametrize("n", ["-1", "abc", "9999999", "1e3", "٣"])
def test_a_counter_that_makes_no_sense_is_none(client: Client, bank: Simulator, offer: Offer, n: str) -> None:
    answer = client.get(url_of(bought(client, offer)), {"n": n})
    assert b"?n=1" in answer.content


def test_a_post_is_sent_on_to_a_get(bank: Simulator, offer: Offer) -> None:
    strict = Client(enforce_csrf_checks=True)
    payment = bought(strict, offer)
    answer = strict.post(url_of(payment), {"paymentState": "SUCCESS"})
    assert (answer.status_code, answer["Location"]) == (303, url_of(payment))
    assert Payment.objects.get().state == "CREATED"


def test_the_answer_is_kept_by_nobody_framed_by_nobody_and_tells_nobody(client: Client) -> None:
    answer = client.get(url_of(make_payment(state="SUCCESS", settled_at=timezone.now())))
    assert "no-store" in answer["Cache-Control"]
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert not answer.cookies


def test_it_shows_the_order_and_nothing_of_the_person(client: Client) -> None:
    order = make_order(buyer_name="Олена", buyer_phone="+380671234567", buyer_email="o@example.com", comment="Шоста")
    payment = make_payment(
        state="SUCCESS",
        settled_at=timezone.now(),
        buyer_order=order,
        reference=order.number,
        bank_message="ДОГОВІР ОЛЕНА ПЧІЛКА",
        receipt={"cardMask": "1234 44 ** 5678"},
    )
    text = client.get(url_of(payment)).content.decode()
    assert order.number in text
    assert not any(word in text for word in ("Олена", "ОЛЕНА", "380671234567", "o@example", "Шоста", "5678"))


def test_a_payment_of_a_shop_with_its_own_orders(client: Client) -> None:
    payment = make_payment(state="SUCCESS", settled_at=timezone.now(), reference="", order_id="order-1")
    assert "order-1" in client.get(url_of(payment)).content.decode()


def test_every_other_address_is_answered_the_same(client: Client) -> None:
    payment = make_payment()
    good = return_reference(payment.store, payment.order_id)
    bad = [
        "nonsense",
        good[:-1],
        good + "x",
        signing.dumps([payment.store, payment.order_id], salt="another"),
        return_reference("another", payment.order_id),
        return_reference(payment.store, "unknown"),
        payment.order_id,
        str(payment.pk),
    ]
    answers = [client.get(reverse("wagtail_payparts:return", args=[reference])) for reference in bad]
    assert {answer.status_code for answer in answers} == {410}
    assert len({answer.content for answer in answers}) == 1
    posted = client.post(reverse("wagtail_payparts:return", args=["nonsense"]))
    assert posted.status_code == 410


def test_the_address_survives_a_new_key(client: Client, settings: Any) -> None:
    url = url_of(make_payment(state="SUCCESS", settled_at=timezone.now()))
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"
    assert client.get(url).status_code == 200


def test_behind_a_login_for_the_whole_site(client: Client, settings: Any) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    assert client.get(url_of(make_payment(state="SUCCESS", settled_at=timezone.now()))).status_code == 200


def test_the_words_of_the_bank_are_not_repeated(client: Client) -> None:
    payment = make_payment(state="FAIL", settled_at=timezone.now(), bank_message="<script>alert(1)</script>")
    assert "alert(1)" not in client.get(url_of(payment)).content.decode()

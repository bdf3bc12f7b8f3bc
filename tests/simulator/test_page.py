"""The bank's page as a customer without JavaScript uses it: links, forms, redirects."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urljoin

import pytest
import requests
from bs4 import BeautifulSoup

from tests.simulator.shop import ORDER_ID, Shop
from wagtail_payparts.simulator import Simulator, run_simulator


class Customer:
    """A browser without scripts: it fills in a form as it came, with what is typed, and follows redirects."""

    def __init__(self) -> None:
        self.session = requests.Session()
        self.session.trust_env = False

    def open(self, url: str) -> BeautifulSoup:
        return self._read(self.session.get(url, timeout=5))

    def press(self, page: BeautifulSoup, button: str, **typed: str) -> BeautifulSoup:
        form = next(form for form in page.select("form") if button in form.get_text())
        fields = {one["name"]: one["value"] for one in form.select("input:not([type=radio])")}
        fields |= {one["name"]: one["value"] for one in form.select("input[type=radio][checked]")}
        assert form["method"] == "post"
        return self._read(self.session.post(urljoin(self.url, str(form["action"])), data=fields | typed, timeout=5))

    def _read(self, response: requests.Response) -> BeautifulSoup:
        self.response = response
        self.url = response.url
        return BeautifulSoup(response.content, "html.parser")


@pytest.fixture
def customer() -> Iterator[Customer]:
    customer = Customer()
    yield customer
    customer.session.close()


def page_of(simulator: Simulator, token: str) -> str:
    return f"{simulator.redirect_url}?token={token}"


def heading(page: BeautifulSoup) -> str:
    assert page.h1 is not None
    return page.h1.get_text(strip=True)


def test_the_whole_way_to_a_paid_order(simulator: Simulator, shop: Shop, customer: Customer) -> None:
    page = customer.open(page_of(simulator, shop.created_token()))
    assert simulator.payment(ORDER_ID).state == "CLIENT_WAIT"
    page = customer.press(page, "Продовжити")
    assert simulator.payment(ORDER_ID).state == "OTP_WAITING"
    assert "0000********3333" in page.get_text()
    page = customer.press(page, "Підтвердити", code="1111")
    assert simulator.payment(ORDER_ID).state == "SUCCESS"
    assert heading(page) == "Оплату підтверджено"
    back = page.find("a", string="Повернутися до магазину")
    assert back is not None
    assert back["href"] == "http://shop.example/return?order=1"
    refresh = page.select_one("meta[http-equiv=refresh]")
    assert refresh is not None
    assert refresh["content"] == "5;url=http://shop.example/return?order=1"


def test_the_page_says_what_is_bought_and_how_it_is_paid(simulator: Simulator, shop: Shop, customer: Customer) -> None:
    page = customer.open(page_of(simulator, shop.created_token()))
    text = page.get_text(" ", strip=True).replace("\N{NO-BREAK SPACE}", " ")
    assert "Оплата частинами" in text
    assert "1 000,00 грн" in text
    assert "Кількість платежів 3" in text
    assert "Перший платіж 333,44 грн" in text
    assert "Щомісячний платіж 333,43 грн" in text
    assert "Чайник 2 × 499,50 999,00" in text
    assert "shop.example" in text
    assert ORDER_ID in text


def test_the_card_of_refusal_is_refused(simulator: Simulator, shop: Shop, customer: Customer) -> None:
    page = customer.open(page_of(simulator, shop.created_token()))
    page = customer.press(page, "Продовжити", card="refusal")
    page = customer.press(page, "Підтвердити", code=" 1111 ")
    assert heading(page) == "Банк відмовив в оплаті"
    assert simulator.payment(ORDER_ID).message in page.get_text()


def test_a_typed_test_card_is_accepted(simulator: Simulator, shop: Shop, customer: Customer) -> None:
    page = customer.open(page_of(simulator, shop.created_token()))
    customer.press(page, "Продовжити", card="other", number="0000 1111 2222 3333", expiry="10 / 20", cvv="123")
    assert simulator.payment(ORDER_ID).state == "OTP_WAITING"


def test_a_wrong_card_is_said_beside_its_fields(simulator: Simulator, shop: Shop, customer: Customer) -> None:
    page = customer.open(page_of(simulator, shop.created_token()))
    page = customer.press(page, "Продовжити", card="other", number="1234 5678", expiry="10/20", cvv="")
    assert customer.response.status_code == 422
    number = page.select_one("#field-number")
    assert number is not None
    assert (number["value"], number["aria-invalid"]) == ("1234 5678", "true")
    error = page.select_one(f"#{number['aria-describedby']}")
    assert error is not None
    assert "тестові картки" in error.get_text()
    assert page.select_one("#error-cvv") is not None
    assert page.select_one("#error-expiry") is None
    assert page.select_one("input[value=other][checked]") is not None
    assert simulator.payment(ORDER_ID).state == "CLIENT_WAIT"


def test_a_wrong_code_may_be_corrected(simulator: Simulator, shop: Shop, customer: Customer) -> None:
    page = customer.open(page_of(simulator, shop.created_token()))
    page = customer.press(page, "Продовжити")
    page = customer.press(page, "Підтвердити", code="9999")
    assert page.select_one("#error-code") is not None
    customer.press(page, "Підтвердити", code="1111")
    assert simulator.payment(ORDER_ID).state == "SUCCESS"


def test_the_customer_may_give_up_at_card_and_code(simulator: Simulator, shop: Shop, customer: Customer) -> None:
    for order_id, steps in [("AT-CARD", 0), ("AT-CODE", 1)]:
        page = customer.open(page_of(simulator, shop.created_token(orderId=order_id)))
        for _ in range(steps):
            page = customer.press(page, "Продовжити")
        page = customer.press(page, "Відмовитися від оплати")
        assert heading(page) == "Оплату скасовано"
        assert simulator.payment(order_id).state == "CANCELED"


def test_a_late_press_changes_nothing(simulator: Simulator, shop: Shop, customer: Customer) -> None:
    card = customer.open(page_of(simulator, shop.created_token()))
    code = customer.press(card, "Продовжити")
    customer.press(code, "Підтвердити", code="1111")
    for page, button in [(card, "Продовжити"), (code, "Підтвердити"), (card, "Відмовитися від оплати")]:
        assert heading(customer.press(page, button)) == "Оплату підтверджено"
    assert len(simulator.steps(ORDER_ID)) == 5


def test_while_the_bank_decides_the_page_looks_again_by_itself(customer: Customer) -> None:
    with run_simulator(delay=60) as simulator:
        shop = Shop(simulator, "http://127.0.0.1:9/", [])
        page = customer.open(page_of(simulator, shop.created_token()))
        page = customer.press(customer.press(page, "Продовжити"), "Підтвердити", code="1111")
        shop.session.close()
        assert heading(page) == "Банк приймає рішення…"
        assert page.select_one("meta[http-equiv=refresh][content='1']") is not None


def test_without_an_address_to_return_to_nobody_is_sent_away(
    simulator: Simulator, shop: Shop, customer: Customer
) -> None:
    token = shop.created_token(redirectUrl=None)
    simulator.pay(token)
    page = customer.open(page_of(simulator, token))
    assert heading(page) == "Оплату підтверджено"
    assert page.select_one("meta[http-equiv=refresh]") is None
    assert page.find("a", string="Повернутися до магазину") is None


def test_a_state_without_a_page_of_its_own_is_shown(simulator: Simulator, shop: Shop, customer: Customer) -> None:
    token = shop.created_token()
    simulator.set_state(ORDER_ID, "LOCKED")
    page = customer.open(page_of(simulator, token))
    assert "Стан платежу: LOCKED" in page.get_text()
    assert page.select_one("meta[http-equiv=refresh]") is None


@pytest.mark.parametrize("query", ["", "?token=", "?token=NOBODY"])
def test_an_unknown_token_is_404(simulator: Simulator, customer: Customer, query: str) -> None:
    assert heading(customer.open(simulator.redirect_url + query)) == "Платіж не знайдено"
    assert customer.response.status_code == 404
    assert customer.session.post(f"{simulator.redirect_url}/card", timeout=5).status_code == 404


def test_looking_at_the_link_does_not_open_the_payment(simulator: Simulator, shop: Shop) -> None:
    token = shop.created_token()
    assert shop.session.head(page_of(simulator, token), timeout=5).status_code == 200
    assert simulator.payment(ORDER_ID).state == "CREATED"


def test_what_the_shop_sends_is_text_and_never_markup(simulator: Simulator, shop: Shop, customer: Customer) -> None:
    evil = '"><script>alert(1)</script><b style=color:red>'
    products = [{"name": evil, "count": 1, "price": 1000}]
    token = shop.created_token(orderId="<i>1</i>", products=products, redirectUrl='http://shop.example/?"><script>')
    simulator.set_state(token, "CLIENT_WAIT", message=evil)
    for url in (page_of(simulator, token), simulator.control_url):
        page = customer.open(url)
        assert page.find("script") is None
        assert not page.select("[style]")
        assert "<i>1</i>" in page.get_text()
    simulator.set_state(token, "FAIL", message=evil)
    page = customer.open(page_of(simulator, token))
    assert page.find("script") is None
    assert evil in page.get_text()
    page = customer.press(customer.open(page_of(simulator, shop.created_token())), "Продовжити", card=evil, number=evil)
    number = page.select_one("#field-number")
    assert number is not None
    assert number["value"] == evil


def test_pages_run_no_script_and_are_kept_by_nobody(simulator: Simulator, shop: Shop, customer: Customer) -> None:
    for url in (page_of(simulator, shop.created_token()), simulator.control_url):
        page = customer.open(url)
        headers = customer.response.headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == "no-store"
        for link in page.select("link[href], img[src]"):
            address = urljoin(url, str(link.get("href") or link.get("src")))
            assert customer.session.get(address, timeout=5).status_code == 200

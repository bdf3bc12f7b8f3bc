"""The life of a payment, played over HTTP against a running demonstration."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from urllib.parse import urlencode, urljoin

import requests


TIMEOUT = 30
#: How long the bank may take to decide, with its delay of a few seconds.
DECIDES_WITHIN = 60
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


def play(site: str, bank: str) -> None:
    """Look at the shop, buy by the button and by the shop's own form, pay, come back. Raises ``AssertionError``."""
    for path in ("/uk/", "/en/", "/uk/espresso/", "/en/espresso/", "/uk/kettle/", "/uk/grinder/", "/en/beans/"):
        _get(requests.Session(), site + path)
    _buy_by_button(site, bank)
    _buy_beans(site, bank)


def _buy_by_button(site: str, bank: str) -> None:
    buyer = _buyer()
    address = f"{site}/uk/espresso/"
    shown = _get(buyer, address)
    _expect("max-age" in shown.headers.get("Cache-Control", ""), "the product page is not cached")
    _expect(not buyer.cookies, "a page that is cached set a cookie")
    action = _find(r'action="([^"]*/checkout/[^"]*)"', shown.text, "the button's form")
    fields = {"service": "PP", "parts": "6"}
    page_id = re.search(r'name="page" value="(\d+)"', shown.text)
    if page_id:
        fields["page"] = page_id.group(1)
    answer = buyer.post(
        urljoin(address, action), data=fields, headers=SAME_ORIGIN, timeout=TIMEOUT, allow_redirects=False
    )
    _pay_and_come_back(buyer, answer, bank)


def _buy_beans(site: str, bank: str) -> None:
    buyer = _buyer()
    address = f"{site}/uk/beans/"
    token = _find(r'name="csrfmiddlewaretoken" value="([^"]+)"', _get(buyer, address).text, "the shop's form")
    order = {"plan": "filter", "parts_count": "4", "name": "Перша Покупчиня", "phone": "+380671234567"}
    answer = buyer.post(address, data=order | {"csrfmiddlewaretoken": token}, timeout=TIMEOUT, allow_redirects=False)
    _pay_and_come_back(buyer, answer, bank)
    staff = _staff(site)
    for path in ("", "pages/", "snippets/", "images/", "reports/site-history/", "sites/", "shop_orders/new/"):
        _get(staff, f"{site}/admin/{path}")
    for path in ("", "?export=csv", "?export=xlsx"):
        _get(staff, f"{site}/admin/payparts/payments/{path}")
    paid = f"{site}/admin/shop_orders/?{urlencode({'q': order['phone'], 'status': 'paid'})}"
    _wait(lambda: order["name"] in _get(staff, paid).text)


def _staff(site: str) -> requests.Session:
    """The administrator, logged in."""
    session = _buyer()
    address = f"{site}/admin/login/"
    token = _find(r'name="csrfmiddlewaretoken" value="([^"]+)"', _get(session, address).text, "the login form")
    fields = {"username": "admin", "password": "admin", "csrfmiddlewaretoken": token}
    answer = session.post(address, data=fields, timeout=TIMEOUT, allow_redirects=False)
    _expect(answer.status_code == 302, "the administrator cannot log in")
    return session


def _pay_and_come_back(buyer: requests.Session, answer: requests.Response, bank: str) -> None:
    to_bank = answer.headers.get("Location", "")
    _expect(answer.status_code in {302, 303} and to_bank.startswith(bank), f"no way to the bank: {answer.status_code}")
    token = _find(r"token=([^&]+)", to_bank, "the payment's token")
    _expect("form-action" in answer.headers["Content-Security-Policy"], "there is no policy for forms")
    _get(buyer, to_bank)
    for step, fields in (("card", {"card": "success"}), ("otp", {"code": "1111"})):
        done = buyer.post(f"{bank}/ipp/v2/payment/{step}", data={"token": token} | fields, timeout=TIMEOUT)
        _expect(done.ok, f"the bank refused the step {step}: {done.status_code}")
    way_back = _wait(lambda: _way_back(buyer, f"{bank}/ipp/v2/payment?{urlencode({'token': token})}"))
    _wait(lambda: "payparts-page__outcome--good" in _get(buyer, way_back).text)


def _way_back(buyer: requests.Session, address: str) -> str:
    found = re.search(r'http-equiv="refresh" content="\d+;url=([^"]+)"', _get(buyer, address).text)
    return found.group(1) if found else ""


def _buyer() -> requests.Session:
    session = requests.Session()
    session.headers["Accept-Language"] = "uk"
    return session


def _get(session: requests.Session, address: str) -> requests.Response:
    answer = session.get(address, timeout=TIMEOUT)
    _expect(answer.status_code == 200, f"{address} answered {answer.status_code}")
    return answer


def _find(pattern: str, text: str, what: str) -> str:
    found = re.search(pattern, text)
    _expect(found is not None, f"{what} was not found")
    return found.group(1) if found else ""


def _wait(look: Callable[[], str | bool]) -> str:
    deadline = time.monotonic() + DECIDES_WITHIN
    while not (seen := look()):
        _expect(time.monotonic() < deadline, "the bank did not decide in time")
        time.sleep(0.5)
    return str(seen)


def _expect(condition: object, otherwise: str) -> None:
    if not condition:
        raise AssertionError(otherwise)

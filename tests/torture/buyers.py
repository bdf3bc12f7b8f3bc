"""The buyers, the thief with the shop's password, and the bank's people: what they do with each payment."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.torture.agenda import Agenda
from wagtail_payparts.simulator import Simulator
from wagtail_payparts.simulator.incoming import Refused
from wagtail_payparts.simulator.moves import NotNow


#: What becomes of a payment at the bank, of a thousand.
ENDS = {"pay": 640, "late": 90, "refuse": 90, "give_up": 60, "look": 70, "nothing": 50}
FORM = "application/x-www-form-urlencoded"
PATIENCE = 12
#: What the bank does later than this after its time, in seconds, we might not ask about any more.
LATEST = 6


@dataclass
class Buyer:
    """One buyer: what is bought, and what will be done. Follows the seed and the number."""

    number: int
    dice: random.Random
    tokens: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def order(self) -> str:
        return f"SHOP-{self.number}"


class World:
    """Everybody but the shop. ``offers``: one that is paid at once, one that is held."""

    def __init__(
        self, *, bank: Simulator, agenda: Agenda, port: int, offers: tuple[int, int], seed: int, pace: float
    ) -> None:
        self._bank = bank
        self._agenda = agenda
        self._port = port
        self._offers = offers
        self._seed = seed
        self._pace = pace
        self._lock = threading.Lock()
        self.seen: Counter[str] = Counter()

    def send_buyer(self, number: int) -> None:
        """A buyer comes to the shop: to its cached page with our button, or to its own checkout."""
        buyer = Buyer(number, random.Random(f"{self._seed} buyer {number}"))
        press = self._press_button if buyer.dice.random() < 0.5 else self._press_own
        if buyer.dice.random() < 0.06:
            # Twice at the same moment.
            self._note("pressed twice")
            self._agenda.at(0, lambda: press(buyer, 1))
        press(buyer, 1)
        if press == self._press_own and buyer.dice.random() < 0.1:
            self._note("a second attempt of an order")
            self._agenda.at(buyer.dice.uniform(0, 3) * self._pace, lambda: press(buyer, 2))

    # The shop

    def _press_button(self, buyer: Buyer, attempt: int) -> None:
        offer = self._offers[buyer.number % 4 == 0]
        self._press(
            buyer,
            attempt,
            path=f"/pay-parts/checkout/{offer}/",
            fields={"parts": "3", "service": "II"},
            headers={"Sec-Fetch-Site": "same-origin"},
        )

    def _press_own(self, buyer: Buyer, attempt: int) -> None:
        fields = {
            "order": buyer.order,
            "amount": f"{300 + buyer.number % 5000}.{buyer.number % 100:02d}",
            "key": f"{buyer.order}-{attempt}",
            "hold": "yes" if buyer.number % 4 == 0 else "",
        }
        self._press(buyer, attempt, path="/shop/pay/", fields=fields, headers={})

    def _press(
        self,
        buyer: Buyer,
        attempt: int,
        *,
        path: str,
        fields: dict[str, str],
        headers: dict[str, str],
        tries: int = 3,
    ) -> None:
        """Press, and go to the bank's page. A buyer whose page does not load presses again."""
        page, cookie = self._post(path, fields, headers)
        token = parse_qs(urlsplit(page).query).get("token", [""])[0]
        with buyer.lock:
            is_known = token in buyer.tokens
            buyer.tokens.add(token)
        if token and not is_known:
            self._go_on(buyer, token)
        elif not token and tries:
            again = headers | ({"Cookie": cookie} if cookie else {})
            # Our shop makes a new attempt; the plugin's button knows the buyer by the cookie.
            if "key" in fields:
                fields = fields | {"key": f"{fields['key']}-{tries}"}
            self._agenda.at(
                buyer.dice.uniform(0.2, 2) * self._pace,
                lambda: self._press(buyer, attempt, path=path, fields=fields, headers=again, tries=tries - 1),
            )
        elif not token:
            self._note("went away")

    def _post(self, path: str, fields: dict[str, str], headers: dict[str, str]) -> tuple[str, str]:
        """The bank's page and the cookie, as far as there are any."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        try:
            connection.request("POST", path, urlencode(fields), {"Content-Type": FORM} | headers)
            reply = connection.getresponse()
            body = reply.read()
        except (OSError, http.client.HTTPException):
            self._note("a page that did not load")
            return "", ""
        finally:
            connection.close()
        if reply.status == 500:
            self._note("HTTP 500")
        cookie = (reply.headers.get("Set-Cookie") or "").partition(";")[0]
        if reply.status == 200:
            with suppress(ValueError, KeyError):
                return str(json.loads(body)["page"]), cookie
        return reply.headers.get("Location") or "", cookie

    # The bank

    def _go_on(self, buyer: Buyer, token: str) -> None:
        dice = buyer.dice
        end = dice.choices(list(ENDS), list(ENDS.values()))[0]
        self._note(f"buyers: {end}")
        wait = dice.uniform(0, 2.5)
        bank = self._bank
        if end == "pay":
            self._later(wait, lambda: bank.pay(token))
            self._afterwards(dice, token, wait)
        elif end == "late":
            # The bank's page is still open when we have given up.
            wait = dice.uniform(17, 25)
            self._later(dice.uniform(0, 2), lambda: bank.open(token))
            self._later(wait, lambda: bank.pay(token))
        elif end == "refuse":
            self._later(wait, lambda: bank.pay(token, card="refusal"))
            if dice.random() < 0.1:
                self._mind(dice, token, wait, "SUCCESS")
        elif end == "give_up":
            self._later(wait, lambda: bank.cancel(token))
        elif end == "look":
            self._later(wait, lambda: bank.open(token))
        if dice.random() < 0.05:
            # The thief knows the password.
            word = dice.choice(["SUCCESS", "SUCCESS", "CANCELED", "FAIL", "LOCKED", "RETURNED"])
            self._later(dice.uniform(0, 30), lambda: self._forge(token, word))

    def _afterwards(self, dice: random.Random, token: str, paid_at: float) -> None:
        roll = dice.random()
        if roll < 0.06:
            amount = None if roll < 0.03 else Decimal(dice.randrange(1, 30000)) / 100
            self._later(paid_at + dice.uniform(1, 30), lambda: self._refund_in_cabinet(token, amount))
        elif roll < 0.075:
            self._mind(dice, token, paid_at, dice.choice(["CANCELED", "FAIL"]))

    def _mind(self, dice: random.Random, token: str, decided_at: float, state: str) -> None:
        """The bank changes its mind, and tells nobody."""

        def change() -> None:
            now = self._bank.payment(token)
            if {now.state, state} <= {"SUCCESS", "CANCELED", "FAIL"} and not now.refunded_kopecks:
                self._note(f"the bank makes {now.state} {state}")
                self._bank.set_state(token, state)

        self._later(decided_at + dice.uniform(1, 25), change)

    def _refund_in_cabinet(self, token: str, amount: Decimal | None) -> None:
        self._bank.refund(token, amount)
        self._note("refunds in the cabinet")

    def _forge(self, token: str, word: str) -> None:
        payment = self._bank.payment(token)
        if payment.state != word:
            self._note("callbacks forged with the right password")
            self._bank.send_callback(token, state=word, message="")

    def _later(self, seconds: float, act: Callable[[], Any]) -> None:
        """What is not possible any more is not done; nor what a slow machine would do after our last question."""
        seconds *= self._pace
        due = time.monotonic() + seconds

        def try_to() -> None:
            if time.monotonic() > due + LATEST * self._pace:
                self._note("came too late, so it was left")
                return
            with suppress(NotNow, Refused):
                act()

        self._agenda.at(seconds, try_to)

    def _note(self, what: str) -> None:
        with self._lock:
            self.seen[what] += 1

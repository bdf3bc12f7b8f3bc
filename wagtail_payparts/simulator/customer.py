"""What the customer does at the bank: card, code, or going away."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .contract import CARD_CVV, CARD_EXPIRY, CARDS, OTP_CODE
from .ledger import Ledger
from .moves import Moves, NotNow
from .records import CANCELED, CLIENT_WAIT, CREATED, CUSTOMER, OTP_WAITING, Payment


NOT_FINISHED = "Клиент не завершил оплату"


class WrongEntry(Exception):
    """What the customer typed is wrong; ``errors`` has a text for each field at fault."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(", ".join(errors))
        self.errors = errors


class Customer:
    """Whoever has the token of a payment is its customer."""

    def __init__(self, *, ledger: Ledger, moves: Moves) -> None:
        self._ledger = ledger
        self._moves = moves

    def find(self, token: str) -> Payment:
        """Raises ``LookupError``."""
        payment = self._ledger.by_token(token)
        if payment is None:
            raise LookupError("no payment has this token")
        return payment

    def open(self, token: str) -> Payment:
        """The customer has come to the page."""
        with self._ledger.transaction():
            payment = self.find(token)
            if payment.state != CREATED:
                return payment
            return self._moves.move(payment, CLIENT_WAIT, by=CUSTOMER, act="open")

    def enter_card(self, token: str, *, number: str, expiry: str, cvv: str) -> Payment:
        """Raises ``NotNow`` and ``WrongEntry``."""
        number = re.sub(r"[\s-]", "", number)
        errors = {}
        if number not in CARDS.values():
            errors["number"] = "Приймаються лише тестові картки, названі вище"
        if expiry.replace(" ", "") != CARD_EXPIRY:
            errors["expiry"] = f"Строк дії тестових карток — {CARD_EXPIRY}"
        if cvv.strip() != CARD_CVV:
            errors["cvv"] = f"CVV тестових карток — {CARD_CVV}"
        with self._ledger.transaction():
            payment = self._at(token, CLIENT_WAIT)
            if errors:
                raise WrongEntry(errors)
            return self._moves.move(payment, OTP_WAITING, by=CUSTOMER, act="card", card=number)

    def enter_otp(self, token: str, code: str) -> Payment:
        """Raises ``NotNow`` and ``WrongEntry``. Without a delay the decision is made at once."""
        with self._ledger.transaction():
            payment = self._at(token, OTP_WAITING)
            if code.strip() != OTP_CODE:
                raise WrongEntry({"code": f"Код неправильний. У симуляторі він завжди {OTP_CODE}"})
            return self._moves.decide(payment, by=CUSTOMER, act="code")

    def give_up(self, token: str) -> Payment:
        """Raises ``NotNow`` once the bank is deciding, or has."""
        with self._ledger.transaction():
            payment = self._at(token, CREATED, CLIENT_WAIT, OTP_WAITING)
            return self._moves.move(payment, CANCELED, NOT_FINISHED, by=CUSTOMER, act="give up")

    def _at(self, token: str, *states: str) -> Payment:
        payment = self.find(token)
        if payment.state not in states:
            raise NotNow(payment.state)
        return payment

"""A store at the bank: whose money it is, and where the bank is reached."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .sealed import SealedStr


#: The store that the bank's documentation gives to the whole world (payparts-api §13).
TEST_STORE_ID = "4AAD1369CF734B64B70F"
DEFAULT_API_URL = "https://payparts2.privatbank.ua/ipp/v2/"
DEFAULT_REDIRECT_URL = "https://payparts2.privatbank.ua/ipp/v2/payment"
BANK_DOMAIN = "privatbank.ua"

Timeout = tuple[float, float]
#: Seconds. One process alone asks about a payment for a little longer than this, then another one may.
LONGEST_WAIT = 50


@dataclass(frozen=True)
class Store:
    """The credentials of one store. Its ``repr`` shows no password.

    ``previous_password`` still verifies callbacks while a new password is being introduced. It verifies no reply:
    the bank answers a request that was signed with the new one, so it knows that. ``timeout`` is in
    seconds: to connect, and for the whole reply after that; it cannot be switched off.

    Raises ``ValueError`` for a time-out or an address that cannot be used: the bank itself is reached by https only.
    """

    alias: str
    store_id: str
    password: str = field(repr=False)
    previous_password: str = field(default="", repr=False)
    api_url: str = DEFAULT_API_URL
    redirect_url: str = DEFAULT_REDIRECT_URL
    partial_refunds: bool = False
    timeout: Timeout = (3.05, 15.0)

    def __post_init__(self) -> None:
        check_timeout(self.timeout)
        _check_address(self.api_url)
        if self.is_bank and urlsplit(self.api_url).scheme != "https":
            raise ValueError("the bank is reached by https only")
        object.__setattr__(self, "password", SealedStr(self.password or ""))
        object.__setattr__(self, "previous_password", SealedStr(self.previous_password or ""))

    @property
    def is_test_store(self) -> bool:
        """Whether this is the public test store: its password is known to everybody (payparts-api §13)."""
        return self.store_id == TEST_STORE_ID

    @property
    def is_bank(self) -> bool:
        """Whether the address is the bank's, and not a simulator's."""
        host = urlsplit(self.api_url).hostname or ""
        return host == BANK_DOMAIN or host.endswith(f".{BANK_DOMAIN}")

    @property
    def is_test(self) -> bool:
        """Whether no real money moves here: the public test store, or a simulator of the bank."""
        return self.is_test_store or not self.is_bank


def check_timeout(timeout: Timeout) -> None:
    """Raise ``ValueError`` unless both waits end, and before another process may ask the same question."""
    if not all(math.isfinite(seconds) and seconds > 0 for seconds in timeout):
        raise ValueError("a time-out is a number of seconds above zero")
    if sum(timeout) > LONGEST_WAIT:
        raise ValueError(f"the time-outs are longer than {LONGEST_WAIT} seconds together")


def _check_address(api_url: str) -> None:
    try:
        address = urlsplit(api_url)
        usable = address.scheme in {"http", "https"} and bool(address.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("the address of the bank is no web address")

"""The settings, their defaults in one table, read at the moment of use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, NamedTuple, cast
from urllib.parse import urljoin

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.debug import sensitive_variables

from wagtail_payparts.bank import MAX_CONNECTIONS, Store


#: What a shop pays for PP in 2 to 25 parts, per cent of the price (payparts-api §11, from 14.11.2025).
_PP_SHOP_PERCENT = (
    "2.3 2.5 3.6 5.3 6.5 7.7 8.8 9.9 11.2 12.5 13.7 14.8 16 17 18.1 19.1 20.1 21.1 22.3 23.2 24.3 25.3 26.3 27.3"
)
PP_SHOP_SHARES: Mapping[int, Decimal] = {
    parts: Decimal(percent) / 100 for parts, percent in enumerate(_PP_SHOP_PERCENT.split(), start=2)
}


@dataclass(frozen=True)
class Rates:
    """A tariff of one service. Shares, not per cent: ``Decimal("0.019")`` is 1.9 %.

    ``buyer_monthly``: added to each payment, as a share of the whole price. ``shop``: what the bank keeps of the
    price, one share for all or one for each number of parts.
    """

    buyer_monthly: Decimal = Decimal(0)
    shop: Decimal | Mapping[int, Decimal] = field(default_factory=lambda: Decimal(0))

    def shop_share(self, parts_count: int) -> Decimal:
        if isinstance(self.shop, Mapping):
            return self.shop.get(parts_count, Decimal(0))
        return self.shop


#: Tariffs known at the time of writing (payparts-api §11). A project's own go into ``PAYPARTS_RATES``.
DEFAULT_RATES: Mapping[str, Rates] = {
    "II": Rates(buyer_monthly=Decimal("0.019"), shop=Decimal("0.02")),
    "PP": Rates(buyer_monthly=Decimal("0.0001"), shop=PP_SHOP_SHARES),
    "PB": Rates(shop=Decimal("0.035")),
    "IA": Rates(buyer_monthly=Decimal("0.0099"), shop=Decimal("0.02")),
}


DEFAULTS: Mapping[str, Any] = {
    "PAYPARTS_API_STORE_ID": "",
    "PAYPARTS_API_PASSWORD": "",
    "PAYPARTS_API_URL": "https://payparts2.privatbank.ua/ipp/v2/",
    "PAYPARTS_API_REDIRECT_URL": "https://payparts2.privatbank.ua/ipp/v2/payment",
    "PAYPARTS_STORES": {},
    "PAYPARTS_BASE_URL": "",
    "PAYPARTS_MIN_AMOUNT": Decimal(300),
    "PAYPARTS_MAX_AMOUNT": Decimal(300_000),
    "PAYPARTS_MAX_PARTS": 25,
    "PAYPARTS_RATES": {},
    "PAYPARTS_TIMEOUT": (3.05, 15),
    "PAYPARTS_POLL_SCHEDULE": (30, 60, 120, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 24 * 3600),
    "PAYPARTS_CHECK_INLINE": True,
    "PAYPARTS_SYNC_CONCURRENCY": 4,
    "PAYPARTS_EXPIRE_AFTER": timedelta(hours=24),
    "PAYPARTS_HOLD_FOR": timedelta(days=29),
    "PAYPARTS_REJECTED_PER_HOUR": 60,
    "PAYPARTS_CHECKOUT_LIMITS": {"visitor": 10, "offer": 60, "site": 300},
    "PAYPARTS_TRUSTED_PROXIES": 0,
    "PAYPARTS_BANK_ADDRESSES": (),
    "PAYPARTS_EXPORT_RESOURCE": "wagtail_payparts.resources.PaymentResource",
    "PAYPARTS_ALLOW_TEST_STORE": False,
    "PAYPARTS_RETENTION": {
        "bank_texts": timedelta(days=30),
        "buyers": timedelta(days=3 * 365),
        "metadata": None,
        "rejected_callbacks": timedelta(days=90),
    },
}

DEFAULT_STORE = "default"
LOWEST_PARTS = 2


def get(name: str) -> Any:
    """A setting of the project, or its default."""
    return getattr(settings, name, DEFAULTS[name])


def store_aliases() -> list[str]:
    """The stores of the project; the first is the one used where none is named."""
    return list(get("PAYPARTS_STORES")) or [DEFAULT_STORE]


def get_store(alias: str = DEFAULT_STORE) -> Store:
    """The credentials of a store at the bank, fit to be used.

    Raises ``ImproperlyConfigured`` where the store is not configured, has no password, or is the bank's public
    test store on a site with ``DEBUG = False`` (payparts-api §13) without ``PAYPARTS_ALLOW_TEST_STORE``.
    """
    store = read_store(alias)
    if not store.store_id or not store.password:
        raise ImproperlyConfigured(
            f"The PayParts store {alias!r} has no store id or no password: set PAYPARTS_API_STORE_ID and "
            "PAYPARTS_API_PASSWORD, or STORE_ID and PASSWORD in PAYPARTS_STORES."
        )
    if store.is_test_store and not settings.DEBUG and not get("PAYPARTS_ALLOW_TEST_STORE"):
        raise ImproperlyConfigured(
            f"The PayParts store {alias!r} is the bank's public test store, whose password everybody knows: set "
            "your own, or PAYPARTS_ALLOW_TEST_STORE = True on a site that sells nothing."
        )
    return store


@sensitive_variables("own", "stores")
def read_store(alias: str) -> Store:
    """What the settings say of a store, with or without credentials.

    Raises ``ImproperlyConfigured`` for an unknown alias, and for an address or a time-out that cannot be used.
    """
    stores = get("PAYPARTS_STORES")
    if not stores:
        stores = {
            DEFAULT_STORE: {
                "STORE_ID": get("PAYPARTS_API_STORE_ID"),
                "PASSWORD": get("PAYPARTS_API_PASSWORD"),
            }
        }
    if alias not in stores:
        raise ImproperlyConfigured(
            f"There is no PayParts store {alias!r}: add it to PAYPARTS_STORES (known: {', '.join(stores)})."
        )
    own = stores[alias]
    try:
        connect, read = get("PAYPARTS_TIMEOUT")
        return Store(
            alias=alias,
            store_id=own.get("STORE_ID") or "",
            password=own.get("PASSWORD") or "",
            previous_password=own.get("PREVIOUS_PASSWORD") or "",
            api_url=own.get("API_URL") or get("PAYPARTS_API_URL"),
            redirect_url=own.get("REDIRECT_URL") or get("PAYPARTS_API_REDIRECT_URL"),
            partial_refunds=bool(own.get("PARTIAL_REFUNDS", False)),
            timeout=(connect, read),
        )
    except (TypeError, ValueError) as error:
        raise ImproperlyConfigured(
            f"The PayParts store {alias!r} cannot be used: {error}. Write PAYPARTS_API_URL (or API_URL in "
            f"PAYPARTS_STORES) like {DEFAULTS['PAYPARTS_API_URL']!r}, and PAYPARTS_TIMEOUT like "
            f"{DEFAULTS['PAYPARTS_TIMEOUT']!r}."
        ) from None


def store_id(alias: str) -> str:
    """The bank's id of a store; empty if it cannot be read any more."""
    try:
        return read_store(alias).store_id
    except ImproperlyConfigured:
        return ""


def holds_by_default(alias: str) -> bool:
    """Whether payments of a store are two-stage where nothing else is said: ``HOLD`` in ``PAYPARTS_STORES``."""
    return bool((get("PAYPARTS_STORES").get(alias) or {}).get("HOLD", False))


def hold_for(alias: str) -> timedelta | None:
    """How long the bank keeps a hold of this store: ``HOLD_FOR`` in ``PAYPARTS_STORES``, or ``PAYPARTS_HOLD_FOR``.

    The bank does not document it (payparts-api §4). ``None`` switches the countdown off.
    """
    own = get("PAYPARTS_STORES").get(alias) or {}
    return cast("timedelta | None", own.get("HOLD_FOR", get("PAYPARTS_HOLD_FOR")))


def find_store(store_id: str) -> Store | None:
    """The configured store with the bank's ``store_id``, if it is fit to be used."""
    for alias in store_aliases():
        try:
            store = get_store(alias)
        except ImproperlyConfigured:
            continue
        if store.store_id == store_id:
            return store
    return None


class AllowedNetworks(NamedTuple):
    """From where callbacks may come. ``unreadable``: what of the setting is no network; nobody is in that."""

    networks: tuple[IPv4Network | IPv6Network, ...]
    unreadable: tuple[str, ...]


def bank_networks() -> AllowedNetworks | None:
    """``PAYPARTS_BANK_ADDRESSES``; ``None`` where it is empty: callbacks may come from anywhere."""
    named = get("PAYPARTS_BANK_ADDRESSES")
    entries = (named,) if isinstance(named, str) else tuple(map(str, named or ()))
    return _read_networks(entries) if any(entries) else None


@lru_cache(maxsize=8)
def _read_networks(entries: tuple[str, ...]) -> AllowedNetworks:
    networks, unreadable = [], []
    for entry in entries:
        try:
            networks.append(ip_network(entry))
        except ValueError:
            unreadable.append(entry)
    return AllowedNetworks(tuple(networks), tuple(unreadable))


def min_amount() -> Decimal:
    return Decimal(get("PAYPARTS_MIN_AMOUNT"))


def max_amount() -> Decimal:
    return Decimal(get("PAYPARTS_MAX_AMOUNT"))


def max_parts() -> int:
    return int(get("PAYPARTS_MAX_PARTS"))


def rates(merchant_type: str) -> Rates:
    """The tariff of a service: the project's, else the one known at the time of writing."""
    own = get("PAYPARTS_RATES").get(merchant_type)
    if own is None:
        return DEFAULT_RATES.get(merchant_type, Rates())
    if isinstance(own, Rates):
        return own
    return Rates(**own)


def poll_schedule() -> list[timedelta]:
    return [step if isinstance(step, timedelta) else timedelta(seconds=step) for step in get("PAYPARTS_POLL_SCHEDULE")]


def sync_concurrency() -> int:
    """How many questions one poller asks at once. Raises ``ImproperlyConfigured`` for what is no such number."""
    wanted = get("PAYPARTS_SYNC_CONCURRENCY")
    if not isinstance(wanted, int) or not 1 <= wanted <= MAX_CONNECTIONS:
        raise ImproperlyConfigured(
            f"PAYPARTS_SYNC_CONCURRENCY is a whole number from 1 to {MAX_CONNECTIONS}, and not {wanted!r}."
        )
    return wanted


def expire_after() -> timedelta:
    return cast("timedelta", get("PAYPARTS_EXPIRE_AFTER"))


def retention() -> dict[str, timedelta | None]:
    """How long what names people is kept once a payment is settled; ``None``: for ever. What is not set is default."""
    return {**DEFAULTS["PAYPARTS_RETENTION"], **get("PAYPARTS_RETENTION")}


def absolute_url(path: str, *, site_url: str = "") -> str:
    """``path`` under ``PAYPARTS_BASE_URL``, else under the address of the Wagtail site; never under a Host header.

    Raises ``ImproperlyConfigured`` where neither is known.
    """
    base = get("PAYPARTS_BASE_URL") or site_url
    if not base:
        raise ImproperlyConfigured(
            "Set PAYPARTS_BASE_URL to the address of the site, such as 'https://shop.example.com': the bank has to "
            "know where to send its callbacks."
        )
    return urljoin(base.rstrip("/") + "/", path)

"""What can be misconfigured, said before a buyer finds out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.urls import NoReverseMatch, Resolver404, resolve, reverse
from django.utils.translation import override

from wagtail_payparts import conf
from wagtail_payparts.bank import Store
from wagtail_payparts.models import Payment
from wagtail_payparts.services import form_action
from wagtail_payparts.services.addresses import without_credentials
from wagtail_payparts.signals import MONEY_SIGNALS


@register("payparts")
def check_stores(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """A payment that nobody can sign is refused at run time; this says so at start-up."""
    found: list[CheckMessage] = []
    owners: dict[str, str] = {}
    for alias in conf.store_aliases():
        try:
            store = conf.read_store(alias)
        except ImproperlyConfigured as error:
            found.append(Error(str(error), id="payparts.E008"))
            continue
        if store.store_id and owners.setdefault(store.store_id, alias) != alias:
            found.append(
                Error(
                    f"The PayParts stores {owners[store.store_id]!r} and {alias!r} have the same store id.",
                    hint="A callback names the id alone: give each store of the bank one alias.",
                    id="payparts.E006",
                )
            )
        if not store.store_id or not store.password:
            found.append(
                Error(
                    f"The PayParts store {alias!r} has no store id or no password.",
                    hint="Set PAYPARTS_API_STORE_ID and PAYPARTS_API_PASSWORD, or STORE_ID and PASSWORD in "
                    "PAYPARTS_STORES, from your environment.",
                    id="payparts.E001",
                )
            )
    return found


@register("payparts")
def check_concurrency(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """The poller would stop at its start."""
    try:
        conf.sync_concurrency()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="payparts.E012")]
    return []


@register(Tags.security, deploy=True)
def check_test_store(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Everybody knows the password of the bank's public test store, so anybody could sign its callbacks."""
    if conf.get("PAYPARTS_ALLOW_TEST_STORE"):
        return []
    return [
        Error(
            f"The PayParts store {alias!r} is the bank's public test store.",
            hint="Set your own store id and password. PAYPARTS_ALLOW_TEST_STORE = True is for sites that sell nothing.",
            id="payparts.E002",
        )
        for alias in conf.store_aliases()
        if _is_test_store(alias)
    ]


def _is_test_store(alias: str) -> bool:
    try:
        return conf.read_store(alias).is_test_store
    except ImproperlyConfigured:
        # check_stores says what is wrong with it.
        return False


@register("payparts")
def check_receivers(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """A receiver is remembered by its name: called again after a restart, and not twice for one event."""
    found: list[CheckMessage] = []
    for signal in MONEY_SIGNALS.values():
        names = Counter(receiver.name for receiver in signal.connected(Payment))
        found += [
            Error(
                f"A receiver of {signal.name} has no name of its own: {receiver.call!r}.",
                hint="Connect a function of a module, or pass dispatch_uid='shop.what_it_does' to connect().",
                id="payparts.E003",
            )
            for receiver in signal.connected(Payment)
            if not receiver.name
        ]
        found += [
            Error(
                f"{times} receivers of {signal.name} are called {name!r}: only the first of them is called.",
                hint="Pass dispatch_uid='shop.what_it_does' to connect(), another one for each.",
                id="payparts.E007",
            )
            for name, times in names.items()
            if name and times > 1
        ]
    return found


@register("payparts")
def check_urls(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """The bank calls one address, which must not depend on a language or be eaten by Wagtail's catch-all."""
    wrong = ""
    try:
        paths = set()
        for language, _name in settings.LANGUAGES:
            with override(language):
                paths.add(reverse("wagtail_payparts:callback"))
        if len(paths) > 1:
            wrong = "The address of the bank's callbacks depends on the language."
        elif resolve(paths.pop()).view_name != "wagtail_payparts:callback":
            wrong = "Another URL pattern takes the address of the bank's callbacks."
    except (NoReverseMatch, Resolver404, ImproperlyConfigured):
        wrong = "The URLs of wagtail_payparts are not included."
    if not wrong:
        return []
    return [
        Error(
            wrong,
            hint="Add path('', include('wagtail_payparts.urls')) to your urlpatterns, before wagtail.urls and "
            "outside i18n_patterns.",
            id="payparts.E004",
        )
    ]


@register(Tags.security, deploy=True)
def check_base_url(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    base = conf.get("PAYPARTS_BASE_URL")
    if base.startswith("https://"):
        return []
    return [
        checks.Warning(
            "PAYPARTS_BASE_URL is not an https address.",
            hint="Set it to the public address of the site, such as 'https://shop.example.com': the bank sends its "
            "callbacks there. Without it the address of the Wagtail site is used.",
            id="payparts.W001",
        )
    ]


@register(Tags.security, deploy=True)
def check_proxies(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Who trusts a proxy with the scheme or the host has one, and then every visitor has its address."""
    behind_proxy = settings.SECURE_PROXY_SSL_HEADER or settings.USE_X_FORWARDED_HOST
    if not behind_proxy or conf.get("PAYPARTS_TRUSTED_PROXIES"):
        return []
    return [
        checks.Warning(
            "The site is behind a proxy, and PAYPARTS_TRUSTED_PROXIES is 0: all visitors count as one.",
            hint="Set PAYPARTS_TRUSTED_PROXIES = 1, or how many proxies of your own stand before the site, each "
            "adding to X-Forwarded-For.",
            id="payparts.W004",
        )
    ]


@register("payparts")
def check_bank_addresses(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """Nobody is in what is no network: callbacks from there are refused."""
    allowed = conf.bank_networks()
    return [
        Error(
            f"PAYPARTS_BANK_ADDRESSES names {entry!r}, which is neither an address nor a network.",
            hint="Write addresses like '217.117.64.236', and networks by their first address, like '217.117.66.32/27'.",
            id="payparts.E009",
        )
        for entry in (allowed.unreadable if allowed else ())
    ]


@register("payparts")
def check_form_action(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """The buyer's press is a form that leads to the bank: a policy without it stops the browser there."""
    banks = {store.redirect_url for store in _readable_stores()}
    return [
        checks.Warning(
            f"{name} does not let a form lead to the bank's page {_origin(bank)}.",
            hint=f"Add '{_origin(bank)}' to its form-action.",
            id="payparts.W005",
        )
        for name, sources in form_action.from_settings().items()
        for bank in sorted(banks)
        if not form_action.allows(sources, bank)
    ]


def _readable_stores() -> list[Store]:
    found = []
    for alias in conf.store_aliases():
        with suppress(ImproperlyConfigured):
            found.append(conf.read_store(alias))
    return found


def _origin(url: str) -> str:
    parts = urlsplit(without_credentials(url))
    return f"{parts.scheme}://{parts.netloc}"


@register("payparts")
def check_retention(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """A misspelt name would keep personal data for the default period, and nobody would notice."""
    known: Mapping[str, Any] = conf.DEFAULTS["PAYPARTS_RETENTION"]
    wanted = conf.get("PAYPARTS_RETENTION")
    wrong = ["it is not a dict"] if not isinstance(wanted, Mapping) else []
    for name, period in dict(wanted).items() if not wrong else ():
        if name not in known:
            wrong.append(f"there is no {name!r}")
        elif period is not None and (not isinstance(period, timedelta) or period < timedelta()):
            wrong.append(f"{name!r} is {period!r}")
    if not wrong:
        return []
    return [
        Error(
            f"PAYPARTS_RETENTION cannot be used: {', '.join(wrong)}.",
            hint="Write it like {'bank_texts': timedelta(days=30), 'buyers': None}. "
            f"Known: {', '.join(known)}; None keeps for ever.",
            id="payparts.E011",
        )
    ]


@register("payparts")
def check_time_zones(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    if settings.USE_TZ:
        return []
    return [
        Error(
            "USE_TZ is off.",
            hint="Set USE_TZ = True: the times of payments are compared with those of the bank.",
            id="payparts.E005",
        )
    ]


@register(Tags.database)
def check_databases(app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any) -> Sequence[CheckMessage]:
    """Only with ``check --database``: what cannot be seen in the settings."""
    found: list[CheckMessage] = []
    for alias in databases or []:
        connection = connections[alias]
        if connection.vendor == "mysql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT CONVERT_TZ('2026-01-01 00:00:00', 'UTC', 'Europe/Kyiv')")
                if cursor.fetchone()[0] is None:
                    found.append(
                        checks.Warning(
                            f"The time-zone tables of the database {alias!r} are empty.",
                            hint="mariadb-tzinfo-to-sql /usr/share/zoneinfo | mariadb mysql",
                            id="payparts.W002",
                        )
                    )
        elif connection.vendor == "sqlite":
            options = connection.settings_dict.get("OPTIONS") or {}
            if options.get("transaction_mode") != "IMMEDIATE":
                found.append(
                    checks.Warning(
                        f"The SQLite database {alias!r} may answer 'database is locked' under two buyers at once.",
                        hint="OPTIONS = {'transaction_mode': 'IMMEDIATE', 'init_command': 'PRAGMA journal_mode=WAL;'}",
                        id="payparts.W003",
                    )
                )
    return found

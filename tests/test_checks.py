"""What can be misconfigured is said at start-up, with the line to write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from types import ModuleType
from typing import Any

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.core.checks import Tags, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.urls import clear_url_caches, include, path
from wagtail import urls as wagtail_urls

from wagtail_payparts import conf
from wagtail_payparts.models import Payment
from wagtail_payparts.signals import MONEY_SIGNALS, payment_refunded, payment_succeeded


def shop_receiver(**kwargs: Any) -> None:
    """A receiver as it should be: a function of a module."""


class Service:
    def take(self, **kwargs: Any) -> None:
        pass


def _found(*tags: str, deploy: bool = False, databases: Iterable[str] | None = None) -> list[str]:
    found = run_checks(tags=tags or ["payparts"], include_deployment_checks=deploy, databases=databases)
    return sorted(str(message.id) for message in found if str(message.id).startswith("payparts."))


@contextmanager
def _connected(*receivers: Any, signal: Any = payment_succeeded, **options: Any) -> Iterator[None]:
    for receiver in receivers:
        signal.connect(receiver, weak=False, **options)
    try:
        yield
    finally:
        for receiver in receivers:
            signal.disconnect(receiver, **options)


def test_a_site_that_is_set_up_has_nothing_to_hear() -> None:
    assert _found() == []


@pytest.mark.parametrize("value", [0, 65, -1, "4", None, 2.5])
def test_a_number_of_questions_at_once_that_is_none_is_an_error(value: Any, settings: Any) -> None:
    settings.PAYPARTS_SYNC_CONCURRENCY = value
    assert _found() == ["payparts.E012"]


@pytest.mark.parametrize("name", ["PAYPARTS_API_STORE_ID", "PAYPARTS_API_PASSWORD"])
@pytest.mark.parametrize("value", ["", None])
def test_a_store_without_id_or_password_is_an_error_and_refused_at_run_time(
    name: str, value: Any, settings: Any
) -> None:
    setattr(settings, name, value)
    assert _found() == ["payparts.E001"]
    with pytest.raises(ImproperlyConfigured, match="PAYPARTS_API_PASSWORD"):
        conf.get_store()


def test_a_site_without_any_setting_is_told_what_to_write(settings: Any) -> None:
    del settings.PAYPARTS_API_STORE_ID
    del settings.PAYPARTS_API_PASSWORD
    assert _found() == ["payparts.E001"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PAYPARTS_API_URL", "http://payparts2.privatbank.ua/ipp/v2/"),
        ("PAYPARTS_API_URL", "payparts2.privatbank.ua/ipp/v2/"),
        ("PAYPARTS_API_URL", "https://[/"),
        ("PAYPARTS_TIMEOUT", (3, 0)),
        ("PAYPARTS_TIMEOUT", (3, float("inf"))),
        ("PAYPARTS_TIMEOUT", 15),
        ("PAYPARTS_TIMEOUT", (3, None)),
        ("PAYPARTS_TIMEOUT", (1, 2, 3)),
    ],
    ids=str,
)
def test_an_address_or_a_time_out_that_cannot_be_used_is_an_error_and_refused_at_run_time(
    name: str, value: Any, settings: Any
) -> None:
    setattr(settings, name, value)
    assert _found() == ["payparts.E008"]
    settings.PAYPARTS_ALLOW_TEST_STORE = False
    assert "payparts.E002" not in _found(Tags.security, deploy=True)
    for read in (conf.get_store, lambda: conf.read_store("default")):
        with pytest.raises(ImproperlyConfigured, match=f"Write.* {name}.* like"):
            read()


def test_a_store_that_cannot_be_used_leaves_the_others_their_callbacks(settings: Any) -> None:
    settings.PAYPARTS_STORES = {
        "wrong": {"STORE_ID": "A", "PASSWORD": "x", "API_URL": "http://payparts2.privatbank.ua/"},
        "right": {"STORE_ID": "B", "PASSWORD": "x"},
    }
    assert conf.find_store("A") is None
    found = conf.find_store("B")
    assert found is not None
    assert found.alias == "right"


def test_each_store_of_several_is_looked_at(settings: Any) -> None:
    settings.PAYPARTS_STORES = {
        "default": {"STORE_ID": "A", "PASSWORD": "x"},
        "books": {"STORE_ID": "B"},
        "toys": {"PASSWORD": "x"},
    }
    assert _found() == ["payparts.E001", "payparts.E001"]


def test_two_stores_of_one_id_are_an_error(settings: Any) -> None:
    settings.PAYPARTS_STORES = {
        "default": {"STORE_ID": "A", "PASSWORD": "x"},
        "books": {"STORE_ID": "A", "PASSWORD": "y"},
    }
    assert _found() == ["payparts.E006"]


def test_no_message_shows_a_password(settings: Any) -> None:
    settings.PAYPARTS_STORES = {
        "default": {"STORE_ID": "A", "PASSWORD": "hush-hush"},
        "books": {"STORE_ID": "A", "PASSWORD": "hush-hush"},
        "toys": {"PASSWORD": "hush-hush"},
    }
    found = run_checks(tags=["payparts"], include_deployment_checks=True)
    assert found
    assert "hush-hush" not in str(found)


@pytest.fixture
def test_store(settings: Any) -> None:
    settings.PAYPARTS_API_STORE_ID = "4AAD1369CF734B64B70F"
    settings.PAYPARTS_API_PASSWORD = "75bef16bfdce4d0e9c0ad5a19b9940df"
    settings.PAYPARTS_BASE_URL = "https://shop.example"


@pytest.mark.usefixtures("test_store")
def test_the_public_test_store_is_an_error_on_deployment_and_refused_at_run_time(settings: Any) -> None:
    settings.PAYPARTS_ALLOW_TEST_STORE = False
    assert _found(Tags.security) == []
    assert _found(Tags.security, deploy=True) == ["payparts.E002"]
    with pytest.raises(ImproperlyConfigured, match="test store"):
        conf.get_store()


@pytest.mark.usefixtures("test_store")
@pytest.mark.parametrize("name", ["DEBUG", "PAYPARTS_ALLOW_TEST_STORE"])
def test_the_public_test_store_is_there_for_who_develops_or_says_so(name: str, settings: Any) -> None:
    settings.PAYPARTS_ALLOW_TEST_STORE = False
    setattr(settings, name, True)
    assert conf.get_store().is_test_store


def test_a_function_of_a_module_is_a_receiver_with_a_name() -> None:
    with _connected(shop_receiver):
        assert _found() == []
        assert f"{__name__}.shop_receiver" in [receiver.name for receiver in payment_succeeded.connected(Payment)]


@pytest.mark.parametrize("signal", MONEY_SIGNALS.values(), ids=lambda signal: signal.name)
def test_a_receiver_without_a_name_is_an_error(signal: Any) -> None:
    with _connected(lambda **kwargs: None, signal=signal):
        assert _found() == ["payparts.E003"]


def test_a_partial_and_a_function_within_a_function_have_no_name_of_their_own() -> None:
    def inner(**kwargs: Any) -> None:
        pass

    with _connected(partial(shop_receiver), inner):
        assert _found() == ["payparts.E003", "payparts.E003"]


def test_a_dispatch_uid_is_a_name() -> None:
    with _connected(lambda **kwargs: None, dispatch_uid="shop.pay"):
        assert _found() == []


def test_two_receivers_of_one_name_are_an_error() -> None:
    """Methods of two objects, remembered by the same words."""
    with _connected(Service().take, Service().take):
        assert _found() == ["payparts.E007"]


def test_one_name_on_two_signals_is_none() -> None:
    with _connected(shop_receiver), _connected(shop_receiver, signal=payment_refunded):
        assert _found() == []


def _urlconf(*patterns: Any) -> Any:
    module: Any = ModuleType("urls_of_a_test")
    module.urlpatterns = list(patterns)
    return module


@pytest.fixture
def urls(settings: Any) -> Iterator[Any]:
    """Use these URL patterns instead of the site's."""

    def use(*patterns: Any) -> None:
        settings.ROOT_URLCONF = _urlconf(*patterns)
        clear_url_caches()

    yield use
    clear_url_caches()


def test_a_site_that_does_not_include_our_urls_is_told_so(urls: Any) -> None:
    urls(path("", include(wagtail_urls)))
    assert _found() == ["payparts.E004"]


def test_a_language_in_the_callback_address_is_an_error(urls: Any) -> None:
    urls(*i18n_patterns(path("", include("wagtail_payparts.urls")), prefix_default_language=False))
    assert _found() == ["payparts.E004"]


def test_urls_behind_wagtails_are_an_error(urls: Any) -> None:
    """Wagtail's pages match every address that ends with a slash."""
    urls(path("", include(wagtail_urls)), path("", include("wagtail_payparts.urls")))
    assert _found() == ["payparts.E004"]


def test_our_urls_may_stand_under_a_path_of_the_sites_own(urls: Any) -> None:
    urls(path("shop/", include("wagtail_payparts.urls")), path("", include(wagtail_urls)))
    assert _found() == []


@pytest.mark.parametrize(
    ("base", "found"),
    [("https://shop.example", []), ("http://shop.example", ["payparts.W001"]), ("", ["payparts.W001"])],
)
def test_a_public_address_is_recommended_on_deployment(base: str, found: list[str], settings: Any) -> None:
    settings.PAYPARTS_BASE_URL = base
    assert _found(Tags.security, deploy=True) == found


@pytest.mark.parametrize(
    ("name", "value"),
    [("SECURE_PROXY_SSL_HEADER", ("HTTP_X_FORWARDED_PROTO", "https")), ("USE_X_FORWARDED_HOST", True)],
)
def test_a_site_behind_a_proxy_is_told_to_count_its_visitors_apart(name: str, value: Any, settings: Any) -> None:
    settings.PAYPARTS_BASE_URL = "https://shop.example"
    assert _found(Tags.security, deploy=True) == []
    setattr(settings, name, value)
    assert _found(Tags.security, deploy=True) == ["payparts.W004"]
    settings.PAYPARTS_TRUSTED_PROXIES = 1
    assert _found(Tags.security, deploy=True) == []


@pytest.mark.parametrize(
    ("addresses", "count"),
    [
        ([], 0),
        ("217.117.66.32/27", 0),
        (["217.117.66.32/27", "217.117.64.236", "2001:db8::/32", "::ffff:217.117.64.236"], 0),
        (["217.117.66.33/27"], 1),
        (["privatbank.ua", "217.117.64.236", "0"], 2),
        ([""], 0),
        ([None], 1),
    ],
)
def test_addresses_of_the_bank_that_are_no_networks_are_named(addresses: Any, count: int, settings: Any) -> None:
    settings.PAYPARTS_BANK_ADDRESSES = addresses
    assert _found("payparts") == ["payparts.E009"] * count


@pytest.mark.parametrize(
    ("name", "policy"),
    [
        ("SECURE_CSP", {"form-action": ["'self'"]}),
        ("SECURE_CSP", {"form-action": "'self' https://privatbank.ua"}),
        (
            "CONTENT_SECURITY_POLICY",
            {"DIRECTIVES": {"form-action": ["'self'", "https://payparts2.privatbank.ua:8443"]}},
        ),
        ("CSP_FORM_ACTION", ("'none'",)),
    ],
    ids=str,
)
def test_a_policy_that_stops_the_buyers_form_is_told_of(name: str, policy: Any, settings: Any) -> None:
    setattr(settings, name, policy)
    assert _found() == ["payparts.W005"]


@pytest.mark.parametrize(
    "policy",
    [
        {},
        {"default-src": ["'self'"]},
        {"form-action": None},
        {"form-action": ["'self'", "https://payparts2.privatbank.ua"]},
        {"form-action": ["'self'", "https://*.privatbank.ua"]},
        {"form-action": ["payparts2.privatbank.ua:443"]},
        {"form-action": ["https://payparts2.privatbank.ua/other/path"]},
        {"form-action": ["http://payparts2.privatbank.ua"]},
        {"form-action": ["https:"]},
        {"form-action": ["*"]},
    ],
    ids=str,
)
def test_a_policy_that_lets_the_form_go_is_right(policy: Any, settings: Any) -> None:
    settings.SECURE_CSP = policy
    assert _found() == []


def test_times_without_zones_are_an_error(settings: Any) -> None:
    settings.USE_TZ = False
    assert _found() == ["payparts.E005"]


@pytest.mark.django_db
def test_the_database_is_looked_at_only_when_asked_for() -> None:
    with CaptureQueriesContext(connection) as queries:
        _found(Tags.database)
    assert len(queries) == 0


@pytest.mark.django_db
@pytest.mark.skipif(
    connection.vendor != "sqlite", reason="a setting that only SQLite has; the run on SQLite looks at it"
)
@pytest.mark.parametrize(
    ("mode", "found"), [("IMMEDIATE", []), ("DEFERRED", ["payparts.W003"]), (None, ["payparts.W003"])]
)
def test_sqlite_should_take_its_lock_at_the_beginning(
    mode: str | None, found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"transaction_mode": mode} if mode else {}
    monkeypatch.setitem(connections["default"].settings_dict, "OPTIONS", options)
    assert _found(Tags.database, databases=["default"]) == found


@pytest.mark.django_db
@pytest.mark.skipif(
    connection.vendor != "mysql", reason="tables that only MariaDB may lack; the run on MariaDB looks at them"
)
def test_mariadb_is_asked_whether_it_knows_time_zones() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT CONVERT_TZ('2026-01-01 00:00:00', 'UTC', 'Europe/Kyiv')")
        knows = cursor.fetchone()[0] is not None
    assert _found(Tags.database, databases=["default"]) == ([] if knows else ["payparts.W002"])


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "postgresql", reason="the run on PostgreSQL looks at it")
def test_postgresql_needs_nothing() -> None:
    assert _found(Tags.database, databases=["default"]) == []


@pytest.mark.parametrize(
    ("periods", "says"),
    [
        ({"bank_text": timedelta(days=1)}, "there is no 'bank_text'"),
        ({"buyers": 30}, "'buyers' is 30"),
        ({"buyers": timedelta(days=-1)}, "'buyers' is "),
        ([("buyers", None)], "it is not a dict"),
        (None, "it is not a dict"),
    ],
)
def test_a_retention_that_cannot_be_used_is_an_error(periods: Any, says: str, settings: Any) -> None:
    settings.PAYPARTS_RETENTION = periods
    (found,) = [message for message in run_checks(tags=["payparts"]) if message.id == "payparts.E011"]
    assert says in found.msg
    assert "timedelta(days=30)" in str(found.hint)


def test_a_retention_names_what_differs_and_the_rest_is_as_ever(settings: Any) -> None:
    settings.PAYPARTS_RETENTION = {"buyers": None}
    assert _found() == []
    assert conf.retention() == {
        "bank_texts": timedelta(days=30),
        "buyers": None,
        "metadata": None,
        "rejected_callbacks": timedelta(days=90),
    }

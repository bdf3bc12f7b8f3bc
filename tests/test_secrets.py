"""No password, signature or token stays anywhere: a whole life is lived, then everything it left is searched."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.core.management import call_command
from django.test import Client, RequestFactory
from django.urls import reverse
from django.views.debug import ExceptionReporter
from wagtail.models import Site

from tests.dashboard.roles import SUPERUSER, enter
from tests.dashboard.test_matrix import MATRIX
from tests.factories import make_offer, make_order
from tests.public.pages import SAME_ORIGIN, make_page
from tests.secrets_search import (
    PASSWORD,
    SIGNATURE,
    TOKEN,
    Found,
    all_logs,
    dump_database,
    search_database,
    search_texts,
)
from tests.wiretap import Wiretap, tap
from wagtail_payparts import conf
from wagtail_payparts.bank import PayPartsClient
from wagtail_payparts.exceptions import BankError, OutcomeUnknown
from wagtail_payparts.models import BuyerDetails, Payment, PaymentEvent, Refund
from wagtail_payparts.services import cancel_hold, confirm_hold, refund_payment, start_payment, sync_payment
from wagtail_payparts.simulator import Simulator
from wagtail_payparts.simulator.faults import KINDS


pytestmark = pytest.mark.django_db

CURRENT, PREVIOUS = "8d3f5c1e0b7a4962a1c4e6f80d2b9573", "the password, of last year: 100% secret"
LINES = [{"name": "Чайник", "count": 1, "price": "800.00"}]
FORGED = "F" * 27 + "="


class Life:
    """What was lived through, and where its traces may be."""

    def __init__(self, bank: Simulator, to_bank: Wiretap, to_shop: Wiretap) -> None:
        self.bank, self.to_bank, self.to_shop = bank, to_bank, to_shop
        self.texts: dict[str, str | bytes] = {}
        self.buyers_pages: dict[str, str | bytes] = {}

    def secrets(self) -> dict[str, str]:
        signatures = self.to_bank.values_of("signature") | self.to_shop.values_of("signature")
        tokens = self.to_bank.values_of("token") | {payment.token for payment in self.bank.payments()}
        return {
            CURRENT: PASSWORD,
            PREVIOUS: PASSWORD,
            **dict.fromkeys(signatures, SIGNATURE),
            **dict.fromkeys(tokens, TOKEN),
        }

    @contextmanager
    def keep_error(self, place: str) -> Iterator[None]:
        """What a site would be told of an error: its text, and the report that Django mails and shows."""
        try:
            yield
        except (BankError, OutcomeUnknown) as error:
            report = ExceptionReporter(RequestFactory().get("/"), *sys.exc_info())
            self.texts[f"error: {place}"] = f"{error} {error!r} {vars(error)!r}"
            self.texts[f"report: {place}"] = report.get_traceback_text()
            self.texts[f"page of the report: {place}"] = report.get_traceback_html()


@pytest.fixture
def life(bank: Simulator, live_server: Any, settings: Any) -> Iterator[Life]:
    """A shop and a bank with a tapped wire in each direction; the store's password has just been changed."""
    store = {"STORE_ID": settings.PAYPARTS_API_STORE_ID, "PASSWORD": CURRENT, "PREVIOUS_PASSWORD": PREVIOUS}
    at_bank, at_shop = urlsplit(bank.api_url), urlsplit(live_server.url)
    with (
        tap(str(at_bank.hostname), at_bank.port or 0) as to_bank,
        tap(str(at_shop.hostname), at_shop.port or 0) as to_shop,
    ):
        settings.PAYPARTS_STORES = {"default": store | {"API_URL": f"{to_bank.url}{at_bank.path}"}}
        settings.PAYPARTS_BASE_URL = to_shop.url
        settings.PAYPARTS_CHECKOUT_LIMITS = {}
        yield Life(bank, to_bank, to_shop)


@pytest.mark.django_db(transaction=True)
def test_nothing_secret_stays_anywhere_of_a_whole_life(life: Life) -> None:
    with all_logs() as logs:
        buyer_buys(life)
        callbacks_come(life)
        everything_fails_once(life)
        staff_look_at_everything(life)
        commands_run(life)
    life.texts["the logs"] = logs.getvalue()
    secrets = life.secrets()
    without_tokens = {value: kind for value, kind in secrets.items() if kind != TOKEN}

    assert search_database(secrets) == []
    assert search_texts(secrets, life.texts) == []
    # The buyer's own page leads to the bank, which it takes a token for.
    assert search_texts(without_tokens, life.buyers_pages) == []

    # It was no empty search: all of it happened, and was written down where it may be.
    assert len([kind for kind in secrets.values() if kind == SIGNATURE]) > 100
    assert Found(TOKEN, "wagtail_payparts_payment.token") in search_database(secrets, allowed={})
    assert {"payment_create", "callback", "poll", "action", "refund"} <= set(
        PaymentEvent.objects.values_list("type", flat=True)
    )
    assert set(Refund.objects.values_list("state", flat=True)) >= {"accepted", "rejected", "uncertain"}
    assert "wagtail_payparts.bank.client" in life.texts["the logs"]


def buyer_buys(life: Life) -> None:
    offer = make_offer(title="Кавоварка", buyer_details=BuyerDetails.ALL)
    make_page(offer, slug="coffee")
    with requests.Session() as browser:
        shop = life.to_shop.url
        page = browser.get(f"{shop}/coffee/", timeout=10)
        choice = {"offer": offer.pk, "parts": 4, "service": "II"}
        contact = {"name": "Ірина Гнатюк", "phone": "067 123 45 67", "email": "iryna@example.com"}
        answer = browser.post(
            f"{shop}{reverse('wagtail_payparts:checkout', args=[offer.pk])}",
            json=choice | {"contact": contact},
            headers={"Origin": shop},
            allow_redirects=False,
            timeout=10,
        )
        payment = Payment.objects.get()
        life.bank.pay(payment.order_id)
        back = browser.get(payment.return_url, timeout=10)
    life.buyers_pages |= {"page": page.content, "press": answer.content, "return": back.content}


def callbacks_come(life: Life) -> None:
    bank, payment = life.bank, Payment.objects.get()
    assert [status for status, _text in bank.deliver_callbacks()] == [200]
    signed = json.loads(bank.callback_body(payment.order_id))["signature"]
    answers = [
        bank.send_callback(payment.order_id),
        bank.send_callback(payment.order_id, password=PREVIOUS),
        bank.send_callback(payment.order_id, message=f"quotes {signed} and {FORGED}", state="FAIL"),
        bank.send_callback(payment.order_id, orderId="NOBODYS", password="wrong"),
        bank.send_callback(payment.order_id, signature=FORGED),
        bank.send_callback(payment.order_id, signature=f" {signed} "),
        bank.send_callback(payment.order_id, signature=[signed]),
        bank.send_callback(payment.order_id, storeId="SOMEBODYS"),
        bank.send_callback(payment.order_id, body=f'{{"signature": "{signed}", '.encode()),
        bank.send_callback(payment.order_id, body=b"x" * 300_000),
    ]
    assert [status for status, _text in answers] == [200, 200, 200, *[400] * 6, 400]
    life.texts |= {f"answer to callback {number}": text for number, (_status, text) in enumerate(answers)}


def everything_fails_once(life: Life) -> None:
    acts: dict[str, Callable[[Payment], Any]] = {
        "state": sync_payment,
        "confirm": lambda payment: confirm_hold(payment, reason="Є на складі"),
        "cancel": lambda payment: cancel_hold(payment, reason="Немає на складі"),
        "decline": lambda payment: refund_payment(payment, reason="Повернули"),
        "description": lambda payment: PayPartsClient(conf.get_store()).describe(payment.order_id, "кава"),
        "qr": lambda payment: PayPartsClient(conf.get_store()).qr(payment.token, payment.amount),
    }
    for endpoint in ("create", "hold"):
        for fault in (*KINDS[endpoint], ""):
            order_fault(life, fault, endpoint)
            with life.keep_error(f"{endpoint} {fault}"):
                start_payment(lines=LINES, parts_count=4, hold=endpoint == "hold", buyer_order=make_order())
    for endpoint, act in acts.items():
        for fault in (*KINDS[endpoint], ""):
            payment = a_payment(life, hold=endpoint in {"confirm", "cancel"})
            order_fault(life, fault, endpoint)
            with life.keep_error(f"{endpoint} {fault}"):
                act(payment)
    quoting = a_payment(life)
    life.bank.set_state(quoting.order_id, "FAIL", f"wrong signature {FORGED} in the request")
    sync_payment(quoting)


def a_payment(life: Life, *, hold: bool = False) -> Payment:
    payment = start_payment(lines=LINES, parts_count=4, hold=hold)
    life.bank.pay(payment.order_id)
    return sync_payment(payment)


def order_fault(life: Life, fault: str, endpoint: str) -> None:
    life.bank.clear_faults()
    if fault:
        life.bank.fault(fault, endpoint=endpoint, seconds=0.01)


def staff_look_at_everything(life: Life) -> None:
    root = enter(SUPERUSER)
    paid = Payment.objects.filter(receipt__has_key="card_mask", buyer_order__isnull=False).first()
    assert paid is not None
    keys = {
        "payment": paid.pk,
        "order": paid.buyer_order_id,
        "order_handed_over": paid.buyer_order_id,
        "offer": paid.offer_id,
        "held": (Payment.objects.filter(state="LOCKED").first() or paid).pk,
        "event": paid.events_in_order().latest("pk").pk,
        "unknown_callback": 0,
        "revision": 0,
        "site": Site.objects.get(is_default_site=True).pk,
    }
    for row in MATRIX:
        query = f"?{row.query.format(**keys)}" if row.query else ""
        look(life, root, reverse(row.name, args=[arg.format(**keys) for arg in row.args]) + query)
    for payment in {(payment.state, payment.attention): payment for payment in Payment.objects.all()}.values():
        look(life, root, reverse("payparts_payments:inspect", args=[payment.pk]))
        look(life, root, reverse("admin:wagtail_payparts_payment_change", args=[payment.pk]))
    for event in {(event.type, event.verdict): event for event in PaymentEvent.objects.all()}.values():
        look(life, root, reverse("admin:wagtail_payparts_paymentevent_change", args=[event.pk]))
    for address in ("/admin/", "/admin/reports/site-history/"):
        look(life, root, address)
    for action in ("note", "ask"):
        root.post(reverse(f"payparts_payments:{action}", args=[paid.pk]), {"note": "Подзвонити"})


def look(life: Life, browser: Client, address: str) -> None:
    response = browser.get(address)
    content = b"".join(response) if getattr(response, "streaming", False) else response.content
    life.texts[address] = content


def commands_run(life: Life) -> None:
    for name, options in (("payparts_sync", {}), ("payparts_doctor", {}), ("payparts_purge", {"dry_run": True})):
        out = StringIO()
        with suppress(SystemExit):
            call_command(name, stdout=out, stderr=out, **options)
        life.texts[name] = out.getvalue()
    out = StringIO()
    call_command("dumpdata", "auth", "sessions", "wagtailcore", stdout=out)
    life.texts["dumpdata"] = out.getvalue()


@pytest.mark.parametrize("column", ["bank_message", "receipt", "metadata", "return_url"])
@pytest.mark.parametrize("secret", [CURRENT, PREVIOUS, FORGED, "TOKEN0123456789"])
def test_a_secret_in_any_column_is_found(offer: Any, column: str, secret: str) -> None:
    payment = start_of_a_ledger()
    written: Any = f"…{secret}…" if column in {"bank_message", "return_url"} else {"deep": [{"er": f"x={secret}"}]}
    Payment.objects.filter(pk=payment.pk).update(**{column: written})
    kind = SIGNATURE if secret == FORGED else PASSWORD
    assert search_database({secret: kind}) == [Found(kind, f"wagtail_payparts_payment.{column}")]


@pytest.mark.parametrize(
    "text",
    [
        "token=TOKEN0123456789&size=1",
        "xTOKEN0123456789x",
        "8d3f5c1e0b7a4962a1c4e6f80d2b9573",
        "the%20password%2C%20of%20last%20year%3A%20100%25%20secret",
        "abc+efgh/jklmnopqrstuvwxyz1=",
        "abc%2Befgh%2Fjklmnopqrstuvwxyz1%3D",
        r'"abc+efgh\/jklmnopqrstuvwxyz1="',
    ],
)
def test_a_secret_is_found_however_it_is_written(text: str) -> None:
    secrets = {CURRENT: PASSWORD, PREVIOUS: PASSWORD, "TOKEN0123456789": TOKEN}
    assert len(search_texts(secrets, {"here": text})) == 1


def test_order_ids_and_hashes_are_no_signatures() -> None:
    innocent = "01K3Z9Q8XW7V6T5S4R3P2N1M0K 5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5 a2V5PT0="
    assert search_texts({CURRENT: PASSWORD}, {"here": innocent}) == []


def start_of_a_ledger() -> Payment:
    return Payment.objects.create(order_id="A", amount="400.00", parts_count=2)


def test_the_search_reads_every_table(offer: Any) -> None:
    tables = {place.partition(".")[0] for place, _text in dump_database()}
    assert {"wagtail_payparts_offer", "wagtailcore_page", "django_migrations", "auth_permission"} <= tables


def test_no_address_of_a_visitor_is_kept(bank: Simulator, client: Client) -> None:
    offer = make_offer()
    page = make_page(offer, slug="coffee")
    somewhere = {"REMOTE_ADDR": "203.0.113.77", "HTTP_X_FORWARDED_FOR": "198.51.100.23"}
    address = reverse("wagtail_payparts:checkout", args=[offer.pk])
    pressed = client.post(address, {"parts": 4, "page": page.pk}, headers=SAME_ORIGIN, **somewhere)
    assert pressed.status_code == 303
    payment = Payment.objects.get()
    assert client.get(payment.return_url, **somewhere).status_code == 200
    body = bank.callback_body(payment.order_id, password="wrong")
    client.generic("POST", reverse("wagtail_payparts:callback"), body, "application/json", **somewhere)
    kept = [place for place, text in dump_database() if "203.0.113.77" in text or "198.51.100.23" in text]
    assert kept == []
    assert PaymentEvent.objects.filter(verdict="rejected").exists()

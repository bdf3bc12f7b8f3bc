"""Whatever people read is in their language: complete, compiled, and with the placeholders of the source."""

from __future__ import annotations

import ast
import gettext
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

import wagtail_payparts
from tests.factories import make_offer, make_order, make_payment
from tests.public.pages import make_page, press
from wagtail_payparts.models import AttentionCode, EventType, Payment, PaymentEvent, Source, Verdict
from wagtail_payparts.services.order_ids import return_reference
from wagtail_payparts.simulator import Simulator
from wagtail_payparts.states import PaymentState


LOCALE = Path(wagtail_payparts.__file__).parent / "locale"
TRANSLATED = ["uk", "ru"]
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[a-z%]|\{\w*\}")
CYRILLIC = re.compile("[А-Яа-яЁёІіЇїЄєҐґ]")


class Entry(NamedTuple):
    """One message of a .po file. ``msgstr`` has one text, or one for each plural form."""

    is_fuzzy: bool
    context: str | None
    msgid: str
    plural: str | None
    msgstr: tuple[str, ...]

    @property
    def key(self) -> str:
        """Its name in a compiled catalogue."""
        return self.msgid if self.context is None else f"{self.context}\x04{self.msgid}"

    @property
    def source(self) -> str:
        return self.msgid if self.plural is None else self.plural


def read_po(language: str) -> list[Entry]:
    """The messages of our .po file, without its header. It reads what makemessages writes, and no more than that."""
    text = (LOCALE / language / "LC_MESSAGES" / "django.po").read_text(encoding="utf-8")
    blocks = [block for block in text.strip().split("\n\n") if not block.startswith("#~")]
    return [_read_entry(block) for block in blocks[1:]]


def _read_entry(block: str) -> Entry:
    fields: dict[str, str] = {}
    name = ""
    for line in block.splitlines():
        if line.startswith("#"):
            continue
        keyword, quote, text = line.partition('"')
        name = keyword.strip() or name
        fields[name] = fields.get(name, "") + ast.literal_eval(quote + text)
    return Entry(
        is_fuzzy=bool(re.search(r"^#,.*\bfuzzy\b", block, re.MULTILINE)),
        context=fields.get("msgctxt"),
        msgid=fields["msgid"],
        plural=fields.get("msgid_plural"),
        msgstr=tuple(value for key, value in fields.items() if key.startswith("msgstr")),
    )


def compiled(language: str) -> dict[Any, str]:
    """The .mo file as gettext reads it, without its header."""
    with (LOCALE / language / "LC_MESSAGES" / "django.mo").open("rb") as file:
        catalogue: dict[Any, str] = dict(gettext.GNUTranslations(file)._catalog)  # type: ignore[attr-defined]
    catalogue.pop("", None)
    return catalogue


@pytest.mark.parametrize("language", TRANSLATED)
def test_nothing_is_untranslated_or_fuzzy(language: str) -> None:
    wrong = [entry.msgid for entry in read_po(language) if entry.is_fuzzy or not all(entry.msgstr)]
    assert wrong == []


def test_all_languages_have_the_same_messages() -> None:
    keys = {language: [entry.key for entry in read_po(language)] for language in [*TRANSLATED, "en"]}
    assert keys["uk"] == keys["ru"] == keys["en"]
    assert len(keys["uk"]) == len(set(keys["uk"])) > 300


def test_english_stands_for_itself() -> None:
    assert [entry.msgid for entry in read_po("en") if entry.is_fuzzy or any(entry.msgstr)] == []


@pytest.mark.parametrize("language", [*TRANSLATED, "en"])
def test_what_is_compiled_is_what_the_sources_say(language: str) -> None:
    expected: dict[Any, str] = {}
    for entry in read_po(language):
        if not any(entry.msgstr):
            continue
        if entry.plural is None:
            expected[entry.key] = entry.msgstr[0]
        else:
            expected.update({(entry.key, form): text for form, text in enumerate(entry.msgstr)})
    assert compiled(language) == expected


@pytest.mark.parametrize("language", TRANSLATED)
def test_placeholders_survive_translation(language: str) -> None:
    """Each plural form needs those of the plural: the first of uk and ru also counts 21 and 101."""
    wrong = [
        text
        for entry in read_po(language)
        for text in entry.msgstr
        if sorted(PLACEHOLDER.findall(text)) != sorted(PLACEHOLDER.findall(entry.source))
    ]
    assert wrong == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_texts_are_written_as_the_language_writes_them(language: str) -> None:
    """«Quotation marks» of its own, no stray space, and the mark at the end that the source has there."""
    wrong = [
        text
        for entry in read_po(language)
        for text in entry.msgstr
        if re.search("[“”\"']", text) or text != text.strip() or end_of(text) != end_of(entry.source)
    ]
    assert wrong == []


def end_of(text: str) -> str:
    # Not the point of an abbreviation.
    is_abbreviated = text.endswith("\N{NO-BREAK SPACE}п.")
    return text[-1:] if text.endswith((".", ":", "!", "?")) and not is_abbreviated else ""


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("uk", ["і ще 1 раз", "і ще 2 рази", "і ще 5 разів", "і ще 11 разів", "і ще 21 раз", "і ще 104 рази"]),
        ("ru", ["и ещё 1 раз", "и ещё 2 раза", "и ещё 5 раз", "и ещё 11 раз", "и ещё 21 раз", "и ещё 104 раза"]),
        ("en", ["and once more", *(f"and {count} times more" for count in (2, 5, 11, 21, 104))]),
    ],
)
def test_numbers_take_the_right_form(language: str, expected: list[str]) -> None:
    with override(language):
        said = [
            ngettext("and once more", "and %(count)s times more", count) % {"count": count}
            for count in (1, 2, 5, 11, 21, 104)
        ]
    assert said == expected


def test_words_that_wagtail_means_otherwise_are_left_to_it() -> None:
    """All apps share one catalogue: without a context ours would change Wagtail's pages, or Wagtail's ours."""
    plain = {entry.msgid for entry in read_po("uk") if entry.context is None}
    assert plain.isdisjoint({"Comment", "From", "Name", "New", "Number", "Order", "To", "title"})


def test_names_of_the_bank_are_those_of_the_bank() -> None:
    with override("uk"):
        assert _("Instant instalment") == "Миттєва розстрочка"
        assert _("Pay in parts") == "Оплата частинами"
    with override("ru"):
        assert _("Instant instalment") == "Мгновенная рассрочка"
        assert _("Pay in parts") == "Оплата частями"


# What may stand on a Ukrainian page in Latin letters.
LATIN = re.compile(
    r"\b[0-9A-Z_]{2,}\b|\(store\)|Trace-Id|Django|Test shop|\bdefault\b|\bemail\b|\bpayment_\w+|[\w.+-]+@[\w.-]+"
)


def english_on(soup: BeautifulSoup, within: str = "body") -> list[str]:
    """The texts with a word in Latin letters: what is shown, and what a screen reader says."""
    places = soup.select(within)
    assert places
    for hidden in soup.select("script, style, svg, code, pre, bdi"):
        hidden.decompose()
    texts = [text.strip() for place in places for text in place.find_all(string=True)]
    for name in ("aria-label", "title", "placeholder", "alt"):
        # Wagtail's own words about sorting are not ours to translate.
        named = [tag for place in places for tag in place.select(f"[{name}]") if not tag.find_parent("thead")]
        texts += [str(tag[name]) for tag in named]
    return [text for text in texts if re.search("[A-Za-z]{2,}", LATIN.sub("", text))]


def in_ukrainian(client: Client, address: str, *, status: int = 200) -> BeautifulSoup:
    response = client.get(address, headers={"Accept-Language": "uk"})
    assert response.status_code == status
    return BeautifulSoup(response.content, "html.parser")


def assert_ukrainian(soup: BeautifulSoup) -> None:
    title = soup.select_one("title")
    assert title is not None
    assert CYRILLIC.search(title.text)
    assert english_on(soup) == []


def test_the_button_speaks_ukrainian(client: Client, bank: Simulator, db: None) -> None:
    soup = in_ukrainian(client, make_page(make_offer(parts="2-12")).url)
    assert english_on(soup, ".payparts") == []
    assert "Оплатити частинами" in soup.select_one(".payparts__submit").text  # type: ignore[union-attr]


def test_the_details_speak_ukrainian(client: Client, bank: Simulator, db: None) -> None:
    offer = make_offer(buyer_details="all")
    headers = {"Sec-Fetch-Site": "same-origin", "Accept-Language": "uk"}
    for data in ({}, {"phone": "12345", "email": "nobody"}):
        answer = press(client, offer, headers=headers, **data)
        assert_ukrainian(BeautifulSoup(answer.content, "html.parser"))


def test_what_went_wrong_is_said_in_ukrainian(client: Client, bank: Simulator, db: None) -> None:
    offer = make_offer()
    foreign = press(client, offer, headers={"Sec-Fetch-Site": "cross-site", "Accept-Language": "uk"})
    unsure = press(client, offer, headers={"Accept-Language": "uk"})
    not_sold = press(client, offer, headers={"Sec-Fetch-Site": "same-origin", "Accept-Language": "uk"}, parts=25)
    for answer in (foreign, unsure, not_sold):
        assert_ukrainian(BeautifulSoup(answer.content, "html.parser"))
    assert_ukrainian(in_ukrainian(client, reverse("wagtail_payparts:return", args=["nonsense"]), status=410))
    assert_ukrainian(in_ukrainian(client, reverse("wagtail_payparts:checkout", args=[offer.pk]), status=405))


@pytest.mark.parametrize("state", PaymentState.values)
def test_the_return_page_speaks_ukrainian(client: Client, bank: Simulator, db: None, state: str) -> None:
    token = "" if state == "NEW" else "TOKEN"
    payment = make_payment(state=state, token=token, settled_at=timezone.now(), reference="ABCD-1234-EFGH")
    address = reverse("wagtail_payparts:return", args=[return_reference(payment.store, payment.order_id)])
    assert_ukrainian(in_ukrainian(client, address))


@pytest.fixture
def ledger(db: None) -> Payment:
    """A payment to which everything has happened that a row can tell of, beside one in each state."""
    for state in PaymentState.values:
        make_payment(state=state)
    order = make_order(buyer_name="Олена", buyer_phone="+380671234567", buyer_email="olena@example.com")
    payment = make_payment(
        state="SUCCESS",
        attention=" ".join(AttentionCode.values),
        buyer_order=order,
        bank_state="SUCCESS",
        claim_state="FAIL",
        claim_at=timezone.now(),
        next_poll_at=timezone.now(),
        poll_failures=3,
        refunded_amount="100.00",
        hold=True,
        receipt={"card_mask": "4149****1234", "rrn": "123456789012", "terminal": "PP000001"},
    )
    for type_ in EventType.values:
        PaymentEvent.objects.create(payment=payment, type=type_, message="late_success", repeats=2, duration_ms=90)
    for verdict in Verdict.values:
        PaymentEvent.objects.create(payment=payment, type="callback", verdict=verdict, source=Source.STAFF)
    return payment


def test_the_admin_speaks_ukrainian(admin_client: Client, ledger: Payment) -> None:
    listing = in_ukrainian(admin_client, reverse("payparts_payments:index"))
    # Wagtail has no Ukrainian word for what stands beside its checkboxes.
    assert english_on(listing, ".listing th, .listing td:not(.bulk-action-checkbox-cell)") == []
    assert english_on(listing, ".w-drilldown__submenu") == []
    broken = in_ukrainian(admin_client, reverse("payparts_payments:index") + "?created_at_from=nonsense")
    assert english_on(broken, ".payparts-refusal") == []
    for address in (
        reverse("payparts_payments:inspect", args=[ledger.pk]),
        reverse("payparts_orders:inspect", args=[ledger.buyer_order_id]),
    ):
        page = in_ukrainian(admin_client, address)
        assert english_on(page, "h1, .payparts-lead, [data-panel-heading-text], .w-panel__content") == []
    assert english_on(in_ukrainian(admin_client, reverse("payparts_orders:index")), ".listing") == []


def test_the_pages_of_figures_and_of_actions_are_ukrainian(admin_client: Client, ledger: Payment) -> None:
    # Wagtail's own, and the name of the zone.
    known = {"Toggle breadcrumbs", "Toggle section", "Filter by", "Show filters", "Select"}
    known |= {"Europe/Kyiv", "Excel", "manage.py payparts_doctor"}
    addresses = [
        *(
            reverse(name)
            for name in ("payparts_overview:index", "payparts_payments:attention", "payparts_health:index")
        ),
        reverse("payparts_payments:export"),
        *(reverse(f"payparts_payments:{action}", args=[ledger.pk]) for action in ("ask", "note")),
        *(reverse(f"payparts_orders:{action}", args=[ledger.buyer_order_id]) for action in ("hand_over", "note")),
    ]
    for address in addresses:
        found = english_on(in_ukrainian(admin_client, address), "main")
        left = [text for text in found if re.search("[A-Za-z]{2,}", LATIN.sub("", _without(text, known)))]
        assert left == [], address


def _without(text: str, known: set[str]) -> str:
    for words in known:
        text = text.replace(words, "")
    return text


def test_offers_and_their_problems_are_ukrainian(admin_client: Client, db: None) -> None:
    make_offer(title="Ложка", lines=[("Ложка", 1, "15.00")], services="", parts="60", live=False)
    index = in_ukrainian(admin_client, "/admin/snippets/wagtail_payparts/offer/")
    assert english_on(index, ".listing th, .listing td:not(.bulk-action-checkbox-cell)") == []
    assert "Ціна 15,00\N{NO-BREAK SPACE}грн" in index.text
    edit = in_ukrainian(admin_client, "/admin/snippets/wagtail_payparts/offer/add/")
    labels = [label.get_text(" ", strip=True) for label in edit.select("main .w-field__label, main .help")]
    assert labels
    assert [text for text in labels if re.search("[A-Za-z]{2,}", text)] == []

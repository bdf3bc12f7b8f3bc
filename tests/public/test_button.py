"""The button on a page: the same for everybody, exact, and silent where there is nothing to sell."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.contrib.auth.models import AnonymousUser
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.urls import reverse
from wagtail.models import Site

from tests.factories import make_offer
from tests.public.pages import make_page
from wagtail_payparts.blocks import PayPartsButtonBlock
from wagtail_payparts.button import make_button
from wagtail_payparts.formats import format_hryvnias
from wagtail_payparts.instalments import schedule
from wagtail_payparts.models import Offer, PayPartsSettings


pytestmark = pytest.mark.django_db


def get(client: Client, page: Any) -> tuple[Any, BeautifulSoup]:
    answer = client.get(page.url)
    return answer, BeautifulSoup(answer.content, "html.parser")


def tag(**context: Any) -> BeautifulSoup:
    text = Template("{% load payparts %}{% payparts_button offer %}").render(Context(context))
    return BeautifulSoup(text, "html.parser")


def test_every_visitor_gets_the_same_bytes(client: Client, admin_client: Client, offer: Offer) -> None:
    page = make_page(offer)
    first, _ = get(client, page)
    second, _ = get(admin_client, page)
    assert first.status_code == 200
    assert first.content == second.content
    assert not first.cookies
    assert "Cookie" not in first.get("Vary", "")
    assert b"csrf" not in first.content


def test_the_form_names_the_offer_and_never_a_price(client: Client, offer: Offer) -> None:
    page = make_page(offer)
    _, html = get(client, page)
    form = html.select_one("form.payparts__form")
    assert form is not None
    assert form["method"] == "post"
    assert form["action"] == reverse("wagtail_payparts:checkout", args=[offer.pk])
    assert {field["name"] for field in form.select("input, select, textarea")} == {"service", "parts", "page"}
    assert form.select_one("[name=page]")["value"] == str(page.pk)  # type: ignore[index]


@pytest.mark.parametrize("price", ["12500.00", "999.99", "300.00", "1000.01", "300000.00"])
def test_the_picker_shows_the_exact_instalments(price: str) -> None:
    offer = make_offer(lines=[("Чайник", 1, price)], services="PP", parts="2-25")
    html = tag(offer=offer)
    shown = {
        int(choice.select_one("input")["value"]): choice.select_one("[data-payparts-service=PP]").text  # type: ignore[index,union-attr]
        for choice in html.select(".payparts__parts .payparts__choice")
    }
    monthly = {count: schedule(offer.amount, count, Decimal("0.0001")).monthly for count in range(2, 26)}
    assert shown == {count: f"× {format_hryvnias(amount)}" for count, amount in monthly.items()}


def test_a_first_payment_that_differs_is_shown() -> None:
    offer = make_offer(lines=[("Чайник", 1, "1000.00")], services="PP", parts="3")
    summary = tag(offer=offer).select_one(".payparts__summary")
    assert summary is not None
    assert [row.get_text(" ").replace("\xa0", " ") for row in summary.select("dl > div")] == [
        "First payment UAH 333.44",
        "Then 2 × UAH 333.43",
        "In all UAH 1,000.30",
        "of which for the service UAH 0.30",
    ]


def test_an_offer_with_one_service_asks_for_none() -> None:
    html = tag(offer=make_offer(services="PP"))
    assert html.select_one("input[name=service]")["type"] == "hidden"  # type: ignore[index]


def test_the_fewest_parts_are_chosen_at_first(offer: Offer) -> None:
    assert [choice.parts_count for choice in make_button(offer).parts if choice.is_chosen] == [2]


def test_an_editor_chooses_the_parts_and_the_text(client: Client, offer: Offer) -> None:
    _, html = get(client, make_page(offer, preselected_parts=4, button_text="Купити"))
    assert html.select_one("input[name=parts][checked]")["value"] == "4"  # type: ignore[index]
    assert html.select_one("button").text.strip() == "Купити"  # type: ignore[union-attr]


def test_parts_that_the_offer_lost_since_are_not_chosen() -> None:
    assert [c.parts_count for c in make_button(make_offer(parts="3, 6"), preselected_parts=4).parts if c.is_chosen] == [
        3
    ]


@pytest.mark.parametrize("language", ["uk", "en", "ru"])
def test_numbers_in_the_form_are_for_machines_in_every_language(client: Client, settings: Any, language: str) -> None:
    settings.USE_THOUSAND_SEPARATOR = True
    offer = make_offer(pk=1234567)
    answer = client.get(make_page(offer).url, headers={"Accept-Language": language})
    html = BeautifulSoup(answer.content, "html.parser")
    assert html.select_one("form.payparts__form")["action"] == "/pay-parts/checkout/1234567/"  # type: ignore[index]
    assert all(field["value"].isascii() for field in html.select("input"))  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "unsellable",
    [{"live": False}, {"parts": "30"}, {"services": ""}, {"lines": [("Ложка", 1, "10.00")]}, {"lines": []}],
    ids=["draft", "parts", "services", "price", "empty"],
)
def test_an_offer_that_cannot_be_sold_shows_nothing_to_visitors(client: Client, unsellable: dict[str, Any]) -> None:
    _, html = get(client, make_page(make_offer(**unsellable)))
    assert html.select(".payparts, script, link") == []


def test_a_deleted_offer_shows_nothing_to_visitors(client: Client, offer: Offer) -> None:
    page = make_page(offer)
    offer.delete()
    answer, html = get(client, page)
    assert answer.status_code == 200
    assert html.select(".payparts") == []


def preview(offer: Offer | None) -> BeautifulSoup:
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    request.is_preview = True  # type: ignore[attr-defined]
    return tag(offer=offer, request=request)


def test_a_preview_shows_the_button_but_nobody_can_press_it(offer: Offer) -> None:
    html = preview(offer)
    assert html.select_one("button")["disabled"] == ""  # type: ignore[index]
    assert html.select(".payparts__problem") == []


def test_a_preview_says_why_visitors_see_nothing() -> None:
    html = preview(make_offer(live=False))
    assert "not published" in html.select_one(".payparts__problem").text  # type: ignore[union-attr]
    assert html.select_one("button")["disabled"] == ""  # type: ignore[index]


def test_a_preview_says_that_the_offer_is_gone() -> None:
    assert "deleted" in preview(None).select_one(".payparts__problem").text  # type: ignore[union-attr]


def test_a_block_without_a_request_is_the_same(rf: RequestFactory, offer: Offer) -> None:
    block = PayPartsButtonBlock()
    value = block.normalize({"offer": offer})
    alone = block.render(value)
    within = block.render(value, {"request": rf.get("/", headers={"Host": "localhost"})})
    assert "payparts__form" in alone
    assert alone == within


def test_the_preview_in_the_block_picker_needs_no_offer(admin_client: Client) -> None:
    block = PayPartsButtonBlock()
    html = BeautifulSoup(block.render(block.get_preview_value()), "html.parser")
    assert html.select_one("button")["disabled"] == ""  # type: ignore[index]
    assert not Offer.objects.exists()
    answer = admin_client.get(
        reverse("wagtailadmin_block_preview"),
        {"id": make_page().body.stream_block.child_blocks["button"].definition_prefix},
    )
    assert answer.status_code == 200
    assert b"payparts__form" in answer.content


def test_a_block_refuses_parts_that_its_offer_does_not_allow(offer: Offer) -> None:
    block = PayPartsButtonBlock()
    value = block.normalize({"offer": offer, "preselected_parts": 12})
    with pytest.raises(Exception, match="Validation error in StructBlock") as refused:
        block.clean(value)
    assert "2, 3, 4, 5, 6" in str(refused.value.block_errors["preselected_parts"])  # type: ignore[attr-defined]


def test_a_block_costs_one_query_for_lines_and_one_for_texts(offer: Offer, django_assert_num_queries: Any) -> None:
    offer = Offer.objects.get()
    with django_assert_num_queries(2):
        make_button(offer)


def test_the_legal_information_of_the_site_is_shown(client: Client, offer: Offer) -> None:
    site = Site.objects.get(is_default_site=True)
    PayPartsSettings.objects.create(site=site, legal_information="Кредит надає <банк>.\n\nЛіцензія № 22.")
    _, html = get(client, make_page(offer))
    legal = html.select_one(".payparts__legal")
    assert legal is not None
    assert [p.text for p in legal.select("p")] == ["Кредит надає <банк>.", "Ліцензія № 22."]
    assert "Ліцензія" in tag(offer=offer).text


def test_reading_a_page_writes_nothing(client: Client, offer: Offer) -> None:
    get(client, make_page(offer))
    assert not PayPartsSettings.objects.exists()


def test_no_script_and_no_style_stands_in_the_page(client: Client, offer: Offer) -> None:
    _, html = get(client, make_page(offer))
    assert all(script["src"].startswith("/static/") and not script.text for script in html.select("script"))  # type: ignore[union-attr]
    assert html.select("style, [style], [onclick], [onsubmit]") == []


@pytest.mark.parametrize("language", ["uk", "en", "ru"])
def test_nothing_is_called_free(client: Client, offer: Offer, language: str) -> None:
    answer = client.get(make_page(offer).url, headers={"Accept-Language": language})
    assert not re.search(r"\b0 ?%|free|безкоштовн|бесплатн", answer.content.decode(), re.IGNORECASE)


def test_the_preview_of_an_offer_shows_its_draft(rf: RequestFactory) -> None:
    offer = make_offer(live=False, description="Два літри.")
    offer.title = "Новий чайник"
    answer = offer.make_preview_request(rf.get("/"), "")
    html = BeautifulSoup(answer.content, "html.parser")
    assert answer.status_code == 200
    assert html.select_one("h1").text == "Новий чайник"  # type: ignore[union-attr]
    assert "not published" in html.select_one(".payparts__problem").text  # type: ignore[union-attr]
    assert html.select_one("button")["disabled"] == ""  # type: ignore[index]

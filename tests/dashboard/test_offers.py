"""Offers in the admin: a snippet with drafts, preview and usage, in the menu of the plugin."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from wagtail.models import Site
from wagtail.test.utils.form_data import inline_formset, nested_form_data

from tests.dashboard.conftest import ORDERS, PAYMENTS
from tests.dashboard.reading import listed, soup_of, words
from tests.factories import make_offer, make_order, make_payment
from tests.testapp.models import ShopPage
from wagtail_payparts import conf
from wagtail_payparts.formats import format_hryvnias
from wagtail_payparts.models import Offer


pytestmark = pytest.mark.django_db

OFFERS = "/admin/snippets/wagtail_payparts/offer/"


def test_the_listing_says_what_an_offer_costs_and_whether_it_can_be_sold(superuser: Client) -> None:
    make_offer(title="Чайник")
    make_offer(title="Чернетка", live=False)
    make_offer(title="Наліпка", lines=[("Наліпка", 3, "5.00")])
    # Not just any table: Wagtail may explain its keyboard shortcuts in another one.
    listing = soup_of(superuser.get(OFFERS)).select("table.listing tbody tr")
    rows = {words(row.select_one(".title-wrapper")): words(row) for row in listing}
    assert "UAH 12,500.00" in rows["Чайник"]
    assert "Instant instalment, Pay in parts" in rows["Чайник"]
    assert "2-6" in rows["Чайник"]
    assert " Yes " in rows["Чайник"]
    assert "The offer is not published." in rows["Чернетка"]
    assert "UAH 15.00" in rows["Наліпка"]
    assert "the bank takes from UAH 300.00 to UAH 300,000.00" in rows["Наліпка"]


def _row(client: Client, title: str) -> Any:
    listing = soup_of(client.get(OFFERS)).select("table.listing tbody tr")
    return next(row for row in listing if words(row.select_one(".title-wrapper")) == title)


def _is_said(text: str, client: Client, title: str) -> bool:
    # Money is written with no-break spaces.
    return " ".join(text.split()) in words(_row(client, title))


def test_the_listing_says_what_an_offer_comes_to_a_month(superuser: Client) -> None:
    """The least of all ways to pay it: in the most parts, by the service that costs the buyer less."""
    make_offer(title="Чайник", lines=[("Чайник", 1, "6000.00")], parts="2-6", services="II,PP")
    make_offer(title="Миттєва", lines=[("Чайник", 1, "6000.00")], parts="3", services="II")
    make_offer(title="Без частин", parts="26")
    instant, by_parts = (6000 * conf.rates(service).buyer_monthly for service in ("II", "PP"))
    assert by_parts < instant
    assert _is_said(f"from {format_hryvnias(1000 + by_parts)} a month in 2-6 parts", superuser, "Чайник")
    assert _is_said(f"from {format_hryvnias(2000 + instant)} a month in 3 parts", superuser, "Миттєва")
    assert " a month" not in words(_row(superuser, "Без частин"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"live": False}, "The offer is not published."),
        ({"go_live_at": timedelta(days=1)}, "The time from which the offer is sold has not come yet."),
        ({"expire_at": -timedelta(days=1)}, "The time until which the offer is sold is over."),
        ({"parts": "26"}, "No number of parts is left that the bank allows."),
        ({"services": ""}, "No service is chosen."),
        ({"lines": [("Наліпка", 1, "299.99")]}, "the bank takes from UAH 300.00"),
    ],
)
def test_an_offer_that_is_not_sold_says_why(superuser: Client, change: dict[str, Any], reason: str) -> None:
    now = timezone.now()
    make_offer(
        title="Чайник",
        **{name: now + value if isinstance(value, timedelta) else value for name, value in change.items()},
    )
    cell = words(_row(superuser, "Чайник").select_one(".payparts-reasons"))
    assert cell.startswith("No ")
    assert reason in cell


def test_an_offer_says_from_when_and_until_when_it_is_sold(superuser: Client) -> None:
    kyiv = ZoneInfo("Europe/Kyiv")
    make_offer(
        title="Чайник",
        live=False,
        go_live_at=datetime(2090, 3, 1, 10, 0, tzinfo=kyiv),
        expire_at=datetime(2090, 4, 1, 10, 0, tzinfo=kyiv),
    )
    cell = words(_row(superuser, "Чайник").select_one(".payparts-reasons"))
    assert "from 1 Mar 2090, 10:00 until 1 Apr 2090, 10:00" in cell


def test_a_price_that_the_bank_may_not_take_is_pointed_at(superuser: Client) -> None:
    make_offer(title="З гвинтами", lines=[("Полиця", 1, "900.00"), ("Гвинт", 8, "0.50")])
    cell = words(_row(superuser, "З гвинтами").select_one(".payparts-reasons"))
    assert cell.startswith("Yes ")
    assert "costs less than UAH 1.00" in cell


def test_the_listing_says_where_offers_are_used(superuser: Client, staff: Any) -> None:
    offer, other = make_offer(title="Чайник"), make_offer(title="Велосипед")
    root = Site.objects.get().root_page
    for number in range(2):
        root.add_child(instance=ShopPage(title=f"Сторінка {number}", body=[("button", {"offer": offer})]))
    link = _row(superuser, "Чайник").select_one(f'a[href="{OFFERS}usage/{offer.pk}/"]')
    assert words(link) == "Used 2 times"
    assert words(_row(superuser, "Велосипед").select_one(f'a[href="{OFFERS}usage/{other.pk}/"]')) == "Used 0 times"
    # Where it is used may be looked up by those who may change it.
    assert not _row(staff("add_offer"), "Чайник").select('a[href*="/usage/"]')


def test_where_offers_are_used_costs_the_same_for_one_and_for_many(superuser: Client) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            superuser.get(OFFERS)
        return sum("wagtailcore_referenceindex" in query["sql"] for query in queries)

    make_offer()
    superuser.get(OFFERS)
    assert asked() == 1
    for number in range(5):
        make_offer(title=f"Чайник {number}")
    assert asked() == 1


def test_an_offer_is_not_made_inside_a_chooser(superuser: Client) -> None:
    make_offer(title="Чайник")
    chooser = "/admin/snippets/choose/wagtail_payparts/offer/"
    assert "Чайник" in superuser.get(chooser).json()["html"]
    assert superuser.post(f"{chooser}create/").status_code == 404


def test_a_deleted_offer_leaves_listings_and_pages_alive(superuser: Client) -> None:
    offer = make_offer(title="Чайник")
    order = make_order(offer=offer, offer_title="Чайник")
    payment = make_payment(offer=offer, offer_title="Чайник", buyer_order=order)
    superuser.post(f"{OFFERS}delete/{offer.pk}/")
    assert not Offer.objects.exists()
    assert soup_of(superuser.get(OFFERS))
    for address in (PAYMENTS, ORDERS, f"{PAYMENTS}{payment.pk}/", f"{ORDERS}{order.pk}/"):
        soup = soup_of(superuser.get(address))
        assert "Чайник" in words(soup)
        assert not soup.select(f'a[href="{OFFERS}edit/{offer.pk}/"]')


def test_offers_are_found_by_title(superuser: Client) -> None:
    make_offer(title="Чайник")
    make_offer(title="Велосипед")
    assert listed(superuser, OFFERS, q="Вело") == ["Велосипед"]


def test_the_prices_of_all_offers_cost_one_query(superuser: Client, django_assert_max_num_queries: Any) -> None:
    make_offer()
    superuser.get(OFFERS)
    with django_assert_max_num_queries(20) as few:
        superuser.get(OFFERS)
    for number in range(10):
        make_offer(title=f"Чайник {number}")
    # Wagtail's status tag asks for each row whether it is scheduled.
    with django_assert_max_num_queries(len(few) + 10):
        superuser.get(OFFERS)


def _form(*lines: dict[str, Any], **fields: Any) -> dict[str, Any]:
    saved = sum("id" in line for line in lines)
    form = {
        "title": "Чайник",
        "description": "",
        "image": "",
        "parts": "3, 6",
        "buyer_details": "none",
        "lines": inline_formset(list(lines), initial=saved),
    }
    return nested_form_data(form | fields) | {"services": ["II", "PP"]}  # type: ignore[no-any-return]


def test_an_editor_makes_a_draft_and_publishes_it(superuser: Client) -> None:
    line = {"name": "Чайник", "count": 1, "price": "999.00"}
    superuser.post(f"{OFFERS}add/", _form(line))
    offer = Offer.objects.get()
    assert not offer.live
    superuser.post(
        f"{OFFERS}edit/{offer.pk}/", _form(line | {"id": offer.lines.get().pk}, **{"action-publish": "Publish"})
    )
    offer.refresh_from_db()
    assert offer.live
    assert offer.is_for_sale
    assert offer.services == "II,PP"


@pytest.mark.parametrize("page", ["edit/{pk}/", "usage/{pk}/", "history/{pk}/", "copy/{pk}/", "delete/{pk}/"])
def test_an_offer_has_the_pages_of_any_snippet(superuser: Client, page: str) -> None:
    assert superuser.get(OFFERS + page.format(pk=make_offer().pk)).status_code == 200


def test_offers_need_the_permissions_of_any_snippet(viewer: Client, staff: Any) -> None:
    offer = make_offer()
    for page in ("", "add/", f"edit/{offer.pk}/", f"delete/{offer.pk}/"):
        assert viewer.get(OFFERS + page)["Location"] == "/admin/"
    editor = staff("change_offer")
    assert editor.get(OFFERS).status_code == 200
    assert editor.get(f"{OFFERS}edit/{offer.pk}/").status_code == 200
    assert editor.get(f"{OFFERS}delete/{offer.pk}/")["Location"] == "/admin/"


def test_offers_stand_in_the_menu_of_the_plugin_and_not_among_the_snippets(superuser: Client) -> None:
    content = superuser.get(reverse("wagtailadmin_home")).content.decode()
    assert OFFERS in content
    assert '"/admin/snippets/"' not in content


def test_the_icons_are_in_the_sprite(superuser: Client) -> None:
    sprite = superuser.get(reverse("wagtailadmin_sprite")).content.decode()
    for name in ("parts", "payment", "order", "offer"):
        assert f'id="icon-payparts-{name}"' in sprite

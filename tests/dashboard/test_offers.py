"""Offers in the admin: a snippet with drafts, preview and usage, in the menu of the plugin."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from wagtail.test.utils.form_data import inline_formset, nested_form_data

from tests.dashboard.reading import listed, soup_of, words
from tests.factories import make_offer
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

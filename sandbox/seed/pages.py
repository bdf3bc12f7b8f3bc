"""The pages, in a tree for each language, and the site that they belong to."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from wagtail.models import Locale, Page, Site

from sandbox.home.models import HomePage, ProductPage
from wagtail_payparts.models import Offer

from .offers import OFFERS, picture
from .texts import FACTS_HEADING, HOME, PRODUCTS, HomeTexts, ProductTexts


#: The button opens with this number of parts; the others begin with the fewest.
PRESELECTED = {"espresso": 6, "kettle": 3}


def seed(offers: dict[str, Offer]) -> None:
    home = HomePage.objects.filter(locale__language_code=settings.LANGUAGE_CODE).first() or _make_trees(offers)
    Site.objects.update_or_create(
        is_default_site=True,
        defaults={
            "hostname": settings.HOST,
            "port": settings.PORT,
            "site_name": settings.WAGTAIL_SITE_NAME,
            "root_page": home,
        },
    )
    Site.clear_site_root_paths_cache()


def _make_trees(offers: dict[str, Offer]) -> HomePage:
    root = Page.get_first_root_node()
    homes: dict[str, HomePage] = {}
    twins: dict[str, Any] = {}
    for language, _name in settings.LANGUAGES:
        locale, _is_new = Locale.objects.get_or_create(language_code=language)
        home = _home(HOME[language], locale)
        if homes:
            home.translation_key = next(iter(homes.values())).translation_key
        homes[language] = root.add_child(instance=home)
        for key, texts in PRODUCTS.items():
            page = _product(key, texts[language], locale, offers[key])
            page.translation_key = twins.setdefault(key, page).translation_key
            homes[language].add_child(instance=page)
    Site.objects.filter(is_default_site=True).update(root_page=homes[settings.LANGUAGE_CODE])
    # Wagtail's own welcome page.
    for page in root.get_children().exclude(pk__in=[home.pk for home in homes.values()]):
        page.delete()
    for page in (*HomePage.objects.all(), *ProductPage.objects.all()):
        revision = page.save_revision(user=get_user_model().objects.get(username="editor"))
        if page.live:
            revision.publish()
    return HomePage.objects.get(pk=homes[settings.LANGUAGE_CODE].pk)


def _home(texts: HomeTexts, locale: Locale) -> HomePage:
    return HomePage(
        title=texts.title,
        slug=f"home-{locale.language_code}",
        locale=locale,
        headline=texts.headline,
        lead=texts.lead,
        image=picture("hero", "Ранковий стіл"),
        body=[
            (
                "steps",
                {
                    "heading": texts.steps_heading,
                    "steps": [{"title": title, "text": text} for title, text in texts.steps],
                },
            ),
        ],
    )


def _product(key: str, texts: ProductTexts, locale: Locale, offer: Offer) -> ProductPage:
    return ProductPage(
        title=texts.title,
        slug=key,
        locale=locale,
        live=OFFERS[key].live,
        has_unpublished_changes=not OFFERS[key].live,
        kind=texts.kind,
        summary=texts.summary,
        image=picture(key, OFFERS[key].title),
        body=[
            ("pay_in_parts", {"offer": offer, "preselected_parts": PRESELECTED.get(key), "button_text": ""}),
            ("text", texts.text),
            (
                "facts",
                {
                    "heading": FACTS_HEADING[locale.language_code],
                    "facts": [{"name": name, "value": value} for name, value in texts.facts],
                },
            ),
        ],
    )

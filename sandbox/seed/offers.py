"""What the shop sells through buttons, and the pictures of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from django.core.files.images import ImageFile
from wagtail.images import get_image_model
from wagtail.images.models import AbstractImage
from wagtail.models import Site

from wagtail_payparts.models import Offer, OfferLine, PayPartsSettings


ART = Path(__file__).resolve().parent.parent / "home" / "art"

LEGAL = (
    "Кредит надає АТ КБ «ПриватБанк». Суми орієнтовні: остаточний графік платежів, реальну річну процентну ставку "
    "та умови договору банк показує до підтвердження покупки.\n\n"
    "Credit by JSC CB PrivatBank. The sums are approximate: the bank shows the final schedule, the real annual rate "
    "and the terms before you confirm."
)


@dataclass(frozen=True)
class ForSale:
    """An offer to be made. ``lines``: name, count and price (UAH) of one; ``popularity`` is for the history."""

    title: str
    description: str
    lines: tuple[tuple[str, int, str], ...]
    services: str
    parts: str
    buyer_details: str
    popularity: int
    live: bool = True


OFFERS = {
    "espresso": ForSale(
        title="Еспресо-машина «Світанок»",
        description="Разом із набором для догляду на перший рік.",
        lines=(("Еспресо-машина «Світанок»", 1, "17899.00"), ("Набір для догляду", 1, "600.00")),
        services="II,PP",
        parts="2-12",
        buyer_details="none",
        popularity=3,
    ),
    "grinder": ForSale(
        title="Кавомолка «Жорна 64»",
        description="Пласкі жорна 64 мм, 58 ступенів помелу.",
        lines=(("Кавомолка «Жорна 64»", 1, "7890.50"),),
        services="PP",
        parts="2, 3, 4, 6",
        buyer_details="phone",
        popularity=4,
    ),
    "kettle": ForSale(
        title="Набір для пуровера «Журавель»",
        description="Чайник, лійка, сервірник і сто фільтрів.",
        lines=(
            ("Чайник «Журавель»", 1, "2650.00"),
            ("Лійка та сервірник", 1, "1290.00"),
            ("Фільтри, 50 шт.", 2, "120.00"),
        ),
        services="II,PP",
        parts="2-6",
        buyer_details="all",
        popularity=5,
    ),
    "roaster": ForSale(
        title="Домашній ростер «Вогник»",
        description="Барабан на 300 г, профілі обсмаження.",
        lines=(("Домашній ростер «Вогник»", 1, "24900.00"),),
        services="II",
        parts="3, 6, 12, 24",
        buyer_details="all",
        popularity=0,
        live=False,
    ),
}


def seed() -> dict[str, Offer]:
    """The offers by their keys, made where they are missing."""
    site = Site.objects.get(is_default_site=True)
    PayPartsSettings.objects.get_or_create(site=site, defaults={"legal_information": LEGAL})
    return {key: Offer.objects.filter(title=what.title).first() or _make(key, what) for key, what in OFFERS.items()}


def _make(key: str, what: ForSale) -> Offer:
    offer = Offer(
        title=what.title,
        description=what.description,
        image=picture(key, what.title),
        services=what.services,
        parts=what.parts,
        buyer_details=what.buyer_details,
        live=what.live,
        has_unpublished_changes=not what.live,
    )
    for position, (name, count, price) in enumerate(what.lines):
        offer.lines.add(OfferLine(name=name, count=count, price=Decimal(price), sort_order=position))
    offer.save()
    revision = offer.save_revision()
    if what.live:
        revision.publish()
    return offer


def picture(name: str, title: str) -> AbstractImage:
    """A picture of ``home/art`` as a Wagtail image."""
    found = get_image_model().objects.filter(title=title).first()
    if found is not None:
        return found
    with (ART / f"{name}.png").open("rb") as file:
        image: AbstractImage = get_image_model()(title=title, file=ImageFile(file, name=f"zhorna-{name}.png"))
        image.save()
    return image

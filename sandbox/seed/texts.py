"""The texts of the pages, in both languages of the shop."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class HomeTexts:
    title: str
    headline: str
    lead: str
    steps_heading: str
    steps: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ProductTexts:
    """``facts`` are names and values."""

    title: str
    kind: str
    summary: str
    text: str
    facts: tuple[tuple[str, str], ...]


HOME = {
    "uk": HomeTexts(
        title="Жорна",
        headline="Кава, що починається з жорен",
        lead="Машини, кавомолки й зерно для ранків, яким нема куди поспішати. Заплатити можна частинами.",
        steps_heading="Як купити частинами",
        steps=(
            ("Оберіть кількість платежів", "Суми видно одразу, до копійки, ще до натискання кнопки."),
            ("Підтвердьте в ПриватБанку", "Одне натискання — і ви на сторінці банку. Ми не бачимо вашої картки."),
            ("Поверніться до магазину", "Сторінка скаже, що вирішив банк. Оплачене пакуємо того ж дня."),
        ),
    ),
    "en": HomeTexts(
        title="Zhorna",
        headline="Coffee begins with the millstones",
        lead="Machines, grinders and beans for mornings that are in no hurry. You can pay in parts.",
        steps_heading="How to pay in parts",
        steps=(
            ("Choose the number of payments", "You see every sum, to the kopeck, before you press anything."),
            ("Confirm at PrivatBank", "One press takes you to the bank's page. We never see your card."),
            ("Come back to the shop", "The page says what the bank decided. Paid orders leave the same day."),
        ),
    ),
}

FACTS_HEADING = {"uk": "Характеристики", "en": "Details"}

PRODUCTS = {
    "espresso": {
        "uk": ProductTexts(
            title="«Світанок»",
            kind="Еспресо-машина",
            summary="Дев’ять барів, один важіль і кухня, що пахне кав’ярнею.",
            text=(
                "<p>Латунний бойлер тримає температуру з точністю до градуса, а манометр показує, що відбувається "
                "всередині. Горнятка гріються згори, поки машина прокидається.</p>"
                "<p>У коробці: холдер із горіховим руків’ям, два кошики, темпер і набір для догляду на рік.</p>"
            ),
            facts=(
                ("Бойлер", "латунний, 0,6 л"),
                ("Тиск", "9 бар"),
                ("Нагрів", "6 хвилин"),
                ("Розмір", "31 × 38 × 42 см"),
                ("Гарантія", "3 роки"),
            ),
        ),
        "en": ProductTexts(
            title="Svitanok",
            kind="Espresso machine",
            summary="Nine bars, one lever, and a kitchen that smells like a coffee house.",
            text=(
                "<p>The brass boiler keeps its temperature to a degree, and the gauge shows what goes on inside. "
                "Cups warm up on top while the machine wakes.</p>"
                "<p>In the box: a portafilter with a walnut handle, two baskets, a tamper and a year of care.</p>"
            ),
            facts=(
                ("Boiler", "brass, 0.6 l"),
                ("Pressure", "9 bar"),
                ("Warm-up", "6 minutes"),
                ("Size", "31 × 38 × 42 cm"),
                ("Warranty", "3 years"),
            ),
        ),
    },
    "grinder": {
        "uk": ProductTexts(
            title="«Жорна 64»",
            kind="Кавомолка",
            summary="Сталеві жорна 64 мм мелють рівно й тихо: сусіди спатимуть.",
            text=(
                "<p>Від турки до френч-преса — 58 ступенів, і кожен повертається туди, де був. Мотор працює на низьких "
                "обертах, тому зерно не нагрівається.</p>"
                "<p>Після замовлення ми зателефонуємо й порадимо помел під вашу машину.</p>"
            ),
            facts=(
                ("Жорна", "пласкі, 64 мм"),
                ("Ступенів помелу", "58"),
                ("Оберти", "800 за хвилину"),
                ("Бункер", "350 г"),
                ("Гарантія", "5 років"),
            ),
        ),
        "en": ProductTexts(
            title="Zhorna 64",
            kind="Grinder",
            summary="Steel burrs of 64 mm grind evenly and quietly: the neighbours sleep on.",
            text=(
                "<p>From cezve to French press in 58 steps, and each comes back to where it was. The motor turns "
                "slowly, so the beans stay cool.</p>"
                "<p>Once you have ordered, we call and suggest a setting for your machine.</p>"
            ),
            facts=(
                ("Burrs", "flat, 64 mm"),
                ("Steps", "58"),
                ("Speed", "800 a minute"),
                ("Hopper", "350 g"),
                ("Warranty", "5 years"),
            ),
        ),
    },
    "kettle": {
        "uk": ProductTexts(
            title="«Журавель»",
            kind="Набір для пуровера",
            summary="Чайник із довгою шиєю, лійка й сервірник — усе для однієї доброї чашки.",
            text=(
                "<p>Тонкий носик ллє воду туди, куди ви дивитесь. Підставка гріє до заданого градуса й тримає його "
                "пів години.</p>"
                "<p>У наборі: чайник на 0,9 л, керамічна лійка, скляний сервірник і дві пачки фільтрів.</p>"
            ),
            facts=(
                ("Чайник", "0,9 л, від 40 до 100 °C"),
                ("Лійка", "кераміка, 1–4 чашки"),
                ("Сервірник", "скло, 0,6 л"),
                ("Фільтри", "2 пачки по 50"),
                ("Гарантія", "2 роки"),
            ),
        ),
        "en": ProductTexts(
            title="Zhuravel",
            kind="Pour-over set",
            summary="A long-necked kettle, a cone and a server: all it takes for one good cup.",
            text=(
                "<p>The thin spout pours where you look. The base heats to the degree you set and keeps it for half "
                "an hour.</p>"
                "<p>In the set: a 0.9 l kettle, a ceramic cone, a glass server and two packs of filters.</p>"
            ),
            facts=(
                ("Kettle", "0.9 l, 40 to 100 °C"),
                ("Cone", "ceramic, 1–4 cups"),
                ("Server", "glass, 0.6 l"),
                ("Filters", "2 packs of 50"),
                ("Warranty", "2 years"),
            ),
        ),
    },
    "roaster": {
        "uk": ProductTexts(
            title="«Вогник»",
            kind="Домашній ростер",
            summary="Скоро у продажу: смажте зерно вдома, по триста грамів.",
            text="<p>Чотири профілі обсмаження і віконце, щоб бачити перший тріск.</p>",
            facts=(("Барабан", "300 г"), ("Профілів", "4")),
        ),
        "en": ProductTexts(
            title="Vohnyk",
            kind="Home roaster",
            summary="Coming soon: roast at home, three hundred grams at a time.",
            text="<p>Four roasting profiles, and a window through which to watch for the first crack.</p>",
            facts=(("Drum", "300 g"), ("Profiles", "4")),
        ),
    },
}

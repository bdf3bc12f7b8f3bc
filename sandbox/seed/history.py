"""Three months of payments, all of them over: no bank is asked about them, and the report shows them."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from django.db import transaction
from django.utils import timezone
from wagtail.models import Site

from sandbox.home.models import ProductPage
from sandbox.shop.models import MONTHS, PRICES, Plan, ShopOrder
from sandbox.shop.models import OrderStatus as ShopStatus
from wagtail_payparts import conf
from wagtail_payparts.instalments import shop_fee
from wagtail_payparts.models import AttentionCode, Offer, Order, OrderStatus, Payment, PaymentEvent, Refund
from wagtail_payparts.states import PaymentState

from . import plots
from .offers import OFFERS
from .story import Story, unique_text


SEED = 2026
DAYS = 91
PAYMENTS = 300
MARK = {"demo": "history"}

FIRST_NAMES = ("Олена", "Андрій", "Соломія", "Богдан", "Марта", "Назар", "Юлія", "Остап", "Дарина", "Павло", "Зоряна")
LAST_NAMES = ("Шевченко", "Ткачук", "Романюк", "Гнатюк", "Кравець", "Левчук", "Савчук", "Поліщук", "Мороз", "Дзюба")


@transaction.atomic
def seed(offers: dict[str, Offer]) -> None:
    if Payment.objects.filter(metadata=MARK).exists():
        return
    _store(Writer(offers).write())


class Writer:
    """Makes up the history of the last three months; the same one as long as it is the same day."""

    def __init__(self, offers: dict[str, Offer]) -> None:
        self.rng = Random(SEED)
        self.today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
        self.offers = offers
        for offer in offers.values():
            # Kept with the offer, or each payment would read the lines again.
            offer.lines.get_object_list()
        self.site = Site.objects.get(is_default_site=True)
        self.pages = {(page.slug, page.locale.language_code): page for page in ProductPage.objects.live()}

    def write(self) -> list[Story]:
        stories = [self._story(plot, self._moment(days_ago)) for plot, days_ago in plots.RARE.items()]
        usual = self.rng.choices(list(plots.USUAL), weights=list(plots.USUAL.values()), k=PAYMENTS - len(stories) - 1)
        # Trade grows: the last weeks have more of it than the first.
        stories += [self._story(plot, self._moment(int(self.rng.triangular(1, DAYS, 1)))) for plot in usual]
        sold = [story for story in stories if story.order and story.is_paid and not story.payment.attention]
        stories.append(self._paid_again(max(sold, key=lambda story: story.payment.created_at)))
        return sorted(stories, key=lambda story: story.payment.created_at)

    def _moment(self, days_ago: int) -> datetime:
        minutes = int(self.rng.triangular(8 * 60, 23 * 60, 20 * 60))
        return self.today - timedelta(days=days_ago) + timedelta(minutes=minutes, seconds=self.rng.randrange(60))

    def _story(self, plot: plots.Plot, at: datetime) -> Story:
        # What the rare stories need is sold by a button and dear enough.
        from_shop = plot in plots.USUAL and self.rng.random() < 0.15
        story = self._from_shop(at) if from_shop else self._from_button(at, dear=plot in plots.RARE)
        plot(story)
        return story

    def _from_button(self, at: datetime, *, dear: bool = False) -> Story:
        keys = [key for key, what in OFFERS.items() if what.live]
        popularity = [OFFERS[key].popularity for key in keys]
        key = "espresso" if dear else self.rng.choices(keys, weights=popularity)[0]
        offer = self.offers[key]
        page = self.pages[key, "en" if self.rng.random() < 0.15 else "uk"]
        lines = [{"name": line.name, "count": line.count, "price": f"{line.price:.2f}"} for line in offer.bank_lines]
        payment = self._payment(
            offer.amount,
            lines,
            self.rng.choice(offer.allowed_parts),
            self.rng.choice(offer.allowed_services),
            offer=offer,
            offer_title=offer.title,
            page_id=page.pk,
            page_title=page.title,
            page_url=page.full_url,
        )
        story = Story(self.rng, at, payment)
        story.order = payment.buyer_order = Order(
            number=unique_text(self.rng, (4, 4, 4)),
            amount=offer.amount,
            lines=lines,
            offer=offer,
            offer_title=offer.title,
            site=self.site,
            created_at=at,
            **self._buyer(OFFERS[key].buyer_details),
        )
        return story

    def _from_shop(self, at: datetime) -> Story:
        plan = self.rng.choice(list(Plan))
        name, phone = self._person()
        order = ShopOrder(
            number="Z-" + unique_text(self.rng, (8,)),
            plan=plan,
            amount=PRICES[plan] * MONTHS,
            name=name,
            phone=phone,
            created_at=at,
        )
        lines = [{"name": str(plan.label), "count": MONTHS, "price": f"{PRICES[plan]:.2f}"}]
        payment = self._payment(order.amount, lines, self.rng.choice((2, 3, 4, 6)), "PP", reference=order.number)
        story = Story(self.rng, at, payment)
        story.shop_order = order
        return story

    def _paid_again(self, first: Story) -> Story:
        """The same order, paid in a second window an hour later."""
        payment = self._payment(
            first.payment.amount,
            first.payment.lines,
            2,
            "PP",
            offer=first.payment.offer,
            offer_title=first.payment.offer_title,
            buyer_order=first.order,
        )
        second = Story(self.rng, first.payment.created_at + timedelta(hours=1), payment)
        plots.paid(second)
        second.needs_attention(AttentionCode.DOUBLE_PAYMENT)
        first.needs_attention(AttentionCode.DOUBLE_PAYMENT)
        return second

    def _payment(
        self, amount: Decimal, lines: list[dict[str, Any]], parts: int, service: str, **fields: Any
    ) -> Payment:
        return Payment(
            amount=amount,
            lines=lines,
            parts_count=parts,
            merchant_type=service,
            fee=shop_fee(amount, conf.rates(service).shop_share(parts)),
            metadata=MARK,
            site=self.site,
            **fields,
        )

    def _buyer(self, details: str) -> dict[str, str]:
        name, phone = self._person()
        if details == "none":
            return {}
        if details == "phone":
            return {"buyer_phone": phone}
        email = f"pokupets{self.rng.randint(100, 999)}@example.com"
        return {"buyer_name": name, "buyer_phone": phone, "buyer_email": email}

    def _person(self) -> tuple[str, str]:
        name = f"{self.rng.choice(FIRST_NAMES)} {self.rng.choice(LAST_NAMES)}"
        return name, f"+38050000{self.rng.randrange(10_000):04d}"


def _store(stories: list[Story]) -> None:
    """Everything in a few statements. The database fills in the times of creation, so they are put right after."""
    payments = [story.payment for story in stories]
    orders = list({id(story.order): story.order for story in stories if story.order}.values())
    for story in stories:
        _follow(story)
    _insert(Order, orders, "created_at", "status_changed_at")
    first_of = set()
    for payment in payments:
        # The first payment that pays an order is the one that counts.
        key = f"order:{payment.buyer_order.pk}" if payment.buyer_order else f"reference:{payment.reference}"
        if payment.is_paid and key not in first_of:
            first_of.add(key)
            payment.settles = f"{payment.store}:{key}"
    _insert(Payment, payments, "created_at", "state_changed_at")
    _insert(PaymentEvent, [event for story in stories for event in story.events], "created_at")
    _insert(Refund, [refund for story in stories for refund in story.refunds], "created_at")
    shop_orders = []
    for story in stories:
        if story.shop_order:
            story.shop_order.paid_event = story.events[-1].pk if story.is_paid else None
            shop_orders.append(story.shop_order)
    _insert(ShopOrder, shop_orders, "created_at")


def _insert(model: Any, rows: list[Any], *times: str) -> None:
    given = [[getattr(row, name) for name in times] for row in rows]
    model.objects.bulk_create(rows, batch_size=200)
    for row, moments in zip(rows, given, strict=True):
        for name, moment in zip(times, moments, strict=True):
            setattr(row, name, moment)
    model.objects.bulk_update(rows, times, batch_size=200)


def _follow(story: Story) -> None:
    """The orders as their receivers would have left them."""
    payment = story.payment
    if story.order:
        story.order.status_changed_at = payment.state_changed_at
        if not story.is_paid:
            story.order.status = OrderStatus.CANCELED
        else:
            story.order.paid_amount = payment.remainder
            story.order.status = OrderStatus.PAID
        if payment.refunded_amount:
            is_all = payment.refunded_amount == payment.amount
            story.order.status = OrderStatus.REFUNDED if is_all else OrderStatus.PARTIALLY_REFUNDED
    if story.shop_order:
        story.shop_order.status = ShopStatus.PAID if payment.state == PaymentState.SUCCESS else ShopStatus.CANCELED

"""One payment of the history: what happened to it, in order, as the plugin would have written it down."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from sandbox.shop.models import ShopOrder
from wagtail_payparts import conf
from wagtail_payparts.formats import format_hryvnias
from wagtail_payparts.models import AttentionCode, EventType, Order, Payment, PaymentEvent, Refund, Source, Verdict
from wagtail_payparts.services.order_ids import ALPHABET
from wagtail_payparts.states import FINAL, NEGATIVE, PaymentState, further


NOT_FINISHED = "Клієнт не завершив оплату"
NOT_APPROVED = (
    "Відмова: кредитного ліміту картки недостатньо",
    "Відмова: кредитного ліміту картки недостатньо",
    "Відмова: картку заблоковано",
    "Відмова: перевищено кількість спроб введення пароля",
)
NO_SCHEME = "bad value: Scheme not found for given store"
BANKS_ANSWER = {"http_status": 200}


def unique_text(rng: Random, groups: tuple[int, ...]) -> str:
    return "-".join("".join(rng.choice(ALPHABET) for _position in range(size)) for size in groups)


def sortable_id(rng: Random, at: datetime) -> str:
    """An order id as the plugin makes them, of a given moment."""
    number = (int(at.timestamp() * 1000) << 80) | rng.getrandbits(80)
    return "".join(ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


class Story:
    """``at`` is where the story has come to; it moves on with each event."""

    def __init__(self, rng: Random, at: datetime, payment: Payment) -> None:
        self.rng = rng
        self.at = at
        self.payment = payment
        self.order: Order | None = None
        self.shop_order: ShopOrder | None = None
        self.events: list[PaymentEvent] = []
        self.refunds: list[Refund] = []
        payment.order_id = sortable_id(rng, at)
        payment.created_at = payment.state_changed_at = at

    @property
    def is_paid(self) -> bool:
        return self.payment.state == PaymentState.SUCCESS

    def happen(self, later: timedelta, **fields: Any) -> PaymentEvent:
        self.at += later
        event = PaymentEvent(
            payment=self.payment,
            store_id=conf.read_store(self.payment.store).store_id,
            order_id=self.payment.order_id,
            created_at=self.at,
            **fields,
        )
        self.events.append(event)
        return event

    def move(self, state: PaymentState) -> None:
        self.payment.state, self.payment.state_changed_at = state, self.at
        self.payment.was_negative = self.payment.was_negative or state in NEGATIVE
        self.payment.furthest_state = further(PaymentState(self.payment.furthest_state), state)
        if state in FINAL:
            rang = any(event.type == EventType.CALLBACK for event in self.events)
            self.payment.settled_at = self.at
            self.payment.settled_by = Source.CALLBACK if rang else self.events[-1].source

    def created(self) -> None:
        self.payment.token = f"{self.rng.getrandbits(128):032X}"
        self.happen(
            timedelta(milliseconds=self.rng.randint(240, 900)),
            type=EventType.PAYMENT_CREATE,
            source=Source.CHECKOUT,
            state=PaymentState.CREATED,
            verdict=Verdict.APPLIED,
            token=self.payment.token,
            duration_ms=self.rng.randint(210, 880),
            **BANKS_ANSWER,
        )
        self.move(PaymentState.CREATED)

    def refused_at_once(self) -> None:
        """The bank did not make the payment."""
        self.happen(
            timedelta(milliseconds=400),
            type=EventType.PAYMENT_CREATE,
            source=Source.CHECKOUT,
            state=PaymentState.FAIL,
            verdict=Verdict.REFUSED,
            message=NO_SCHEME,
            duration_ms=380,
            **BANKS_ANSWER,
        )
        self.payment.bank_message = NO_SCHEME
        self.move(PaymentState.FAIL)

    def polled(self, later: timedelta, state: PaymentState, message: str = "", **fields: Any) -> PaymentEvent:
        """The bank was asked, and the payment moves with the answer unless ``verdict`` says that it did not."""
        event = self.happen(
            later,
            **{
                "type": EventType.POLL,
                "source": Source.POLL,
                "state": state,
                "verdict": Verdict.APPLIED,
                "message": message,
                "duration_ms": self.rng.randint(90, 420),
                **BANKS_ANSWER,
            }
            | fields,
        )
        self.payment.bank_state = state
        self.payment.bank_message = message or self.payment.bank_message
        self.payment.poll_count += 1 + event.repeats
        if event.verdict == Verdict.APPLIED:
            self.move(state)
        return event

    def called_back(self, later: timedelta, state: PaymentState, message: str, verdict: str = Verdict.APPLIED) -> None:
        text = f"{self.payment.order_id}{state}{message}"
        event = self.happen(
            later,
            type=EventType.CALLBACK,
            source=Source.CALLBACK,
            state=state,
            verdict=verdict,
            message=message,
            payload={"orderId": self.payment.order_id, "paymentState": str(state), "message": message},
            fingerprint=hashlib.sha256(text.encode()).hexdigest(),
        )
        event.announced_at = self.at

    def expired(self) -> None:
        self.happen(
            timedelta(),
            type=EventType.EXPIRY,
            source=Source.POLL,
            state=PaymentState.EXPIRED,
            verdict=Verdict.APPLIED,
        )
        self.move(PaymentState.EXPIRED)

    def needs_attention(self, code: AttentionCode) -> None:
        self.payment.attention = " ".join([*self.payment.attention_codes, code])
        self.happen(timedelta(), type=EventType.ATTENTION, source=Source.POLL, message=str(code))

    def noted(self, later: timedelta, message: str, **fields: Any) -> None:
        self.happen(later, type=EventType.NOTE, source=Source.STAFF, message=message, **fields)

    def refunded(self, later: timedelta, amount: Decimal, reason: str, **fields: Any) -> None:
        self.noted(later, f"Повернення {format_hryvnias(amount)}: {reason}", user=fields.get("requested_by"))
        self.payment.refunded_amount += amount
        self.refunds.append(Refund(payment=self.payment, amount=amount, reason=reason, created_at=self.at, **fields))

    def contract(self) -> str:
        """What a bank writes into the callback of a paid payment."""
        last = self.rng.randint(1000, 9999)
        self.payment.receipt = {"card_mask": f"4149 49 ** {last}", "bank_name": "PB", "payment_system": "Visa"}
        return (
            "Я, КЛІЄНТ БАНКУ, ПІДТВЕРДЖУЮ ЗОБОВ'ЯЗАННЯ ЗА ДОГОВОРОМ І ДОРУЧАЮ БАНКУ ВСТАНОВИТИ РЕГУЛЯРНИЙ ПЛАТІЖ З "
            f"КАРТКИ № 414949******{last}. КІЛЬКІСТЬ ПЛАТЕЖІВ: {self.payment.parts_count}."
        )

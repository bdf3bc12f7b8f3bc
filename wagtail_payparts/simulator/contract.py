"""What the customer signs and pays: instalments, contract, receipt (payparts-api §3, §6, §11)."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from .records import NewPayment, Payment
from .wire import hryvnias


# The test cards of payparts-api §13, and what the simulator "sends" to their owner's phone.
CARDS = {"success": "0000111122223333", "refusal": "0000111122224444"}
CARD_EXPIRY, CARD_CVV = "10/20", "123"
OTP_CODE = "1111"

# What the buyer pays a month beyond the equal parts, as a share of the price.
MONTHLY_RATES = {"PP": Decimal("0.0001"), "II": Decimal("0.019"), "IA": Decimal("0.0099")}


def instalments(payment: NewPayment) -> list[Decimal]:
    """Each payment in hryvnias; the first takes the kopecks that do not divide."""
    each, rest = divmod(payment.kopecks, payment.parts_count)
    exact_fee = payment.kopecks * MONTHLY_RATES.get(payment.merchant_type, Decimal(0))
    fee = int(exact_fee.quantize(Decimal(1), ROUND_HALF_UP))
    return [hryvnias(each + rest + fee), *[hryvnias(each + fee)] * (payment.parts_count - 1)]


def money(amount: Decimal) -> str:
    """``1 234,56``, with spaces that do not break."""
    return f"{amount:,.2f}".replace(",", "\N{NO-BREAK SPACE}").replace(".", ",")


def mask(card: str) -> str:
    """``0000********3333``."""
    return f"{card[:4]}********{card[-4:]}"


def text(payment: Payment) -> str:
    """The message of a success: long, Cyrillic, with apostrophes, as the real one."""
    monthly = money(instalments(payment)[-1])
    return (
        "Я, ТЕСТОВИЙ КЛІЄНТ СИМУЛЯТОРА, ПІДТВЕРДЖУЮ ЗОБОВ'ЯЗАННЯ ЗА ДОГОВОРОМ І ДОРУЧАЮ БАНКУ ВСТАНОВИТИ "
        f"РЕГУЛЯРНИЙ ПЛАТІЖ З КАРТКИ № {mask(payment.card)} НА ПОГАШЕННЯ ЗАБОРГОВАНОСТІ. "
        f"КІЛЬКІСТЬ ПЛАТЕЖІВ: {payment.parts_count}. ЩОМІСЯЧНИЙ ПЛАТІЖ {monthly} UAH."
    )


def receipt(payment: Payment) -> dict[str, str]:
    """What ``showInfo`` adds (payparts-api §6); flat, in the forms that the document shows."""
    return {
        "cardMask": f"{payment.card[:4]} {payment.card[4:6]} ** {payment.card[-4:]}",
        "bankName": "PB",
        "authCode": f"{payment.id:06d}",
        "rrn": f"{payment.id:012d}",
        "paymentSystem": "Visa",
        "ownerName": "TEST CLIENT",
        "terminal": "X1111RJ2",
        "acquirer": "PB",
    }

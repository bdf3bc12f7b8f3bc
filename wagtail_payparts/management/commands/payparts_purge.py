"""Personal data: what is old enough goes by itself, and one buyer's on request."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from wagtail_payparts.forms import normalise_phone
from wagtail_payparts.models import Payment
from wagtail_payparts.services import erase_buyer, purge
from wagtail_payparts.services.retention import Buyer, find_buyer


class Command(BaseCommand):
    help = (
        "Erase what names people and is older than PAYPARTS_RETENTION says: run it every night by cron. With --buyer "
        "or --order, erase one buyer who asks for it. Amounts, states, moments, refunds and decisions of staff stay."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        who = parser.add_mutually_exclusive_group()
        who.add_argument("--buyer", metavar="PHONE_OR_EMAIL", help="erase the buyer with this phone or e-mail")
        who.add_argument("--order", metavar="NUMBER", help="erase the buyer of the order with this number or reference")
        parser.add_argument("--metadata", action="store_true", help="with a buyer: empty the metadata of payments too")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be erased")
        parser.add_argument("--noinput", "--no-input", action="store_true", help="do not ask for confirmation")

    def handle(self, *args: Any, **options: Any) -> None:
        whom = _whom(options["buyer"], options["order"])
        if whom:
            self._erase(whom, options)
        elif options["metadata"]:
            raise CommandError("--metadata is for one buyer; for all of them set 'metadata' in PAYPARTS_RETENTION.")
        else:
            self._purge(dry_run=options["dry_run"])

    def _purge(self, *, dry_run: bool) -> None:
        done = purge(dry_run=dry_run)
        self.stdout.write("Would be erased:" if dry_run else "Erased:")
        for count, what in (
            (done.payments, "payments: what the bank wrote about them"),
            (done.orders, "orders: who the buyer was, and notes"),
            (done.metadata, "payments: the metadata of the shop"),
            (done.callbacks, "dismissed callbacks for unknown orders: what the bank wrote"),
            (done.rejected, "rejected callbacks, deleted"),
        ):
            self.stdout.write(f"{count:>9} {what}")
        if done.left:
            self.stdout.write(
                f"{done.left} payments are old enough, but may still move, or need attention, or owe a signal: they "
                "are left until that is over."
            )

    def _erase(self, whom: dict[str, str], options: dict[str, Any]) -> None:
        found = find_buyer(**whom)
        if not found:
            raise CommandError("Nothing was found. Has it been erased already, or does the shop keep its own orders?")
        self._show(found)
        if options["dry_run"]:
            return
        if not options["noinput"] and input("This cannot be undone. Type “erase” to go on: ") != "erase":
            raise CommandError("Nothing was erased.")
        erased = erase_buyer(**whom, with_metadata=options["metadata"])
        if erased.open:
            raise CommandError(
                "The rest was erased, but not what belongs to the payments named above that have not ended: settle "
                "them first (Pay in parts → Payments), then run this again."
            )
        self.stdout.write(self.style.SUCCESS("Erased."))

    def _show(self, found: Buyer) -> None:
        """Numbers only: whoever runs this knows whom it is about, and the terminal may be recorded."""
        for order in found.orders:
            self.stdout.write(f"order {order.number}: {order.amount} UAH, {order.created_at:%Y-%m-%d}")
        for payment in found.payments:
            self.stdout.write(f"payment {payment.order_id}: {payment.amount} UAH, {payment.created_at:%Y-%m-%d}")
        for payment in found.open:
            self.stdout.write(f"  not ended: payment {payment.order_id}: {_why_open(payment)}")


def _whom(buyer: str | None, order: str | None) -> dict[str, str]:
    if order:
        return {"number": order}
    if not buyer:
        return {}
    if "@" in buyer:
        return {"email": buyer.strip()}
    try:
        return {"phone": normalise_phone(buyer)}
    except ValidationError as error:
        raise CommandError("This is neither a telephone number nor an e-mail address.") from error


def _why_open(payment: Payment) -> str:
    if payment.attention:
        return f"needs attention ({payment.attention})"
    if payment.next_delivery_at:
        return "owes a signal to a receiver"
    if payment.pending_action or payment.claim_state:
        return "the bank is being asked"
    return f"is {payment.state}"

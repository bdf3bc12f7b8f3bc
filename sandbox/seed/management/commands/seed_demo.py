"""Fill an empty database of the demonstration shop. A second call changes only the address of the site."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import translation

from sandbox.seed import at_bank, history, offers, pages, people


class Command(BaseCommand):
    help = "Put people, offers, pages and three months of history into the demonstration shop; repeatable."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--at-bank",
            action="store_true",
            help="also start a few payments at the simulated bank, which has to be running",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with translation.override("uk"):
            people.seed()
            for_sale = offers.seed()
            pages.seed(for_sale)
            history.seed(for_sale)
            if options["at_bank"]:
                at_bank.seed(for_sale)

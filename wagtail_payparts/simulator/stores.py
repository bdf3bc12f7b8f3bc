"""The stores that the bank knows, and whether it was they who asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import signatures
from .incoming import Unreadable


TEST_STORE = ("4AAD1369CF734B64B70F", "75bef16bfdce4d0e9c0ad5a19b9940df")
WRONG_SIGNATURE = "bad value: Wrong signature. Read the FAQ on the generation of signatures."
UNKNOWN_STORE = "bad value: Unknown identifier. Store not found."

Recipe = Callable[[Mapping[str, Any], str], str]


class Stores:
    def __init__(self, passwords: Mapping[str, str]) -> None:
        self._passwords = passwords

    def password(self, store_id: str) -> str:
        """Raises ``Unreadable`` for a store that the bank does not know."""
        try:
            return self._passwords[store_id]
        except KeyError:
            raise Unreadable(UNKNOWN_STORE) from None

    def check_signature(self, body: Mapping[str, Any], recipe: Recipe, store_id: str) -> None:
        """Raises ``Unreadable`` for a signature that is not this store's."""
        try:
            expected = recipe(body, self.password(store_id))
        except UnicodeEncodeError as err:
            raise Unreadable("bad value: text is not Unicode") from err
        if not signatures.same(body.get("signature"), expected):
            raise Unreadable(WRONG_SIGNATURE)

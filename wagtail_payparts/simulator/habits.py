"""What no document says about the bank, or says in two ways: each a switch (payparts-api, disputes)."""

from __future__ import annotations

import threading
from collections.abc import Mapping


# Habit: what it may be and what that means. The first is what the bank does unless told otherwise.
CHOICES = {
    "decline_amount": {
        "refund": "what is to go back",
        "rest": "what the purchase is to cost from now on; its present cost means all of it goes back",
        "whole": "the whole cost: a refund of a part is refused",
    },
    "refunds_shown": {
        "list": "a list: amount and date of each",
        "texts": "a list in which each amount is a text, under other names",
        "one": "one object: the latest refund alone",
        "total": "one number: the total",
        "kopecks": "a list of amounts in kopecks",
        "too_much": "a list that gives back more than was paid",
        "odd": "a list of things that are no refunds",
        "text": "a sentence",
        "nothing": "nothing at all",
    },
    "state_after_refund": {
        "SUCCESS": "still SUCCESS",
        "RETURNED": "RETURNED",
        "CANCELED": "CANCELED",
    },
    "amount_after_refund": {
        "paid": "still what was paid",
        "rest": "what has not gone back",
    },
    "refund_callback": {
        "never": "the shop is not told",
        "always": "the shop is told, with the state of a state query",
    },
    "action_signature": {
        "documented": "as documented: the same for yes and no",
        "outcome": "covers state and message, as a refusal of create does",
        "absent": "there is none",
    },
    "description_signature": {
        "documented": "as documented: the ids first",
        "outcome": "the state first, as a refusal of create does",
    },
    "phone_signature": {
        "token": "the token alone",
        "message_token": "message, then token",
        "token_message": "token, then message",
    },
    "info": {
        "flat": "beside the other fields",
        "nested": "under info",
    },
    "refusal_status": {
        "200": "200",
        "400": "400",
    },
    "hold_end": {
        "CANCELED": "it is released",
        "SUCCESS": "it is taken, as if the shop had confirmed",
    },
}
TITLES = {
    "decline_amount": "The amount of a decline is",
    "refunds_shown": "A state query with showRefund answers",
    "state_after_refund": "The state once all has gone back",
    "amount_after_refund": "The amount after a refund",
    "refund_callback": "After a refund",
    "action_signature": "The signature of confirm and cancel replies",
    "description_signature": "The signature of description replies",
    "phone_signature": "With token and message a create reply signs",
    "info": "What showInfo adds stands",
    "refusal_status": "The HTTP status of a refusal",
    "hold_end": "A hold that nobody confirms",
}


class Habits:
    """The choices made. Safe to use from several threads."""

    def __init__(self, chosen: Mapping[str, str] | None = None) -> None:
        self._lock = threading.Lock()
        self._chosen = {name: next(iter(choices)) for name, choices in CHOICES.items()}
        self.change(chosen or {})

    def __getitem__(self, name: str) -> str:
        return self._chosen[name]

    def chosen(self) -> dict[str, str]:
        with self._lock:
            return dict(self._chosen)

    def change(self, wanted: Mapping[str, str]) -> None:
        """Raises ``ValueError`` for a habit or a choice that there is not; then nothing is changed."""
        for name, choice in wanted.items():
            if name not in CHOICES:
                raise ValueError(f"unknown habit {name!r}; there are {', '.join(CHOICES)}")
            if choice not in CHOICES[name]:
                raise ValueError(f"unknown choice {choice!r}; {name} may be {', '.join(CHOICES[name])}")
        with self._lock:
            self._chosen |= wanted

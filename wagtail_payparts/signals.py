"""What the plugin announces: signals about money, delivered until each receiver has taken them, and the old two.

Money signals are sent with ``sender=Payment, payment, event`` and what is listed beside each. They are owed in the
same transaction as the payment's state and delivered afterwards, so a receiver sees facts, one at a time, in order,
and is called again if it failed. It can be called twice (a process may die between the call and the record):
``event`` is the key for idempotency.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import MethodType
from typing import Any

from django.dispatch import Signal


def receiver_name(receiver: Callable[..., Any], dispatch_uid: Any = None) -> str:
    """How a receiver is remembered between processes: its ``dispatch_uid``, else where it is defined.

    Empty for one that has no name of its own (a lambda, a partial, a function inside a function): such a receiver
    could not be recognised after a restart, and a system check refuses it.
    """
    if dispatch_uid is not None:
        return str(dispatch_uid)
    name = getattr(receiver, "__qualname__", "")
    if not name or "<" in name:
        return ""
    return f"{receiver.__module__}.{name}"


@dataclass(frozen=True)
class Receiver:
    """One connected receiver of a money signal. ``name`` is stored, so keep it when you move the function."""

    name: str
    call: Callable[..., Any]
    sender: Any


class MoneySignal(Signal):
    """A signal which knows its receivers by name, so that each can be retried alone."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self._known: dict[tuple[Any, Any], tuple[str, Any, Any]] = {}

    def connect(
        self, receiver: Callable[..., Any], sender: Any = None, weak: bool = True, dispatch_uid: Any = None
    ) -> None:
        super().connect(receiver, sender, weak, dispatch_uid)
        reference: Any = receiver
        if weak:
            reference = weakref.WeakMethod(receiver) if isinstance(receiver, MethodType) else weakref.ref(receiver)
        key = (dispatch_uid if dispatch_uid is not None else _identity(receiver), _identity(sender))
        if key in self._known and self._known[key][1]() is not None:
            # Connected already: Django keeps the first, and so do we.
            return
        self._known[key] = (
            receiver_name(receiver, dispatch_uid),
            reference if weak else (lambda: receiver),
            sender,
        )

    def disconnect(
        self, receiver: Callable[..., Any] | None = None, sender: Any = None, dispatch_uid: Any = None
    ) -> bool:
        key = (dispatch_uid if dispatch_uid is not None else _identity(receiver), _identity(sender))
        self._known.pop(key, None)
        return super().disconnect(receiver, sender, dispatch_uid)

    def connected(self, sender: Any = None) -> Iterator[Receiver]:
        """The receivers that are alive and listen to ``sender``, in the order in which they were connected."""
        for name, reference, wanted in list(self._known.values()):
            receiver = reference()
            if receiver is not None and (wanted is None or sender is None or wanted is sender):
                yield Receiver(name, receiver, wanted)


def _identity(target: Any) -> Any:
    if isinstance(target, MethodType):
        return id(target.__self__), id(target.__func__)
    return id(target)


#: Every move of a payment. Arguments: ``old_state``, ``new_state``.
payment_state_changed = MoneySignal("payment_state_changed")
#: The bank says, when asked, that the payment is paid. At most once per payment and per order: hand over the goods.
payment_succeeded = MoneySignal("payment_succeeded")
#: Paid, but after it had been cancelled, refused or expired, or as the second payment of an order: a person decides.
payment_late_success = MoneySignal("payment_late_success")
#: Two-stage payment: the money is held until it is confirmed or cancelled. Not sent for a hold that comes too late.
payment_locked = MoneySignal("payment_locked")
#: The bank refused.
payment_failed = MoneySignal("payment_failed")
#: The buyer or the shop cancelled.
payment_canceled = MoneySignal("payment_canceled")
#: Nothing came of it within ``PAYPARTS_EXPIRE_AFTER``.
payment_expired = MoneySignal("payment_expired")
#: Money went back. Arguments: ``refund``.
payment_refunded = MoneySignal("payment_refunded")
#: A person has to decide something. Arguments: ``code`` (see ``models.AttentionCode``).
payment_needs_attention = MoneySignal("payment_needs_attention")

MONEY_SIGNALS: dict[str, MoneySignal] = {
    signal.name: signal
    for signal in (
        payment_state_changed,
        payment_succeeded,
        payment_late_success,
        payment_locked,
        payment_failed,
        payment_canceled,
        payment_expired,
        payment_refunded,
        payment_needs_attention,
    )
}

#: The old package's: once for each new callback whose signature is valid. About callbacks, not about money: new code
#: uses ``payment_succeeded``. Arguments: ``log`` (a stored ``PaymentEvent``), ``request`` (``None`` on a re-send).
pay_parts_success_callback = Signal()
#: The old package's: for each callback whose signature is not valid. ``log`` is not saved.
pay_parts_invalid_callback = Signal()

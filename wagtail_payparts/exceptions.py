"""Every error of the package, in one tree.

    PayPartsError
    ├── BankError               a conversation with the bank went wrong
    │   ├── BankUnreachable     no answer: the outcome is unknown, ask later
    │   ├── BankRefused         the bank said no
    │   └── BadAnswer           an answer that cannot be believed: the outcome is unknown
    ├── CallbackRejected        a message that did not come from the bank, or cannot be read
    ├── InvalidPayment          what was to be paid is not payable; nothing was sent
    ├── OutcomeUnknown          the bank has not said yet whether it made the payment
    ├── OrderIdTaken            this order id belongs to another payment
    ├── CheckoutLimited         too many payments were started; try later
    └── NotAllowed              the state of the payment, or a permission, forbids it
        └── AlreadyResolved     somebody else has decided it meanwhile

A misconfiguration is Django's ``ImproperlyConfigured``: it must not be swallowed by ``except PayPartsError``.
"""

from __future__ import annotations

from typing import Any


class PayPartsError(Exception):
    """The root. ``user_message`` is fit for the person at the keyboard; ``str(error)`` is for the log."""

    def __init__(self, message: str = "", *, user_message: str = "") -> None:
        super().__init__(message)
        self.user_message = user_message


class BankError(PayPartsError):
    """A conversation with the bank went wrong. Never holds a password, a signature or a token.

    ``payload`` is the bank's reply as an object, redacted, or ``None`` where there was none to read.
    """

    def __init__(
        self,
        message: str,
        *,
        http_status: int | None = None,
        payload: dict[str, Any] | None = None,
        duration_ms: int | None = None,
        trace_id: str = "",
    ) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.payload = payload
        self.duration_ms = duration_ms
        self.trace_id = trace_id


class BankUnreachable(BankError):
    """No reply came (refused connection, time-out, TLS). The bank may have acted all the same."""


class BankRefused(BankError):
    """The bank answered FAIL. ``verified``: the reply's signature is the bank's (payparts-api, dispute d)."""

    def __init__(self, message: str, *, verified: bool, already_exists: bool = False, **details: Any) -> None:
        super().__init__(message, **details)
        self.verified = verified
        self.already_exists = already_exists


class BadAnswer(BankError):
    """The reply is not what the bank sends (HTML, a list, a wrong signature, another order's ids)."""


class CallbackRejected(PayPartsError):
    """A callback that is not the bank's or cannot be read. ``reason`` is a short code for staff.

    ``address``: where it came from, if that is the reason.
    """

    def __init__(self, reason: str, message: str = "", *, address: str = "") -> None:
        super().__init__(message or reason)
        self.reason = reason
        self.address = address


class InvalidPayment(PayPartsError):
    """What was to be paid is not payable. ``field`` names the argument at fault, if it is one."""

    def __init__(self, message: str, *, field: str = "", user_message: str = "") -> None:
        super().__init__(message, user_message=user_message or message)
        self.field = field


class OrderIdTaken(PayPartsError):
    """The order id was used for something else, or its payment has ended: choose a new one."""


class OutcomeUnknown(PayPartsError):
    """An earlier request for the same payment got no answer; whether it exists is found out by polling."""


class CheckoutLimited(PayPartsError):
    """Too many payments were started. ``retry_after`` is in seconds."""

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotAllowed(PayPartsError):
    """The payment's state, or the person's permissions, do not allow this."""


class AlreadyResolved(NotAllowed):
    """What needed a decision has been decided, or has gone, in the meantime; nothing was done twice."""

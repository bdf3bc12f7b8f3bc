"""The outside world: PrivatBank's PayParts protocol in plain Python, without Django."""

from __future__ import annotations

from . import signature
from .callbacks import (
    EMPTY,
    MAX_CALLBACK_BYTES,
    Callback,
    SignatureShape,
    describe_signature,
    parse_callback,
    signature_hint,
)
from .client import PayPartsClient
from .messages import (
    STATE_WORDS,
    ActionReply,
    CreateReply,
    CreateRequest,
    Exchange,
    Line,
    StateReply,
    is_safe_order_id,
)
from .signature import to_wire_digits
from .stores import TEST_STORE_ID, Store
from .transport import MAX_CONNECTIONS
from .wire import clean_text, redact


__all__ = [
    "EMPTY",
    "MAX_CALLBACK_BYTES",
    "MAX_CONNECTIONS",
    "STATE_WORDS",
    "TEST_STORE_ID",
    "ActionReply",
    "Callback",
    "CreateReply",
    "CreateRequest",
    "Exchange",
    "Line",
    "PayPartsClient",
    "SignatureShape",
    "StateReply",
    "Store",
    "clean_text",
    "describe_signature",
    "is_safe_order_id",
    "parse_callback",
    "redact",
    "signature",
    "signature_hint",
    "to_wire_digits",
]

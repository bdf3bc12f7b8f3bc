"""The bank's client: one method per endpoint (payparts-api §2–§8), every failure one of three."""

from __future__ import annotations

import logging
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import quote, urljoin

import requests

from ..exceptions import BadAnswer, BankError
from . import messages, replies, transport
from .messages import ActionReply, CreateReply, CreateRequest, Exchange, StateReply
from .replies import Answer
from .sealed import SealedStr
from .signature import to_wire_amount
from .stores import Store, Timeout, check_timeout
from .wire import Unreadable, read_object, redact, write_object


logger = logging.getLogger(__name__)

Reply = TypeVar("Reply")


class PayPartsClient:
    """Talks to the bank for one store. Cheap to make, safe to share between threads.

    Connections are kept alive per process and store. Nothing is ever sent twice by this class: whether to
    ask again is the caller's decision. Each method raises

    - ``BankUnreachable``: no reply came, or not all of it; the bank may have acted all the same;
    - ``BankRefused``: the bank said FAIL; ``verified`` tells whether that is proven;
    - ``BadAnswer``: a reply that cannot be believed; the outcome is unknown;
    - ``InvalidPayment``: an amount that is not one; nothing was sent;
    - ``ValueError``: the store has no password; nothing was sent.

    A ``session`` of your own brings its proxies, headers, CA bundle and any adapter that is not requests'
    plain one. It cannot switch off TLS verification, time-outs or the cap on a reply's size.
    """

    def __init__(self, store: Store, session: requests.Session | None = None) -> None:
        self.store = store
        self._session = session

    def create(self, request: CreateRequest) -> CreateReply:
        """Create a one-stage payment (payparts-api §2).

        After ``BankUnreachable`` or ``BadAnswer`` ask for the state before trying another order id. A second
        call with the same order id is refused with ``already_exists``.
        """
        return self._ask("payment/create", request.order_id, request.to_wire(self.store), replies.read_create)

    def hold(self, request: CreateRequest) -> CreateReply:
        """Create a two-stage payment, to be confirmed or cancelled when ``LOCKED`` (payparts-api §2)."""
        return self._ask("payment/hold", request.order_id, request.to_wire(self.store), replies.read_create)

    def redirect_url(self, token: str) -> str:
        """The bank's page for a created payment (payparts-api §2.4)."""
        separator = "&" if "?" in self.store.redirect_url else "?"
        return f"{self.store.redirect_url}{separator}token={quote(token, safe='')}"

    def confirm(self, order_id: str) -> ActionReply:
        """Take a held payment (payparts-api §4). Believe the state query, not the reply."""
        return self._act("payment/confirm", order_id)

    def cancel(self, order_id: str) -> ActionReply:
        """Release a held payment (payparts-api §4). Believe the state query, not the reply."""
        return self._act("payment/cancel", order_id)

    def decline(self, order_id: str, amount: Decimal) -> ActionReply:
        """Refund ``amount`` hryvnias (payparts-api §5). Not idempotent: never repeat it blindly."""
        fields = messages.decline_fields(self.store, order_id, amount)
        return self._ask("payment/decline", order_id, fields, replies.read_action)

    def state(
        self,
        order_id: str,
        *,
        show_amount: bool = True,
        show_refund: bool = False,
        show_info: bool = False,
        timeout: Timeout | float | None = None,
    ) -> StateReply:
        """Ask for the state of a payment (payparts-api §6).

        ``timeout`` replaces the store's: seconds for the whole call, or to connect and for the reply.
        """
        fields = messages.state_fields(
            self.store, order_id, show_amount=show_amount, show_refund=show_refund, show_info=show_info
        )
        return self._ask("payment/state", order_id, fields, replies.read_state, timeout)

    def describe(self, order_id: str, description: str) -> ActionReply:
        """Set a payment's description, behind ``# `` (payparts-api §7, dangers e)."""
        fields = messages.description_fields(self.store, order_id, description)
        return self._ask("payment/description", order_id, fields, replies.read_description)

    def qr(self, token: str, amount: Decimal, *, size: int | None = None, merchant_type: str = "") -> bytes:
        """The bank's page as a QR code: a PNG, ``size`` pixels wide (payparts-api §8)."""
        token = SealedStr(token)
        optional = {"size": "" if size is None else str(size), "type": merchant_type}
        params = {"token": token, "amount": to_wire_amount(amount)}
        params |= {name: value for name, value in optional.items() if value}
        url = urljoin(self._url(""), "../qr/generate")
        raw = transport.get(self._connection(), url, params, self.store.timeout)
        return replies.read_qr(*self._read(raw))

    def _act(self, endpoint: str, order_id: str) -> ActionReply:
        return self._ask(endpoint, order_id, messages.order_fields(self.store, order_id), replies.read_action)

    def _ask(
        self,
        endpoint: str,
        order_id: str,
        fields: dict[str, Any],
        read: Callable[[Answer], Reply],
        timeout: Timeout | float | None = None,
    ) -> Reply:
        """Post a signed body and read the reply. Logs what came of it, without bodies."""
        try:
            raw = transport.post(self._connection(), self._url(endpoint), write_object(fields), self._timeout(timeout))
            payload, exchange = self._read(raw)
            answer = Answer(self.store, order_id, payload, exchange)
            reply = read(answer)
        except BankError as err:
            logger.warning("%s of order %s: %r, %s ms", endpoint, order_id, err, err.duration_ms)
            raise
        logger.info("%s of order %s: SUCCESS, %s ms", endpoint, order_id, exchange.duration_ms)
        if isinstance(reply, ActionReply) and not reply.verified and not replies.covers_no_outcome(answer):
            logger.warning("%s of order %s: the reply's signature matches no known recipe", endpoint, order_id)
        return reply

    def _read(self, raw: transport.RawReply) -> tuple[dict[str, Any], Exchange]:
        try:
            payload = read_object(raw.body)
        except Unreadable as err:
            raise BadAnswer(
                f"the reply cannot be read: {err.reason}",
                http_status=raw.http_status,
                duration_ms=raw.duration_ms,
                trace_id=raw.trace_id,
            ) from err
        return payload, Exchange(raw.http_status, redact(payload), raw.duration_ms, raw.trace_id)

    def _connection(self) -> requests.Session:
        return self._session or transport.shared_session(self.store.alias, self.store.api_url)

    def _url(self, path: str) -> str:
        return f"{self.store.api_url.rstrip('/')}/{path}"

    def _timeout(self, wanted: Timeout | float | None) -> Timeout:
        if wanted is None:
            return self.store.timeout
        if not isinstance(wanted, tuple):
            connect = min(self.store.timeout[0], wanted / 2)
            wanted = connect, wanted - connect
        check_timeout(wanted)
        return wanted

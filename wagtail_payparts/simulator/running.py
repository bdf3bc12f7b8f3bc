"""A bank that runs: the simulator in a thread, and the handle by which a program or a test plays the bank."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from .api import MerchantApi, Received
from .bank import CARD_CVV, CARD_EXPIRY, CARDS, OTP_CODE, TEST_STORE, Bank
from .callbacks import Callbacks
from .checkout import Checkout
from .control import Control
from .faults import Fault, Faults
from .later import Later
from .ledger import FINAL_STATES, Attempt, Ledger, Payment, Step
from .web import API_PATH, PAGE_PATH, App, Server


class Simulator:
    """Made by ``run_simulator``. Wherever an order id is asked for, a token will do as well."""

    def __init__(
        self,
        *,
        stores: Mapping[str, str],
        delay: float,
        callbacks: Literal["send", "manual"],
        callback_states: Collection[str],
        db: str | Path | None,
        host: str,
        port: int,
    ) -> None:
        self.store_id, self.password = next(iter(stores.items()))
        self._later = Later()
        self._faults = Faults()
        self._ledger = Ledger(db)
        self._callbacks = Callbacks(
            ledger=self._ledger,
            stores=stores,
            faults=self._faults,
            later=self._later,
            manual=callbacks == "manual",
        )
        self._bank = Bank(
            ledger=self._ledger,
            stores=stores,
            later=self._later,
            announce=self._callbacks.announce,
            delay=delay,
            announced_states=callback_states,
        )
        self._api = MerchantApi(bank=self._bank, faults=self._faults, later=self._later)
        app = App(
            api=self._api,
            checkout=Checkout(bank=self._bank, address=PAGE_PATH),
            control=Control(bank=self._bank, ledger=self._ledger, callbacks=self._callbacks, faults=self._faults),
        )
        self._server = Server(host, port, app)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._base_url = f"http://{host}:{self._server.server_port}"

    @property
    def api_url(self) -> str:
        return f"{self._base_url}{API_PATH}"

    @property
    def redirect_url(self) -> str:
        return f"{self._base_url}{PAGE_PATH}"

    @property
    def control_url(self) -> str:
        return f"{self._base_url}/"

    @property
    def requests(self) -> list[Received]:
        """What shops have asked, the oldest first: endpoint, order id, body without the signature."""
        return list(self._api.received)

    def payments(self) -> list[Payment]:
        """The newest first."""
        return self._ledger.payments()

    def payment(self, order_id: str, *, store_id: str | None = None) -> Payment:
        """Raises ``LookupError``."""
        payment = self._ledger.by_order(order_id, store_id=store_id) or self._ledger.by_token(order_id)
        if payment is None:
            raise LookupError(f"the bank knows no payment {order_id!r}")
        return payment

    def steps(self, order_id: str) -> list[Step]:
        """The states that a payment has had."""
        return self._ledger.steps(self.payment(order_id))

    def attempts(self, order_id: str) -> list[Attempt]:
        """The callbacks sent about a payment, with what the shop answered."""
        return self._ledger.attempts(self.payment(order_id))

    def open(self, order_id: str) -> Payment:
        """The customer comes to the bank's page."""
        return self._bank.open(self.payment(order_id).token)

    def pay(self, order_id: str, *, card: Literal["success", "refusal"] = "success") -> Payment:
        """The customer goes the whole way. With a delay, the bank is then deciding."""
        token = self.open(order_id).token
        self._bank.enter_card(token, number=CARDS[card], expiry=CARD_EXPIRY, cvv=CARD_CVV)
        return self._bank.enter_otp(token, OTP_CODE)

    def cancel(self, order_id: str) -> Payment:
        """The customer gives up on the bank's page."""
        return self._bank.cancel(self.open(order_id).token)

    def set_state(self, order_id: str, state: str, message: str = "") -> Payment:
        """Put any state into the books, known or not. No callback goes out."""
        return self._bank.set_state(self.payment(order_id), state, message)

    def fault(
        self,
        kind: str,
        *,
        endpoint: str,
        times: int | None = 1,
        order_id: str | None = None,
        seconds: float = 30,
    ) -> None:
        """Order a fault of ``faults.KINDS[endpoint]`` for the next ``times`` (``None``: always)."""
        self._faults.order(Fault(kind=kind, endpoint=endpoint, times=times, order_id=order_id, seconds=seconds))

    def clear_faults(self) -> None:
        self._faults.clear()

    def callback_body(
        self,
        order_id: str,
        *,
        state: str | None = None,
        message: str | None = None,
        store_id: str | None = None,
        password: str | None = None,
        **overrides: Any,
    ) -> bytes:
        """A signed callback. ``overrides`` replace fields after signing; ``None`` takes a field out."""
        return self._callbacks.body(
            self.payment(order_id),
            state=state,
            message=message,
            store_id=store_id,
            password=password,
            overrides=overrides,
        )

    def send_callback(
        self, order_id: str, *, state: str | None = None, body: bytes | None = None, **options: Any
    ) -> tuple[int | None, str]:
        """POST a callback to the shop and wait for its answer; ``options`` are those of ``callback_body``."""
        payment = self.payment(order_id)
        if body is None:
            body = self.callback_body(order_id, state=state, **options)
        return self._callbacks.send(payment, body, state=state or payment.state, note="by hand")

    def deliver_callbacks(self, *, late: bool = False) -> list[tuple[int | None, str]]:
        """Send what has queued up (``callbacks="manual"``); the late ones only with ``late=True``."""
        return self._callbacks.deliver(late=late)

    def wait_idle(self, timeout: float = 10) -> None:
        """Return when no decision and no callback is under way. Raises ``TimeoutError``."""
        self._later.wait_idle(timeout)

    def start(self) -> None:
        self._bank.resume()
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._later.stop()
        self._server.server_close()
        self._thread.join()
        self._ledger.close()


@contextmanager
def run_simulator(
    *,
    stores: Mapping[str, str] | None = None,
    delay: float = 0,
    callbacks: Literal["send", "manual"] = "manual",
    callback_states: Collection[str] = FINAL_STATES,
    db: str | Path | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Iterator[Simulator]:
    """The bank on a free port for as long as the context lasts.

    ``stores`` maps store ids to passwords (default: the public test store, payparts-api §13). With
    ``delay=0`` the bank decides within the customer's last request, so nothing needs to be waited for. Of
    the payment's states, those in ``callback_states`` are told to the shop.
    """
    simulator = Simulator(
        stores=stores or dict([TEST_STORE]),
        delay=delay,
        callbacks=callbacks,
        callback_states=callback_states,
        db=db,
        host=host,
        port=port,
    )
    simulator.start()
    try:
        yield simulator
    finally:
        simulator.stop()

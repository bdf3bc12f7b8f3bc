"""A bank that runs: the simulator in a thread, and the handle by which a program or a test plays the bank."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .api import MerchantApi, Received
from .bank import Bank
from .callbacks import Callbacks
from .checkout import Checkout
from .control import Control
from .control_api import ControlApi
from .counter import Counter
from .customer import Customer
from .faults import Fault, Faults
from .habits import Habits
from .later import Later
from .ledger import Ledger
from .moves import Moves
from .qr import QrCodes
from .records import FINAL_STATES, LOCKED, Act, Attempt, Payment
from .refunds import Refunds
from .statements import Statements
from .stores import TEST_STORE, Stores
from .web import API_PATH, PAGE_PATH, App, Server


# The only number that anybody has named for the life of a hold (payparts-api §4).
HOLD_SECONDS = 29 * 24 * 60 * 60
BANKS_ZONE = "Europe/Kyiv"


class Simulator:
    """Made by ``run_simulator``. Wherever an order id is asked for, a token will do as well."""

    def __init__(
        self,
        *,
        stores: Mapping[str, str],
        delay: float,
        action_delay: float,
        hold_seconds: float | None,
        callbacks: Literal["send", "manual"],
        callback_states: Collection[str],
        habits: Mapping[str, str],
        seed: int,
        time_zone: str,
        db: str | Path | None,
        host: str,
        port: int,
    ) -> None:
        self.store_id, self.password = next(iter(stores.items()))
        self.zone = _zone(time_zone)
        self._later = Later()
        self._faults = Faults(seed=seed)
        self._habits = Habits(habits)
        self._ledger = Ledger(db)
        known_stores = Stores(stores)
        self._callbacks = Callbacks(
            ledger=self._ledger,
            stores=known_stores,
            habits=self._habits,
            faults=self._faults,
            later=self._later,
            manual=callbacks == "manual",
        )
        refunds = Refunds(
            ledger=self._ledger, stores=known_stores, habits=self._habits, announce=self._callbacks.announce
        )
        self._moves = Moves(
            ledger=self._ledger,
            later=self._later,
            habits=self._habits,
            announce=self._callbacks.announce,
            announced_states=callback_states,
            delay=delay,
            action_delay=action_delay,
            hold_seconds=hold_seconds,
        )
        customer = Customer(ledger=self._ledger, moves=self._moves)
        self._counter = Counter(ledger=self._ledger, customer=customer, moves=self._moves, refunds=refunds)
        self._api = MerchantApi(
            bank=Bank(
                ledger=self._ledger, stores=known_stores, moves=self._moves, refunds=refunds, habits=self._habits
            ),
            refunds=refunds,
            statements=Statements(ledger=self._ledger, stores=known_stores, zone=self.zone),
            qr_codes=QrCodes(ledger=self._ledger, page=lambda: self.redirect_url),
            stores=known_stores,
            habits=self._habits,
            faults=self._faults,
            later=self._later,
        )
        app = App(
            api=self._api,
            checkout=Checkout(customer=customer, address=PAGE_PATH, zone=self.zone),
            control=Control(
                ledger=self._ledger,
                counter=self._counter,
                callbacks=self._callbacks,
                faults=self._faults,
                habits=self._habits,
                zone=self.zone,
            ),
            control_api=ControlApi(
                ledger=self._ledger,
                counter=self._counter,
                callbacks=self._callbacks,
                faults=self._faults,
                habits=self._habits,
            ),
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

    # The books

    def payments(self) -> list[Payment]:
        """The newest first."""
        return self._ledger.payments()

    def payment(self, order_id: str, *, store_id: str | None = None) -> Payment:
        """Raises ``LookupError``."""
        return self._counter.payment(order_id, store_id=store_id)

    def acts(self, order_id: str) -> list[Act]:
        """Everything that was done to a payment, by whom and when."""
        return self._ledger.acts(self.payment(order_id))

    def steps(self, order_id: str) -> list[Act]:
        """Of the acts, those by which the payment got another state."""
        return self._ledger.steps(self.payment(order_id))

    def refunds(self, order_id: str) -> list[Act]:
        """Of the acts, those that gave money back."""
        return self._ledger.refunds(self.payment(order_id))

    def attempts(self, order_id: str) -> list[Attempt]:
        """The callbacks sent about a payment, with what the shop answered."""
        return self._ledger.attempts(self.payment(order_id))

    # The customer

    def open(self, order_id: str) -> Payment:
        """The customer comes to the bank's page."""
        return self._counter.open(order_id)

    def pay(self, order_id: str, *, card: Literal["success", "refusal"] = "success") -> Payment:
        """The customer goes the whole way. With a delay, the bank is then deciding."""
        return self._counter.pay(order_id, card=card)

    def cancel(self, order_id: str) -> Payment:
        """The customer gives up on the bank's page."""
        return self._counter.give_up(order_id)

    # The shop's people in the bank's cabinet, and the bank

    def confirm(self, order_id: str) -> Payment:
        """Take a hold. Raises ``NotNow`` for a payment that is not held."""
        return self._counter.confirm(order_id)

    def cancel_hold(self, order_id: str) -> Payment:
        """Release a hold. Raises ``NotNow`` for a payment that is not held."""
        return self._counter.cancel_hold(order_id)

    def end_hold(self, order_id: str) -> Payment:
        """The time of a hold is over, now. Raises ``NotNow`` for a payment that is not held."""
        return self._counter.end_hold(order_id)

    def refund(self, order_id: str, amount: Decimal | int | str | None = None) -> Payment:
        """Give back hryvnias, or all that is left. Raises ``Refused`` where the bank would not."""
        return self._counter.refund(order_id, amount)

    def set_state(self, order_id: str, state: str, message: str = "") -> Payment:
        """Put any state into the books, known or not. No callback goes out."""
        return self._counter.set_state(order_id, state, message)

    def set_habits(self, **choices: str) -> None:
        """What the bank does where no document says what: see ``habits.CHOICES``. Raises ``ValueError``."""
        self._habits.change(choices)

    # What goes wrong

    def fault(
        self,
        kind: str,
        *,
        endpoint: str,
        times: int | None = 1,
        order_id: str | None = None,
        seconds: float = 30,
        chance: float = 1,
    ) -> None:
        """Order a fault of ``faults.KINDS[endpoint]`` for the next ``times`` (``None``: always).

        ``endpoint="any"``: whatever a shop asks.
        """
        fault = Fault(kind=kind, endpoint=endpoint, times=times, order_id=order_id, seconds=seconds, chance=chance)
        self._faults.order(fault)

    def clear_faults(self) -> None:
        self._faults.clear()

    def faults_struck(self) -> dict[tuple[str, str], int]:
        """How often each fault has struck so far, by the call that it met and its kind."""
        return dict(self._faults.struck())

    # Callbacks

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
        return self._callbacks.send(payment, body, state=state or self._callbacks.word(payment), note="by hand")

    def deliver_callbacks(self, *, late: bool = False) -> list[tuple[int | None, str]]:
        """Send what has queued up (``callbacks="manual"``); the late ones only with ``late=True``."""
        return self._callbacks.deliver(late=late)

    def wait_idle(self, timeout: float = 10) -> None:
        """Return when no decision and no callback is under way. Raises ``TimeoutError``. Holds may last."""
        self._later.wait_idle(timeout)

    def wait_for(self, order_id: str, state: str, timeout: float = 10) -> Payment:
        """Return the payment when it has this state. Raises ``TimeoutError``."""
        deadline = time.monotonic() + timeout
        while (payment := self.payment(order_id)).state != state:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{order_id} is {payment.state} after {timeout} s")
            time.sleep(0.005)
        return payment

    def start(self) -> None:
        self._moves.resume()
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
    action_delay: float = 0,
    hold_seconds: float | None = HOLD_SECONDS,
    callbacks: Literal["send", "manual"] = "manual",
    callback_states: Collection[str] = FINAL_STATES | {LOCKED},
    habits: Mapping[str, str] | None = None,
    seed: int = 0,
    time_zone: str = BANKS_ZONE,
    db: str | Path | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Iterator[Simulator]:
    """The bank on a free port for as long as the context lasts.

    ``stores`` maps store ids to passwords (default: the public test store, payparts-api §13). With
    ``delay=0`` the bank decides within the customer's last request, so nothing needs to be waited for; with
    ``action_delay`` a confirm or cancel takes effect that much after its reply. A hold ends by itself after
    ``hold_seconds`` (``None``: never). Of the payment's states, those in ``callback_states`` are told to the
    shop. ``habits``: see ``habits.CHOICES``. ``seed`` is for faults that have a chance. ``time_zone`` is that of
    statements and of the control page.
    """
    simulator = Simulator(
        stores=stores or dict([TEST_STORE]),
        delay=delay,
        action_delay=action_delay,
        hold_seconds=hold_seconds,
        callbacks=callbacks,
        callback_states=callback_states,
        habits=habits or {},
        seed=seed,
        time_zone=time_zone,
        db=db,
        host=host,
        port=port,
    )
    simulator.start()
    try:
        yield simulator
    finally:
        simulator.stop()


def _zone(name: str) -> ZoneInfo:
    """Raises ``ValueError`` for a zone that this machine does not know."""
    for known in (name, "Europe/Kiev") if name == BANKS_ZONE else (name,):
        try:
            return ZoneInfo(known)
        except ZoneInfoNotFoundError:
            continue
    raise ValueError(f"this machine knows no time zone {name!r}; where it knows none at all, install tzdata")

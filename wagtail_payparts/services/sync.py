"""Ask the bank: about one payment now, or about all that are due (the poller)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import OperationalError
from django.db.models import Case, IntegerField, Q, Value, When
from django.utils import timezone
from django_tasks import task

from wagtail_payparts import conf
from wagtail_payparts.bank import PayPartsClient
from wagtail_payparts.exceptions import BankError, NotAllowed
from wagtail_payparts.models import Heartbeat, Payment, Source
from wagtail_payparts.services import observations
from wagtail_payparts.services.deliveries import deliver_due, deliver_later
from wagtail_payparts.services.locking import lease_poll


logger = logging.getLogger(__name__)

#: The callback view and the return page wait for the bank no longer than this: seconds to connect, and to answer.
INLINE_TIMEOUT = (1.0, 2.0)
HEARTBEAT = "payparts_sync"
#: So many questions in a row without an answer: the bank is down.
SILENCES = 5
#: Signals that are owed wait no longer than this for the questions of one pass, in seconds.
DELIVER_EVERY = 5


@dataclass
class Pass:
    """What one pass of the poller did."""

    asked: int = 0
    moved: int = 0
    delivered: int = 0
    announced: int = 0


def sync_payment(
    payment: Payment,
    *,
    by: AbstractBaseUser | None = None,
    source: str = Source.POLL,
    due_only: bool = False,
    timeout: tuple[float, float] | None = None,
) -> Payment:
    """Ask the bank about a payment and let it move accordingly. Returns it as it stands afterwards.

    Asks nothing if another process is asking now. ``by`` needs the permission ``ask``, else ``NotAllowed``. An
    unreachable bank is no error: it is written down and asked again.
    """
    # has_perm comes with PermissionsMixin, which every user of the admin has.
    if by is not None and not by.has_perm("wagtail_payparts.ask_payment"):  # type: ignore[attr-defined]
        raise NotAllowed("asking the bank needs the permission ask_payment")
    asked_at = lease_poll(payment.pk, due_only=due_only)
    if asked_at is None:
        return Payment.objects.get(pk=payment.pk)
    try:
        client = PayPartsClient(conf.get_store(payment.store))
        reply = client.state(payment.order_id, show_amount=True, show_refund=True, show_info=True, timeout=timeout)
    except BankError as error:
        moved = observations.observe_no_state(payment, error, asked_at=asked_at, source=source, by=by)
    else:
        moved = observations.observe_state(payment, reply, asked_at=asked_at, source=source, by=by)
    if moved.next_delivery_at:
        deliver_later(moved)
    return moved


@task()
def check(payment_id: int) -> None:
    """Ask the bank about a payment for which a callback has come."""
    payment = Payment.objects.filter(pk=payment_id).first()
    if payment is not None:
        sync_payment(payment, due_only=True, timeout=INLINE_TIMEOUT)


def poll_due(limit: int = 200, *, must_stop: Callable[[], bool] = lambda: False) -> Pass:
    """Deliver what is owed, then ask the bank about every payment that is due, those with a claim first.

    A bank that does not answer ends the pass early, so that the next one begins with the claims again. Signals are
    delivered in between: they do not wait for the bank. ``must_stop`` is asked before each question.
    """
    done = Pass(delivered=deliver_due())
    claims_first = Case(When(claim_state="", then=Value(1)), default=Value(0), output_field=IntegerField())
    now = timezone.now()
    # Not what another worker is asking about.
    free = Q(poll_leased_until__isnull=True) | Q(poll_leased_until__lt=now)
    due = Payment.objects.filter(free, next_poll_at__lte=now).order_by(claims_first, "next_poll_at")
    delivered_at, silences = time.monotonic(), 0
    for payment in list(due[:limit]):
        if must_stop() or silences >= SILENCES:
            break
        try:
            after = sync_payment(payment, due_only=True)
        except OperationalError:
            raise
        except Exception:
            # One payment that cannot be asked about (its store lost its settings) must not stop the others.
            logger.exception("payment %s: could not ask the bank", payment.order_id)
            observations.postpone(payment)
            continue
        done.asked += 1
        done.moved += after.state != payment.state
        silences = silences + 1 if after.poll_failures > payment.poll_failures else 0
        beat()
        if time.monotonic() - delivered_at > DELIVER_EVERY:
            done.delivered += deliver_due()
            delivered_at = time.monotonic()
    done.delivered += deliver_due()
    beat()
    return done


def beat() -> None:
    """Leave a sign of life for ``payparts_doctor`` and the dashboard."""
    now = timezone.now()
    if not Heartbeat.objects.filter(name=HEARTBEAT).update(beat_at=now):
        Heartbeat.objects.bulk_create([Heartbeat(name=HEARTBEAT, beat_at=now)], ignore_conflicts=True)

"""How long the bank still holds the money, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from wagtail_payparts.dashboard.moments import write_moment
from wagtail_payparts.models import Payment
from wagtail_payparts.services.schedule import HOLD_REMINDER


@dataclass(frozen=True)
class HoldEnds:
    moment: str
    left: str
    #: Of Wagtail's help block.
    status: str


def hold_ends(payment: Payment) -> HoldEnds | None:
    """When the bank lets the held money go, by the store's settings; ``None`` where nothing is held, or no settings
    say for how long."""
    end = payment.hold_ends_at
    if end is None:
        return None
    left = end - timezone.now()
    return HoldEnds(write_moment(end), _write_left(left), "warning" if left <= HOLD_REMINDER else "info")


def _write_left(left: timedelta) -> str:
    if left <= timedelta():
        return _("the time is over")
    if left.days:
        return ngettext("%(count)s day left", "%(count)s days left", left.days) % {"count": left.days}
    hours = left.seconds // 3600
    if not hours:
        return _("less than an hour left")
    return ngettext("%(count)s hour left", "%(count)s hours left", hours) % {"count": hours}

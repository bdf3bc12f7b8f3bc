"""The columns of an export of the log."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from import_export.fields import Field

from wagtail_payparts.models.events import EventType, Source, Verdict
from wagtail_payparts.resources.fields import ExportResource
from wagtail_payparts.resources.widgets import AsIs, SiteMoment, UtcMoment, Words


class PaymentEventResource(ExportResource):
    """One row for each event. Messages of the bank may name the buyer: they are for those who may see who it is."""

    created = Field("created_at", _("Created"), SiteMoment())
    created_utc = Field("created_at", _("Created, UTC"), UtcMoment())
    type = Field("type", _("Log type"), Words(dict(EventType.choices)))
    state = Field("state", _("State"), AsIs())
    order_id = Field("order_id", _("Order id"), AsIs())
    store_id = Field("store_id", _("Store id"), AsIs())
    verdict = Field("verdict", _("Verdict"), Words(dict(Verdict.choices)))
    source = Field("source", _("Source"), Words(dict(Source.choices)))
    repeats = Field("repeats", _("Repeated"), AsIs())
    message = Field("message", _("Message"), AsIs())

    def __init__(self, *, with_buyer: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not with_buyer:
            del self.fields["message"]

"""How a stored value becomes a cell: numbers stay numbers, moments become the site's, codes become words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from django.utils.timezone import get_default_timezone, localtime
from django.utils.translation import gettext as _
from import_export.widgets import Widget


class AsIs(Widget):
    """The value itself; nothing for ``None``. django-import-export would make it text."""

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> Any:
        return "" if value is None else value


class SiteMoment(Widget):
    """A moment as the clock of the site showed it (``TIME_ZONE``), whatever zone the person at the admin prefers.

    Naive and in whole seconds: spreadsheets know no time zones.
    """

    def render(self, value: datetime | None, obj: Any = None, **kwargs: Any) -> Any:
        if value is None:
            return ""
        return localtime(value, get_default_timezone()).replace(tzinfo=None, microsecond=0)


class UtcMoment(Widget):
    """A moment for machines: ``2026-03-29T00:30:00Z``."""

    def render(self, value: datetime | None, obj: Any = None, **kwargs: Any) -> str:
        if value is None:
            return ""
        return value.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Words(Widget):
    """The words for a code, or for several codes with spaces between; an unknown code stays as it is."""

    def __init__(self, choices: Mapping[str, Any]) -> None:
        super().__init__()
        self.words = dict(choices)

    def render(self, value: str | None, obj: Any = None, **kwargs: Any) -> str:
        return "; ".join(str(self.words.get(code, code)) for code in (value or "").split())


class YesNo(Widget):
    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return _("Yes") if value else _("No")


class Lines(Widget):
    """What was sold, as text: ``Kettle × 2; Delivery × 1``."""

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return "; ".join(f"{line['name']} × {line['count']}" for line in value or ())

    def render_json(self, text: str | None) -> str:
        """The same of the text that the database holds."""
        return self.render(json.loads(text) if text else None)

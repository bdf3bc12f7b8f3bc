"""HTML: the customer's pages and the control page."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from werkzeug.wrappers import Response

from . import contract
from .wire import hryvnias


_environment = Environment(
    loader=PackageLoader(__package__ or "", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters["money"] = contract.money
_environment.filters["hryvnias"] = hryvnias
_environment.filters["mask"] = contract.mask
_environment.filters["spaced"] = lambda number: " ".join(re.findall(r"\d{4}", number))
_environment.filters["clock"] = lambda moment, zone: format(moment.astimezone(zone), "%d %b %H:%M:%S")
_environment.filters["day"] = lambda moment, zone: format(moment.astimezone(zone), "%d.%m.%Y %H:%M")
_environment.filters["moment"] = lambda seconds: datetime.fromtimestamp(seconds, timezone.utc)

# No script at all, one style sheet, forms that post home. The customer goes on to the shop by a link or a
# refresh, which form-action does not concern.
CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'"


def render(template: str, *, status: int = 200, **context: Any) -> Response:
    """A page that is neither cached nor able to run a script."""
    response = Response(_environment.get_template(template).render(**context), status, mimetype="text/html")
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response

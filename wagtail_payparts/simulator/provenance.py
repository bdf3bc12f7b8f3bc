"""From where a request comes, as the browser tells."""

from __future__ import annotations

from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Request


def refuse_other_sites(request: Request) -> None:
    """Another site that is open in the same browser must not play the bank."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden

"""What all pages on a buyer's way to the bank and back have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import get_script_prefix
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import check_for_language, override
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_deny
from wagtail.models import Site


View = Callable[..., HttpResponse]


class SeeOther(HttpResponseRedirect):
    """A redirect after which the browser uses GET, whatever it used before."""

    status_code = 303


def buyer_page(*, referrer_policy: str) -> Callable[[View], View]:
    """Stored by nobody, framed by nobody, open to visitors, and in no transaction: what is begun stays written.

    Pages with a form need ``same-origin``: under ``no-referrer`` browsers post them with ``Origin: null``.
    """

    def decorate(view: View) -> View:
        @transaction.non_atomic_requests
        @login_not_required
        @never_cache
        @xframe_options_deny
        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            response = view(request, *args, **kwargs)
            response["Referrer-Policy"] = referrer_policy
            return response

        return answer

    return decorate


def render_page(
    request: HttpRequest, template: str, context: dict[str, Any], *, site: Site | None, status: int = 200
) -> HttpResponse:
    """One of our public pages, under the name of the Wagtail site."""
    name = site.site_name if site else ""
    return render(
        request,
        f"wagtail_payparts/{template}",
        {"site_name": name or getattr(settings, "WAGTAIL_SITE_NAME", ""), **context},
        status=status,
    )


@contextmanager
def in_language_of(page: Any) -> Iterator[None]:
    """Speak the language of the page on which the button stood: our own addresses name none.

    Where the project does not translate its pages, or the page is not known, the browser's wish stands.
    """
    locale = getattr(page, "locale", None) if getattr(settings, "WAGTAIL_I18N_ENABLED", False) else None
    if locale is None or not check_for_language(locale.language_code):
        yield
        return
    with override(locale.language_code):
        yield


def way_back(request: HttpRequest, page: Any = None) -> str:
    """The page from which the buyer came, on this site: never another one."""
    address = (page.get_url(request) if page is not None else "") or ""
    if address:
        return str(address)
    referrer = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(referrer, {request.get_host()}, require_https=request.is_secure()):
        path = urlsplit(referrer).path
        # A browser takes two slashes, or one that leans the other way, for the beginning of another host.
        if path and path != request.path and not path.startswith("//") and "\\" not in path:
            return path
    return get_script_prefix()

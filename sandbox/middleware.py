"""A Content-Security-Policy, as a careful shop has one. Django 6 brings its own; this one also serves Django 5.2."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse


# The button's form is answered by a redirect to the bank, and a browser counts that as a place where the form goes.
POLICY = "; ".join(
    [
        "default-src 'self'",
        "base-uri 'none'",
        f"form-action 'self' {settings.BANK_URL}",
        "frame-ancestors 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
    ]
)
#: Wagtail's admin and Django's have inline scripts of their own.
ADMIN = ("/admin/", "/django-admin/")


def content_security_policy(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if not request.path.startswith(ADMIN):
            response.headers.setdefault("Content-Security-Policy", POLICY)
        return response

    return middleware

"""Who answered at the callback address: our own view, or what else, and what to do about that."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from wagtail_payparts.resources import clean
from wagtail_payparts.services.addresses import without_credentials
from wagtail_payparts.services.diagnosis import Finding, Level


_URLS = (
    "Add path('', include('wagtail_payparts.urls')) to your urlpatterns, before wagtail.urls and outside "
    "i18n_patterns, and have the proxy pass this path to the site."
)
_LOGIN_WORDS = ("login", "signin", "sign-in", "/auth", "sso")


@dataclass(frozen=True)
class Reply:
    """An HTTP answer, of which ``page`` is the beginning."""

    status: int
    headers: dict[str, str]
    page: bytes

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "")

    @property
    def text(self) -> str:
        return self.page.decode("utf-8", "replace")


def judge(address: str, reply: Reply) -> Finding:
    """What an answer to our knock means. Ours is 400, or 403 if this machine is not the bank; it is in JSON, and says
    that it rejects what it got.
    """
    if _is_ours(reply):
        text = f"The callback address {address} is answered by this plugin"
        refused = ", which lets nobody in but PAYPARTS_BANK_ADDRESSES" if reply.status == 403 else ""
        return Finding(Level.OK, "callback_address", f"{text}{refused}.")
    what, advice = _explain(address, reply)
    return Finding(Level.FAIL, "callback_address", f"The callback address {address} {what}.", advice)


def _is_ours(reply: Reply) -> bool:
    if reply.status not in {400, 403}:
        return False
    try:
        answer = json.loads(reply.text)
    except (ValueError, RecursionError):
        return False
    return isinstance(answer, dict) and answer.get("status") == "rejected" and isinstance(answer.get("reason"), str)


def _explain(address: str, reply: Reply) -> tuple[str, str]:
    page = reply.text.lower()
    if 300 <= reply.status < 400:
        return _explain_redirect(address, reply.header("Location"))
    if reply.status == 403 and "csrf" in page:
        return "is refused for want of a CSRF token (HTTP 403)", _OTHER_VIEW
    if reply.status == 401 or 'type="password"' in page or "type='password'" in page:
        return (
            f"asks for a login (HTTP {reply.status})",
            "Let the bank in without one: by this path, or by its addresses.",
        )
    if reply.status == 400 and "bad request" in page:
        host = urlsplit(address).hostname
        return f"is refused by Django (HTTP 400): {host} is hardly in ALLOWED_HOSTS", "Add it to ALLOWED_HOSTS."
    if reply.status in {404, 405, 410}:
        return f"is not answered by this plugin (HTTP {reply.status})", _URLS
    if reply.status >= 500:
        return f"answers with an error (HTTP {reply.status})", "Look into the logs of the proxy and of the site."
    kind = clean(reply.header("Content-Type").partition(";")[0])[:40] or "nothing"
    return f"is answered by something else (HTTP {reply.status}, {kind})", _OTHER_VIEW


_OTHER_VIEW = f"A firewall, a proxy, a middleware or another view stands before it. {_URLS}"


def _explain_redirect(address: str, location: str) -> tuple[str, str]:
    loses = "The bank does not follow it, or loses what it posts."
    try:
        target = urljoin(address, location)
        here, there = urlsplit(address), urlsplit(target)
    except ValueError:
        return "redirects elsewhere", f"{loses} {_URLS}"
    shown = clean(without_credentials(target))[:200]
    if any(word in there.path.lower() for word in _LOGIN_WORDS) or "next=" in there.query:
        return f"redirects to a login ({shown})", "Let the bank in without one: exempt this path."
    if here.path.rstrip("/") == there.path.rstrip("/"):
        if (here.scheme, there.scheme) == ("http", "https"):
            return "redirects from http to https", f"Set PAYPARTS_BASE_URL to the https address. {loses}"
        if here.netloc != there.netloc:
            return (
                f"redirects to another host ({urlsplit(shown).netloc})",
                f"Set PAYPARTS_BASE_URL to that host. {loses}",
            )
        if here.path != there.path:
            advice = f"Have the proxy pass both forms, with the slash and without. {loses}"
            return "redirects for the sake of a slash", advice
    return f"redirects elsewhere ({shown})", f"{loses} {_URLS}"

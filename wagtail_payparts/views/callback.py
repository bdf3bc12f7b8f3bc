"""The bank's doorbell."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import RawPostDataException, UnreadablePostError
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from wagtail_payparts import conf
from wagtail_payparts.bank import EMPTY, MAX_CALLBACK_BYTES, Callback, parse_callback
from wagtail_payparts.exceptions import CallbackRejected
from wagtail_payparts.services.callbacks import receive, reject
from wagtail_payparts.views.visitor import client_address


#: What a callback from an address that is not the bank's is rejected for.
FOREIGN = "foreign_address"
_KNOCK = b"{}"


# Not atomic: what the bank signed stays stored, whatever happens after.
@transaction.non_atomic_requests
@csrf_exempt
@login_not_required
@never_cache
@require_POST
def callback(request: HttpRequest) -> HttpResponse:
    """Store a signed callback and answer 200; answer 400 to everything else (payparts-api §3), or 403 to whoever is
    not in ``PAYPARTS_BANK_ADDRESSES``.
    """
    parsed: Callback | None = None
    try:
        _refuse_strangers(request)
        parsed = parse_callback(_read(request))
        receive(parsed, request)
    except CallbackRejected as rejected:
        if not _is_a_knock(request, rejected):
            reject(rejected, parsed, request)
        status = 403 if rejected.reason == FOREIGN else 400
        return JsonResponse({"status": "rejected", "reason": rejected.reason}, status=status)
    return JsonResponse({"status": "ok"})


def _refuse_strangers(request: HttpRequest) -> None:
    """Before anything of the body is read."""
    allowed = conf.bank_networks()
    if allowed is None:
        return
    address = client_address(request)
    if address is None or not any(address in network for network in allowed.networks):
        raise CallbackRejected(FOREIGN, f"came from {address or 'no address'}", address=str(address or ""))


def _is_a_knock(request: HttpRequest, rejected: CallbackRejected) -> bool:
    """payparts_doctor knocks like this: nothing for staff to read. A stranger's is known by its length alone."""
    if rejected.reason == FOREIGN:
        return request.META.get("CONTENT_LENGTH") == str(len(_KNOCK))
    return rejected.reason == EMPTY


def _read(request: HttpRequest) -> bytes:
    """The body, and no more of it than a callback can have."""
    try:
        if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_CALLBACK_BYTES:
            raise CallbackRejected("too_large")
        return request.read(MAX_CALLBACK_BYTES + 1)
    except (UnreadablePostError, RawPostDataException, RequestDataTooBig, ValueError) as error:
        raise CallbackRejected("unreadable") from error

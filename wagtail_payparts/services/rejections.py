"""Why a callback was rejected and what to do about it, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from wagtail_payparts.services.health import Rejection


class Explained(NamedTuple):
    """``label`` says what was wrong, ``hint`` in what way (or nothing), ``advice`` what to do."""

    label: str
    hint: str
    advice: str


_CHANGED = gettext_lazy(
    "The bank sends nothing like this. If its callbacks do not arrive, something on their way changes them: let the "
    "proxy or the firewall pass them to this address as they are. Otherwise somebody is trying the address out."
)
_LABELS: dict[str, str | Promise] = {
    "wrong_signature": gettext_lazy("Wrong signature"),
    "unknown_store": gettext_lazy("A store that is not ours"),
    "foreign_address": gettext_lazy("From an address that is not the bank’s"),
    "too_large": gettext_lazy("Larger than any callback"),
    "unreadable": gettext_lazy("Broke off while it was read"),
    "not_json": gettext_lazy("No readable JSON"),
    "not_an_object": gettext_lazy("JSON of another shape"),
    "duplicate_key": gettext_lazy("One field twice"),
    "bad_field": gettext_lazy("A field of another kind"),
    "missing_field": gettext_lazy("A field is missing"),
    "bad_state": gettext_lazy("Names no state"),
}
_ADVICE: dict[str, str | Promise] = {
    "foreign_address": gettext_lazy(
        "If it is an address of the bank, add it to PAYPARTS_BANK_ADDRESSES. If it is that of a proxy of yours, "
        "PAYPARTS_TRUSTED_PROXIES is too low. Otherwise somebody is trying the address out, and was not let in."
    ),
    "unknown_store": gettext_lazy(
        "Compare the store id in the settings with that in the bank’s cabinet. If they are equal, the message was "
        "meant for another site, or somebody is trying the address out."
    ),
    "unreadable": gettext_lazy(
        "The connection broke before all of it had come. If it happens often, look at the time-outs of the proxy and "
        "of the application server."
    ),
}
_SIGNATURE_ADVICE: dict[str, str | Promise] = {
    "well_formed": gettext_lazy(
        "It was signed with another password, or changed on the way. Compare the password in the settings with the "
        "bank’s; while it is being changed, keep the old one as PREVIOUS_PASSWORD."
    ),
    "missing": gettext_lazy("The bank signs each callback, so this one hardly came from it."),
}
_ALPHABETS: dict[str, str | Promise] = {
    "hex": "hex",
    "base64": "base64",
    "base64url": gettext_lazy("base64 for addresses"),
    "ascii": gettext_lazy("plain text"),
    "other": gettext_lazy("text beyond ASCII"),
}


def explain_rejection(rejection: Rejection) -> Explained:
    """A rejected callback in words. A reason of another version of the plugin explains itself."""
    label = str(_LABELS.get(rejection.reason, rejection.reason)) or _("Rejected")
    if rejection.reason == "wrong_signature":
        kind = str(rejection.signature.get("kind", ""))
        return Explained(label, describe_shape(rejection.signature), str(_SIGNATURE_ADVICE.get(kind, _CHANGED)))
    if rejection.reason == "foreign_address":
        came_from = _("It came from %(address)s.") % {"address": rejection.address}
        hint = came_from if rejection.address else _("Where it came from is no address.")
        return Explained(label, hint, str(_ADVICE[rejection.reason]))
    return Explained(label, "", str(_ADVICE.get(rejection.reason, _CHANGED)))


def describe_shape(signature: Mapping[str, Any]) -> str:
    """What a stored signature's shape (``bank.SignatureShape``) tells; empty where none is stored."""
    kind, length = signature.get("kind"), signature.get("length")
    if kind == "well_formed":
        return _("The signature has the right form.")
    if kind == "missing":
        return _("There was no signature.")
    if kind == "spaces":
        return _("The signature has the right form but for spaces around it.")
    if kind == "not_text":
        return _("The signature was no text.")
    if kind != "odd" or not isinstance(length, int):
        return ""
    alphabet = str(signature.get("alphabet", ""))
    return ngettext(
        "28 characters of base64 expected, got %(count)d (%(alphabet)s).",
        "28 characters of base64 expected, got %(count)d (%(alphabet)s).",
        length,
    ) % {"count": length, "alphabet": _ALPHABETS.get(alphabet, alphabet)}

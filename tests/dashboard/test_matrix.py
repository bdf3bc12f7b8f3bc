"""Every address of ours in the admin, for every kind of person, by every method; bulk actions and exports too.

A new address has to be named in ``MATRIX``, or ``test_every_address_is_in_the_matrix`` fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse
from django.utils import timezone
from wagtail import VERSION
from wagtail.admin.views.bulk_action.registry import bulk_action_registry
from wagtail.models import ModelLogEntry, Revision, Site

from tests.dashboard.roles import BY_EVERY_METHOD, ROLES, enter, may
from tests.factories import make_offer, make_order, make_payment
from wagtail_payparts.models import Order, Payment, PaymentEvent, ReceiverResult, SignalDelivery
from wagtail_payparts.simulator import Simulator


pytestmark = pytest.mark.django_db

#: Nobody but a superuser has it.
SUPERUSER_ONLY = "nobody_has_this"
#: What Wagtail answers to a form that lacks its fields is its own affair.
WHATEVER = (200, 201, 302, 400, 403, 404, 405)
ANY_OF_OFFERS = "add_offer | change_offer | delete_offer"
#: A copy shows what was copied, so since 7.4.3 Wagtail asks for the right to see that too.
COPY_OF_OFFERS = "add_offer+change_offer | add_offer+view_offer" if VERSION >= (7, 4, 3) else "add_offer"


@dataclass(frozen=True)
class Row:
    """An address, what opens it, and what it answers to those for whom it is open.

    ``needs``: codenames joined by ``+``, alternatives by ``|``; empty for whoever may enter the admin.
    ``args``: of the address; a name in braces stands for the key of a row that the test makes (``_rows``).
    ``post_needs``: where a POST needs something else than a GET.
    ``refused``: what others are answered where they are not sent home (they must not change anything either way).
    """

    name: str
    needs: str
    args: tuple[str, ...] = ()
    query: str = ""
    get: tuple[int, ...] = (200,)
    post: tuple[int, ...] = (405,)
    post_needs: str | None = None
    data: dict[str, str] = field(default_factory=dict)
    refused: tuple[int, ...] = (403, 405)

    def __str__(self) -> str:
        return " ".join([self.name, *self.args, self.query]).strip()

    def needs_for(self, method: str) -> str:
        return self.needs if method in {"get", "head"} or self.post_needs is None else self.post_needs

    def answers(self, method: str) -> tuple[int, ...]:
        answers = self.get if method in {"get", "head"} else self.post
        # Some of Wagtail's views know no HEAD, and Django's form views take a PUT for a POST.
        return answers if method in {"get", "post"} else (*answers, 405)


def _offer(name: str, needs: str, *args: str, **fields: Any) -> Row:
    """A page that Wagtail makes for any snippet."""
    return Row(f"wagtailsnippets_wagtail_payparts_offer:{name}", needs, args, post=WHATEVER, **fields)


def _chooser(name: str, needs: str, *args: str, **fields: Any) -> Row:
    return Row(f"wagtailsnippetchoosers_wagtail_payparts_offer:{name}", needs, args, post=WHATEVER, **fields)


def _django_admin(name: str, *args: str, get: int = 200) -> Row:
    return Row(f"admin:wagtail_payparts_{name}", SUPERUSER_ONLY, args, get=(get,), post=WHATEVER)


MATRIX: tuple[Row, ...] = (
    # Payments.
    Row("payparts_payments:index", "view_payment"),
    Row("payparts_payments:index_results", "view_payment"),
    Row("payparts_payments:inspect", "view_payment", ("{payment}",)),
    # The export of a listing.
    *(
        Row(f"payparts_payments:{name}", "view_payment+export_payment", query=f"export={spreadsheet_format}")
        for name in ("index", "index_results")
        for spreadsheet_format in ("csv", "xlsx")
    ),
    Row("payparts_payments:export", "view_payment+export_payment", post=WHATEVER),
    # What staff do to a payment.
    Row("payparts_payments:ask", "view_payment+ask_payment", ("{payment}",), post=(302,)),
    Row("payparts_payments:deliver", "view_payment+resolve_payment", ("{payment}",), post=(302,)),
    Row(
        *("payparts_payments:resolve", "view_payment+resolve_payment", ("{payment}", "late_success")),
        post=(302,),
        data={"decision": "accept", "note": "Є на складі"},
    ),
    Row(
        *("payparts_payments:note", "view_payment+ask_payment | view_payment+resolve_payment", ("{payment}",)),
        post=(302,),
        data={"note": "Подзвонити"},
    ),
    # What moves money: a POST without what has to be filled in asks again.
    *(
        Row(f"payparts_payments:{name}", "view_payment+hold_payment", ("{held}",), post=(200,))
        for name in ("confirm", "cancel")
    ),
    Row("payparts_payments:refund", "view_payment+refund_payment", ("{payment}",), post=(200,)),
    # Refunds, and their export.
    Row("payparts_refunds:index", "view_payment"),
    Row("payparts_refunds:index_results", "view_payment"),
    *(
        Row(f"payparts_refunds:{name}", "view_payment+export_payment", query=f"export={spreadsheet_format}")
        for name in ("index", "index_results")
        for spreadsheet_format in ("csv", "xlsx")
    ),
    Row("payparts_refunds:export", "view_payment+export_payment", post=WHATEVER),
    # What waits for a person.
    Row("payparts_payments:attention", "view_payment"),
    Row("payparts_payments:attention_results", "view_payment"),
    Row(
        *("payparts_payments:dismiss_callback", "view_payment+resolve_payment", ("{unknown_callback}",)),
        post=(302,),
        data={"note": "Не наше"},
    ),
    # The pages of figures.
    Row("payparts_overview:index", "view_payment"),
    Row("payparts_health:index", "view_payment"),
    # Orders, which are not exported.
    Row("payparts_orders:index", "view_order"),
    Row("payparts_orders:index_results", "view_order"),
    Row("payparts_orders:inspect", "view_order", ("{order}",)),
    Row("payparts_orders:index", "view_order", query="export=csv", get=(400,)),
    Row("payparts_orders:hand_over", "view_order+handover_order", ("{order}",), post=(302,)),
    Row("payparts_orders:take_back", "view_order+handover_order", ("{order_handed_over}",), post=(302,)),
    Row(
        *("payparts_orders:note", "view_order+handover_order", ("{order}",)),
        post=(302,),
        data={"note": "Подзвонити", "seen": "e3b0c44298fc1c149afbf4c8996fb924"},
    ),
    # Offers.
    _offer("list", f"{ANY_OF_OFFERS} | view_offer"),
    _offer("list_results", f"{ANY_OF_OFFERS} | view_offer"),
    _offer("add", "add_offer"),
    _offer("copy", COPY_OF_OFFERS, "{offer}"),
    _offer("edit", "change_offer", "{offer}"),
    _offer("delete", "delete_offer", "{offer}"),
    _offer("usage", "change_offer", "{offer}"),
    _offer("history", ANY_OF_OFFERS, "{offer}"),
    _offer("history_results", ANY_OF_OFFERS, "{offer}"),
    _offer("unpublish", "publish_offer", "{offer}"),
    _offer("preview_on_add", "add_offer", get=WHATEVER),
    _offer("preview_on_edit", "change_offer", "{offer}", get=WHATEVER),
    _offer("revisions_view", "change_offer", "{offer}", "{revision}"),
    _offer("revisions_revert", "change_offer", "{offer}", "{revision}"),
    _offer("revisions_compare", "change_offer", "{offer}", "{revision}", "live"),
    _offer("revisions_unschedule", "publish_offer", "{offer}", "{revision}", get=WHATEVER),
    _chooser("choose", ""),
    _chooser("choose_results", ""),
    _chooser("chosen", "", "{offer}"),
    _chooser("chosen_multiple", "", query="id={offer}"),
    # Settings of a site.
    Row(
        *("wagtailsettings:edit", "change_paypartssettings", ("wagtail_payparts", "paypartssettings", "{site}")),
        post=WHATEVER,
    ),
    # Bulk actions: the model's app and name, and the action. Wagtail answers whom it does not let delete with a page
    # that says so.
    Row(
        *("wagtail_bulk_action", "delete_offer", ("wagtail_payparts", "offer", "delete"), "id={offer}"),
        post=(302,),
        refused=(200, 302, 405),
    ),
    Row(
        *("wagtail_bulk_action", "view_payment+ask_payment", ("wagtail_payparts", "payment", "payparts_ask")),
        query="id={payment}",
        post=(302,),
        refused=(302, 403, 405),
    ),
    Row(
        *("wagtail_bulk_action", "view_payment+export_payment", ("wagtail_payparts", "payment", "payparts_export")),
        query="id={payment}",
        get=(302,),
        refused=(302, 403, 405),
    ),
    Row(
        *("wagtail_bulk_action", "view_payment+resolve_payment", ("wagtail_payparts", "payment", "payparts_resolve")),
        query="id={payment}",
        post=(200, 302),
        data={"code": "late_success", "decision": "accept", "note": "Є на складі"},
        refused=(302, 403, 405),
    ),
    # The Django admin, which lets in whom Django calls staff; the log cannot be written there.
    _django_admin("paymentevent_changelist"),
    _django_admin("paymentevent_change", "{event}"),
    _django_admin("paymentevent_history", "{event}"),
    _django_admin("paymentevent_add", get=403),
    _django_admin("paymentevent_delete", "{event}", get=403),
    _django_admin("paymentevent_export"),
    _django_admin("payment_changelist"),
    _django_admin("payment_change", "{payment}"),
    _django_admin("payment_history", "{payment}"),
    _django_admin("payment_add", get=403),
    _django_admin("payment_delete", "{payment}", get=403),
    _django_admin("payment_export"),
)


def test_every_address_is_in_the_matrix() -> None:
    named = {row.name for row in MATRIX}
    ours = {name for name in _names(get_resolver()) if _is_ours(name)}
    assert ours - named == set(), "add a Row for each to MATRIX, saying who may open it"
    assert {name for name in named if _is_ours(name)} - ours == set(), "these rows have no address any more"


def test_every_bulk_action_is_in_the_matrix(client: Client) -> None:
    bulk_action_registry._scan_for_bulk_actions()
    registered = {
        (app_label, model_name, action)
        for app_label, models in bulk_action_registry.actions.items()
        for model_name, actions in models.items()
        for action in actions
        if app_label == "wagtail_payparts"
    }
    # Those for snippets of any kind are found when they are asked for.
    snippets = {
        ("wagtail_payparts", "offer", action.action_type)
        for action in bulk_action_registry.get_bulk_actions_for_model("wagtail_payparts", "offer")
    }
    named = {row.args for row in MATRIX if row.name == "wagtail_bulk_action"}
    assert registered | snippets == named


def _names(resolver: Any, namespaces: tuple[str, ...] = ()) -> Iterator[str]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLPattern):
            yield ":".join([*namespaces, entry.name or str(entry.pattern)])
        else:
            yield from _names(entry, (*namespaces, entry.namespace) if entry.namespace else namespaces)


def _is_ours(name: str) -> bool:
    """Addresses of the admin. Those of the public site are not for staff."""
    return "payparts" in name and not name.startswith("wagtail_payparts:")


def _rows() -> dict[str, str]:
    """What an address may be about: a row of each kind, by its key."""
    offer = make_offer()
    order = make_order(offer=offer, status="paid")
    handed_over = make_order(handed_over_at="2026-03-01T12:00:00Z")
    payment = make_payment(buyer_order=order, offer=offer, state="SUCCESS", attention="late_success")
    event = PaymentEvent.objects.create(payment=payment, type="poll", order_id=payment.order_id)
    unknown = PaymentEvent.objects.create(type="callback", verdict="unknown_order", order_id="NOBODYS", state="SUCCESS")
    delivery = SignalDelivery.objects.create(payment=payment, event=event, signal="payment_succeeded")
    ReceiverResult.objects.create(delivery=delivery, receiver="shop.told", attempts=1, next_attempt_at=timezone.now())
    site = Site.objects.get(is_default_site=True)
    return {
        "offer": str(offer.pk),
        "order": str(order.pk),
        "order_handed_over": str(handed_over.pk),
        "payment": str(payment.pk),
        "event": str(event.pk),
        "held": str(make_payment(state="LOCKED").pk),
        "unknown_callback": str(unknown.pk),
        "revision": str(offer.save_revision().pk),
        "site": str(site.pk),
    }


def _address(row: Row, keys: dict[str, str]) -> str:
    query = f"?{row.query.format(**keys)}" if row.query else ""
    return reverse(row.name, args=[arg.format(**keys) for arg in row.args]) + query


def _is_refused(response: Any) -> bool:
    """Sent to the home of the admin, or to log in."""
    where = response.get("Location", "")
    return response.status_code == 302 and (where == "/admin/" or "/login/" in where)


def _everything() -> dict[str, Any]:
    """All that is ours in the database, and what Wagtail writes beside it."""
    models = [*apps.get_app_config("wagtail_payparts").get_models(), ModelLogEntry, Revision]
    return {model.__name__: list(model._default_manager.order_by("pk").values()) for model in models}


def _ask(client: Client, method: str, address: str, data: dict[str, str]) -> Any:
    response = getattr(client, method)(address, data) if method == "post" else getattr(client, method)(address)
    # A file is closed when it has been read.
    if getattr(response, "streaming", False):
        b"".join(response)
    return response


def _methods(role: str) -> tuple[str, ...]:
    return ("get", "post", "head", "put", "delete") if role in BY_EVERY_METHOD else ("get", "post")


@pytest.mark.exhaustive
@pytest.mark.parametrize("row", MATRIX, ids=str)
def test_an_address_opens_for_whom_it_should_and_nobody_else_changes_anything(row: Row, bank: Simulator) -> None:
    keys = _rows()
    address = _address(row, keys)
    people = {role: enter(role) for role in ROLES}
    before = _everything()
    for role, client in people.items():
        for method in _methods(role):
            if may(role, row.needs_for(method)):
                continue
            response = _ask(client, method, address, row.data)
            refused = _is_refused(response) or response.status_code in row.refused
            assert refused, f"{role} is answered {response.status_code} to {method.upper()} {address}"
    assert _everything() == before
    for role, client in people.items():
        for method in _methods(role):
            if not may(role, row.needs_for(method)):
                continue
            with transaction.atomic():
                response = _ask(client, method, address, row.data)
                transaction.set_rollback(True)
            where = f"{role} is answered {response.status_code} to {method.upper()} {address}"
            assert response.status_code in row.answers(method), where
            assert not _is_refused(response), where


#: Of a payment that the bank is asked about, or whose signals are delivered again.
BOOKKEEPING = {
    *("poll_count", "poll_failures", "next_poll_at", "poll_leased_until", "lock_version"),
    *("next_delivery_at", "delivery_leased_until"),
}
#: What nobody changes by hand, superusers included.
UNTOUCHABLE = {
    Payment: [field.attname for field in Payment._meta.concrete_fields if field.attname not in BOOKKEEPING],
    Order: [
        field.attname
        for field in Order._meta.concrete_fields
        if field.attname not in {"staff_note", "handed_over_at", "handed_over_by_id"}
    ],
}


def test_not_even_a_superuser_adds_changes_or_deletes_payments_and_orders(bank: Simulator) -> None:
    keys = _rows()
    root = enter("superuser")
    before = {model: list(model.objects.order_by("pk").values(*names)) for model, names in UNTOUCHABLE.items()}  # type: ignore[attr-defined]
    forged = {"state": "FAIL", "status": "refunded", "amount": "1.00", "order_id": "X", "number": "X", "post": "yes"}
    for row in MATRIX:
        if not row.name.startswith(("payparts_payments:", "payparts_orders:", "payparts_refunds:")):
            continue
        for method in ("post", "put", "patch", "delete"):
            address = _address(row, keys)
            data: Any = forged if method == "post" else "state=FAIL&status=refunded&amount=1.00"
            kwargs = {} if method == "post" else {"content_type": "application/x-www-form-urlencoded"}
            with transaction.atomic():
                getattr(root, method)(address, data, **kwargs)
                now = {model: list(model.objects.order_by("pk").values(*names)) for model, names in UNTOUCHABLE.items()}  # type: ignore[attr-defined]
                transaction.set_rollback(True)
            assert now == before, f"{method.upper()} {address}"


@pytest.mark.parametrize("model_name", ["payment", "order", "refund", "paymentevent"])
@pytest.mark.parametrize("action", ["delete", "publish", "move"])
def test_wagtails_own_bulk_actions_know_nothing_of_the_ledger(model_name: str, action: str) -> None:
    keys = _rows()
    address = reverse("wagtail_bulk_action", args=["wagtail_payparts", model_name, action])
    before = _everything()
    root = enter("superuser")
    for method in (root.get, root.post):
        assert method(f"{address}?id={keys.get(model_name, 1)}").status_code == 404
    assert _everything() == before

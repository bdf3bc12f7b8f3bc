"""The Django admin's list of the log, as the old package had it."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client

from tests.factories import make_payment
from wagtail_payparts.models import EventType, PaymentEvent, Verdict


pytestmark = pytest.mark.django_db

LOG = "/django-admin/wagtail_payparts/paymentevent/"


def _event() -> PaymentEvent:
    return PaymentEvent.objects.create(
        payment=make_payment(order_id="ORDER1"),
        order_id="ORDER1",
        type=EventType.CALLBACK,
        state="SUCCESS",
        verdict=Verdict.APPLIED,
        message="<script>alert(1)</script>",
        token="secret-token",
        payload={"ownerName": "OLENA"},
    )


def test_the_log_is_listed_found_and_read(superuser: Client) -> None:
    event = _event()
    assert "ORDER1" in superuser.get(LOG).content.decode()
    assert "ORDER1" in superuser.get(LOG, {"q": "ORDER"}).content.decode()
    assert "0 Logs" in superuser.get(LOG, {"q": "RDER"}).content.decode()
    content = superuser.get(f"{LOG}{event.pk}/change/").content.decode()
    assert "Payment callback" in content
    assert "<script>alert(1)" not in content
    assert "OLENA" not in content
    assert "secret-token" not in content


@pytest.mark.parametrize("page", ["add/", "{pk}/delete/"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_adds_to_the_log_or_deletes_from_it(superuser: Client, page: str, method: str) -> None:
    assert getattr(superuser, method)(LOG + page.format(pk=_event().pk)).status_code == 403
    assert PaymentEvent.objects.count() == 1


def test_nobody_changes_the_log(superuser: Client) -> None:
    event = _event()
    assert superuser.post(f"{LOG}{event.pk}/change/", {"state": "FAIL"}).status_code == 403
    superuser.post(LOG, {"action": "delete_selected", "_selected_action": [event.pk], "post": "yes"})
    event.refresh_from_db()
    assert event.state == "SUCCESS"


def test_the_log_needs_its_own_permission() -> None:
    user = get_user_model().objects.create_user("clerk", is_staff=True)
    client = Client()
    client.force_login(user)
    assert client.get(LOG).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_paymentevent"))
    assert client.get(LOG).status_code == 200


def test_a_message_is_shown_to_those_who_may_see_the_buyer() -> None:
    event = _event()
    PaymentEvent.objects.update(message="Договір, клієнт ПЕТРЕНКО")
    user = get_user_model().objects.create_user("clerk", is_staff=True)
    client = Client()
    client.force_login(user)
    user.user_permissions.add(Permission.objects.get(codename="view_paymentevent"))
    assert "ПЕТРЕНКО" not in client.get(f"{LOG}{event.pk}/change/").content.decode()
    user.user_permissions.add(Permission.objects.get(codename="viewbuyer_payment"))
    content = client.get(f"{LOG}{event.pk}/change/").content.decode()
    assert "ПЕТРЕНКО" in content
    assert "secret-token" not in content

"""The least that a callback view can do and be right, in raw SQL on tables of its own: the floor of the design, §13."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt


FLOOR = "/floor/"


@csrf_exempt
def floor(request: HttpRequest) -> HttpResponse:
    """Verify one SHA-1; one read, one insert and one update in a transaction."""
    said: dict[str, Any] = json.loads(request.body)
    signed = "".join(said[name] for name in ("storeId", "orderId", "paymentState", "message"))
    password = settings.PAYPARTS_API_PASSWORD
    digest = hashlib.sha1(f"{password}{signed}{password}".encode(), usedforsecurity=False).digest()
    expected = b64encode(digest).decode()
    if not hmac.compare_digest(expected, said["signature"]):
        return JsonResponse({"status": "rejected"}, status=400)
    now = timezone.now()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT id FROM bench_payment WHERE order_id = %s FOR UPDATE", [said["orderId"]])
        (payment_id,) = cursor.fetchone()
        cursor.execute(
            "INSERT INTO bench_event (payment_id, state, message, created_at) VALUES (%s, %s, %s, %s)",
            [payment_id, said["paymentState"], said["message"], now],
        )
        cursor.execute(
            "UPDATE bench_payment SET state = %s, changed_at = %s WHERE id = %s",
            [said["paymentState"], now, payment_id],
        )
    return JsonResponse({"status": "ok"})


def make_tables() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_event, bench_payment")
        cursor.execute(
            "CREATE TABLE bench_payment (id bigserial PRIMARY KEY, order_id varchar(64) NOT NULL UNIQUE,"
            " state varchar(20) NOT NULL DEFAULT '', changed_at timestamptz)"
        )
        cursor.execute(
            "CREATE TABLE bench_event (id bigserial PRIMARY KEY, state varchar(64) NOT NULL, message text NOT NULL,"
            " payment_id bigint NOT NULL REFERENCES bench_payment, created_at timestamptz NOT NULL)"
        )
        cursor.execute("CREATE INDEX ON bench_event (payment_id)")


urlpatterns = [path(FLOOR.strip("/") + "/", floor), path("", include("tests.urls"))]

"""When personal data were erased, and since when a payment may hold some."""

from __future__ import annotations

from typing import Any

import django.utils.timezone
from django.db import migrations, models


def since_it_was_made(apps: Any, schema_editor: Any) -> None:
    """Else what is old already would be kept for one period more."""
    payments = apps.get_model("wagtail_payparts", "Payment").objects.using(schema_editor.connection.alias)
    payments.update(texts_since=models.F("created_at"))


class Migration(migrations.Migration):
    dependencies = [("wagtail_payparts", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="order",
            name="erased_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="the buyer's details erased"),
        ),
        migrations.AddField(
            model_name="payment",
            name="erased_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="the bank's messages erased"),
        ),
        migrations.AddField(
            model_name="payment",
            name="texts_since",
            field=models.DateTimeField(blank=True, default=django.utils.timezone.now, editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["erased_at", "created_at", "id"], name="payparts_order_erasure"),
        ),
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(fields=["texts_since", "id"], name="payparts_payment_texts"),
        ),
        migrations.RunPython(since_it_was_made, migrations.RunPython.noop, elidable=True),
    ]

"""The ledger, offers, orders and settings. Made on the oldest supported Wagtail."""

from __future__ import annotations

from decimal import Decimal

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import modelcluster.fields
import wagtail.models.preview
from django.conf import settings
from django.db import migrations, models
from wagtail.images import get_image_model_string

import wagtail_payparts.models.fields
import wagtail_payparts.models.site_settings


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("wagtailcore", "0097_baselogentry_uuid_action_timestamp_indexes"),
        migrations.swappable_dependency(get_image_model_string()),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Heartbeat",
            fields=[
                ("name", models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name="name")),
                ("beat_at", models.DateTimeField(verbose_name="last seen")),
            ],
            options={
                "verbose_name": "heartbeat",
                "verbose_name_plural": "heartbeats",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Offer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("live", models.BooleanField(default=True, editable=False, verbose_name="live")),
                (
                    "has_unpublished_changes",
                    models.BooleanField(default=False, editable=False, verbose_name="has unpublished changes"),
                ),
                (
                    "first_published_at",
                    models.DateTimeField(blank=True, db_index=True, null=True, verbose_name="first published at"),
                ),
                (
                    "last_published_at",
                    models.DateTimeField(editable=False, null=True, verbose_name="last published at"),
                ),
                ("go_live_at", models.DateTimeField(blank=True, null=True, verbose_name="go live date/time")),
                ("expire_at", models.DateTimeField(blank=True, null=True, verbose_name="expiry date/time")),
                ("expired", models.BooleanField(default=False, editable=False, verbose_name="expired")),
                ("title", models.CharField(max_length=255, verbose_name="title")),
                ("description", models.TextField(blank=True, verbose_name="description")),
                (
                    "services",
                    wagtail_payparts.models.fields.ChoiceListField(
                        default="II,PP",
                        help_text="With an instant instalment the buyer pays for the service, with pay in parts the shop does.",
                        max_length=60,
                        verbose_name="services",
                    ),
                ),
                (
                    "parts",
                    wagtail_payparts.models.fields.PartsField(
                        default="2-12",
                        help_text="Like “2-12” or “3, 6, 12”. The bank allows 2 to 25.",
                        max_length=60,
                        verbose_name="numbers of parts",
                    ),
                ),
                (
                    "buyer_details",
                    models.CharField(
                        choices=[
                            ("none", "Nothing: straight to the bank"),
                            ("phone", "Phone"),
                            ("all", "Name, phone and e-mail"),
                        ],
                        default="none",
                        max_length=10,
                        verbose_name="ask the buyer for",
                    ),
                ),
                (
                    "hold",
                    models.BooleanField(
                        default=False,
                        help_text="The bank only holds the money until staff confirm it, for goods that may turn out to be gone.",
                        verbose_name="hold the money first",
                    ),
                ),
                (
                    "image",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=get_image_model_string(),
                        verbose_name="image",
                    ),
                ),
                (
                    "latest_revision",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="wagtailcore.revision",
                        verbose_name="latest revision",
                    ),
                ),
                (
                    "live_revision",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="wagtailcore.revision",
                        verbose_name="live revision",
                    ),
                ),
            ],
            options={
                "verbose_name": "offer",
                "verbose_name_plural": "offers",
                "ordering": ["title", "pk"],
            },
            bases=(wagtail.models.preview.PreviewableMixin, models.Model),
        ),
        migrations.CreateModel(
            name="OfferLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sort_order", models.IntegerField(blank=True, editable=False, null=True)),
                ("name", models.CharField(max_length=128, verbose_name="name")),
                (
                    "count",
                    models.PositiveIntegerField(
                        default=1, validators=[django.core.validators.MinValueValidator(1)], verbose_name="quantity"
                    ),
                ),
                (
                    "price",
                    models.DecimalField(
                        decimal_places=2,
                        max_digits=10,
                        validators=[django.core.validators.MinValueValidator(Decimal("0.01"))],
                        verbose_name="price of one, UAH",
                    ),
                ),
                (
                    "offer",
                    modelcluster.fields.ParentalKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="lines", to="wagtail_payparts.offer"
                    ),
                ),
            ],
            options={
                "verbose_name": "line of an offer",
                "verbose_name_plural": "lines of an offer",
                "ordering": ["sort_order"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Order",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "number",
                    wagtail_payparts.models.fields.ExactCharField(max_length=32, unique=True, verbose_name="number"),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("new", "New"),
                            ("awaiting_payment", "Awaiting payment"),
                            ("on_hold", "On hold"),
                            ("paid", "Paid"),
                            ("canceled", "Cancelled"),
                            ("partially_refunded", "Partially refunded"),
                            ("refunded", "Refunded"),
                        ],
                        default="new",
                        max_length=20,
                        verbose_name="status",
                    ),
                ),
                ("amount", models.DecimalField(decimal_places=2, max_digits=12, verbose_name="amount")),
                (
                    "paid_amount",
                    models.DecimalField(decimal_places=2, default=Decimal("0.00"), max_digits=12, verbose_name="paid"),
                ),
                ("lines", models.JSONField(default=list, verbose_name="lines")),
                ("buyer_name", models.CharField(blank=True, max_length=150, verbose_name="name")),
                ("buyer_phone", models.CharField(blank=True, max_length=30, verbose_name="phone")),
                ("buyer_email", models.EmailField(blank=True, max_length=254, verbose_name="e-mail")),
                ("comment", models.TextField(blank=True, verbose_name="comment")),
                ("offer_title", models.CharField(blank=True, max_length=255, verbose_name="offer")),
                ("staff_note", models.TextField(blank=True, verbose_name="staff note")),
                ("handed_over_at", models.DateTimeField(blank=True, null=True, verbose_name="handed over")),
                ("erased_at", models.DateTimeField(blank=True, null=True, verbose_name="the buyer's details erased")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("status_changed_at", models.DateTimeField(auto_now_add=True, verbose_name="changed")),
                (
                    "handed_over_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="handed over by",
                    ),
                ),
                (
                    "offer",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="orders",
                        to="wagtail_payparts.offer",
                        verbose_name="offer",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="wagtailcore.site",
                        verbose_name="site",
                    ),
                ),
            ],
            options={
                "verbose_name": "order",
                "verbose_name_plural": "orders",
                "ordering": ["-created_at", "-pk"],
                "permissions": [("handover_order", "Can hand over and write notes")],
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="Payment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "order_id",
                    wagtail_payparts.models.fields.ExactCharField(
                        db_index=True,
                        help_text="Unique within the store; sent to the bank.",
                        max_length=64,
                        verbose_name="order id at the bank",
                    ),
                ),
                ("store", models.CharField(default="default", max_length=50, verbose_name="store")),
                ("is_test", models.BooleanField(default=False, verbose_name="test")),
                ("amount", models.DecimalField(decimal_places=2, max_digits=12, verbose_name="amount")),
                ("parts_count", models.PositiveSmallIntegerField(verbose_name="number of parts")),
                (
                    "merchant_type",
                    models.CharField(
                        choices=[
                            ("II", "Instant instalment"),
                            ("PP", "Pay in parts"),
                            ("PB", "Pay in parts, money by instalments"),
                            ("IA", "Instant instalment, promotional"),
                        ],
                        default="II",
                        max_length=2,
                        verbose_name="service",
                    ),
                ),
                ("hold", models.BooleanField(default=False, verbose_name="two-stage")),
                ("lines", models.JSONField(default=list, verbose_name="lines")),
                ("response_url", models.TextField(blank=True, verbose_name="callback address")),
                ("return_url", models.TextField(blank=True, verbose_name="return address")),
                ("token", models.CharField(blank=True, max_length=255, verbose_name="token")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("NEW", "New"),
                            ("CREATED", "Created"),
                            ("CLIENT_WAIT", "Waiting for the buyer"),
                            ("OTP_WAITING", "Waiting for the code"),
                            ("PP_CREATION", "The bank is deciding"),
                            ("LOCKED", "On hold"),
                            ("SUCCESS", "Paid"),
                            ("CANCELED", "Cancelled"),
                            ("FAIL", "Refused"),
                            ("EXPIRED", "Expired"),
                        ],
                        default="NEW",
                        max_length=20,
                        verbose_name="state",
                    ),
                ),
                ("state_changed_at", models.DateTimeField(auto_now_add=True, verbose_name="changed")),
                (
                    "furthest_state",
                    models.CharField(
                        choices=[
                            ("NEW", "New"),
                            ("CREATED", "Created"),
                            ("CLIENT_WAIT", "Waiting for the buyer"),
                            ("OTP_WAITING", "Waiting for the code"),
                            ("PP_CREATION", "The bank is deciding"),
                            ("LOCKED", "On hold"),
                            ("SUCCESS", "Paid"),
                            ("CANCELED", "Cancelled"),
                            ("FAIL", "Refused"),
                            ("EXPIRED", "Expired"),
                        ],
                        default="NEW",
                        editable=False,
                        max_length=20,
                        verbose_name="furthest state",
                    ),
                ),
                (
                    "was_negative",
                    models.BooleanField(default=False, verbose_name="has been cancelled, refused or expired"),
                ),
                ("bank_state", models.CharField(blank=True, max_length=64, verbose_name="the bank's last word")),
                ("bank_message", models.TextField(blank=True, verbose_name="the bank's message")),
                ("claim_state", models.CharField(blank=True, max_length=32, verbose_name="claimed by a callback")),
                ("claim_at", models.DateTimeField(blank=True, null=True, verbose_name="claimed at")),
                ("rung_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="last callback")),
                ("next_poll_at", models.DateTimeField(blank=True, null=True, verbose_name="next question to the bank")),
                ("poll_leased_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("poll_count", models.PositiveIntegerField(default=0, verbose_name="answers of the bank")),
                ("poll_failures", models.PositiveIntegerField(default=0, verbose_name="failed questions in a row")),
                ("settled_at", models.DateTimeField(blank=True, null=True, verbose_name="settled")),
                ("settled_by", models.CharField(blank=True, editable=False, max_length=20, verbose_name="settled by")),
                (
                    "settles",
                    wagtail_payparts.models.fields.ExactCharField(
                        blank=True, editable=False, max_length=190, null=True, unique=True, verbose_name="settles"
                    ),
                ),
                (
                    "pending_action",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("confirm", "Confirming the hold"),
                            ("cancel", "Cancelling the hold"),
                            ("refund", "Refunding"),
                        ],
                        max_length=20,
                        verbose_name="action under way",
                    ),
                ),
                (
                    "pending_since",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="under way since"),
                ),
                ("attention", models.CharField(blank=True, max_length=255, verbose_name="needs attention")),
                (
                    "refunded_amount",
                    models.DecimalField(
                        decimal_places=2, default=Decimal("0.00"), max_digits=12, verbose_name="refunded"
                    ),
                ),
                (
                    "fee",
                    models.DecimalField(
                        decimal_places=2, default=Decimal("0.00"), max_digits=12, verbose_name="fee of the shop"
                    ),
                ),
                (
                    "reference",
                    wagtail_payparts.models.fields.ExactCharField(
                        blank=True,
                        db_index=True,
                        help_text="The shop's own order number.",
                        max_length=100,
                        verbose_name="reference",
                    ),
                ),
                ("metadata", models.JSONField(blank=True, default=dict, verbose_name="metadata")),
                (
                    "idempotency_key",
                    wagtail_payparts.models.fields.ExactCharField(
                        blank=True, max_length=100, null=True, unique=True, verbose_name="idempotency key"
                    ),
                ),
                ("offer_title", models.CharField(blank=True, max_length=255, verbose_name="offer")),
                ("page_id", models.PositiveIntegerField(blank=True, null=True, verbose_name="page id")),
                ("page_title", models.CharField(blank=True, max_length=255, verbose_name="page")),
                ("page_url", models.TextField(blank=True, verbose_name="page address")),
                ("receipt", models.JSONField(blank=True, default=dict, verbose_name="receipt details")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("next_delivery_at", models.DateTimeField(blank=True, null=True, verbose_name="signals due")),
                ("delivery_leased_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lock_version", models.PositiveIntegerField(default=0, editable=False)),
                (
                    "texts_since",
                    models.DateTimeField(blank=True, default=django.utils.timezone.now, editable=False, null=True),
                ),
                ("erased_at", models.DateTimeField(blank=True, null=True, verbose_name="the bank's messages erased")),
                (
                    "buyer_order",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="payments",
                        to="wagtail_payparts.order",
                        verbose_name="order",
                    ),
                ),
                (
                    "offer",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="payments",
                        to="wagtail_payparts.offer",
                        verbose_name="offer",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="wagtailcore.site",
                        verbose_name="site",
                    ),
                ),
            ],
            options={
                "verbose_name": "payment",
                "verbose_name_plural": "payments",
                "ordering": ["-created_at", "-pk"],
                "permissions": [
                    ("viewbuyer_payment", "Can see the buyer's details"),
                    ("export_payment", "Can export"),
                    ("ask_payment", "Can ask the bank"),
                    ("hold_payment", "Can confirm and cancel holds"),
                    ("refund_payment", "Can refund"),
                    ("resolve_payment", "Can resolve what needs attention"),
                ],
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="PaymentEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "type",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("payment_create", "Creation of payment"),
                            ("callback", "Payment callback"),
                            ("poll", "Question to the bank"),
                            ("expiry", "Expiry"),
                            ("attention", "Needs attention"),
                            ("action", "Action at the bank"),
                            ("refund", "Refund"),
                            ("resolved", "Decided by staff"),
                            ("redelivery", "Signals are delivered again"),
                            ("reopened", "Tried again"),
                            ("note", "Note"),
                        ],
                        max_length=20,
                        verbose_name="Log type",
                    ),
                ),
                ("state", models.CharField(blank=True, max_length=64, verbose_name="State")),
                ("message", models.TextField(blank=True, verbose_name="Message")),
                ("store_id", models.CharField(blank=True, max_length=64, verbose_name="Store id")),
                (
                    "order_id",
                    wagtail_payparts.models.fields.ExactCharField(blank=True, max_length=64, verbose_name="Order id"),
                ),
                ("token", models.CharField(blank=True, max_length=255, verbose_name="Token")),
                (
                    "verdict",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("received", "Received, the bank is to be asked"),
                            ("applied", "Applied"),
                            ("duplicate", "Nothing new"),
                            ("stale", "Out of date"),
                            ("conflict", "Contradiction"),
                            ("unknown_state", "Unknown word"),
                            ("unknown_order", "Unknown order"),
                            ("rejected", "Rejected"),
                            ("refused", "Refused by the bank"),
                            ("unreachable", "No answer"),
                            ("bad_answer", "Unbelievable answer"),
                            ("mismatch", "Another amount"),
                            ("accepted", "Accepted"),
                            ("dismissed", "Dismissed"),
                        ],
                        max_length=20,
                        verbose_name="verdict",
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("checkout", "Checkout"),
                            ("callback", "Callback"),
                            ("poll", "Poll"),
                            ("staff", "Staff"),
                        ],
                        max_length=20,
                        verbose_name="source",
                    ),
                ),
                ("payload", models.JSONField(blank=True, default=dict, verbose_name="payload")),
                ("http_status", models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="HTTP status")),
                ("trace_id", models.CharField(blank=True, max_length=128, verbose_name="trace id")),
                ("duration_ms", models.PositiveIntegerField(blank=True, null=True, verbose_name="duration, ms")),
                ("repeats", models.PositiveIntegerField(default=0, verbose_name="repeated")),
                ("announced_at", models.DateTimeField(blank=True, null=True, verbose_name="announced")),
                ("announcing_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("fingerprint", models.CharField(blank=True, editable=False, max_length=64, null=True, unique=True)),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                (
                    "payment",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="wagtail_payparts.payment",
                        verbose_name="payment",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "Log",
                "verbose_name_plural": "Logs",
                "default_permissions": ("view",),
            },
        ),
        migrations.AddField(
            model_name="payment",
            name="claim_event",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="wagtail_payparts.paymentevent",
                verbose_name="callback that claims it",
            ),
        ),
        migrations.CreateModel(
            name="PayPartsSettings",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "store",
                    models.CharField(
                        choices=wagtail_payparts.models.site_settings.store_choices,
                        default=wagtail_payparts.models.site_settings.default_store,
                        error_messages={
                            "invalid_choice": "There is no store “%(value)s”: PAYPARTS_STORES does not name it."
                        },
                        help_text="Its alias in PAYPARTS_STORES; the id and the password stay in the project's settings.",
                        max_length=50,
                        verbose_name="store",
                    ),
                ),
                (
                    "legal_information",
                    models.TextField(
                        blank=True,
                        help_text="Shown under the instalments: who lends, on what terms. Required by law where rates are shown.",
                        verbose_name="legal information",
                    ),
                ),
                (
                    "site",
                    models.OneToOneField(
                        editable=False, on_delete=django.db.models.deletion.CASCADE, to="wagtailcore.site"
                    ),
                ),
            ],
            options={
                "verbose_name": "Pay in parts",
                "verbose_name_plural": "Pay in parts",
            },
        ),
        migrations.CreateModel(
            name="Refund",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("amount", models.DecimalField(decimal_places=2, max_digits=12, verbose_name="amount")),
                ("reason", models.TextField(blank=True, verbose_name="reason")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("requested", "Requested"),
                            ("sent", "Sent to the bank"),
                            ("accepted", "Accepted"),
                            ("rejected", "Rejected"),
                            ("uncertain", "Outcome unknown"),
                            ("withdrawn", "Withdrawn"),
                            ("external", "Made elsewhere"),
                        ],
                        default="requested",
                        max_length=20,
                        verbose_name="state",
                    ),
                ),
                ("bank_message", models.TextField(blank=True, verbose_name="the bank's message")),
                ("state_changed_at", models.DateTimeField(auto_now_add=True, verbose_name="changed")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                (
                    "payment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refunds",
                        to="wagtail_payparts.payment",
                        verbose_name="payment",
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="requested by",
                    ),
                ),
            ],
            options={
                "verbose_name": "refund",
                "verbose_name_plural": "refunds",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="SignalDelivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("signal", models.CharField(max_length=40, verbose_name="signal")),
                ("arguments", models.JSONField(default=dict, verbose_name="arguments")),
                ("done_at", models.DateTimeField(blank=True, null=True, verbose_name="done")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                (
                    "event",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="wagtail_payparts.paymentevent",
                    ),
                ),
                (
                    "payment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="wagtail_payparts.payment",
                    ),
                ),
            ],
            options={
                "verbose_name": "signal delivery",
                "verbose_name_plural": "signal deliveries",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="ReceiverResult",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("receiver", models.CharField(max_length=191, verbose_name="receiver")),
                ("attempts", models.PositiveIntegerField(default=0, verbose_name="attempts")),
                ("last_error", models.TextField(blank=True, verbose_name="last error")),
                ("next_attempt_at", models.DateTimeField(blank=True, null=True, verbose_name="next attempt")),
                ("delivered_at", models.DateTimeField(blank=True, null=True, verbose_name="delivered")),
                ("given_up_at", models.DateTimeField(blank=True, null=True, verbose_name="given up")),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="results",
                        to="wagtail_payparts.signaldelivery",
                    ),
                ),
            ],
            options={
                "verbose_name": "result of a receiver",
                "verbose_name_plural": "results of receivers",
                "default_permissions": ("view",),
            },
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["-created_at", "-id"], name="payparts_order_created"),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["status", "-created_at", "-id"], name="payparts_order_by_status"),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["handed_over_at", "-created_at", "-id"], name="payparts_order_handed_over"),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["amount", "id"], name="payparts_order_by_amount"),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["erased_at", "created_at", "id"], name="payparts_order_erasure"),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["buyer_phone"], name="payparts_order_phone", opclasses=["varchar_pattern_ops"]),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["buyer_email"], name="payparts_order_email", opclasses=["varchar_pattern_ops"]),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="payparts_order_amount"),
        ),
        migrations.AddIndex(
            model_name="paymentevent",
            index=models.Index(fields=["payment", "id"], name="payparts_event_payment"),
        ),
        migrations.AddIndex(
            model_name="paymentevent",
            index=models.Index(fields=["verdict", "created_at"], name="payparts_event_verdict"),
        ),
        migrations.AddIndex(
            model_name="paymentevent",
            index=models.Index(fields=["type", "announced_at"], name="payparts_event_announced"),
        ),
        migrations.AddIndex(
            model_name="paymentevent",
            index=models.Index(fields=["store_id", "type", "-id"], name="payparts_event_store"),
        ),
        migrations.AddIndex(
            model_name="paymentevent",
            index=models.Index(fields=["order_id"], name="payparts_event_order_id"),
        ),
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(fields=["-created_at", "-id"], name="payparts_payment_created"),
        ),
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(fields=["state", "-created_at", "-id"], name="payparts_payment_by_state"),
        ),
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(fields=["merchant_type", "-created_at", "-id"], name="payparts_payment_service"),
        ),
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(fields=["store", "-created_at", "-id"], name="payparts_payment_by_store"),
        ),
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(fields=["site", "-created_at", "-id"], name="payparts_payment_by_site"),
        ),
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(fields=["parts_count", "-created_at", "-id"], name="payparts_payment_by_parts"),
        ),
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(fields=["attention", "-created_at", "-id"], name="payparts_payment_attention"),
        ),
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(fields=["is_test", "-created_at", "-id"], name="payparts_payment_test"),
        ),
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(fields=["refunded_amount", "-id"], name="payparts_payment_refunds"),
        ),
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(fields=["amount", "id"], name="payparts_payment_by_amount"),
        ),
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(fields=["settled_at", "settled_by"], name="payparts_payment_settled"),
        ),
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(fields=["next_poll_at"], name="payparts_payment_poll"),
        ),
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(fields=["next_delivery_at"], name="payparts_payment_deliver"),
        ),
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(fields=["texts_since", "id"], name="payparts_payment_texts"),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.UniqueConstraint(fields=("store", "order_id"), name="payparts_payment_order_id"),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="payparts_payment_amount"),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(("refunded_amount__gte", 0), ("refunded_amount__lte", models.F("amount"))),
                name="payparts_payment_refunded",
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        [
                            "NEW",
                            "CREATED",
                            "CLIENT_WAIT",
                            "OTP_WAITING",
                            "PP_CREATION",
                            "LOCKED",
                            "SUCCESS",
                            "CANCELED",
                            "FAIL",
                            "EXPIRED",
                        ],
                    )
                ),
                name="payparts_payment_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(("claim_state", ""), ("next_poll_at__isnull", False), _connector="OR"),
                name="payparts_payment_claim_polled",
            ),
        ),
        migrations.AddIndex(
            model_name="refund",
            index=models.Index(fields=["state", "state_changed_at"], name="payparts_refund_by_state"),
        ),
        migrations.AddIndex(
            model_name="refund",
            index=models.Index(fields=["-created_at", "-id"], name="payparts_refund_created"),
        ),
        migrations.AddIndex(
            model_name="refund",
            index=models.Index(fields=["state", "-created_at", "-id"], name="payparts_refund_listed"),
        ),
        migrations.AddIndex(
            model_name="refund",
            index=models.Index(fields=["amount", "id"], name="payparts_refund_by_amount"),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="payparts_refund_amount"),
        ),
        migrations.AddIndex(
            model_name="signaldelivery",
            index=models.Index(fields=["payment", "done_at", "id"], name="payparts_delivery_open"),
        ),
        migrations.AddIndex(
            model_name="receiverresult",
            index=models.Index(fields=["delivered_at", "-id"], name="payparts_result_open"),
        ),
        migrations.AddConstraint(
            model_name="receiverresult",
            constraint=models.UniqueConstraint(fields=("delivery", "receiver"), name="payparts_result_receiver"),
        ),
    ]

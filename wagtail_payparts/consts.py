"""The old package's constants, under their old names."""

from __future__ import annotations

from wagtail_payparts.models import EventType, MerchantType
from wagtail_payparts.states import OBSERVABLE, PaymentState


MERCHANT_TYPES = tuple((code.value, code.value) for code in MerchantType)
DEFAULT_MERCHANT_TYPE = "II"
DEFAULT_PARTS_COUNT = 2

CREATED = "CREATED"
SUCCESS = "SUCCESS"
CANCELED = "CANCELED"
FAIL = "FAIL"
CLIENT_WAIT = "CLIENT_WAIT"
OTP_WAITING = "OTP_WAITING"
PP_CREATION = "PP_CREATION"
LOCKED = "LOCKED"

STATE_CHOICES = tuple((state.value, state.label) for state in PaymentState if state in OBSERVABLE)
LOG_CHOICES = (
    (EventType.PAYMENT_CREATE.value, EventType.PAYMENT_CREATE.label),
    (EventType.CALLBACK.value, EventType.CALLBACK.label),
)

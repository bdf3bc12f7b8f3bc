"""What the shop's receivers have done, in the shop's own table."""

from __future__ import annotations

from django.db import models


class Act(models.Model):
    """Something that was done once because of a signal: the pair is the key by which a repeat is recognised."""

    event_id = models.BigIntegerField()
    signal = models.CharField(max_length=40)
    payment_id = models.BigIntegerField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event_id", "signal"], name="torture_act_once")]

    def __str__(self) -> str:
        return f"{self.signal} of event {self.event_id}"

"""Proof by torture: a shop whose network, bank, processes and receivers fail at random, and which has to be right."""

from __future__ import annotations

"""What ``payparts_doctor`` examines beyond the facts that the admin shows: the project itself, and the network."""

from __future__ import annotations

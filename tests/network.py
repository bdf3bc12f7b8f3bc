"""Nothing that a test does may leave this machine."""

from __future__ import annotations

import ipaddress
import socket
import sys
from typing import Any


LOCAL_NAMES = {"", "localhost", socket.gethostname()}


class OutsideNetwork(BaseException):
    """A test tried to talk to another machine. No ``Exception``, which may pass for a bank that is down."""


def forbid_outside_network() -> None:
    """Refuse, for the rest of the process, each connection and each look-up of a name beyond loopback."""
    sys.addaudithook(_refuse_outside)


def _refuse_outside(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        sock, address = args
        if sock.family in {socket.AF_INET, socket.AF_INET6} and not is_local(address[0]):
            raise OutsideNetwork(f"connection to {address[0]}")
    elif event == "socket.getaddrinfo":
        host = args[0]
        if host is not None and not is_local(host):
            raise OutsideNetwork(f"look-up of {host}")


def is_local(host: str | bytes) -> bool:
    """Tell whether a name or an address can only mean this machine."""
    name = host.decode() if isinstance(host, bytes) else host
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name in LOCAL_NAMES

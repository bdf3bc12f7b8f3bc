"""The guard that keeps the tests on this machine."""

from __future__ import annotations

import socket

import pytest

from tests.network import OutsideNetwork, is_local


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "", b"localhost"])
def test_this_machine_is_local(host: str | bytes) -> None:
    assert is_local(host)


@pytest.mark.parametrize("host", ["192.0.2.1", "10.0.0.1", "example.com", b"example.com"])
def test_everything_else_is_not(host: str | bytes) -> None:
    assert not is_local(host)


def test_a_name_outside_is_not_looked_up() -> None:
    with pytest.raises(OutsideNetwork, match=r"example\.com"):
        socket.getaddrinfo("example.com", 443)


def test_an_address_outside_is_not_connected_to() -> None:
    with socket.socket() as sock, pytest.raises(OutsideNetwork, match=r"192\.0\.2\.1"):
        sock.connect(("192.0.2.1", 443))

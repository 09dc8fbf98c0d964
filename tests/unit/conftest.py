"""Unit tests open no network connection: they are to run anywhere, at once, and without waiting for anybody."""

import socket
from typing import Any

import pytest

_NETWORK = frozenset({socket.AF_INET, socket.AF_INET6})
_open = socket.socket.__init__


def _open_if_local(self: socket.socket, *args: Any, **kwargs: Any) -> None:
    _open(self, *args, **kwargs)
    if self.family in _NETWORK:
        self.close()
        # no Exception: code under test that catches those cannot hide it
        pytest.fail("A unit test opened a network socket. Use a fake, or move the test to tests/integration.")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that opens an IPv4 or IPv6 socket. Event loops keep their socket pairs."""
    monkeypatch.setattr(socket.socket, "__init__", _open_if_local)

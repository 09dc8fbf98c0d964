"""The guard of conftest.py works."""

import asyncio
import contextlib
import socket

import pytest

REFUSED = pytest.raises(pytest.fail.Exception, match="opened a network socket")


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_network_socket_fails_the_test_even_when_errors_are_caught(family: int) -> None:
    with REFUSED, contextlib.suppress(Exception):
        socket.socket(family)


async def test_a_connection_of_the_event_loop_fails_the_test() -> None:
    with REFUSED:
        await asyncio.open_connection("127.0.0.1", 9)


def test_sockets_within_the_machine_are_open_to_all() -> None:
    for one in (*socket.socketpair(), socket.socket(socket.AF_UNIX)):
        one.close()

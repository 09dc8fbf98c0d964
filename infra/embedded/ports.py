"""Picks ports on 127.0.0.1 and sees whether one is free."""

import secrets
import socket
from collections.abc import Iterable

from infra.embedded.environment import port_range
from infra.embedded.errors import PortInUse

# Below the range that Linux, macOS and Windows take client ports from: a port there can be taken by any outgoing
# connection while its server restarts, and a client that connects to it meanwhile can even connect to itself.
FIRST, END = 15_000, 32_000
_HIGHEST = 65_535
_TRIES = 1_000
_handed_out: set[int] = set()


def is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1:`port` now."""
    return _refusal(port) is None


def _refusal(port: int) -> OSError | None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError as error:
            return error
        return None


def free_port(*, besides: Iterable[int] = ()) -> int:
    """Return a free port that this process was not given before, outside the range of outgoing connections.

    Two processes that choose at the same moment can be given the same one, and a server that restarts has left its own
    for a moment: systems that run side by side choose from a range each (PAYSTREAM_PORT_RANGE).
    """
    first, end = port_range() or (FIRST, END)
    taken = _handed_out.union(besides)
    for _ in range(_TRIES):
        port = first + secrets.randbelow(end - first)  # not `random`: tests give it the same seed again and again
        if port not in taken and is_free(port):
            _handed_out.add(port)
            return port
    raise PortInUse(f"No free port between {first} and {end} on 127.0.0.1.", port=first)


def check_free(port: int, *, used_for: str, variable: str) -> None:
    """Raise PortInUse, naming the `variable` that moves it, when this user cannot listen on `port` now."""
    refusal = _refusal(port)
    if refusal is None:
        return
    if isinstance(refusal, PermissionError):
        reason, remedy, other = "is kept for root by this machine", "Choose", port + 8000
    else:
        reason, remedy, other = "is in use by another program", "Stop that program, or choose", port + 100
    if other > _HIGHEST:
        other = port - 100
    message = f"Port {port}, wanted for {used_for}, {reason}. {remedy} another port, for example: "
    raise PortInUse(f"{message}{variable}={other} make run", port=port)

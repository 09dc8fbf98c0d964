"""Picks ports on 127.0.0.1 and sees whether one is free."""

import secrets
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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


def in_range(port: int) -> bool:
    """Whether a port is one of those that may be chosen: of PAYSTREAM_PORT_RANGE, where that is set."""
    first, end = port_range() or (1, _HIGHEST + 1)
    return first <= port < end


@dataclass(frozen=True, kw_only=True, slots=True)
class FixedPort:
    """A port that is needed as it is, what for, and the variable that moves it."""

    number: int
    used_for: str
    variable: str


def check_free(ports: Sequence[FixedPort]) -> None:
    """Raise PortInUse, naming each port that this user cannot listen on now, and what moves it."""
    refused = [(each, refusal) for each in ports if (refusal := _refusal(each.number)) is not None]
    if not refused:
        return
    said = [f"Port {each.number}, wanted for {each.used_for}, {_reason(refusal)}." for each, refusal in refused]
    can_be_stopped = any(not isinstance(refusal, PermissionError) for _, refusal in refused)
    others = " ".join(f"{each.variable}={_another(each.number, refusal)}" for each, refusal in refused)
    remedy = "Stop what has it, or choose" if can_be_stopped else "Choose"
    noun = "another port" if len(refused) == 1 else "other ports"
    raise PortInUse(f"{' '.join(said)} {remedy} {noun}, for example: {others} make run", port=refused[0][0].number)


def _reason(refusal: OSError) -> str:
    is_kept = isinstance(refusal, PermissionError)
    return "is kept for root by this machine" if is_kept else "is in use by another program"


def _another(port: int, refusal: OSError) -> int:
    other = port + (8000 if isinstance(refusal, PermissionError) else 100)
    return other if other <= _HIGHEST else port - 100

"""The sandbox's outermost part: finds the operation of a request, and cuts connections where a fault says so.

Operations are found in a table rather than one route after another, which the load of a payment test is worth.
"""

import socket
import struct
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from infra.stripe_sandbox.faults.requests import ConnectionDropped
from infra.stripe_sandbox.operation import ApiOperation

Handler = Callable[[ApiOperation, Request], Awaitable[ASGIApp]]

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER on, 0 seconds: closing sends RST, and what was not sent yet is gone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OperationTable:
    """Operations by method and path; a segment in braces takes any value."""

    fixed: dict[tuple[str, str], ApiOperation] = field(default_factory=dict)
    open: dict[tuple[str, int], list[tuple[list[str], ApiOperation]]] = field(default_factory=dict)

    @classmethod
    def of(cls, operations: Sequence[ApiOperation]) -> "OperationTable":
        """Return the table; of two operations that match, the first is taken, and one without braces before those."""
        table = cls()
        for operation in operations:
            segments = operation.path.split("/")
            if "{" in operation.path:
                table.open.setdefault((operation.method, len(segments)), []).append((segments, operation))
            else:
                table.fixed.setdefault((operation.method, operation.path), operation)
        return table

    def find(self, method: str, path: str) -> tuple[ApiOperation, dict[str, str]] | None:
        """Return the operation and the values in the path, or None."""
        operation = self.fixed.get((method, path))
        if operation is not None:
            return operation, {}
        given = path.split("/")
        for segments, candidate in self.open.get((method, len(given)), ()):
            values = _values(segments, given)
            if values is not None:
                return candidate, values
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class SandboxApp:
    """Serves operations; everything else goes to `others`."""

    operations: OperationTable
    serve: Handler
    others: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or end its connection without an answer."""
        found = self.operations.find(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if found is None:
            await self.others(scope, receive, send)
            return
        operation, scope["path_params"] = found
        try:
            response = await self.serve(operation, Request(scope, receive))
        except ConnectionDropped:
            if not _cut(send):
                raise
            while (await receive())["type"] != "http.disconnect":
                pass
        else:
            await response(scope, receive, send)


def _values(segments: list[str], given: list[str]) -> dict[str, str] | None:
    values: dict[str, str] = {}
    for segment, value in zip(segments, given, strict=True):
        if segment.startswith("{"):
            if not value:
                return None
            values[segment[1:-1]] = value
        elif segment != value:
            return None
    return values


def _cut(send: Send) -> bool:
    """Reset the connection under a request; False when there is none, in a test without sockets.

    ASGI has no word for it. `send` is a method of uvicorn's request, which holds its transport.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        return False
    connection: socket.socket | None = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
    return True

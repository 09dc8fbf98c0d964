"""One request that must be refused, as bytes: what no HTTP library would send can be written too."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from urllib.parse import quote

from tests.integration.two_apis import AUTHORIZATION
from tests.support.openapi_documents import DOCUMENTS, operations

Header = tuple[bytes, bytes]

JSON: Header = (b"Content-Type", b"application/json")
AUTHORIZED: Header = (b"Authorization", AUTHORIZATION.encode())
WRITES = frozenset({"POST", "PATCH", "DELETE"})


@dataclass(frozen=True, kw_only=True)
class Route:
    """An operation of a document."""

    api: str
    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def operation(self) -> Any:
        """What the document says of it."""
        return DOCUMENTS[self.api]["paths"][self.path][self.method.lower()]

    @property
    def body_schema(self) -> Any:
        """The schema of its JSON body; None when it takes none."""
        content = self.operation.get("requestBody", {}).get("content", {})
        return content.get("application/json", {}).get("schema")

    @property
    def needs_key(self) -> bool:
        """Whether it is called with an API key."""
        return bool(self.operation.get("security"))


@dataclass(frozen=True, kw_only=True)
class HostileRequest:
    """`reason` names it when it is answered wrongly."""

    reason: str
    route: Route
    target: bytes
    headers: tuple[Header, ...] = (AUTHORIZED,)
    body: bytes = b""
    method: bytes = b""
    framing: tuple[Header, ...] | None = None
    """How long the body is said to be; None: as long as it is."""
    may_end_early: bool = False
    """Whether it is refused before all of it was read, so that its answer may be lost with the connection."""

    def __str__(self) -> str:
        return f"{self.reason} ({self.route})"

    @property
    def raw(self) -> bytes:
        """The bytes to send."""
        framing = self.framing
        if framing is None:
            framing = ((b"Content-Length", b"%d" % len(self.body)),) if self.body else ()
        headers = ((b"Host", b"api"), (b"Connection", b"close"), *framing, *self.headers)
        lines = [(self.method or self.route.method.encode()) + b" " + self.target + b" HTTP/1.1"]
        lines += [name + b": " + value for name, value in headers]
        return b"\r\n".join([*lines, b"", self.body])

    def but(self, reason: str, **changes: Any) -> "HostileRequest":
        """Return another one of its route."""
        return replace(self, reason=reason, **changes)


@cache
def routes(api: str) -> tuple[Route, ...]:
    """Return every route that a document has, so that one that is added is attacked too."""
    return tuple(
        Route(api=api, method=name.partition(" ")[0], path=name.partition(" ")[2])
        for name, _ in operations(DOCUMENTS[api])
    )


def writes() -> Iterator[Route]:
    """Yield every route that changes something with an API key."""
    for route in routes("command-api"):
        if route.method in WRITES and route.needs_key:
            yield route


def reads() -> Iterator[Route]:
    """Yield every other route, of both APIs, with an API key."""
    for api in DOCUMENTS:
        yield from (each for each in routes(api) if each.method not in WRITES and each.needs_key)


def target_of(route: Route, ids: dict[str, str]) -> bytes:
    """Return the path with the ids of things that exist."""
    path = route.path
    for name, value in ids.items():
        path = path.replace("{" + name + "}", value)
    assert "{" not in path, f"{route} has a parameter that nobody knows here"
    return quote(path).encode()

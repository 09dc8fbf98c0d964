"""An HTTP answer, sent without a detour: this is on the way of every request of a load test."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.types import Receive, Scope, Send


@dataclass(frozen=True, kw_only=True, slots=True)
class JsonAnswer:
    """Encoded JSON with its status and headers, as an ASGI application."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    async def __call__(self, _: Scope, __: Receive, send: Send) -> None:
        """Send it."""
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()]
        headers.append((b"content-type", b"application/json"))
        headers.append((b"content-length", b"%d" % len(self.body)))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})

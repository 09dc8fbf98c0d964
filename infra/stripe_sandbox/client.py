"""A client for the control panel, for tests and the demo."""

from types import TracebackType
from typing import Self

import httpx


class SandboxAdmin:
    """Looks into a sandbox and steers it. Raises httpx.HTTPStatusError when the sandbox refuses."""

    def __init__(self, base_url: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._http = httpx.AsyncClient(base_url=base_url, transport=transport, timeout=30)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def state(self) -> dict[str, object]:
        """Return the number of objects by kind and status, and of idempotency keys."""
        return await self._object("GET", "/_sandbox/state")

    async def payment_intents(self, **metadata: str) -> list[dict[str, object]]:
        """Return every payment intent with this metadata, oldest first."""
        return await self._list("payment_intents", metadata)

    async def charges(self, **metadata: str) -> list[dict[str, object]]:
        """Return every charge with this metadata (a charge has its intent's), oldest first, failed ones too."""
        return await self._list("charges", metadata)

    async def refunds(self, **metadata: str) -> list[dict[str, object]]:
        """Return every refund with this metadata, oldest first."""
        return await self._list("refunds", metadata)

    async def delay(self, **milliseconds: int) -> dict[str, object]:
        """Set `before_ms`, `after_ms` or `jitter_ms`, and return all delays."""
        return await self._object("POST", "/_sandbox/latency", dict(milliseconds))

    async def reset(self) -> None:
        """Make the sandbox forget everything."""
        await self._object("POST", "/_sandbox/reset")

    async def authenticate(self, intent_id: str, outcome: str = "succeed") -> dict[str, object]:
        """Do the customer's part (`succeed` or `fail`) and return the payment intent."""
        return await self._object("POST", f"/_sandbox/payment_intents/{intent_id}/authenticate", {"outcome": outcome})

    async def settle_refund(self, refund_id: str) -> dict[str, object]:
        """Move a refund now that would move later, and return it."""
        return await self._object("POST", f"/_sandbox/refunds/{refund_id}/settle")

    async def _object(self, method: str, path: str, body: dict[str, object] | None = None) -> dict[str, object]:
        response = await self._http.request(method, path, json=body)
        response.raise_for_status()
        answer: dict[str, object] = response.json()
        return answer

    async def _list(self, kind: str, metadata: dict[str, str]) -> list[dict[str, object]]:
        filters = {f"metadata[{key}]": value for key, value in metadata.items()}
        response = await self._http.get(f"/_sandbox/{kind}", params=filters)
        response.raise_for_status()
        answer: list[dict[str, object]] = response.json()
        return answer

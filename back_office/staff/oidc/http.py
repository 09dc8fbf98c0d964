"""JSON of the provider over HTTP: within a time and a size, and from nowhere that it redirects to."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import orjson

from back_office.staff.oidc.errors import ProviderAway

_MOST_BYTES = 1024 * 1024
_OK, _BAD_REQUEST, _UNAUTHORIZED = 200, 400, 401


class ProviderHttp:
    """Asks the provider. Raises ProviderAway, and nothing of httpx."""

    def __init__(self, http: httpx.AsyncClient, *, timeout_s: float) -> None:
        self._http = http
        self._timeout_s = timeout_s

    async def get(self, url: str) -> dict[str, Any]:
        """Return a document."""
        status, found = await self._ask("GET", url)
        if status != _OK:
            raise ProviderAway(f"status {status}")
        return found

    async def post(self, url: str, *, headers: Mapping[str, str], body: str) -> tuple[bool, dict[str, Any]]:
        """Return whether it was accepted, and the answer; a refusal is one too."""
        status, found = await self._ask("POST", url, headers=dict(headers), content=body)
        if status not in (_OK, _BAD_REQUEST, _UNAUTHORIZED):
            raise ProviderAway(f"status {status}")
        return status == _OK, found

    async def _ask(self, method: str, url: str, **sent: Any) -> tuple[int, dict[str, Any]]:
        text = bytearray()
        try:
            async with asyncio.timeout(self._timeout_s), self._http.stream(method, url, **sent) as answer:
                async for chunk in answer.aiter_bytes():
                    text += chunk
                    if len(text) > _MOST_BYTES:
                        raise ProviderAway("too long an answer")
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
            raise ProviderAway(type(error).__name__) from error
        try:
            found = orjson.loads(bytes(text))
        except ValueError as error:
            raise ProviderAway(f"status {answer.status_code}, no JSON") from error
        if not isinstance(found, dict):
            raise ProviderAway(f"status {answer.status_code}, no object")
        return answer.status_code, found

"""One of the two APIs over HTTP, with the key of the back office."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from back_office.apis.errors import ApiAway, ApiRefused, Json

Parameters = Mapping[str, str | int | list[str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiAnswer:
    """What an API answered. `position` is how far its answer reflects the log, where it says so."""

    status: int
    body: Json
    position: int | None


class Api:
    """An API. Raises ApiAway and ApiRefused, and nothing of httpx."""

    def __init__(self, http: httpx.AsyncClient, *, name: str) -> None:
        self._http = http
        self.name = name

    @classmethod
    def at(cls, url: str, *, key: str, timeout_s: float, name: str) -> "Api":
        """Return the API at an address; `close` it."""
        http = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=timeout_s,
            verify=url.startswith("https://"),  # certificates take a tenth of a second to load
            follow_redirects=False,
        )
        return cls(http, name=name)

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def get(self, path: str, parameters: Parameters | None = None) -> ApiAnswer:
        """Read something."""
        return await self._send("GET", path, params=dict(parameters or {}))

    async def file(self, path: str) -> bytes:
        """Read something that is no JSON."""
        return (await self._answer("GET", path)).content

    async def newer(self, path: str, version: int) -> int | None:
        """Return the version of something that has an ETag, or None while it is still the one that is known."""
        try:
            answer = await self._http.get(path, headers={"If-None-Match": f'"{version}"'})
        except httpx.HTTPError as error:
            raise ApiAway(self.name, type(error).__name__) from error
        if answer.status_code == httpx.codes.NOT_MODIFIED:
            return None
        body = _json_of(answer)
        if not answer.is_success:
            raise ApiRefused(self.name, answer.status_code, body)
        return int(body["version"])

    async def post(self, path: str, body: Json, headers: Mapping[str, str]) -> ApiAnswer:
        """Send a command."""
        return await self._send("POST", path, json=body, headers=dict(headers))

    async def health(self) -> Json:
        """Return what it says of itself: well or not, it is an answer."""
        try:
            answer = await self._http.get("/health")
            return _json_of(answer)
        except httpx.HTTPError as error:
            raise ApiAway(self.name, type(error).__name__) from error

    async def _answer(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            answer = await self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise ApiAway(self.name, type(error).__name__) from error
        if not answer.is_success:
            seconds = _seconds(answer.headers.get("retry-after"))
            raise ApiRefused(self.name, answer.status_code, _json_of(answer), seconds)
        return answer

    async def _send(self, method: str, path: str, **options: Any) -> ApiAnswer:
        answer = await self._answer(method, path, **options)
        body = _json_of(answer)
        position = answer.headers.get("paystream-position") or body.get("position")
        return ApiAnswer(status=answer.status_code, body=body, position=int(position) if position else None)


def _json_of(answer: httpx.Response) -> Json:
    """Return the body, or nothing where it is none of ours, as a proxy's page of errors."""
    try:
        body = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.isdecimal() else None

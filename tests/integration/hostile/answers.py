"""What every answer to a hostile request has to be: one problem, documented, that tells nothing of the inside."""

import asyncio
import json
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from infra.http.openapi.errors import GENERAL_CODES
from infra.http.problems import MEDIA_TYPE
from tests.integration.hostile.hostile_request import HostileRequest
from tests.integration.hostile.hostile_values import CARD
from tests.integration.two_apis import KEY
from tests.support.openapi_documents import DOCUMENTS, validator

_AT_ONCE = 8
_WITHIN_S = 20
_HEAD = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_INTERNALS = re.compile(
    "traceback|psycopg|sqlstate|postgres|redis|uvicorn|starlette|pydantic|httptools|orjson|asyncio|site-packages"
    r"|\.py\b|event_store\.|read_model\.|<script|jndi|etc/passwd|attacker|object at 0x"
    rf"|{CARD}|{KEY}",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Answered:
    """A request, and all that came back on its connection."""

    request: HostileRequest
    raw: bytes

    @property
    def status(self) -> int:
        """The answer's; 0 when the connection ended without one."""
        found = _HEAD.match(self.raw)
        return int(found.group(1)) if found else 0

    def faults(self) -> list[str]:
        """Return what is wrong with the answer."""
        if not self.raw and self.request.may_end_early:
            return []
        if not 400 <= self.status < 500:
            return [f"status {self.status}"]
        head, _, body = self.raw.partition(b"\r\n\r\n")
        headers = dict(_header(line) for line in head.split(b"\r\n")[1:])
        found = self._of_head(head, headers, body)
        return found or self._of_problem(body)

    def _of_head(self, head: bytes, headers: dict[bytes, bytes], body: bytes) -> list[str]:
        found = []
        if len(_HEAD.findall(self.raw)) != 1:
            found.append("more than one answer")
        if headers.get(b"content-type") != MEDIA_TYPE.encode():
            found.append(f"media type {headers.get(b'content-type')!r}")
        if int(headers.get(b"content-length", -1)) != len(body):
            found.append("a body of another length")
        if b"set-cookie" in headers or b"server" in headers:
            found.append("a header that is not ours")
        if CARD.encode() in head or KEY.encode() in head:
            found.append("its head repeats a secret")
        return found

    def _of_problem(self, body: bytes) -> list[str]:
        problem, route = json.loads(body), self.request.route
        document = DOCUMENTS[route.api]
        found = [
            f"no problem: {error.message[:100]}"
            for error in validator(document, {"$ref": "#/components/schemas/ProblemBody"}).iter_errors(problem)
        ]
        if problem.get("status") != self.status:
            found.append("its status is not the answer's")
        if problem.get("type") != f"urn:paystream:problem:{problem.get('code')}":
            found.append("its type is not its code's")
        if problem.get("code") not in GENERAL_CODES and not self._is_documented(problem["code"]):
            found.append(f"{self.status} {problem['code']} is not documented")
        if leak := _INTERNALS.search(body.decode()):
            found.append(f"it says {leak.group()!r}")
        return found

    def _is_documented(self, code: str) -> bool:
        answer = self.request.route.operation["responses"].get(str(self.status), {})
        return code in answer.get("content", {}).get(MEDIA_TYPE, {}).get("examples", ())


async def sent(requests: Iterable[HostileRequest], addresses: dict[str, str]) -> list[Answered]:
    """Send each on a connection of its own."""
    waiting = iter(requests)
    answers: list[Answered] = []

    async def send_some() -> None:
        for request in waiting:
            raw = await _answer(request, addresses[request.route.api])
            answers.append(Answered(request=request, raw=raw))

    await asyncio.gather(*(send_some() for _ in range(_AT_ONCE)))
    return answers


async def _answer(request: HostileRequest, address: str) -> bytes:
    url = urlsplit(address)
    received = b""
    async with asyncio.timeout(_WITHIN_S):
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        reading = asyncio.ensure_future(_read(reader))
        with suppress(ConnectionError):  # it may have answered, and closed, before it was sent all
            writer.write(request.raw)
            await writer.drain()
        received = await reading
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    return received


async def _read(reader: asyncio.StreamReader) -> bytes:
    received = b""
    with suppress(ConnectionError):
        while part := await reader.read(65536):
            received += part
    return received


def _header(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b": ")
    return name.lower(), value

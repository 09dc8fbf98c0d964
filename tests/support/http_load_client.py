"""A lean HTTP/1.1 client for measuring: it must leave the processors to what is measured."""

import asyncio
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httptools


@dataclass(kw_only=True)
class Measured:
    """What one load run saw: seconds for each answer, and answers by status code."""

    seconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    def percentile(self, share: float) -> float:
        """Return the latency in milliseconds that `share` of the answers did not exceed."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000

    @property
    def errors(self) -> int:
        """How many answers were no success."""
        return sum(count for status, count in self.statuses.items() if status >= 300)


class _Answer(asyncio.Protocol):
    """One connection; `ask` sends a request and waits for its answer's status."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._waiting: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(exc or ConnectionResetError())

    def on_message_complete(self) -> None:
        assert self._waiting is not None
        self._waiting.set_result(self._parser.get_status_code())
        self._parser = httptools.HttpResponseParser(self)

    async def ask(self, request: bytes) -> int:
        self._waiting = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._waiting


async def post_for(url: str, headers: dict[str, str], body: bytes, *, clients: int, seconds: float) -> Measured:
    """POST the same body from `clients` connections, each again as soon as it is answered, for `seconds`."""
    return await request_for("POST", itertools.repeat(url), headers, body, clients=clients, seconds=seconds)


async def request_for(
    method: str, urls: Iterator[str], headers: dict[str, str], body: bytes = b"", *, clients: int, seconds: float
) -> Measured:
    """Ask for one URL after the other, all of one server, from `clients` connections that never rest, for `seconds`."""
    first = next(urls)
    address = urlsplit(first)
    assert address.hostname is not None
    host, port = address.hostname, address.port or 80
    lines = [f"Host: {address.netloc}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    rest = "\r\n".join([*lines, "", ""]).encode() + body
    base = len(f"{address.scheme}://{address.netloc}")
    urls = itertools.chain([first], urls)
    measured, ends = Measured(), time.monotonic() + seconds

    async def client() -> None:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_Answer, host, port)
        try:
            while (started := time.monotonic()) < ends:
                status = await connection.ask(f"{method} {next(urls)[base:]} HTTP/1.1\r\n".encode() + rest)
                measured.seconds.append(time.monotonic() - started)
                measured.statuses[status] = measured.statuses.get(status, 0) + 1
        finally:
            connection.transport.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return measured

import asyncio
import json
import re
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from tests.support.forked import Forked
from tests.support.paystream_command import environment_of

PROGRAM = "tests.integration.infra.http.bounded_server_program"
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server in a process of its own."""

    port: int
    process: psutil.Process
    opened: list["Connection"] = field(default_factory=list)

    async def connect(self, *, receive_bytes: int | None = None) -> "Connection":
        """Open a connection; with `receive_bytes`, one whose machine keeps no more of what is not read yet."""
        connected = socket.socket()
        if receive_bytes is not None:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        connected.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connected, ("127.0.0.1", self.port))
        limit = 65536 if receive_bytes is None else receive_bytes
        reader, writer = await asyncio.open_connection(sock=connected, limit=limit)
        self.opened.append(Connection(reader=reader, writer=writer))
        return self.opened[-1]

    async def ask(self, *parts: bytes) -> "Answer":
        """Send the parts on a connection of their own; return all that comes back until it is closed."""
        return await (await self.connect()).ask(*parts)

    def connections(self) -> int:
        """How many clients are connected."""
        established = [each for each in self.process.net_connections() if each.status == psutil.CONN_ESTABLISHED]
        return len([each for each in established if each.laddr.port == self.port])

    def memory(self) -> int:
        """Bytes of memory that the process has."""
        return int(self.process.memory_info().rss)

    def processor_s(self) -> float:
        """Seconds that it has computed."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back on a connection: several answers if several were sent."""

    raw: bytes

    @property
    def statuses(self) -> list[int]:
        return [int(found.group(1)) for found in _STATUS.finditer(self.raw)]

    @property
    def problem(self) -> dict[str, object]:
        """The last answer, which must be a whole problem document."""
        *_, last = _STATUS.finditer(self.raw)
        head, _, body = self.raw[last.start() :].partition(b"\r\n\r\n")
        lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        assert lines[b"content-type"] == b"application/problem+json"
        assert int(lines[b"content-length"]) == len(body)
        assert lines[b"connection"] == b"close"
        problem = json.loads(body)
        assert problem["status"] == self.statuses[-1]
        assert isinstance(problem, dict)
        return problem


@dataclass(frozen=True, kw_only=True)
class Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def ask(self, *parts: bytes) -> Answer:
        with suppress(ConnectionError):  # it may have ended in the middle, and answered
            for part in parts:
                await self.send(part)
        received = await self.rest()
        await self.close()
        return Answer(raw=received)

    async def rest(self) -> bytes:
        """Return what comes until the server closes. A reset is an end, too: what came before counts."""
        received = b""
        async with asyncio.timeout(20):
            with suppress(ConnectionError):
                while part := await self.reader.read(65536):
                    received += part
        return received

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


Start = Callable[..., Awaitable[Server]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts servers, with settings in lower case."""
    processes: list[Forked] = []

    async def start_one(**settings: object) -> Server:
        process = await Forked.start(PROGRAM, env=environment_of({"log_level": "INFO", **settings}), cwd=tmp_path)
        processes.append(process)
        started = await process.logged("http_server_started")
        servers.append(Server(port=started["port"], process=psutil.Process(process.pid)))
        return servers[-1]

    servers: list[Server] = []
    yield start_one
    for connection in [each for server in servers for each in server.opened]:
        await connection.close()
    for each in processes:
        await each.end(signal.SIGKILL)


@pytest.fixture
async def server(start: Start) -> Server:
    return await start(http_head_timeout_ms=500, http_body_timeout_ms=500)

"""What an attempt meets: servers that answer badly, and addresses that must not be called."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from infra.webhooks_out.addresses import AddressPolicy
from infra.webhooks_out.transport import Answer, WebhookTransport

pytestmark = pytest.mark.integration

HERE = AddressPolicy(allow_private=True, allow_http=True)
PUBLIC_ALONE = AddressPolicy(allow_private=False, allow_http=True)
LIMIT_BYTES = 64 * 1024 * 1024


class Names(AbstractResolver):
    """A name server that answers each look-up with the next of these addresses, and the last one for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.look_ups = 0

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:  # noqa: ARG002
        self.look_ups += 1
        addresses = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        return None


class Server:
    """Counts connections, and answers each with these bytes."""

    def __init__(self, answer: bytes, *, chunks: int = 1, pause_s: float = 0.0) -> None:
        self._answer, self._chunks, self._pause_s = answer, chunks, pause_s
        self.connections = 0
        self.sent = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await reader.readuntil(b"\r\n\r\n")
            for _ in range(self._chunks):
                writer.write(self._answer)
                await writer.drain()
                self.sent += len(self._answer)
                await asyncio.sleep(self._pause_s)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(answer: bytes, **options: Any) -> AsyncIterator[Server]:
    server = Server(answer, **options)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


async def sent(url: str, policy: AddressPolicy = HERE, *, timeout_s: float = 5.0, names: Names | None = None) -> Answer:
    transport = WebhookTransport(policy, timeout_s=timeout_s, concurrency=4, resolver=names)
    try:
        return await transport.send(url, {"webhook-id": "msg_1"}, b"{}")
    finally:
        await transport.close()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost", "0.0.0.0", "127.1", "2130706433", "0x7f000001"),
        *("0177.0.0.1", "10.255.255.1", "169.254.169.254", "[fe80::1]", "[fd00:ec2::254]", "224.0.0.1"),
    ],
)
async def test_an_address_that_is_not_public_gets_no_connection(host: str) -> None:
    async with serving(OK) as server:
        answer = await sent(f"http://{host}:{server.port}/", PUBLIC_ALONE)
    assert (answer.status, server.connections) == (None, 0)
    assert "public internet" in str(answer.error)


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["10.0.0.1", "127.0.0.1"], ["64:ff9b::7f00:1"]],
    ids=lambda each: each[-1],
)
async def test_a_name_that_leads_to_our_network_gets_no_connection(addresses: list[str]) -> None:
    names = Names(addresses)
    async with serving(OK) as server:
        answer = await sent(f"http://shop.example:{server.port}/", PUBLIC_ALONE, names=names)
    assert (answer.status, server.connections, names.look_ups) == (None, 0, 1)
    assert "public internet" in str(answer.error)
    assert "127.0.0.1" not in str(answer.error)


async def test_a_name_that_changes_its_mind_is_asked_once_and_checked_each_time() -> None:
    """DNS rebinding: a public address for whoever checks, and ours for whoever connects."""

    class Strict(AddressPolicy):
        def check_address(self, text: str) -> None:
            super().check_address("8.8.8.8" if text == "127.0.0.1" else text)  # stands for a public server

    names = Names(["127.0.0.1"], ["127.0.0.2"])
    async with serving(OK) as server:
        url = f"http://shop.example:{server.port}/"
        transport = WebhookTransport(
            Strict(allow_private=False, allow_http=True), timeout_s=5, concurrency=4, resolver=names
        )
        first = await transport.send(url, {}, b"{}")
        second = await transport.send(url, {}, b"{}")
        await transport.close()
    assert (first.status, names.look_ups) == (200, 2)
    assert (second.status, server.connections) == (None, 1)
    assert "public internet" in str(second.error)


async def test_a_redirect_is_not_followed() -> None:
    async with serving(OK) as inner:
        location = f"http://127.0.0.1:{inner.port}/secret".encode()
        moved = b"HTTP/1.1 307 Moved\r\nLocation: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % location
        async with serving(moved) as outer:
            answer = await sent(f"http://127.0.0.1:{outer.port}/")
    assert (answer.status, answer.is_delivered, inner.connections) == (307, False, 0)


async def test_of_an_endless_answer_the_beginning_is_read() -> None:
    endless = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"a" * 65536
    async with serving(endless, chunks=LIMIT_BYTES // 65536) as server:
        answer = await sent(f"http://127.0.0.1:{server.port}/")
    assert answer.is_delivered
    assert answer.body is not None
    assert len(answer.body) <= 1024
    assert server.sent < LIMIT_BYTES


@pytest.mark.parametrize(
    ("answer", "pause_s"),
    [
        (b"", 5.0),
        (b"HTTP/1.1 200 OK\r\n", 5.0),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\na", 5.0),
        (b"x", 0.05),
    ],
    ids=["nothing", "half a head", "half a body", "byte by byte"],
)
async def test_a_slow_server_is_given_up(answer: bytes, pause_s: float) -> None:
    async with serving(answer, chunks=100, pause_s=pause_s) as server:
        came = await sent(f"http://127.0.0.1:{server.port}/", timeout_s=0.3)
    assert not came.is_delivered or came.error is None
    assert came.duration_ms < 3000


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH\r\n\r\n", b"\x00\xff" * 50, b"HTTP/1.1 999999 \r\n\r\n"])
async def test_what_is_no_http_is_a_failure(answer: bytes) -> None:
    async with serving(answer) as server:
        came = await sent(f"http://127.0.0.1:{server.port}/")
    assert came.status is None
    assert came.error


async def test_an_answer_is_kept_as_text_that_a_database_takes() -> None:
    body = b"a\x00\xff\x1b[31mb\n"
    raw = b"HTTP/1.1 500 No\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body
    async with serving(raw) as server:
        answer = await sent(f"http://127.0.0.1:{server.port}/")
    assert answer.body == "a���[31mb\n"
    assert answer.error == "answered 500"


@pytest.mark.parametrize(("header", "seconds"), [("120", 120.0), ("soon", None), ("-5", None)])
async def test_it_reads_how_long_to_wait(header: str, seconds: float | None) -> None:
    raw = f"HTTP/1.1 503 Busy\r\nRetry-After: {header}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
    async with serving(raw) as server:
        answer = await sent(f"http://127.0.0.1:{server.port}/")
    assert answer.retry_after_s == seconds


async def test_tls_is_verified() -> None:
    async with serving(OK) as server:
        answer = await sent(f"https://127.0.0.1:{server.port}/")
    assert answer.status is None
    assert answer.error


async def test_slow_names_do_not_hold_up_the_threads_of_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    began, released = threading.Semaphore(0), threading.Event()

    def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
        began.release()
        released.wait(20)
        raise socket.gaierror("slow")

    monkeypatch.setattr("infra.webhooks_out.resolver.socket.getaddrinfo", getaddrinfo)
    transport = WebhookTransport(HERE, timeout_s=10, concurrency=64)
    sending = [asyncio.create_task(transport.send(f"http://slow{each}.example/", {}, b"{}")) for each in range(40)]
    try:
        for _ in sending:  # all of them at once: the loop's own threads are fewer
            assert await asyncio.to_thread(began.acquire, timeout=10)
    finally:
        released.set()
    assert [(await each).is_delivered for each in sending] == [False] * 40
    await transport.close()

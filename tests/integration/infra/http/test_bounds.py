"""What a client may take before anybody knows it is bounded in bytes, time and connections."""

import asyncio
from contextlib import suppress

import pytest

from tests.integration.infra.http.conftest import Answer, Server, Start
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow]

POST = b"POST / HTTP/1.1\r\nHost: api\r\n"
LAST = b"GET /go HTTP/1.1\r\nHost: api\r\nConnection: close\r\n\r\n"
MB = 1_000_000


async def drip(server: Server, *parts: bytes, every_s: float = 0.05) -> tuple[list[int], float]:
    """Send the parts slowly, the last one again and again, until the server ends it; the statuses and the time."""
    connection = await server.connect()
    started = asyncio.get_running_loop().time()
    reading = asyncio.create_task(connection.rest())
    with suppress(ConnectionError):
        for part in parts[:-1]:
            await connection.send(part)
        while not reading.done():
            await connection.send(parts[-1])
            await asyncio.wait([reading], timeout=every_s)
    return Answer(raw=await reading).statuses, asyncio.get_running_loop().time() - started


async def test_a_slow_head_is_cut(server: Server) -> None:
    found = await asyncio.gather(
        drip(server, b"POST / HTTP/1.1\r\n", b"X-Note: a\r\n"),
        drip(server, b"GET /", b"a"),
        drip(server, b"\r\n"),
        drip(server, POST + b"Content-Length: 2\r\n\r\n{}", b"\r\n"),
    )
    for statuses, seconds in found:
        assert statuses[-1] == 408
        assert seconds < 8


async def test_silent_and_half_open_connections_are_cut(server: Server) -> None:
    connections = [await server.connect() for _ in range(50)]
    answers = await asyncio.gather(*(each.ask() for each in connections))
    assert {answer.raw for answer in answers} == {b""}


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        pytest.param(POST + b"Content-Length: 60000\r\n\r\n", b"{", id="with a length"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n{\r\n", id="in chunks"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n1;", b"a", id="in a chunk's extension"),
        pytest.param(b"GET /go HTTP/1.1\r\nHost: api\r\nContent-Length: 60000\r\n\r\n", b"{", id="of a read"),
    ],
)
async def test_a_body_that_dribbles_is_cut(server: Server, head: bytes, piece: bytes) -> None:
    statuses, seconds = await drip(server, head, piece)
    assert statuses == ([200] if head.startswith(b"GET") else [408])
    assert seconds < 8


async def test_a_body_that_stops_is_answered(server: Server) -> None:
    answer = await server.ask(POST + b"Content-Length: 60000\r\n\r\n{")
    assert (answer.statuses, answer.problem["code"]) == ([408], "request_timeout")


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        pytest.param(b"POST / HTTP/1.1\r\nX-Note: ", b"a" * MB, id="one endless header"),
        pytest.param(b"POST / HTTP/1.1\r\n", b"X-Note: a\r\n" * 100_000, id="headers without end"),
        pytest.param(b"GET /", b"a" * MB, id="an endless URL"),
        pytest.param(b"", b"\r\n" * (MB // 2), id="empty lines"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n1;", b"a" * MB, id="a chunk's extension"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-Note: ", b"a" * MB, id="an endless trailer"),
    ],
)
async def test_a_flood_costs_neither_memory_nor_time(server: Server, head: bytes, piece: bytes) -> None:
    memory, computed = server.memory(), server.processor_s()

    async def flood() -> list[int]:
        connection = await server.connect()
        reading = asyncio.create_task(connection.rest())
        with suppress(ConnectionError):
            await connection.send(head)
            for _ in range(120):
                await connection.send(piece)
        return Answer(raw=await reading).statuses

    for statuses in await asyncio.gather(*(flood() for _ in range(4))):
        assert statuses in ([], [400], [414], [431])  # none: it was reset while it still sent
    assert server.memory() - memory < 40 * MB
    assert server.processor_s() - computed < 2


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (POST + b"X-Note: " + b"a" * 33_000 + b"\r\n\r\n", "headers_too_large"),
        (POST + b"X-Note: a\r\n" * 100 + b"\r\n", "headers_too_large"),
        (b"GET /?" + b"a" * 25_000 + b" HTTP/1.1\r\nHost: api\r\n\r\n", "url_too_long"),
    ],
)
async def test_a_head_that_is_too_large_gets_a_problem(server: Server, head: bytes, code: str) -> None:
    assert (await server.ask(head)).problem["code"] == code


async def test_a_large_head_within_the_bounds_is_taken(server: Server) -> None:
    head = b"GET /go HTTP/1.1\r\nHost: api\r\nConnection: close\r\n" + (b"X-Note: " + b"a" * 300 + b"\r\n") * 90
    assert (await server.ask(head, b"\r\n")).statuses == [200]


async def test_the_unread_body_of_an_answered_request_is_bounded(server: Server) -> None:
    connection = await server.connect()
    await connection.send(b"GET /go HTTP/1.1\r\nHost: api\r\nContent-Length: 999999999\r\n\r\n")
    async with asyncio.timeout(20):
        begun = await connection.reader.read(65536)  # before a reset, with which it would be lost
    reading, sent = asyncio.create_task(connection.rest()), 0
    with suppress(ConnectionError):
        while not reading.done() and sent < 500 * MB:
            await connection.send(b"a" * MB)
            sent += MB
    assert Answer(raw=begun + await reading).statuses == [200]
    assert sent < 100 * MB


async def test_a_client_that_does_not_read_is_cut(start: Start) -> None:
    server = await start(http_write_timeout_ms=500)
    memory = server.memory()
    for _ in range(5):
        connection = await server.connect(receive_bytes=4096)
        await connection.send(b"GET /large HTTP/1.1\r\nHost: api\r\n\r\n")

    async def connections() -> int:
        return server.connections()

    await eventually(connections, lambda count: count == 0)
    await eventually(lambda: asyncio.to_thread(server.memory), lambda now: now - memory < 30 * MB)


async def test_connections_of_one_address_are_bounded(start: Start) -> None:
    server = await start(http_max_connections_per_address=3)
    held = [await server.connect() for _ in range(3)]
    answer = await server.ask()
    assert (answer.statuses, answer.problem["code"]) == ([503], "too_many_connections")
    await held.pop().close()

    async def is_let_in() -> bool:
        return (await server.ask(LAST)).statuses == [200]

    assert await eventually(is_let_in)


async def test_connections_of_all_addresses_are_bounded(start: Start) -> None:
    server = await start(http_max_connections=2)
    for _ in range(2):
        await server.connect()
    assert (await server.ask()).problem["code"] == "too_many_connections"


async def test_a_slow_request_is_no_slow_client(server: Server) -> None:
    slow = await server.connect()
    await slow.send(b"GET /slow HTTP/1.1\r\nHost: api\r\nConnection: close\r\n\r\n")
    assert (await server.ask(POST + b"Content-Length: 9\r\n\r\n{")).statuses == [408]  # as long as it may take
    assert (await server.ask(LAST)).statuses == [200]
    assert (await slow.ask()).statuses == [200]

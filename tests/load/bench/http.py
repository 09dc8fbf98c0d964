"""The two HTTP APIs beside an empty FastAPI endpoint, one process each."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx

from infra.embedded.connections import DEVELOPMENT_KEY
from infra.embedded.ports import free_port
from infra.embedded.process import declared_processes
from tests.load.bench.measurement import Context, Goal, Measure, Prepared, Row, Rows, Sample
from tests.support.http_load_client import Measured, request_for
from tests.support.system import System, running_system
from tests.support.waiting import eventually

_SECONDS = 5.0
_HEADERS = {"Authorization": f"Bearer {DEVELOPMENT_KEY}", "Content-Type": "application/json"}
BODY = b'{"user_id":"load","amount_cents":1000,"currency":"USD","payment_method":"pm_card_visa"}'
_PAYMENTS_READ = 200
_EMPTY_ENDPOINT = "an empty FastAPI endpoint"


@asynccontextmanager
async def empty_endpoint() -> AsyncIterator[str]:
    """Run the empty endpoint in a process of its own; lend its address."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.load.bench.empty_endpoint_program", str(port)
    )
    url = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient() as client:

            async def answers() -> bool:
                try:
                    return (await client.get(f"{url}/payments")).is_success
                except httpx.TransportError:
                    return False

            await eventually(answers, bool, within=20)
        yield url
    finally:
        process.terminate()
        await process.wait()


async def requests_a_second(
    method: str, urls: Iterator[str], *, clients: int, seconds: float, body: bytes = b""
) -> Measured:
    """Send requests from so many connections, each as soon as its last one is answered; none may fail."""
    measured = await request_for(method, urls, _HEADERS, body, clients=clients, seconds=seconds)
    assert not measured.errors, measured.statuses
    return measured


def _repeat(url: str) -> Iterator[str]:
    while True:
        yield url


def _sample(ours: Measured, limit: Measured, seconds: float) -> Sample:
    details = {"p50 ms": ours.percentile(0.5), "p95 ms": ours.percentile(0.95), "p99 ms": ours.percentile(0.99)}
    return Sample(value=len(ours.seconds) / seconds, limit=len(limit.seconds) / seconds, details=details)


@asynccontextmanager
async def _accepting(context: Context) -> Prepared:
    """Run only what accepting needs: the command API, PostgreSQL and Redis (with a broker that nobody uses)."""
    processes = [spec for spec in declared_processes() if spec.name in ("command-api", "relay")]
    async with (
        running_system(context.folder / "accepting", processes=processes) as system,
        empty_endpoint() as empty,
    ):
        system.stack.kill("relay")  # it has opened the log, which nothing is appended to before

        async def measure() -> Sample:
            seconds = context.seconds(_SECONDS)
            url = f"{system.stack.urls.command_api}/payments"
            ours = await requests_a_second("POST", _repeat(url), clients=64, seconds=seconds, body=BODY)
            limit = await requests_a_second(
                "POST", _repeat(f"{empty}/payments"), clients=64, seconds=seconds, body=BODY
            )
            return _sample(ours, limit, seconds)

        yield measure


def _reading(paths: Callable[[list[str]], Iterator[str]]) -> Callable[[Context], AbstractAsyncContextManager[Measure]]:
    @asynccontextmanager
    async def prepared(context: Context) -> Prepared:
        async with running_system(context.folder / "reading") as system, empty_endpoint() as empty:
            ids = await _finished_payments(system, context.count(_PAYMENTS_READ))

            async def measure() -> Sample:
                seconds = context.seconds(_SECONDS)
                base = system.stack.urls.query_api
                ours = await requests_a_second("GET", (base + path for path in paths(ids)), clients=32, seconds=seconds)
                limit = await requests_a_second(
                    "GET", (empty + path for path in paths(ids)), clients=32, seconds=seconds
                )
                return _sample(ours, limit, seconds)

            yield measure

    return prepared


async def _finished_payments(system: System, count: int) -> list[str]:
    answers = [await system.create() for _ in range(count)]
    ids = [str(answer.json()["id"]) for answer in answers]
    for each in ids:
        await system.finished(each, within=60)
    return ids


def _one_after_the_other(ids: list[str]) -> Iterator[str]:
    while True:
        yield from (f"/payments/{each}" for each in ids)


def _first_page(_: list[str]) -> Iterator[str]:
    return _repeat("/payments?limit=20")


_OF_READING: Mapping[str, tuple[str, Callable[[list[str]], Iterator[str]]]] = {
    "query-payment": ("GET /payments/{id}, 32 connections", _one_after_the_other),
    "query-list": ("GET /payments, a page of 20, 32 connections", _first_page),
}

ROWS: Rows = (
    Row(
        name="accept",
        title="accept POST /payments, 64 connections, what accepting needs alone",
        unit="payments/s",
        limit=f"{_EMPTY_ENDPOINT} with the same body model",
        goal=Goal(at_least=0.4, of_limit=True),
        prepare=_accepting,
    ),
    *(
        Row(
            name=name,
            title=title,
            unit="requests/s",
            limit=_EMPTY_ENDPOINT,
            goal=Goal(at_least=0.5, of_limit=True),
            prepare=_reading(paths),
        )
        for name, (title, paths) in _OF_READING.items()
    ),
)

"""Witnesses of a log: ours, and servers that answer as a test says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import httpx
from aiohttp import web

from event_store.proofs import witnesses
from event_store.proofs.note import COSIGNATURE_V1, PrivateKey, PublicKey
from event_store.proofs.tile_store import TileStore
from event_store.proofs.witness_protocol import PATH
from event_store.proofs.witnesses import Witnesses
from event_store.sealer import metrics
from event_store.sealer.witnessing import Witnessing
from event_store.witness.app import build_app
from event_store.witness.state import WitnessState
from event_store.witness.witness import Witness
from infra.http.limits import HttpLimits
from infra.http.server import bind, serve_socket
from infra.postgres.pool import create_pool
from infra.process.health import Health
from tests.support.sealed_logs import KEY, SealedLog


@dataclass(frozen=True, kw_only=True)
class RunningWitness:
    """One that can be asked."""

    url: str
    key: PrivateKey

    @property
    def configured(self) -> witnesses.Witness:
        return witnesses.Witness(url=self.url, key=self.key.public)

    @property
    def setting(self) -> str:
        """Return it as PROOFS_WITNESSES has it."""
        return f"{self.url} {self.key.public}"

    async def newest(self) -> str:
        """Return what it signed last, as anybody can read it."""
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"{self.url}/checkpoint/{KEY.name}")
        return answer.raise_for_status().text

    def answers(self, result: str) -> float:
        """Return how often a sealer of this process had this result of it."""
        return float(metrics.WITNESS_ANSWERS.labels(self.key.name, result)._value.get())

    @property
    def refuses(self) -> bool:
        return bool(metrics.WITNESS_REFUSES.labels(self.key.name)._value.get())


def new_key(name: str) -> PrivateKey:
    return PrivateKey.new(f"{name}.example", COSIGNATURE_V1)


@asynccontextmanager
async def witness(
    folder: Path, name: str, *, logs: Sequence[PublicKey] = (KEY.public,)
) -> AsyncIterator[RunningWitness]:
    """Run a witness of ours."""
    key, state, stop = new_key(name), WitnessState(folder / f"{name}.state"), asyncio.Event()
    state.make()
    listener = bind("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    app = build_app(Witness(state, key, logs), Health())
    serving = asyncio.create_task(serve_socket(app, listener, stop, grace_s=1, limits=HttpLimits()))
    try:
        yield RunningWitness(url=url, key=key)
    finally:
        stop.set()
        await asyncio.wait_for(serving, 10)


@asynccontextmanager
async def answering(
    name: str, answer: Callable[[web.Request], Awaitable[web.StreamResponse]], *, key: PrivateKey | None = None
) -> AsyncIterator[RunningWitness]:
    """Run a server in the place of a witness."""
    app = web.Application()
    app.router.add_post(PATH, answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        port = runner.addresses[0][1]
        yield RunningWitness(url=f"http://127.0.0.1:{port}", key=key or new_key(name))
    finally:
        await runner.cleanup()


@asynccontextmanager
async def asking(
    sealed: SealedLog,
    *running: RunningWitness,
    needed: int | None = None,
    timeout_s: float = 5.0,
    store: TileStore | None = None,
) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Lend what a sealer does after each round."""
    required = Witnesses(all=tuple(each.configured for each in running), needed=needed or len(running))
    pool = create_pool(sealed.database.url("sealer"), size=1, name="test", autocommit=True)
    await pool.open()
    try:
        async with aiohttp.ClientSession() as session:
            keys = [each.public for each in sealed.keys]
            witnessing = Witnessing(store or sealed.folder, keys, required, session, timeout_s=timeout_s)

            witnessing.standby()  # metrics are of the process, and it may have had another sealer

            async def ask() -> None:
                await witnessing.run(pool)

            yield ask
    finally:
        await pool.close()


async def unwitnessed_s() -> float:
    """Return for how long a checkpoint waits, as the metric says."""
    (sample,) = next(iter(metrics.UNWITNESSED_SECONDS.collect())).samples
    return float(sample.value)

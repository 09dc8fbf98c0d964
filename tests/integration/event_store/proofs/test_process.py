"""The worker: it seals by itself, says when it cannot, and is off without a key. Its lock servers are away here."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from event_store.proofs.checkpoint import Checkpoint
from event_store.proofs.note import Note
from event_store.sealer import metrics
from event_store.sealer.process import serve
from event_store.sealer.settings import SealerSettings
from infra.embedded.ports import free_port
from infra.process.health import Health
from infra.process.runtime import Runtime
from tests.support.sealed_logs import KEY, SealedLog
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


def settings(sealed: SealedLog, **given: object) -> SealerSettings:
    values: Mapping[str, object] = {
        "database_url": sealed.database.url("sealer"),
        "redis_url": f"redis://127.0.0.1:{free_port()}",
        "proofs_folder": sealed.folder.path,
        "sealer_interval_ms": 100,
        **given,
    }
    return SealerSettings(_env_file=None, **values)  # type: ignore[arg-type]


@asynccontextmanager
async def running(sealer: SealerSettings) -> AsyncIterator[Health]:
    health, stop = Health(), asyncio.Event()
    runtime = Runtime(service="sealer", settings=sealer, stop=stop, health=health)
    task = asyncio.create_task(serve(runtime, sealer))
    try:
        yield health
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)


async def size(sealed: SealedLog) -> int:
    written = sealed.folder.checkpoint()
    return 0 if written is None else Checkpoint.parse(Note.parse(written).text).size


async def test_it_seals_what_is_appended_while_it_runs(sealed: SealedLog) -> None:
    await sealed.append(payments=5)
    async with running(settings(sealed, sealer_key=KEY.written())):
        for seed in range(1, 3):
            events = len(await sealed.positions())
            await eventually(lambda: size(sealed), events.__eq__)
            await sealed.append(payments=5, seed=seed)
        await eventually(lambda: size(sealed), lambda found: found > events)
    assert (await sealed.verify(full=True)).findings == []


async def test_with_nothing_new_it_signs_nothing(sealed: SealedLog) -> None:
    await sealed.append(payments=5)
    signed = await _signed() + 1
    async with running(settings(sealed, sealer_key=KEY.written())):
        await eventually(_signed, signed.__eq__)
        rounds = await _rounds()
        await eventually(_rounds, lambda found: found >= rounds + 3)
        assert await _signed() == signed


async def test_it_says_when_it_cannot_seal_and_goes_on_when_it_can(sealed: SealedLog) -> None:
    await sealed.append(payments=5)
    sealed.folder.path.write_text("a file in the place of the folder")
    async with running(settings(sealed, sealer_key=KEY.written())) as health:
        await eventually(lambda: _ready(health), lambda reason: "Error" in reason)
        assert await size_of_table(sealed) == 0
        sealed.folder.path.unlink()
        await eventually(lambda: size(sealed), bool)
        await eventually(lambda: _ready(health), lambda reason: not reason)


async def test_how_long_an_event_waits_is_measured(sealed: SealedLog) -> None:
    async with (
        running(settings(sealed, sealer_key=KEY.written())),
        sealed.connection("owner") as other,
        other.transaction(force_rollback=True),
    ):
        await other.execute("SELECT nextval('event_store.event_position')")
        await sealed.append(payments=1)
        await eventually(_oldest_unsealed_s)
    assert await size(sealed) == 0


async def test_without_a_key_it_does_nothing(sealed: SealedLog) -> None:
    await sealed.append(payments=1)
    async with running(settings(sealed)) as health:
        assert not await _ready(health)
    assert sealed.folder.checkpoint() is None
    assert await size_of_table(sealed) == 0


async def size_of_table(sealed: SealedLog) -> int:
    async with sealed.connection("audit") as auditor:
        row = await (await auditor.execute("SELECT count(*) FROM event_proofs.checkpoints")).fetchone()
    assert row is not None
    return int(row[0])


async def _signed() -> float:
    return float(metrics.CHECKPOINTS._value.get())


async def _rounds() -> float:
    return float(metrics.ROUNDS.labels("without_lock")._value.get())


async def _oldest_unsealed_s() -> float:
    (sample,) = next(iter(metrics.OLDEST_UNSEALED_SECONDS.collect())).samples
    return float(sample.value)


async def _ready(health: Health) -> str:
    report = await health.ready()
    assert report.http_status == 200, "payments go on without it"
    return "; ".join(reason for reason in report.checks.values() if reason != "ok")

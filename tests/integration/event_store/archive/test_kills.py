"""The command is killed while it works, at whatever instant: the log has the partition, or the archive is whole."""

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from event_store.archive.archives import EVENTS_FILE, MANIFEST_FILE
from tests.support.archived_logs import PARTITIONS, OldLog
from tests.support.paystream_command import environment_of
from tests.support.sealed_logs import KEY
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow]

_ROOT = Path(__file__).parents[4]


async def started(old: OldLog) -> asyncio.subprocess.Process:
    keys = old.sealed.folder.path.parent / "keys.pub"
    keys.write_text(f"{KEY.public}\n")
    settings: dict[str, object] = {
        "migration_database_url": old.sealed.database.url("owner"),
        "kafka_bootstrap_servers": "127.0.0.1:9",
        "kafka_topic_partitions": PARTITIONS,
        "proofs_folder": old.sealed.folder.path,
        "proofs_public_keys_file": keys,
        "archive_folder": old.folder,
    }
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "infra.cli", "audit", "archive"),
        cwd=_ROOT,
        env=environment_of(settings),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )


INSTANTS: dict[str, Callable[[Path], object]] = {
    "the file is being written": lambda folder: list(folder.glob(f"*/.{EVENTS_FILE}.*")),
    "the file is there": lambda folder: list(folder.glob(f"*/{EVENTS_FILE}")),
    "it is verified": lambda folder: list(folder.glob(f"*/{MANIFEST_FILE}")),
}


async def test_killed_at_any_instant_it_goes_on(old: OldLog) -> None:
    await old.fill(payments=60, stripe_events=60)
    rows = await old.rows()
    for has_come in INSTANTS.values():
        process = await started(old)

        async def came(
            process: asyncio.subprocess.Process = process, come: Callable[[Path], object] = has_come
        ) -> bool:
            return bool(come(old.folder)) or process.returncode is not None

        await eventually(came, bool, within=40, every=0.001)
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()
        assert await old.rows() == rows, "all of the log can be read"
    if not await old.query("SELECT FROM event_store.archives"):
        await old.archive()
    assert await old.rows() == rows
    assert (await old.verify(full=True)).findings == []

"""Sealing: in order, whole, once, and on from wherever it was interrupted."""

import asyncio
import shutil

import psycopg
import pytest

from event_store.proofs.checkpoint import open_checkpoint
from event_store.proofs.errors import ProofRefused, TileDiffers, TileMissing
from event_store.proofs.note import Note, PrivateKey
from event_store.proofs.sealed_log import checkpoint_pages
from event_store.proofs.statement import Statement
from event_store.proofs.tiles import partial_tiles, width_in
from event_store.sealer import metrics
from event_store.sealer.sealing import Sealing
from event_store.store import append
from tests.support.log_entries import an_append
from tests.support.sealed_logs import KEY, SealedLog

pytestmark = pytest.mark.integration


async def sizes(sealed: SealedLog) -> list[int]:
    async with sealed.connection("audit") as auditor:
        return [each.size async for page in checkpoint_pages(auditor) for each in page]


def sealed_positions(sealed: SealedLog, size: int) -> list[int]:
    bundles = range(-(-size // 256))
    entries = [each for number in bundles for each in sealed.folder.entries(number, width_in(size, 0, number))]
    return [Statement.parse(each).position for each in entries]


def newest(sealed: SealedLog, key: PrivateKey = KEY) -> int:
    written = sealed.folder.checkpoint()
    assert written is not None
    return open_checkpoint(written, [key.public]).size


async def test_every_event_is_sealed_in_order(sealed: SealedLog) -> None:
    await sealed.append(payments=30)
    positions = await sealed.positions()
    assert await sealed.seal(batch=100) == len(positions)
    assert newest(sealed) == len(positions)
    assert sealed_positions(sealed, len(positions)) == positions
    assert await sizes(sealed) == [*range(100, len(positions), 100), len(positions)]
    assert await sealed.seal() == 0


async def test_what_was_appended_since_is_added(sealed: SealedLog) -> None:
    for seed in range(4):
        await sealed.append(payments=8, seed=seed)
        assert await sealed.seal() > 0
    assert sealed_positions(sealed, newest(sealed)) == await sealed.positions()
    assert (await sealed.verify(full=True)).findings == []


async def test_partial_files_of_a_full_tile_are_removed(sealed: SealedLog) -> None:
    await sealed.append(payments=70)
    await sealed.seal(batch=50)
    size = newest(sealed)
    assert size > 256
    kept = {str(path.relative_to(sealed.folder.path)) for path in sealed.folder.path.rglob("*.p/*")}
    assert not [each for each in kept if each.startswith(("tile/0/000.p", "tile/entries/000.p"))]
    assert {each.path for each in partial_tiles(size)} <= kept


async def test_an_open_transaction_holds_back_what_is_behind_it(sealed: SealedLog) -> None:
    await sealed.append(payments=1)
    positions = await sealed.positions()
    async with sealed.connection("owner") as other, other.transaction(force_rollback=True):
        await other.execute("SELECT nextval('event_store.event_position')")
        await sealed.append(payments=1, seed=1)
        await sealed.seal()
        assert sealed_positions(sealed, newest(sealed)) == positions
    await sealed.seal()
    assert sealed_positions(sealed, newest(sealed)) == await sealed.positions()


async def test_nothing_is_sealed_while_the_log_is_closed(sealed: SealedLog) -> None:
    await sealed.append(payments=1)
    async with sealed.connection("owner") as owner:
        await owner.execute("SELECT event_store.close_log('test')")
    async with sealed.connection("sealer") as sealer:
        assert await Sealing(sealed.folder, [KEY], batch=10).seal(sealer) is None
    assert sealed.folder.checkpoint() is None


async def test_a_crash_before_the_checkpoint_leaves_no_harm(sealed: SealedLog) -> None:
    """Tiles are written, and neither the table nor the folder has their checkpoint."""
    await sealed.append(payments=30)
    await sealed.seal()
    before, size = sealed.folder.checkpoint(), newest(sealed)
    assert before is not None
    await sealed.append(payments=30, seed=1)
    await sealed.seal()
    await sealed.tamper(f"DELETE FROM event_proofs.checkpoints WHERE size > {size}")
    sealed.folder.publish(before)
    await sealed.append(payments=30, seed=2)
    await sealed.seal(batch=97)
    assert sealed_positions(sealed, newest(sealed)) == await sealed.positions()
    assert (await sealed.verify(full=True)).findings == []


async def test_a_crash_between_table_and_folder_is_mended(sealed: SealedLog) -> None:
    await sealed.append(payments=5)
    await sealed.seal()
    before = sealed.folder.checkpoint()
    assert before is not None
    await sealed.append(payments=5, seed=1)
    await sealed.seal()
    sealed.folder.publish(before)
    assert await sealed.seal() == 0
    assert newest(sealed) == len(await sealed.positions())


async def test_a_database_that_went_back_goes_on_from_the_folder(sealed: SealedLog) -> None:
    await sealed.append(payments=20)
    await sealed.seal(batch=40)
    known = await sizes(sealed)
    await sealed.tamper("DELETE FROM event_proofs.checkpoints WHERE size > 40")
    assert await sealed.seal() == 0
    assert await sizes(sealed) == [40, known[-1]]


async def test_a_sealed_event_that_is_gone_is_told_and_sealing_goes_on(sealed: SealedLog) -> None:
    await sealed.append(payments=5)
    await sealed.seal()
    last = (await sealed.positions())[-1]
    await sealed.tamper(f"DELETE FROM event_store.events WHERE position = {last}")
    await sealed.append(payments=5, seed=1)
    assert await sealed.seal() > 0
    assert metrics.DIFFERS._value.get() == 1
    found = await sealed.verify()
    assert [each.position for each in found.findings if each.kind == "removed"] == [last]
    await sealed.append(payments=5, seed=2)
    await sealed.seal()
    assert metrics.DIFFERS._value.get() == 0


async def test_two_sealers_at_once_write_one_log(sealed: SealedLog) -> None:
    await sealed.append(payments=60)

    async def seal(batch: int) -> None:
        sealing = Sealing(sealed.folder, [KEY], batch=batch)
        async with sealed.connection("sealer") as sealer:
            while await sealing.seal(sealer):
                pass

    await asyncio.gather(seal(70), seal(110))
    assert (await sealed.verify(full=True)).findings == []
    assert newest(sealed) == len(await sealed.positions())


async def test_while_keys_change_both_sign(sealed: SealedLog) -> None:
    new = PrivateKey.new(KEY.name)
    await sealed.append(payments=5)
    await sealed.seal()
    await sealed.append(payments=5, seed=1)
    await sealed.seal(keys=[new, KEY])
    written = sealed.folder.checkpoint()
    assert written is not None
    assert len(Note.parse(written).signatures) == 2
    await sealed.append(payments=5, seed=2)
    await sealed.seal(keys=[new])
    assert newest(sealed, new) == len(await sealed.positions())
    assert (await sealed.verify(keys=[new])).findings == []
    assert (await sealed.verify(keys=[new, KEY], full=True)).findings == []


@pytest.mark.parametrize("key", [PrivateKey.new(KEY.name), PrivateKey.new("example.com/other")])
async def test_a_log_of_another_key_is_not_gone_on_with(sealed: SealedLog, key: PrivateKey) -> None:
    await sealed.append(payments=2)
    await sealed.seal()
    await sealed.append(payments=2, seed=1)
    with pytest.raises(ProofRefused):
        await sealed.seal(keys=[key])


async def test_altered_or_missing_tiles_are_not_built_upon(sealed: SealedLog) -> None:
    await sealed.append(payments=2)
    await sealed.seal()
    await sealed.append(payments=2, seed=1)
    (tile,) = (sealed.folder.path / "tile" / "0" / "000.p").iterdir()
    content = tile.read_bytes()
    tile.write_bytes(bytes(32) + content[32:])
    with pytest.raises(TileDiffers):
        await sealed.seal()
    shutil.rmtree(tile.parent)
    with pytest.raises(TileMissing):
        await sealed.seal()


async def test_altered_entries_are_not_built_upon(sealed: SealedLog) -> None:
    await sealed.append(payments=2)
    await sealed.seal()
    await sealed.append(payments=2, seed=1)
    (bundle,) = (sealed.folder.path / "tile" / "entries" / "000.p").iterdir()
    bundle.write_bytes(bundle.read_bytes().replace(b'"category":"payment"', b'"category":"PAYMENT"', 1))
    with pytest.raises(TileDiffers):
        await sealed.seal()


async def test_a_tile_is_never_overwritten(sealed: SealedLog) -> None:
    await sealed.append(payments=2)
    size = len(await sealed.positions())
    tile = sealed.folder.path / f"tile/0/000.p/{size}"
    tile.parent.mkdir(parents=True)
    tile.write_bytes(bytes(32 * size))
    with pytest.raises(TileDiffers):
        await sealed.seal()
    assert tile.read_bytes() == bytes(32 * size)
    assert await sizes(sealed) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event_proofs.checkpoints SET last_position = 1",
        "DELETE FROM event_proofs.checkpoints",
        "TRUNCATE event_proofs.checkpoints",
        "DELETE FROM event_store.events",
        "INSERT INTO event_store.events SELECT * FROM event_store.events",
        "SELECT * FROM event_store.idempotency_keys",
        "SELECT * FROM consumers.gateway_tasks",
        "SELECT nextval('event_store.event_position')",
    ],
)
async def test_a_sealer_may_read_the_log_and_add_checkpoints_alone(sealed: SealedLog, statement: str) -> None:
    await sealed.append(payments=1)
    await sealed.seal()
    async with sealed.connection("sealer") as sealer:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await sealer.execute(statement)


async def test_not_even_the_owner_changes_a_checkpoint(sealed: SealedLog) -> None:
    await sealed.append(payments=1)
    await sealed.seal()
    async with sealed.connection("owner") as owner:
        for change in ("UPDATE event_proofs.checkpoints SET size = 99", "TRUNCATE event_proofs.checkpoints CASCADE"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
                await owner.execute(change)


async def test_an_event_that_was_appended_by_others_is_sealed(sealed: SealedLog) -> None:
    """Events of types that this release does not know."""
    await append(sealed.app, [an_append(events=3)])
    await sealed.app.commit()
    assert await sealed.seal() == 3

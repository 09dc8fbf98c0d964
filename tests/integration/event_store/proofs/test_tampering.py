"""What somebody who may do anything with the database does to the log is found and named."""

import shutil
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio

from event_store.proofs.note import PrivateKey
from event_store.proofs.report import Finding, Verified
from event_store.proofs.tiles import WIDTH, pack_entries, unpack_entries
from event_store.proofs.verify import Source
from infra.embedded.postgres import PostgresServer
from tests.support.database import fresh_database
from tests.support.sealed_logs import KEY, SealedLog, sealed_log

pytestmark = pytest.mark.integration

_AT = "UPDATE event_store.events SET {} WHERE position = {position}"
_INSERT = """
INSERT INTO event_store.events
       (position, event_id, stream_id, version, category, type, schema_version, data, metadata, recorded_at)
SELECT {to}, gen_random_uuid(), stream_id, version + 1, category, type, schema_version, data, metadata, recorded_at
  FROM event_store.events WHERE position = {position}
"""
_IN_ANOTHER_ERA = "((recorded_at AT TIME ZONE 'UTC')::text || ' BC')::timestamp AT TIME ZONE 'UTC'"
CHANGES = {
    "data": _AT.format("data = data || '{{\"x\": 1}}'", position="{position}"),
    "metadata": _AT.format('metadata = metadata || \'{{"actor": "nobody"}}\'', position="{position}"),
    "recorded_at": _AT.format("recorded_at = recorded_at - interval '1 microsecond'", position="{position}"),
    "era": _AT.format(f"recorded_at = {_IN_ANOTHER_ERA}", position="{position}"),
    "version": _AT.format("version = version + 1", position="{position}"),
    "type": _AT.format("type = type || '_'", position="{position}"),
    "category": _AT.format("category = 'other'", position="{position}"),
    "schema_version": _AT.format("schema_version = 7", position="{position}"),
    "stream_id": _AT.format("stream_id = gen_random_uuid()", position="{position}"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def original(
    session_postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[SealedLog]:
    """Some events that were sealed, with a gap among them, of which each test has a copy."""
    async with fresh_database(session_postgres) as database:
        async with await psycopg.AsyncConnection.connect(database.url("app")) as app:
            sealed = sealed_log(database, app, tmp_path_factory.mktemp("sealed") / "log")
            await sealed.append(payments=60)
            async with sealed.connection("owner") as owner:
                await owner.execute(
                    "SELECT setval('event_store.event_position', last_value + 10) FROM event_store.event_position"
                )
            await sealed.append(payments=60, seed=1)
        await sealed.seal(batch=97)
        assert len(await sealed.positions()) > 600
        assert (await sealed.verify(full=True)).findings == []
        yield sealed


@pytest_asyncio.fixture
async def sealed(session_postgres: PostgresServer, original: SealedLog, tmp_path: Path) -> AsyncIterator[SealedLog]:
    shutil.copytree(original.folder.path, tmp_path / "log")
    async with (
        fresh_database(session_postgres, template=original.database.name) as database,
        await psycopg.AsyncConnection.connect(database.url("app")) as app,
    ):
        yield sealed_log(database, app, tmp_path / "log")


def events_of(found: Verified) -> list[tuple[str, int | None]]:
    """Return what was found of events: one checkpoint at least has to tell that something is wrong."""
    assert {each.kind for each in found.findings} >= {"checkpoint"}
    return [(each.kind, each.position) for each in found.findings if each.kind not in ("checkpoint", "tiles")]


def detail_of(found: Verified, position: int) -> Finding:
    return next(each for each in found.findings if each.position == position)


@pytest.mark.parametrize("column", CHANGES)
async def test_a_changed_column_is_named(sealed: SealedLog, column: str) -> None:
    positions = await sealed.positions()
    await sealed.tamper(CHANGES[column].format(position=positions[300]))
    found = await sealed.verify()
    assert events_of(found) == [("changed", positions[300])]
    named = "recorded_at" if column == "era" else column
    assert detail_of(found, positions[300]).detail == f"the event has another {named} than was sealed"


async def test_data_that_no_reader_takes_are_named(sealed: SealedLog) -> None:
    positions = await sealed.positions()
    deep = '(\'{"x": ' + "[" * 3000 + "]" * 3000 + "}')::jsonb"
    await sealed.tamper(f"UPDATE event_store.events SET data = {deep} WHERE position = {positions[5]}")
    assert events_of(await sealed.verify()) == [("changed", positions[5])]


@pytest.mark.parametrize("which", [0, 300, -1], ids=["the first", "in the middle", "the last that is sealed"])
async def test_a_removed_event_is_named(sealed: SealedLog, which: int) -> None:
    positions = await sealed.positions()
    await sealed.tamper(f"DELETE FROM event_store.events WHERE position = {positions[which]}")
    assert events_of(await sealed.verify()) == [("removed", positions[which])]


async def test_a_removed_tail_is_named(sealed: SealedLog) -> None:
    positions = await sealed.positions()
    await sealed.tamper(f"DELETE FROM event_store.events WHERE position >= {positions[-20]}")
    found = await sealed.verify()
    assert events_of(found) == [("removed", each) for each in positions[-20:]]
    assert found.unsealed == 0


async def test_a_removed_stream_is_named_event_by_event(sealed: SealedLog) -> None:
    positions = await sealed.positions()
    async with sealed.connection("owner") as owner:
        stream = f"(SELECT stream_id FROM event_store.events WHERE position = {positions[200]})"
        rows = await owner.execute(
            f"SELECT position FROM event_store.events WHERE stream_id = {stream} ORDER BY position"
        )
        gone = [row[0] for row in await rows.fetchall()]
    await sealed.tamper(f"DELETE FROM event_store.events WHERE stream_id = {stream}")
    found = await sealed.verify()
    assert events_of(found) == [("removed", each) for each in gone]
    assert len({each.stream_id for each in found.findings if each.kind == "removed"}) == 1


async def test_an_inserted_event_is_named(sealed: SealedLog) -> None:
    positions = await sealed.positions()
    gap = next(each + 1 for each in positions if each + 1 not in positions)
    assert gap < positions[-1]
    await sealed.tamper(_INSERT.format(position=positions[10], to=gap))
    assert events_of(await sealed.verify()) == [("inserted", gap)]


async def test_an_event_in_the_place_of_another_is_named(sealed: SealedLog) -> None:
    positions = await sealed.positions()
    at = positions[100]
    await sealed.tamper(f"UPDATE event_store.events SET event_id = gen_random_uuid() WHERE position = {at}")
    assert events_of(await sealed.verify()) == [("removed", at), ("inserted", at)]


async def test_two_swapped_events_are_named(sealed: SealedLog) -> None:
    positions = await sealed.positions()
    one, other = positions[50], positions[400]
    move = "UPDATE event_store.events SET position = {} WHERE position = {}"
    await sealed.tamper(move.format(10**9, one), move.format(one, other), move.format(other, 10**9))
    found = await sealed.verify()
    assert events_of(found) == [("reordered", one), ("reordered", other)]
    assert detail_of(found, one).detail == f"the event is at position {other} now"


@pytest.mark.parametrize("to_the_tail", [False, True])
async def test_a_renumbered_event_is_named(sealed: SealedLog, to_the_tail: bool) -> None:
    positions = await sealed.positions()
    gap = 10**8 if to_the_tail else next(each + 1 for each in positions if each + 1 not in positions)
    await sealed.tamper(f"UPDATE event_store.events SET position = {gap} WHERE position = {positions[50]}")
    found = await sealed.verify()
    assert events_of(found) == [("renumbered", positions[50])]
    assert detail_of(found, positions[50]).detail == f"the event is at position {gap} now"


async def test_renumbering_the_whole_log_is_found(sealed: SealedLog) -> None:
    positions = await sealed.positions()
    await sealed.tamper("UPDATE event_store.events SET position = position + 1000000")
    found = await sealed.verify()
    assert {kind for kind, _ in events_of(found)} == {"renumbered"}
    assert len(events_of(found)) == len(positions)


async def test_several_changes_are_all_named(sealed: SealedLog) -> None:
    positions = await sealed.positions()
    await sealed.tamper(
        CHANGES["data"].format(position=positions[3]),
        f"DELETE FROM event_store.events WHERE position = {positions[33]}",
        CHANGES["type"].format(position=positions[333]),
    )
    expected = [("changed", positions[3]), ("removed", positions[33]), ("changed", positions[333])]
    assert events_of(await sealed.verify()) == expected
    assert events_of(await sealed.verify(full=True)) == expected


async def test_since_looks_at_what_is_behind_alone(sealed: SealedLog) -> None:
    positions = await sealed.positions()
    await sealed.tamper(CHANGES["data"].format(position=positions[3]))
    await sealed.tamper(CHANGES["data"].format(position=positions[600]))
    found = await sealed.verify(since=positions[580])
    assert events_of(found) == [("changed", positions[600])]
    assert found.first_index == 512
    assert found.compared == found.size - 512


async def test_a_moment_is_found_by_what_was_sealed(sealed: SealedLog) -> None:
    """The times in the log are among what is verified: nobody hides a change by altering one of them."""
    positions = await sealed.positions()
    moment = await first_moment(sealed)
    await sealed.tamper(
        CHANGES["data"].format(position=positions[20]),
        _AT.format("recorded_at = '2001-01-01'", position=positions[-2]),
    )
    found = await sealed.verify(since=moment)
    assert events_of(found) == [("changed", positions[20]), ("changed", positions[-2])]


async def test_an_altered_entry_does_not_move_the_beginning(sealed: SealedLog) -> None:
    positions = await sealed.positions()
    moment = await first_moment(sealed)
    bundle = sealed.folder.path / "tile/entries/000"
    entries = unpack_entries(bundle.read_bytes(), width=WIDTH)
    entries[-1] = entries[-1].replace(f'"recorded_at":"{moment:%Y}'.encode(), b'"recorded_at":"2001')
    bundle.write_bytes(pack_entries(entries))
    await sealed.tamper(CHANGES["data"].format(position=positions[20]))
    found = await sealed.verify(since=moment)
    assert [each.kind for each in found.findings] == ["tiles"]
    assert "entry 255 is not the one that was sealed" in found.findings[0].detail


async def test_the_tail_is_named_as_unsealed(sealed: SealedLog) -> None:
    positions = await sealed.positions()
    await sealed.append(payments=3, seed=2)
    tail = [each for each in await sealed.positions() if each > positions[-1]]
    await sealed.tamper(CHANGES["data"].format(position=tail[0]))
    found = await sealed.verify()
    assert found.findings == []
    assert (found.unsealed, found.unsealed_from, found.unsealed_to) == (len(tail), tail[0], tail[-1])
    assert (found.size, found.last_position) == (len(positions), positions[-1])


async def test_sealing_anew_with_another_key_is_found(sealed: SealedLog) -> None:
    await rebuilt_by(sealed, PrivateKey.new(KEY.name))
    found = await sealed.verify()
    assert [each.kind for each in found.findings] == ["checkpoint"] * 2
    assert "no key that is trusted" in found.findings[0].detail


async def test_sealing_anew_with_the_key_is_shown_by_an_older_checkpoint(sealed: SealedLog) -> None:
    older = await rebuilt_by(sealed, KEY)
    assert (await sealed.verify(full=True)).findings == []
    found = await sealed.verify(others=[Source(where="a file", written=older)])
    assert [each.kind for each in found.findings] == ["checkpoint"]
    assert "of a file: the first" in found.findings[0].detail


async def test_a_log_that_was_cut_is_shown_by_a_newer_checkpoint(sealed: SealedLog) -> None:
    positions = await sealed.positions()
    newest = sealed.folder.checkpoint()
    assert newest is not None
    await sealed.tamper(
        f"DELETE FROM event_store.events WHERE position > {positions[290]}",
        "DELETE FROM event_proofs.checkpoints WHERE size > 291",
    )
    sealed.folder.publish(await one_of_the_table(sealed))
    assert (await sealed.verify()).findings == []
    found = await sealed.verify(others=[Source(where="a file", written=newest)])
    assert found.findings[0].kind == "checkpoint"
    assert ("removed", positions[-1]) in [(each.kind, each.position) for each in found.findings]


async def test_an_altered_tile_is_found_by_a_full_verification(sealed: SealedLog) -> None:
    tile = sealed.folder.path / "tile/0/001"
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
    assert (await sealed.verify()).findings == []
    found = await sealed.verify(full=True)
    assert [(each.kind, each.detail) for each in found.findings] == [("tiles", "tile/0/001 is not what was sealed")]


async def test_an_altered_event_and_its_entry_are_both_found(sealed: SealedLog) -> None:
    """Who alters the log and the folder alike has no signature for it."""
    positions = await sealed.positions()
    bundle = sealed.folder.path / "tile/entries/001"
    bundle.write_bytes(bundle.read_bytes().replace(f'"position":{positions[300]}'.encode(), b'"position":299', 1))
    found = await sealed.verify(full=True)
    assert [each.detail for each in found.findings] == ["tile/entries/001 is not what was sealed"]
    await sealed.tamper(CHANGES["data"].format(position=positions[300]))
    kinds = {each.kind for each in (await sealed.verify()).findings}
    assert kinds >= {"checkpoint", "tiles"}


async def test_a_missing_folder_does_not_hide_a_change(sealed: SealedLog) -> None:
    positions = await sealed.positions()
    shutil.rmtree(sealed.folder.path)
    assert (await sealed.verify()).findings == []
    await sealed.tamper(CHANGES["data"].format(position=positions[300]))
    found = await sealed.verify()
    assert {each.kind for each in found.findings} == {"checkpoint", "tiles"}


@pytest.mark.parametrize("written", [b"nonsense\n", b"\xff", b"a\n1\n\n"])
async def test_an_altered_checkpoint_is_found_and_hides_nothing(sealed: SealedLog, written: bytes) -> None:
    positions = await sealed.positions()
    (sealed.folder.path / "checkpoint").write_bytes(written)
    assert [each.kind for each in (await sealed.verify()).findings] == ["checkpoint"]
    await sealed.tamper(CHANGES["data"].format(position=positions[300]))
    assert events_of(await sealed.verify()) == [("changed", positions[300])]


async def first_moment(sealed: SealedLog) -> datetime:
    async with sealed.connection("owner") as owner:
        row = await (await owner.execute("SELECT min(recorded_at) FROM event_store.events")).fetchone()
    assert row is not None
    assert isinstance(row[0], datetime)
    return row[0]


async def rebuilt_by(sealed: SealedLog, key: PrivateKey) -> str:
    """Change an event, and seal the whole log anew; return the checkpoint that was there before."""
    positions = await sealed.positions()
    before = sealed.folder.checkpoint()
    assert before is not None
    await sealed.tamper(CHANGES["data"].format(position=positions[7]), "DELETE FROM event_proofs.checkpoints")
    shutil.rmtree(sealed.folder.path)
    await sealed.seal(keys=[key])
    return before


async def one_of_the_table(sealed: SealedLog) -> str:
    async with sealed.connection("audit") as auditor:
        rows = await auditor.execute("SELECT note FROM event_proofs.checkpoints ORDER BY size DESC LIMIT 1")
        found = await rows.fetchone()
    assert found is not None
    return str(found[0])

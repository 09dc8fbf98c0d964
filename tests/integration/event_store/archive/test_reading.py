"""Files and database as one log: what was altered in either is found, and what was erased stays so in both."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from pyarrow import parquet

from event_store.archive.archives import EVENTS_FILE, read_archives
from event_store.archive.errors import ArchiveDiffers
from event_store.archive.events_file import GROUP, SCHEMA
from event_store.archive.one_log import OneLog
from event_store.privacy.masking import masked
from event_store.privacy.user_data import archived_stripe_events_of
from event_store.recovery.compare import Comparison
from event_store.recovery.kafka_copy import Part
from event_store.recovery.recover import _compare_part, _without_archived, reason_log_went_back
from event_store.relay.progress import Published
from event_store.replay.reading import Run, Selection, read_runs
from event_store.store import Connection, read_log_state
from infra.postgres.pool import create_pool
from projections.audit.diff import row_differences
from projections.audit.invariants import Checked, violations
from tests.support.archived_logs import PARTITIONS, SIZE, OldLog
from tests.support.database import Database
from tests.support.paystream_command import Ended, paystream
from tests.support.read_model import load_log, project_log
from tests.support.rebuilds import rebuilt
from tests.support.sealed_logs import KEY
from tests.support.vaults import open_test_vault

pytestmark = pytest.mark.integration

PAYMENT_IN = "(SELECT max(position) FROM event_store.events WHERE category = 'payment' AND position < 1000)"

INSERTED = (
    "INSERT INTO event_store.events SELECT 9000000, gen_random_uuid(), stream_id, version, category, type,"
    f" schema_version, data, metadata, recorded_at FROM event_store.events WHERE position = {PAYMENT_IN}"
)


def rewrite(folder: Path, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """Write the file of an archive anew, with other rows."""
    (file,) = folder.glob(f"*/{EVENTS_FILE}")
    rows = parquet.read_table(file).to_pylist()
    change(rows)
    parquet.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), file, row_group_size=GROUP)


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        (f"UPDATE event_store.events SET version = 99 WHERE position = {PAYMENT_IN}", "changed"),
        (f"DELETE FROM event_store.events WHERE position = {PAYMENT_IN}", "removed"),
        (INSERTED, "inserted"),
    ],
    ids=["changed", "removed", "inserted"],
)
async def test_what_is_altered_in_the_log_is_named(old: OldLog, statement: str, kind: str) -> None:
    await old.fill()
    await old.archive()
    await old.sealed.tamper(statement)
    found = (await old.verify()).findings
    assert kind in {each.kind for each in found}
    assert {each.kind for each in found} <= {kind, "checkpoint", "archive"}


async def test_what_is_altered_in_the_file_is_named(old: OldLog) -> None:
    await old.fill()
    await old.archive()
    altered = next(row[0] for row in await old.rows() if row[4] == "stripe-event")

    def alter(rows: list[dict[str, Any]]) -> None:
        (row,) = [each for each in rows if each["position"] == altered]
        row["data"] = row["data"].replace("cus_0", "cus_1")

    rewrite(old.folder, alter)
    found = (await old.verify()).findings
    assert [(each.kind, each.position) for each in found if each.kind == "changed"] == [("changed", altered)]
    assert "archive" in {each.kind for each in (await old.verify(full=True)).findings}


async def test_an_event_that_both_have_and_say_otherwise_is_named(old: OldLog) -> None:
    await old.fill()
    await old.archive()

    def alter(rows: list[dict[str, Any]]) -> None:
        (row,) = [each for each in rows if each["position"] == 1]
        row["version"] = 7

    rewrite(old.folder, alter)
    (found,) = (await old.verify()).findings
    assert (found.kind, found.position) == ("archive", 1)


async def test_an_event_that_is_gone_from_the_file_is_found(old: OldLog) -> None:
    await old.fill()
    await old.archive()
    rewrite(old.folder, lambda rows: rows.pop(4))
    with pytest.raises(ArchiveDiffers, match="were archived"):
        await old.verify()


async def test_a_file_that_is_damaged_is_named(old: OldLog) -> None:
    await old.fill()
    await old.archive()
    (file,) = old.folder.glob(f"*/{EVENTS_FILE}")
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(ArchiveDiffers, match="cannot be read"):
        await old.verify()


async def runs(old: OldLog, **selected: Any) -> list[Run]:
    async with old.sealed.connection("audit") as auditor:
        log = await OneLog.open(auditor, old.folder)
        return [run async for run in read_runs(auditor, Selection(**selected), log=log, size=5)]


async def test_a_replay_gives_both_in_order(old: OldLog, app: Connection) -> None:
    await old.fill()
    log = await load_log(app)
    await app.rollback()
    await old.archive()
    whole = [event for run in await runs(old, up_to=2 * SIZE) for event in run.events]
    assert whole == log
    assert sum(run.count for run in await runs(old, up_to=2 * SIZE)) == len(log)
    webhooks = await runs(old, up_to=2 * SIZE, categories=("stripe-event",), after=3)
    assert [event for run in webhooks for event in run.events] == [
        each for each in log if each.category == "stripe-event" and each.position > 3
    ]
    part = await runs(old, after=4, up_to=19)
    assert [event for run in part for event in run.events] == [each for each in log if 4 < each.position <= 19]
    mine = await runs(old, up_to=SIZE, merchant_id="merchant_test")
    assert [event for run in mine for event in run.events] == [
        each for each in log if each.metadata.merchant_id == "merchant_test" and each.position < SIZE
    ]


async def test_what_is_archived_meanwhile_is_read_from_the_file(old: OldLog, app: Connection) -> None:
    await old.fill()
    log = await load_log(app)
    await app.rollback()
    async with old.sealed.connection("audit") as auditor:
        one, verified = await OneLog.open(auditor, old.folder), await OneLog.open(auditor, old.folder)
        reading = read_runs(auditor, Selection(up_to=2 * SIZE), log=one, size=5)
        first = [(await anext(reading)).events, (await anext(reading)).events]
        rows = await verified.rows_after(0, limit=6)
        await old.archive()
        rest = [run.events async for run in reading]
        assert [event for events in first + rest for event in events] == log
        while more := await verified.rows_after(rows[-1][0], limit=6):
            rows += more
        assert [row[0] for row in rows] == [event.position for event in log]


async def test_what_was_erased_cannot_be_read_in_an_archive(old: OldLog, database: Database) -> None:
    async with open_test_vault(database) as vault:
        await old.fill(vault=vault)
        await old.archive()
        async with old.archiving() as archiving:
            await archiving.drop_detached()
        archived = [each for run in await runs(old, up_to=SIZE, categories=("stripe-event",)) for each in run.events]
        assert all(b'"Ada"' not in each.data for each in archived), "it has what the log had: the ciphertext"
        clear = await vault.decrypt(archived)
        assert all(b'"Ada"' in each.data for each in clear)
        async with old.sealed.connection("owner") as owner:
            burned = "INSERT INTO event_store.streams (stream_id, category, merchant_id, version)"
            await owner.execute(f"{burned} SELECT key_id, 'privacy', '-', 1 FROM privacy.data_keys")
            await owner.execute("DELETE FROM privacy.data_keys")
        erased = await vault.decrypt(archived)
        assert all(b'"[erased]"' in each.data and b'"Ada"' not in each.data for each in erased)
        async with old.sealed.connection("audit") as auditor:
            assert all(b'"[erased]"' in each.data for each in await masked(auditor, archived))
    assert (await old.verify(full=True)).findings == []


async def test_what_stripe_told_is_found_for_who_asks_what_is_known(old: OldLog) -> None:
    await old.fill()
    await old.archive()
    async with old.sealed.connection("erasure") as officer:
        log = await OneLog.open(officer, old.folder)
        found = await archived_stripe_events_of(log, {"cus_3", "cus_1000", "cus_nobody"})
    assert [each.stream_id for each in found] == [old.stripe_events[3]]


async def test_invariants_leave_out_what_has_left_the_log(old: OldLog) -> None:
    await old.fill()

    async def checked() -> tuple[int, int]:
        result = Checked()
        async with old.sealed.connection("audit") as auditor:
            found = [each async for each in violations(auditor, partitions=PARTITIONS, checked=result)]
        assert found == []
        return result.streams, result.archived

    streams, archived = await checked()
    assert archived == 0
    await old.archive()
    assert await checked() == (streams - 12, 12)


async def test_the_read_model_is_what_a_replay_of_the_rest_makes(
    old: OldLog, app: Connection, database: Database
) -> None:
    await old.fill()
    async with create_pool(database.url("projector"), size=2, name="projector-test") as pool:
        await project_log(pool, await load_log(app), partitions=PARTITIONS)
    await app.rollback()
    await old.archive()
    async with old.sealed.connection("audit") as auditor:
        assert [each async for each in row_differences(auditor, partitions=PARTITIONS)] == []
    await rebuilt(database, "payments")
    await rebuilt(database, "ledger")
    async with old.sealed.connection("audit") as auditor:
        assert [each async for each in row_differences(auditor, partitions=PARTITIONS)] == []


@pytest.mark.parametrize("role", ["app", "relay", "sealer", "audit", "projector", "query", "erasure"])
async def test_only_the_owner_says_what_is_archived(old: OldLog, role: str) -> None:
    async with old.sealed.connection(role) as conn:
        for statement in (
            "INSERT INTO event_store.archives VALUES (0, 1, 'x', 0, 0, 0, sha256(''), '{}', 'x', now(), 'x')",
            "UPDATE event_store.archives SET categories = '{payment}'",
            "DELETE FROM event_store.archives",
            "ALTER TABLE event_store.events DETACH PARTITION event_store.events_p000000",
        ):
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)):
                await conn.execute(statement)


async def test_kafka_has_what_left_the_log_and_nothing_is_lost(old: OldLog, app: Connection) -> None:
    await old.fill()
    log = await load_log(app)
    await app.rollback()
    await old.archive()
    webhooks = [each for each in log if each.category == "stripe-event"]
    async with old.sealed.connection("relay") as relay, relay.transaction():
        state = await read_log_state(relay)
        last = [Published(position=each.position, event_id=each.event_id, offset=0) for each in (webhooks[0], log[-1])]
        assert await reason_log_went_back(relay, state, last, state.epoch) is None
        found = Comparison(whole_up_to=0, partitions=PARTITIONS)
        part = Part(events=tuple(log), until=log[-1].position, read_up_to={})
        await _compare_part(relay, found, _without_archived(part, await read_archives(relay), found))
    assert (found.common, found.written_back, found.different, found.blockers) == (len(log), 0, [], ())


async def audit(old: OldLog, *arguments: str, **changes: object) -> Ended:
    (old.sealed.folder.path.parent / "keys.pub").write_text(f"{KEY.public}\n")
    settings: dict[str, object] = {
        "audit_database_url": old.sealed.database.url("audit"),
        "migration_database_url": old.sealed.database.url("owner"),
        "kafka_bootstrap_servers": "127.0.0.1:9",
        "kafka_topic_partitions": PARTITIONS,
        "proofs_folder": old.sealed.folder.path,
        "proofs_public_keys_file": old.sealed.folder.path.parent / "keys.pub",
        "archive_folder": old.folder,
    }
    return await paystream("audit", *arguments, cwd=old.sealed.folder.path.parent, settings=settings | changes)


@pytest.mark.slow
async def test_a_person_archives_and_audits(old: OldLog, tmp_path: Path) -> None:
    await old.fill()
    count = len(await old.rows())
    assert (await audit(old, "replay", "--into", "before.jsonl")).code == 0
    planned = await audit(old, "archive", "--dry-run")
    assert (planned.code, planned.output.startswith("Nothing holds it up: events_p000000, ")) == (0, True), planned
    done = await audit(old, "archive")
    assert (done.code, "12 have left the log" in done.output) == (0, True), done
    again = await audit(old, "archive")
    assert (again.code, "- events_p000001 has an event of " in again.errors) == (1, True), again
    verified = await audit(old, "verify", "--full")
    assert (verified.code, f"Nothing differs: {count} of {count}" in verified.output) == (0, True), verified
    assert (await audit(old, "replay", "--into", "after.jsonl")).code == 0
    assert (tmp_path / "after.jsonl").read_bytes() == (tmp_path / "before.jsonl").read_bytes()
    shown = await audit(old, "show", str(old.payments[0]), "--format", "json")
    assert (shown.code, str(old.payments[0]) in shown.output) == (0, True), shown
    webhook = str(old.stripe_events[0])
    proved = await audit(old, "prove", webhook, "--output", "proofs")
    assert (proved.code, "1 proofs are in proofs" in proved.output) == (0, True), proved
    missing = await audit(old, "replay", archive_folder=None)
    assert (missing.code, "set ARCHIVE_FOLDER" in missing.errors) == (1, True), missing
    dropped = await audit(old, "archive", "--drop-detached")
    assert (dropped.code, "events_p000000_archived is gone" in dropped.output) == (0, True), dropped
    assert (await audit(old, "archive", "--drop-detached")).output == "No detached partition is left.\n"


async def test_a_moment_leads_to_where_it_is_in_the_files(old: OldLog, tmp_path: Path) -> None:
    await old.fill()
    rows = await old.rows()
    webhook = [row for row in rows if row[4] == "stripe-event" and row[0] < SIZE][5]
    await old.archive()
    ended = await audit(old, "replay", "--to", webhook[7], "--into", "part.csv")
    assert ended.code == 0, ended
    lines = (tmp_path / "part.csv").read_text().splitlines()[1:]
    assert [int(line.partition(",")[0]) for line in lines] == [row[0] for row in rows if row[0] <= webhook[0]]


async def test_what_is_not_set_is_said(old: OldLog) -> None:
    await old.append(payments=1, stripe_events=1)
    for name in ("archive_folder", "proofs_folder", "proofs_public_keys_file"):
        refused = await audit(old, "archive", **{name: None})
        assert (refused.code, name.upper() in refused.errors) == (2, True), refused

"""The oldest partition goes into a file, and nothing is lost."""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

import psycopg
import pytest

from domain.ids import PaymentId, RefundId
from domain.money import Money
from domain.payment.events import PaymentEvent
from event_store.appends import Append, Appended, VersionConflict
from event_store.archive import exchange
from event_store.archive.archives import EVENTS_FILE, MANIFEST_FILE
from event_store.archive.errors import ArchiveDiffers, ArchiveMissing, ArchiveRefused
from event_store.payments import PAYMENT
from event_store.proofs.tile_folder import TileFolder
from event_store.store import Connection, append, load, load_many
from schemas.events import PAYMENT_CODEC
from tests.support.archived_logs import SIZE, OldLog, stripe_event
from tests.support.log_entries import an_append, metadata
from tests.support.payment_histories import events_of, paid, refunded, request_payment
from tests.support.read_model import store

pytestmark = pytest.mark.integration

PARTITION = "event_store.events_p000000"
ALL = "SELECT e::text FROM event_store.events e ORDER BY position"


async def refused(old: OldLog, **options: int) -> Sequence[str]:
    with pytest.raises(ArchiveRefused) as caught:
        await old.archive(old.plan(**options))
    assert await old.query("SELECT FROM event_store.archives") == []
    return caught.value.reasons


async def test_what_is_archived_is_all_of_it_and_the_rest_stays(old: OldLog) -> None:
    await old.fill()
    before, rows = await old.query(ALL), await old.rows()
    done = await old.archive()
    ((events, kept),) = await old.query("SELECT events, kept FROM event_store.archives")
    assert (done.contents.events, done.contents.kept) == (events, kept) == (len(rows) - len(before) + events, kept)
    assert events - kept == 12
    assert await old.rows() == rows, "both are one log"
    left = await old.query("SELECT count(*) FROM event_store.events WHERE category = 'stripe-event'")
    assert left == [(2,)]
    detached = await old.query(f"SELECT count(*) FROM event_store.{done.detached}")
    assert detached == [(events,)]
    assert len(await old.query(ALL)) == len(before) - 12


async def test_verify_finds_both_as_they_were_sealed(old: OldLog) -> None:
    await old.fill()
    count = len(await old.rows())
    await old.archive()
    for options in ({}, {"full": True}, {"since": 20}, {"since": SIZE}):
        found = await old.verify(**options)
        assert found.findings == []
    assert found.size == count
    assert (await old.verify()).compared == count
    with pytest.raises(ArchiveMissing, match="ARCHIVE_FOLDER"):
        await OldLog(sealed=old.sealed, folder=old.folder / "elsewhere").verify()


async def test_payments_load_and_go_on_after_their_first_events_are_archived(old: OldLog, app: Connection) -> None:
    refund, request = refunded(RefundId(uuid.uuid4()), Money(amount_cents=300, currency="USD")), request_payment()
    charged, every = events_of(paid(request)), events_of([*paid(request), *refund])
    payment_id = PaymentId(request.payment_id)
    await store(app, [(payment_id, charged)])
    await old.fill()
    before = {each: await load(app, each) for each in (*old.payments, payment_id)}
    await app.rollback()
    await old.archive()
    assert await load_many(app, list(before)) == before
    later = every[len(charged) :]
    request_of = _append(payment_id, len(charged), later)
    (result,) = await append(app, [request_of])
    await app.commit()
    assert isinstance(result, Appended)
    state = PAYMENT.load(await load(app, payment_id)).state
    assert state is not None
    assert state.amount_refunded.amount_cents == 300
    await app.rollback()
    await old.sealed.seal()
    assert (await old.verify(full=True)).findings == []


async def test_a_webhook_that_comes_again_changes_nothing(old: OldLog, app: Connection) -> None:
    await old.fill()
    await old.archive()
    (result,) = await append(app, [stripe_event("3")])
    assert result == VersionConflict(actual_version=1)


async def test_events_go_on_being_appended_and_partitions_made(old: OldLog) -> None:
    await old.fill()
    await old.archive()
    await old.append(payments=1, stripe_events=1, seed=5000)
    await old.begin_partition(5)
    await old.append(payments=1, stripe_events=1, seed=6000)
    where = await old.query("SELECT DISTINCT tableoid::regclass::text FROM event_store.events ORDER BY 1")
    assert [name for (name,) in where] == [f"event_store.events_p00000{number}" for number in (0, 1, 5)]


async def test_payments_are_taken_while_a_partition_is_exchanged(old: OldLog, app: Connection) -> None:
    await old.fill()
    rows = await old.rows()
    archiving = asyncio.create_task(old.archive())
    appended = list[Appended]()
    while not archiving.done():
        (result,) = await append(app, [an_append()])
        await app.commit()
        assert isinstance(result, Appended)
        appended.append(result)
    await archiving
    found = await old.rows()
    assert found[: len(rows)] == rows
    assert [row[0] for row in found[len(rows) :]] == [each.position for each in appended]


async def test_the_partition_in_its_place_is_as_immutable(old: OldLog) -> None:
    await old.fill()
    before = await old.query(_DEFINITION)
    await old.archive()
    assert await old.query(_DEFINITION) == before
    async with old.sealed.connection("owner") as owner:
        for statement in (f"TRUNCATE {PARTITION}", f"DELETE FROM {PARTITION}", f"UPDATE {PARTITION} SET version = 9"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await owner.execute(statement)


_DEFINITION = f"""
WITH t AS (SELECT * FROM pg_class WHERE oid = '{PARTITION}'::regclass)
SELECT pg_get_expr(relpartbound, oid) FROM t
UNION ALL SELECT coalesce(relacl, acldefault('r', relowner))::text FROM t
UNION ALL SELECT replace(pg_get_constraintdef(k.oid), ' NOT VALID', '') FROM t, pg_constraint k WHERE conrelid = t.oid
UNION ALL SELECT regexp_replace(pg_get_indexdef(indexrelid), 'X \\S+ ON', '') FROM t, pg_index WHERE indrelid = t.oid
UNION ALL SELECT tgname::text || tgtype FROM t JOIN pg_trigger ON tgrelid = t.oid
ORDER BY 1
"""


async def test_the_next_partition_comes_after_it(old: OldLog) -> None:
    await old.fill()
    assert (await old.archive()).positions.first == 0
    assert await refused_next(old) == "less than 400 days ago"


async def refused_next(old: OldLog) -> str:
    with pytest.raises(ArchiveRefused) as caught:
        await old.archive()
    (found,) = [each for each in caught.value.reasons if "days ago" in each]
    return found.partition(", ")[2]


async def test_two_partitions_are_one_log_with_the_rest(old: OldLog) -> None:
    await old.append(payments=3, stripe_events=3)
    await old.begin_partition(1)
    await old.append(payments=3, stripe_events=3, seed=100)
    await old.sealed.tamper("UPDATE event_store.events SET recorded_at = recorded_at - interval '500 days'")
    await old.begin_partition(2)
    await old.append(payments=3, stripe_events=3, seed=200)
    await old.sealed.seal()
    await old.consume(3 * SIZE)
    rows = await old.rows()
    assert [(await old.archive()).positions.first for _ in range(2)] == [0, SIZE]
    assert await old.rows() == rows
    assert (await old.verify(full=True)).findings == []


async def test_a_partition_without_events_holds_nothing_up(old: OldLog) -> None:
    await old.append(payments=2, stripe_events=2)
    await old.begin_partition(2)
    await old.append(payments=2, stripe_events=2, seed=100)
    await old.sealed.tamper("UPDATE event_store.events SET recorded_at = recorded_at - interval '500 days'")
    await old.begin_partition(3)
    await old.append(payments=2, stripe_events=2, seed=200)
    await old.sealed.seal()
    await old.consume(4 * SIZE)
    rows = await old.rows()
    events = [(await old.archive()).contents.events for _ in range(3)]
    assert [bool(each) for each in events] == [True, False, True]
    assert await old.rows() == rows
    assert (await old.verify(full=True)).findings == []


async def test_what_holds_it_up_is_named(old: OldLog) -> None:
    await old.append(payments=2, stripe_events=3)
    assert await refused(old) == (
        "events_p000000 has an event of " + _today() + ", less than 400 days ago",
        "the sealer has sealed nothing at or behind position 10,000,000 yet",
    )
    await old.age()
    await old.sealed.seal()
    assert await refused(old) == ("the sealer has sealed nothing at or behind position 10,000,000 yet",)
    await old.begin_partition(1)
    await old.append(payments=1, stripe_events=1, seed=1000)
    await old.sealed.seal()
    reasons = await refused(old)
    assert reasons
    assert all(each.startswith("stripe-webhooks has taken paystream.stripe-event/") for each in reasons)
    await old.consume()
    async with old.sealed.connection("owner") as owner:
        await owner.execute("UPDATE event_store.incarnation SET closed_because = 'a test'")
        assert await refused(old) == ("the log is closed: a test",)
        await owner.execute("UPDATE event_store.incarnation SET closed_because = NULL")
    await old.archive()


def _today() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}"


async def test_a_transaction_that_sees_the_log_of_before_holds_it_up(old: OldLog) -> None:
    await old.fill()
    before = await old.query(ALL)
    async with old.sealed.connection("audit") as reader, reader.transaction():
        await reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        await reader.execute("SELECT 1 FROM event_store.streams LIMIT 1")
        (reason,) = await refused(old, wait_s=0)
        assert reason.startswith("transactions that began before are open: those of the processes ")
        assert len(await (await reader.execute(ALL)).fetchall()) == len(before)
    await old.archive()


async def test_an_altered_log_is_not_archived(old: OldLog) -> None:
    await old.fill()
    await old.sealed.tamper("UPDATE event_store.events SET data = data || '{\"x\": 1}' WHERE position = 7")
    with pytest.raises(ArchiveDiffers, match="position 7 is not what was sealed"):
        await old.archive()
    assert await old.query("SELECT FROM event_store.archives") == []
    assert not list(old.folder.glob(f"*/{MANIFEST_FILE}"))


async def test_an_altered_archive_is_not_detached_from(old: OldLog, monkeypatch: pytest.MonkeyPatch) -> None:
    await old.fill()
    await interrupted(old, monkeypatch, "fill_kept")
    (file,) = old.folder.glob(f"*/{EVENTS_FILE}")
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 1
    file.write_bytes(content)
    with pytest.raises(ArchiveDiffers):
        await old.archive()
    assert await old.query("SELECT FROM event_store.archives") == []


async def interrupted(old: OldLog, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    class Killed(BaseException):
        pass

    def fail(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(f"event_store.archive.{STEPS[step]}", fail)
        with pytest.raises(Killed):
            await old.archive()


STEPS = {
    "write_some": "events_file.EventsFileWriter.close",
    "copy_tiles": "writing._copy_tiles",
    "verify": "writing.verify",
    "write_manifest": "writing._write_manifest",
    "fill_kept": "archiving.fill_kept",
    "wait": "archiving.wait_for_older",
    "exchange": "archiving.exchange",
}


@pytest.mark.parametrize("step", STEPS)
async def test_what_was_interrupted_goes_on_and_nothing_was_lost(
    old: OldLog, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    await old.fill()
    before, rows = await old.query(ALL), await old.rows()
    await interrupted(old, monkeypatch, step)
    assert await old.query(ALL) == before
    assert (await old.verify()).findings == []
    await old.archive()
    assert await old.rows() == rows
    assert (await old.verify(full=True)).findings == []


async def test_a_kill_within_the_exchange_leaves_the_partition(old: OldLog, monkeypatch: pytest.MonkeyPatch) -> None:
    await old.fill()
    before, rows = await old.query(ALL), await old.rows()
    for number in range(len(exchange._EXCHANGE)):
        with monkeypatch.context() as patched:
            cut = (*exchange._EXCHANGE[: number + 1], "SELECT pg_terminate_backend(pg_backend_pid())")
            patched.setattr(exchange, "_EXCHANGE", cut)
            with pytest.raises(psycopg.OperationalError):
                await old.archive()
        assert await old.query(ALL) == before
    await old.archive()
    assert await old.rows() == rows


async def test_two_at_once_archive_once(old: OldLog) -> None:
    await old.fill()
    rows = await old.rows()
    done = await asyncio.gather(old.archive(), old.archive(), return_exceptions=True)
    (lost,) = [each for each in done if isinstance(each, BaseException)]
    assert isinstance(lost, ArchiveRefused)
    assert await old.rows() == rows


async def test_a_detached_partition_is_dropped_if_its_file_is_whole(old: OldLog) -> None:
    await old.fill()
    rows, done = await old.rows(), await old.archive()
    (file,) = old.folder.glob(f"*/{EVENTS_FILE}")
    content = file.read_bytes()
    file.write_bytes(content + b"x")
    async with old.archiving() as archiving:
        with pytest.raises(ArchiveDiffers):
            await archiving.drop_detached()
        file.write_bytes(content)
        assert [each.detached for each in await archiving.drop_detached()] == [done.detached]
        assert await archiving.drop_detached() == []
    assert await old.query(f"SELECT to_regclass('event_store.{done.detached}')") == [(None,)]
    assert await old.rows() == rows


async def test_the_tiles_of_the_part_are_beside_it(old: OldLog) -> None:
    await old.fill(payments=80, stripe_events=80)
    done = await old.archive()
    copied = TileFolder(old.folder / done.positions.name)
    for number in range(done.contents.events // 256):
        assert copied.hashes(0, number, 256) == old.sealed.folder.hashes(0, number, 256)
    assert copied.checkpoint() == old.sealed.folder.checkpoint()


def _append(payment_id: PaymentId, version: int, events: Sequence[PaymentEvent]) -> Append:
    return Append.of(PAYMENT_CODEC, events, stream_id=payment_id, expected_version=version, metadata=metadata())

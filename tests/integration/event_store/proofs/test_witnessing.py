"""Witnesses sign what is sealed; whatever one of them does, sealing goes on, and metrics say what it did."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
from aiohttp import web

from event_store.proofs.checkpoint import Checkpoint
from event_store.proofs.cosignatures import cosignatures_of
from event_store.proofs.note import Note, PrivateKey
from event_store.proofs.tile_folder import TileFolder
from event_store.proofs.witness_protocol import SIZE_TYPE
from tests.integration.event_store.proofs.test_process import running, settings, size
from tests.support.s3_server import S3Server
from tests.support.sealed_logs import KEY, SealedLog
from tests.support.waiting import eventually
from tests.support.witnesses import RunningWitness, answering, asking, new_key, unwitnessed_s, witness

pytestmark = pytest.mark.integration

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def hang(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(60)
    raise AssertionError


def says(status: int, text: str = "", **headers: str) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        response = web.Response(status=status, body=text.encode())
        response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
        return response

    return answer


_OTHER_TEXT = Checkpoint(origin=KEY.name, size=1, root=bytes(32)).text()
_OTHER_LINE = new_key("one").sign(_OTHER_TEXT, at=1).line().strip()
_KNOWN = new_key("bad")


@pytest_asyncio.fixture
async def one(tmp_path: Path) -> AsyncIterator[RunningWitness]:
    async with witness(tmp_path, "one") as running_one:
        yield running_one


@pytest_asyncio.fixture
async def other(tmp_path: Path) -> AsyncIterator[RunningWitness]:
    async with witness(tmp_path, "other") as running_other:
        yield running_other


def signers(sealed: SealedLog, *witnesses: RunningWitness) -> list[str]:
    """Return who signed the checkpoint in the folder."""
    written = sealed.folder.checkpoint()
    assert written is not None
    return [each.name for each in Note.parse(written).verified_by([KEY.public, *(w.key.public for w in witnesses)])]


async def kept(sealed: SealedLog) -> set[str]:
    """Return whose signatures of the newest checkpoint are in the table."""
    async with sealed.connection("audit") as auditor:
        return {each.witness for each in await cosignatures_of(auditor, await size(sealed))}


async def grow(sealed: SealedLog, seed: int = 0) -> None:
    await sealed.append(payments=3, seed=seed)
    await sealed.seal()


async def test_all_sign_and_their_signatures_are_kept(
    sealed: SealedLog, one: RunningWitness, other: RunningWitness
) -> None:
    async with asking(sealed, one, other) as ask:
        for seed in range(3):
            await grow(sealed, seed)
            await ask()
            assert set(signers(sealed, one, other)) == {KEY.name, one.key.name, other.key.name}
            assert await kept(sealed) == {str(one.key.public), str(other.key.public)}
            assert await unwitnessed_s() == 0
    assert (await one.newest()).startswith(Note.parse(sealed.folder.checkpoint() or "").text)
    assert (await sealed.verify(full=True)).findings == []
    await grow(sealed, 3)
    assert signers(sealed, one) == [KEY.name], "a new checkpoint has no old signature"


async def test_who_has_signed_is_not_asked_again(sealed: SealedLog, one: RunningWitness) -> None:
    await grow(sealed)
    async with asking(sealed, one) as ask:
        before = one.answers("cosigned")
        for _ in range(3):
            await ask()
    assert one.answers("cosigned") == before + 1


async def test_a_batch_of_checkpoints_is_signed_by_its_newest(sealed: SealedLog, one: RunningWitness) -> None:
    await sealed.append(payments=30)
    await sealed.seal(batch=10)
    before = one.answers("cosigned")
    async with asking(sealed, one) as ask:
        await ask()
        assert await unwitnessed_s() == 0
    assert one.answers("cosigned") == before + 1


async def test_a_sealer_that_does_not_know_what_was_signed_learns_it(sealed: SealedLog, one: RunningWitness) -> None:
    await grow(sealed)
    async with asking(sealed, one) as ask:
        await ask()
    await sealed.tamper("DELETE FROM event_proofs.cosignatures")
    async with asking(sealed, one) as ask:
        await ask()  # the same checkpoint again
        await sealed.tamper("DELETE FROM event_proofs.cosignatures")
        await grow(sealed, 1)
        await ask()  # a larger one
    assert await kept(sealed) == {str(one.key.public)}
    assert not one.refuses


@pytest.mark.parametrize("line", ["nonsense", _OTHER_LINE], ids=["nonsense", "of something else"])
async def test_a_forged_row_does_not_keep_the_sealer_from_asking(
    sealed: SealedLog, one: RunningWitness, line: str
) -> None:
    await grow(sealed)
    await sealed.tamper(
        "INSERT INTO event_proofs.cosignatures (size, witness, line, signed_at) "
        f"SELECT size, '{one.key.public}', '{line}', now() FROM event_proofs.checkpoints"
    )
    async with answering("away", says(503), key=one.key) as away, asking(sealed, away) as ask:
        await ask()
        assert await unwitnessed_s() > 0
    async with asking(sealed, one) as ask:
        await ask()
        assert signers(sealed, one) == [KEY.name, one.key.name]


async def test_signatures_are_put_below_a_checkpoint_in_a_bucket(
    sealed: SealedLog, one: RunningWitness, s3: S3Server
) -> None:
    bucket = s3.new_store()
    await sealed.append(payments=3)
    async with sealed.connection("sealer") as sealer:
        await sealed.sealing(bucket).seal(sealer)
    async with asking(sealed, one, store=bucket) as ask:
        await ask()
    assert len(Note.parse(bucket.checkpoint() or "").verified_by([KEY.public, one.key.public])) == 2


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (hang, "failed"),
        (says(500), "failed"),
        (says(301, Location="http://127.0.0.1:1/"), "failed"),
        (says(200, "nonsense"), "failed"),
        (says(200, ""), "failed"),
        (says(200, "— a " + "A" * 200_000 + "\n"), "failed"),
        (says(200, _KNOWN.sign(_OTHER_TEXT, at=1).line()), "failed"),
        (says(200, new_key("stranger").sign(_OTHER_TEXT, at=1).line()), "failed"),
        (says(409, "1\n"), "failed"),
        (says(409, "01\n", Content_Type=SIZE_TYPE), "failed"),
        (says(409, "0\n", Content_Type=SIZE_TYPE), "failed"),
        (says(429), "failed"),
        (says(404), "unknown"),
        (says(403), "unknown"),
        (says(422), "refused"),
        (says(409, f"{10**9}\n", Content_Type=SIZE_TYPE), "refused"),
    ],
    ids=[
        *("hangs", "500", "redirects", "nonsense", "nothing", "too long", "of something else", "of a stranger"),
        *("no type", "no number", "the same again", "429", "404", "403", "422", "larger"),
    ],
)
async def test_a_witness_that_does_not_sign_stops_nobody(
    sealed: SealedLog, one: RunningWitness, answer: Answer, result: str
) -> None:
    async with answering("bad", answer, key=_KNOWN) as bad, asking(sealed, bad, one, needed=2, timeout_s=0.5) as ask:
        before = bad.answers(result)
        await grow(sealed)
        await ask()
        assert bad.answers(result) == before + 1
        assert bad.refuses == (result == "refused")
        assert await unwitnessed_s() > 0
        assert signers(sealed, one) == [KEY.name, one.key.name]
        await grow(sealed, 1)
        await ask()
        assert signers(sealed, one) == [KEY.name, one.key.name]
    async with asking(sealed, bad, one, needed=1, timeout_s=0.5) as ask:
        await ask()
        assert await unwitnessed_s() == 0, "one is enough"


async def test_a_witness_that_is_back_signs_the_newest(sealed: SealedLog, one: RunningWitness) -> None:
    async with answering("away", says(503)) as away:
        pass
    async with asking(sealed, away, one) as ask:
        await grow(sealed)
        await ask()
        waiting = await unwitnessed_s()
        assert waiting > 0
        await grow(sealed, 1)
        await ask()
        assert await unwitnessed_s() > waiting, "it counts from the first that waits"
    async with asking(sealed, one) as ask:
        await ask()
        assert await unwitnessed_s() == 0


async def test_a_witness_that_does_not_know_the_log_says_so(sealed: SealedLog, tmp_path: Path) -> None:
    await grow(sealed)
    for name, logs in (
        ("stranger", [PrivateKey.new("example.com/other").public]),
        ("key", [PrivateKey.new(KEY.name).public]),
    ):
        async with witness(tmp_path, name, logs=logs) as unknowing, asking(sealed, unknowing) as ask:
            await ask()
            assert unknowing.answers("unknown") == 1
            assert not unknowing.refuses


async def test_a_forged_history_is_refused_until_it_is_undone(sealed: SealedLog, one: RunningWitness) -> None:
    await grow(sealed)
    async with asking(sealed, one) as ask:
        await ask()
        forged = TileFolder(sealed.folder.path.with_name("forged"))
        await sealed.tamper(
            "UPDATE event_store.events SET schema_version = 9 WHERE version = 1",
            "DELETE FROM event_proofs.checkpoints",
            "DELETE FROM event_proofs.cosignatures",
        )
        async with sealed.connection("sealer") as sealer:
            await sealed.sealing(forged).seal(sealer)
    before = one.answers("refused")
    async with asking(sealed, one, store=forged) as ask:
        for seed in (1, 2):
            await ask()
            assert one.refuses
            assert await unwitnessed_s() > 0
            await sealed.append(payments=1, seed=seed)
            async with sealed.connection("sealer") as sealer:
                assert await sealed.sealing(forged).seal(sealer), "sealing goes on"
    assert one.answers("refused") == before + 2
    await sealed.tamper(
        "UPDATE event_store.events SET schema_version = 1 WHERE version = 1", "DELETE FROM event_proofs.checkpoints"
    )
    await sealed.seal()
    async with asking(sealed, one) as ask:
        await ask()
        assert not one.refuses


async def test_a_log_that_went_back_is_refused_by_who_saw_more(sealed: SealedLog, one: RunningWitness) -> None:
    await grow(sealed)
    before = await size(sealed)
    await grow(sealed, 1)
    async with asking(sealed, one) as ask:
        await ask()
        await sealed.tamper(
            f"DELETE FROM event_proofs.cosignatures WHERE size > {before}",
            f"DELETE FROM event_proofs.checkpoints WHERE size > {before}",
        )
        await ask()
    assert one.refuses


async def test_another_sealer_that_went_on_meanwhile_is_no_fork(sealed: SealedLog) -> None:
    await grow(sealed)

    async def late(_: web.Request) -> web.StreamResponse:
        await grow(sealed, 1)
        return web.Response(status=409, text=f"{await size(sealed)}\n", headers={"Content-Type": SIZE_TYPE})

    async with answering("late", late) as slow, asking(sealed, slow) as ask:
        await ask()
        assert not slow.refuses
        assert slow.answers("refused") == 0


async def test_a_checkpoint_that_was_put_there_late_gives_way(sealed: SealedLog, one: RunningWitness) -> None:
    await grow(sealed)
    late = sealed.folder.checkpoint() or ""
    await grow(sealed, 1)
    newest = await size(sealed)
    sealed.folder.publish(late)
    async with asking(sealed, one) as ask:
        await ask()
    assert await size(sealed) == newest
    assert signers(sealed, one) == [KEY.name, one.key.name]


async def test_a_newer_checkpoint_in_the_folder_stays(sealed: SealedLog, one: RunningWitness) -> None:
    """The database went back meanwhile: what is in the folder is believed."""
    await grow(sealed)
    before = await size(sealed)
    await grow(sealed, 1)
    written = sealed.folder.checkpoint()
    await sealed.tamper(f"DELETE FROM event_proofs.checkpoints WHERE size > {before}")
    async with asking(sealed, one) as ask:
        await ask()
    assert sealed.folder.checkpoint() == written


async def test_the_worker_has_what_it_seals_signed(sealed: SealedLog, one: RunningWitness) -> None:
    await sealed.append(payments=5)
    async with answering("away", hang) as away:
        given = settings(
            sealed,
            sealer_key=KEY.written(),
            proofs_witnesses=f"{one.setting}, {away.setting}",
            proofs_witness_quorum=1,
            sealer_witness_timeout_ms=200,
        )
        async with running(given) as health:
            for seed in range(1, 3):
                events = len(await sealed.positions())
                await eventually(lambda: size(sealed), events.__eq__)
                await eventually(lambda: asyncio.to_thread(signers, sealed, one), [KEY.name, one.key.name].__eq__)
                await sealed.append(payments=5, seed=seed)
            assert (await health.ready()).http_status == 200


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event_proofs.cosignatures SET size = 1",
        "DELETE FROM event_proofs.cosignatures",
        "TRUNCATE event_proofs.cosignatures",
    ],
)
async def test_nobody_changes_a_signature(sealed: SealedLog, one: RunningWitness, statement: str) -> None:
    await grow(sealed)
    async with asking(sealed, one) as ask:
        await ask()
    for role in ("sealer", "audit", "owner", "app"):
        async with sealed.connection(role) as connection:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await connection.execute(statement)

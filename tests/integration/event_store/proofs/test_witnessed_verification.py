"""Who has the key alters the log and seals it all anew: a witness or an older checkpoint shows it, and nothing else."""

import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from event_store.proofs import verify
from event_store.proofs.note import Note, PrivateKey
from event_store.proofs.verify import Source
from event_store.proofs.witnesses import Quorum
from tests.support.sealed_logs import KEY, SealedLog
from tests.support.witnesses import RunningWitness, asking, witness

pytestmark = pytest.mark.integration


@pytest_asyncio.fixture
async def both(tmp_path: Path) -> AsyncIterator[tuple[RunningWitness, RunningWitness]]:
    async with witness(tmp_path, "one") as one, witness(tmp_path, "other") as other:
        yield one, other


Both = tuple[RunningWitness, RunningWitness]


def quorum(both: Both, needed: int = 2) -> Quorum:
    return Quorum(keys=tuple(each.key.public for each in both), needed=needed)


async def witnessed(sealed: SealedLog, both: Both) -> str:
    """Seal twice, have both sign each time; return the checkpoint before the last."""
    async with asking(sealed, *both) as ask:
        for seed in range(2):
            await sealed.append(payments=40, seed=seed)
            await sealed.seal(batch=97)
            await ask()
            if seed == 0:
                older = sealed.folder.checkpoint()
    assert older is not None
    return older


async def alter_and_seal_anew(sealed: SealedLog, *more: str) -> None:
    """Do all that somebody can who may do anything with the database, the tiles and the key: all tables agree."""
    at = (await sealed.positions())[7]
    await sealed.tamper(
        f"UPDATE event_store.events SET data = data || '{{\"x\": 1}}' WHERE position = {at}",
        "DELETE FROM event_proofs.checkpoints",
        *more,
    )
    shutil.rmtree(sealed.folder.path)
    await sealed.seal(batch=97)


FORGOTTEN = "DELETE FROM event_proofs.cosignatures"


async def test_what_witnesses_signed_is_said(sealed: SealedLog, both: Both) -> None:
    await witnessed(sealed, both)
    for full in (False, True):
        found = await sealed.verify(quorum=quorum(both), full=full)
        assert found.findings == []
        assert found.witnessed == found.size == len(await sealed.positions())
        assert {(each.witness, each.size) for each in found.cosigned} == {(w.key.name, found.size) for w in both}


async def test_without_witness_and_older_checkpoint_it_is_not_found(sealed: SealedLog, both: Both) -> None:
    await witnessed(sealed, both)
    await alter_and_seal_anew(sealed, FORGOTTEN)
    assert (await sealed.verify(full=True)).findings == []


async def test_an_older_checkpoint_shows_it(sealed: SealedLog, both: Both) -> None:
    older = await witnessed(sealed, both)
    await alter_and_seal_anew(sealed, FORGOTTEN)
    found = await sealed.verify(others=[Source(where="a file", written=older)])
    assert [each.kind for each in found.findings] == ["checkpoint"]
    assert "of a file: the first" in found.findings[0].detail


async def test_that_no_witness_signs_shows_it(sealed: SealedLog, both: Both) -> None:
    await witnessed(sealed, both)
    await alter_and_seal_anew(sealed, FORGOTTEN)
    async with asking(sealed, *both) as ask:
        await ask()
    assert all(each.refuses for each in both)
    for needed in (1, 2):
        found = await sealed.verify(quorum=quorum(both, needed))
        assert [each.kind for each in found.findings] == ["witnesses"]
        assert f"nothing that is sealed was signed by {needed} of 2 witnesses" in found.findings[0].detail
        assert found.witnessed == 0


async def test_what_a_witness_has_kept_shows_it(sealed: SealedLog, both: Both) -> None:
    await witnessed(sealed, both)
    await alter_and_seal_anew(sealed, FORGOTTEN)
    found = await sealed.verify(others=[Source(where="a witness", written=await both[0].newest())])
    assert [each.kind for each in found.findings] == ["checkpoint"]


async def test_signatures_that_were_left_show_it(sealed: SealedLog, both: Both) -> None:
    await witnessed(sealed, both)
    await alter_and_seal_anew(sealed)
    found = await sealed.verify(quorum=quorum(both))
    assert {each.kind for each in found.findings} == {"witnesses"}
    assert "the signature of one.example is of something else" in found.findings[0].detail


async def test_signatures_whose_checkpoint_is_gone_show_it(sealed: SealedLog, both: Both) -> None:
    await witnessed(sealed, both)
    size = (await sealed.verify()).size
    await sealed.append(payments=1, seed=9)
    await alter_and_seal_anew(sealed)
    found = await sealed.verify(quorum=quorum(both))
    assert f"one.example has signed a tree of {size}, which the table lacks" in found.findings[0].detail


async def test_an_altered_event_is_named_when_witnesses_signed_too(sealed: SealedLog, both: Both) -> None:
    await witnessed(sealed, both)
    at = (await sealed.positions())[7]
    await sealed.tamper(f"UPDATE event_store.events SET schema_version = 9 WHERE position = {at}")
    found = await sealed.verify(quorum=quorum(both), full=True)
    assert [each.position for each in found.findings if each.kind == "changed"] == [at]


async def test_what_a_quorum_has_not_signed_yet_is_said(
    sealed: SealedLog, both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    await witnessed(sealed, both)
    size = (await sealed.verify()).size
    await sealed.append(payments=2, seed=7)
    await sealed.seal()
    async with asking(sealed, both[0]) as ask:
        await ask()
    found = await sealed.verify(quorum=quorum(both))
    assert (found.findings, found.witnessed) == ([], size)
    assert (await sealed.verify(quorum=quorum(both, 1))).witnessed == found.size > size
    monkeypatch.setattr(verify, "LONGEST_WAIT", timedelta(0))
    late = await sealed.verify(quorum=quorum(both))
    assert [each.kind for each in late.findings] == ["witnesses"]
    assert f"{found.size - size} sealed events, the first recorded at" in late.findings[0].detail
    assert (await sealed.verify(quorum=quorum(both, 1))).findings == []


async def test_a_checkpoint_that_was_kept_has_its_signatures(sealed: SealedLog, both: Both) -> None:
    """Also when the table has none any more: what is in the folder and in files counts."""
    older = await witnessed(sealed, both)
    await sealed.tamper(FORGOTTEN)
    found = await sealed.verify(quorum=quorum(both))
    assert (found.findings, found.witnessed) == ([], found.size)
    sealed.folder.publish(str(Note.parse(sealed.folder.checkpoint() or "").text) + "\n" + _log_line(sealed))
    found = await sealed.verify(quorum=quorum(both), others=[Source(where="a file", written=older)])
    assert 0 < found.witnessed < found.size
    assert found.findings == []


async def test_a_witness_of_the_forger_counts_for_nothing(sealed: SealedLog, both: Both, tmp_path: Path) -> None:
    await witnessed(sealed, both)
    await alter_and_seal_anew(sealed, FORGOTTEN)
    async with witness(tmp_path, "forger") as his, asking(sealed, his) as ask:
        await ask()
    found = await sealed.verify(quorum=quorum(both))
    assert [each.kind for each in found.findings] == ["witnesses"]
    assert found.cosigned == []


async def test_a_signature_of_something_else_in_full(sealed: SealedLog, both: Both) -> None:
    """One in the middle, where only a full verification looks."""
    await witnessed(sealed, both)
    size = min([each.size for each in (await sealed.verify(quorum=quorum(both))).cosigned])
    line = both[0].key.sign("something else\n", at=1).line()
    await sealed.tamper(
        f"UPDATE event_proofs.cosignatures SET line = '{line}' WHERE size < {size} AND witness = '{both[0].key.public}'"
    )
    assert (await sealed.verify(quorum=quorum(both))).findings == []
    found = await sealed.verify(quorum=quorum(both), full=True)
    assert [each.kind for each in found.findings] == ["witnesses"]


def _log_line(sealed: SealedLog) -> str:
    note = Note.parse(sealed.folder.checkpoint() or "")
    key: PrivateKey = KEY
    return key.sign(note.text).line()

"""`paystream audit verify`, `prove`, `check` and `new-key`, as a person runs them."""

import shutil
from pathlib import Path

import pytest

from event_store.store import Connection
from tests.support.database import Database
from tests.support.paystream_command import Ended, paystream
from tests.support.sealed_logs import KEY, SealedLog, sealed_log
from tests.support.witnesses import asking, new_key, witness

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture
def sealed(database: Database, app: Connection, tmp_path: Path) -> SealedLog:
    (tmp_path / "keys.pub").write_text(f"# of the log\n{KEY.public}\n")
    return sealed_log(database, app, tmp_path / "log")


async def audit(sealed: SealedLog, *arguments: str, **more: object) -> Ended:
    settings = {
        **more,
        "audit_database_url": sealed.database.url("audit"),
        "proofs_folder": sealed.folder.path,
        "proofs_public_keys_file": sealed.folder.path.parent / "keys.pub",
    }
    return await paystream("audit", *arguments, cwd=sealed.folder.path.parent, settings=settings)


async def test_an_untouched_log_is_as_it_was_sealed(sealed: SealedLog) -> None:
    await sealed.append(payments=5)
    nothing = await audit(sealed, "verify")
    assert (nothing.code, "nothing is sealed yet" in nothing.errors) == (2, True), nothing
    await sealed.seal()
    count = len(await sealed.positions())
    for option in ((), ("--full",), ("--since", "3"), ("--since", "2020-01-01"), ("--key", str(KEY.public))):
        ended = await audit(sealed, "verify", *option)
        assert (ended.code, ended.errors) == (0, ""), ended
        assert ended.output.startswith(f"Nothing differs: {count} of {count} sealed events"), ended.output
    await sealed.append(payments=1, seed=1)
    assert "are not sealed yet" in (await audit(sealed, "verify")).output


async def test_an_altered_event_is_named_and_the_exit_code_says_so(sealed: SealedLog) -> None:
    await sealed.append(payments=5)
    await sealed.seal()
    at = (await sealed.positions())[7]
    await sealed.tamper(f"UPDATE event_store.events SET data = data || '{{\"x\": 1}}' WHERE position = {at}")
    ended = await audit(sealed, "verify")
    assert ended.code == 1
    assert f"changed: position {at}, event " in ended.output
    as_json = await audit(sealed, "verify", "--json")
    assert f'"kind":"changed","detail":"the event has another data than was sealed","position":{at}' in as_json.output


async def test_an_older_checkpoint_shows_that_all_was_sealed_anew(sealed: SealedLog) -> None:
    await sealed.append(payments=5)
    await sealed.seal()
    kept = sealed.folder.path.parent / "kept"
    shutil.copy(sealed.folder.path / "checkpoint", kept)
    at = (await sealed.positions())[7]
    await sealed.tamper(
        f"UPDATE event_store.events SET recorded_at = now() WHERE position = {at}",
        "DELETE FROM event_proofs.checkpoints",
    )
    shutil.rmtree(sealed.folder.path)
    await sealed.seal()
    assert (await audit(sealed, "verify", "--full")).code == 0
    ended = await audit(sealed, "verify", "--checkpoint", str(kept))
    assert (ended.code, f"checkpoint: of {kept}: the first" in ended.output) == (1, True), ended


async def test_proofs_of_a_payment_are_checked_offline(sealed: SealedLog) -> None:
    payments = await sealed.append(payments=5)
    await sealed.seal()
    ended = await audit(sealed, "prove", str(payments[2]), "--output", "proofs")
    assert (ended.code, ended.errors) == (0, ""), ended
    files = sorted((sealed.folder.path.parent / "proofs").glob("*.tlog-proof"))
    assert ended.output == f"{len(files)} proofs are in proofs, each with its event beside it.\n"
    for file in files[:2]:
        checked = await paystream("audit", "check", str(file), "--key", str(KEY.public), cwd=file.parent, settings={})
        assert (checked.code, checked.errors) == (0, "")
        assert file.stem in checked.output
    beside = files[0].with_suffix(".json")
    beside.write_text(beside.read_text().replace('"version": ', '"version": 1'))
    refused = await paystream("audit", "check", str(files[0]), "--key", str(KEY.public), cwd=beside.parent, settings={})
    assert (refused.code, "what is proved is not leaf" in refused.errors) == (1, True), refused


async def test_an_event_is_proved_by_its_id_when_it_is_sealed(sealed: SealedLog) -> None:
    await sealed.append(payments=2)
    await sealed.seal()
    await sealed.append(payments=2, seed=1)
    async with sealed.connection("audit") as auditor:
        rows = await (await auditor.execute("SELECT event_id FROM event_store.events ORDER BY position")).fetchall()
    ended = await audit(sealed, "prove", str(rows[0][0]))
    assert (ended.code, "1 proofs are in" in ended.output) == (0, True), ended
    ended = await audit(sealed, "prove", str(rows[-1][0]))
    assert (ended.code, "is not sealed yet" in ended.output) == (1, True), ended


async def test_an_altered_event_is_not_proved(sealed: SealedLog) -> None:
    (payment,) = await sealed.append(payments=1)
    await sealed.seal()
    await sealed.tamper("UPDATE event_store.events SET schema_version = 9 WHERE version = 1")
    ended = await audit(sealed, "prove", str(payment))
    assert (ended.code, "is not what was sealed" in ended.errors) == (1, True), ended


async def test_witnesses_are_counted_by_verify_prove_and_check(sealed: SealedLog, tmp_path: Path) -> None:
    payments = await sealed.append(payments=5)
    await sealed.seal()
    absent = str(new_key("absent").public)
    async with witness(tmp_path, "one") as one, asking(sealed, one) as ask:
        await ask()
        key, configured = str(one.key.public), {"proofs_witnesses": f"{one.setting},https://absent.example {absent}"}
    ended = await audit(sealed, "verify", "--witness", key)
    assert (ended.code, "1 of 1 witnesses are required, and have signed the first" in ended.output) == (0, True), ended
    ended = await audit(sealed, "verify", **configured)
    assert (ended.code, "witnesses: nothing that is sealed was signed by 2 of 2" in ended.output) == (1, True), ended
    assert "absent.example: nothing" in ended.output
    ended = await audit(sealed, "verify", "--full", "--quorum", "1", **configured)
    assert ended.code == 0, ended
    await sealed.append(payments=1, seed=1)
    await sealed.seal()
    ended = await audit(sealed, "verify", "--witness", key)
    assert (ended.code, "are the word of the key alone" in ended.output) == (0, True), ended
    ended = await audit(sealed, "prove", str(payments[0]), "--output", "proofs", proofs_witness_quorum=1, **configured)
    assert (ended.code, "1 of 2 witnesses are required; signed by: one.example." in ended.output) == (0, True), ended
    proof = str(next((sealed.folder.path.parent / "proofs").glob("*.tlog-proof")))
    for options, code, said in (
        (("--witness", key), 0, "signed by: one.example"),
        (("--witness", key, "--witness", absent, "--quorum", "1"), 0, "1 of 2 witnesses are required"),
        (("--witness", key, "--witness", absent), 1, "2 of 2 witnesses are required, and 1 signed"),
        (("--witness", key, "--quorum", "2"), 2, "more than there are witnesses"),
        (("--witness", str(KEY.public)), 1, "not one of a witness"),
    ):
        checked = await paystream(
            "audit", "check", proof, "--key", str(KEY.public), *options, cwd=tmp_path, settings={}
        )
        assert (checked.code, said in checked.output + checked.errors) == (code, True), checked


async def test_a_new_key_is_made_once_and_its_public_half_is_said(tmp_path: Path) -> None:
    made = await paystream("audit", "new-key", "pay.example/log", "key", cwd=tmp_path, settings={})
    assert (made.code, made.output.splitlines()[-1]) == (0, (tmp_path / "key.pub").read_text().strip()), made
    assert "PRIVATE" not in made.output
    again = await paystream("audit", "new-key", "pay.example/log", "key", cwd=tmp_path, settings={})
    assert (again.code, "File exists" in again.errors) == (1, True), again


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("verify", "--full", "--since", "1"), "not both"),
        (("verify", "--checkpoint", "nowhere"), "nowhere cannot be read"),
        (("verify", "--key", "nonsense+key+x"), "base64"),
        (("verify", "--since", "soon"), "neither a position nor a moment"),
        (("prove", "nonsense"), "is not the id"),
        (("prove", "01a225d0-6f99-719b-bca0-8579eee2e622"), "there is no event and no stream"),
        (("new-key", "a name", "key"), "has a space"),
        (("check", "nowhere.tlog-proof", "--key", str(KEY.public)), "nowhere.json cannot be read"),
    ],
    ids=lambda each: each[0] if isinstance(each, tuple) else None,
)
async def test_what_cannot_be_done_is_said_in_words(sealed: SealedLog, arguments: tuple[str, ...], said: str) -> None:
    refused = await audit(sealed, *arguments)
    code = 1 if said == "there is no event and no stream" else 2  # else the option itself makes no sense
    assert (refused.code, said in refused.errors) == (code, True), refused

"""A witness answers as C2SP tlog-witness has it, and never signs two trees that do not fit, whatever happens."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_store.proofs.checkpoint import Checkpoint
from event_store.proofs.merkle import verify_consistency
from event_store.proofs.note import Note, PrivateKey
from event_store.proofs.witness_protocol import SIZE_TYPE, AddCheckpoint
from event_store.witness.state import StateUnusable, WitnessState
from event_store.witness.witness import Answer, Witness
from tests.unit.event_store.witness.small_logs import KEY, NOW, WITNESS, SmallLog

LOG, FORGED = SmallLog(), SmallLog(forged_at=3)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "w1.state"


@pytest.fixture
def witness(file: Path) -> Witness:
    WitnessState(file).make()
    return started(file)


def started(file: Path) -> Witness:
    return Witness(WitnessState(file), WITNESS, [KEY.public], clock=lambda: NOW + 0.9)


def signed(answer: Answer, checkpoint: str) -> int | None:
    """Return when the witness signed this checkpoint."""
    assert answer.status == 200, answer
    text = Note.parse(checkpoint).text
    (signature,) = Note.parse(f"{text}\n{answer.text}").signatures
    return WITNESS.public.verify(text, signature)


def test_it_signs_what_goes_on_from_what_it_signed(witness: Witness) -> None:
    for old, size in ((0, 5), (5, 6), (6, 6), (6, 300)):
        assert signed(witness.add_checkpoint(LOG.sent(old, size)), LOG.checkpoint(size)) == NOW


def test_it_tells_its_size_when_another_was_sent(witness: Witness) -> None:
    witness.add_checkpoint(LOG.sent(0, 5))
    for old in (0, 4, 6):
        answer = witness.add_checkpoint(LOG.sent(old, 7))
        assert (answer.status, answer.text, answer.content_type) == (409, "5\n", SIZE_TYPE)


def test_another_tree_of_the_size_is_a_conflict(witness: Witness) -> None:
    witness.add_checkpoint(LOG.sent(0, 5))
    answer = witness.add_checkpoint(FORGED.sent(5, 5))
    assert (answer.status, answer.text, answer.content_type) == (409, "5\n", SIZE_TYPE)


def test_a_tree_that_does_not_go_on_is_unprocessable(witness: Witness) -> None:
    witness.add_checkpoint(LOG.sent(0, 5))
    assert witness.add_checkpoint(FORGED.sent(5, 9)).status == 422
    without_proof = AddCheckpoint(old=5, proof=(), checkpoint=LOG.checkpoint(9))
    assert witness.add_checkpoint(str(without_proof).encode()).status == 422
    assert witness.add_checkpoint(LOG.sent(5, 9)).status == 200


@pytest.mark.parametrize(("old", "size"), [(0, 5), (5, 5)])
def test_a_proof_where_none_belongs_is_unprocessable(witness: Witness, old: int, size: int) -> None:
    if old:
        witness.add_checkpoint(LOG.sent(0, old))
    request = AddCheckpoint(old=old, proof=(bytes(32),), checkpoint=LOG.checkpoint(size))
    assert witness.add_checkpoint(str(request).encode()).status == 422


def test_a_tree_of_nothing_has_the_root_of_nothing(witness: Witness) -> None:
    assert witness.add_checkpoint(LOG.sent(0, 0)).status == 200
    wrong = Checkpoint(origin=KEY.name, size=0, root=bytes(32)).signed([KEY])
    answer = witness.add_checkpoint(f"old 0\n\n{wrong}".encode())
    assert answer.status == 409


def test_an_unknown_log_is_not_found(witness: Witness) -> None:
    other = SmallLog(key=PrivateKey.new("example.com/other"))
    assert witness.add_checkpoint(other.sent(0, 5)).status == 404


def test_a_key_that_is_not_trusted_is_forbidden(witness: Witness) -> None:
    other = SmallLog(key=PrivateKey.new(KEY.name))
    assert witness.add_checkpoint(other.sent(0, 5)).status == 403
    body = LOG.sent(0, 5)
    assert witness.add_checkpoint(body[:-8] + b"AAAAAA=\n").status in (400, 403)


def test_signatures_of_others_are_passed_over(witness: Witness) -> None:
    stranger = PrivateKey.new("stranger.example")
    checkpoint = LOG.checkpoint(5)
    more = checkpoint + stranger.sign(Note.parse(checkpoint).text).line()
    answer = witness.add_checkpoint(f"old 0\n\n{more}".encode())
    assert signed(answer, checkpoint) == NOW
    assert [each.name for each in Note.parse(witness.newest(KEY.name) or "").signatures] == [KEY.name, WITNESS.name]


def test_while_a_log_changes_its_key_either_is_taken(file: Path) -> None:
    WitnessState(file).make()
    new = PrivateKey.new(KEY.name)
    witness = Witness(WitnessState(file), WITNESS, [KEY.public, new.public])
    assert witness.add_checkpoint(LOG.sent(0, 5)).status == 200
    assert witness.add_checkpoint(SmallLog(key=new).sent(5, 9)).status == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\xff",
        b"old 0\n",
        b"old 00\n\nx",
        b"old -1\n\nx",
        b"size 0\n\nx",
        b"old 0\nAAAA\n\nx",
        b"old 0\n\nexample.com/log\n",
        LOG.sent(0, 5)[:-1],
        LOG.sent(0, 5).replace(b"\n\nexample", b"\nexample"),
        str(AddCheckpoint(old=1, proof=(bytes(32),) * 64, checkpoint=LOG.checkpoint(5))).encode(),
        LOG.sent(6, 5),
    ],
    ids=range(12),
)
def test_what_is_not_written_as_it_must_be_is_a_bad_request(witness: Witness, sent: bytes) -> None:
    assert witness.add_checkpoint(sent).status == 400


def test_a_size_that_no_tree_can_have_is_a_bad_request(witness: Witness) -> None:
    huge = Checkpoint(origin=KEY.name, size=2**63, root=bytes(32)).signed([KEY])
    assert witness.add_checkpoint(f"old 0\n\n{huge}".encode()).status == 400


def test_a_restart_forgets_nothing(witness: Witness, file: Path) -> None:
    witness.add_checkpoint(LOG.sent(0, 5))
    again = started(file)
    assert again.add_checkpoint(FORGED.sent(0, 9)).status == 409
    assert again.add_checkpoint(FORGED.sent(5, 9)).status == 422
    newest = again.newest(KEY.name)
    assert newest is not None
    assert newest.startswith(LOG.checkpoint(5))


def test_what_is_signed_is_kept_before_it_is_answered(witness: Witness, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("event_store.witness.state.Advance.keep", killed)
    with pytest.raises(KeyboardInterrupt):
        witness.add_checkpoint(LOG.sent(0, 5))
    monkeypatch.undo()
    assert witness.newest(KEY.name) is None
    assert witness.add_checkpoint(LOG.sent(0, 4)).status == 200


def test_of_many_at_once_from_one_place_one_tree_is_signed(witness: Witness, file: Path) -> None:
    """Two forks, by two witnesses on one file, at the same time: the first to come is the only one."""
    other = started(file)
    requests = [(each, log.sent(0, size)) for size in (9, 10, 11) for log in (LOG, FORGED) for each in (witness, other)]
    with ThreadPoolExecutor(len(requests)) as threads:
        answers = list(threads.map(lambda one: one[0].add_checkpoint(one[1]), requests))
    assert sorted(each.status for each in answers) == [200] + [409] * (len(requests) - 1)


def test_a_file_that_is_gone_or_broken_signs_nothing(witness: Witness, file: Path) -> None:
    witness.add_checkpoint(LOG.sent(0, 5))
    content = file.read_bytes()
    file.write_bytes(b"broken" * 1000)
    with pytest.raises(StateUnusable):
        witness.add_checkpoint(LOG.sent(5, 9))
    file.unlink()
    with pytest.raises(StateUnusable):
        witness.add_checkpoint(LOG.sent(0, 9))
    assert not file.exists()
    file.write_bytes(content)
    assert witness.add_checkpoint(LOG.sent(5, 9)).status == 200


def test_a_state_is_never_made_over_another(witness: Witness, file: Path) -> None:
    witness.add_checkpoint(LOG.sent(0, 5))
    with pytest.raises(StateUnusable, match="File exists"):
        WitnessState(file).make()
    assert sqlite3.connect(file).execute("SELECT size FROM checkpoints").fetchone() == (5,)


@given(
    st.lists(
        st.tuples(st.sampled_from([LOG, FORGED, SmallLog(forged_at=0)]), st.integers(0, 12), st.integers(0, 12)),
        max_size=25,
    )
)
def test_all_that_it_ever_signed_is_one_history(requests: list[tuple[SmallLog, int, int]]) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "state"
        WitnessState(file).make()
        trees = list[tuple[SmallLog, int]]()
        for log, old, size in requests:
            answer = started(file).add_checkpoint(log.sent(min(old, size), size))
            if answer.status == 200:
                trees.append((log, size))
        for (one, old), (other, size) in pairwise(trees):
            assert old <= size
            proof = other.request(old, size).proof
            verify_consistency(old, size, one.root(old), other.root(size), proof)

"""Notes, checkpoints and proofs are written and read as their specifications have them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_store.proofs.checkpoint import Checkpoint, open_checkpoint
from event_store.proofs.errors import MalformedProof, ProofRefused
from event_store.proofs.merkle import inclusion_proof
from event_store.proofs.note import COSIGNATURE_V1, Note, PrivateKey, PublicKey
from event_store.proofs.tlog_proof import TlogProof
from tests.unit.event_store.proofs.test_merkle import Leaves

# Of golang.org/x/mod/sumdb/note, note_test.go.
PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNATURE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
# Of https://c2sp.org/tlog-cosignature.
COSIGNED = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+"
    "zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+"
    "mbIUBkBIfZ+qnA==\n"
)
KEY = PrivateKey.new("example.com/log")
OTHER = PrivateKey.new("example.com/log")
WITNESS = PrivateKey.new("witness.example/w1", COSIGNATURE_V1)


def a_proof(size: int = 7, index: int = 3) -> TlogProof:
    leaves = Leaves(size)
    checkpoint = Checkpoint(origin=KEY.name, size=size, root=leaves.root())
    path = inclusion_proof(index, size, leaves.subtree)
    return TlogProof(index=index, path=tuple(path), checkpoint=str(checkpoint.signed([KEY])))


def test_a_note_is_signed_as_go_signs_it() -> None:
    key = PrivateKey.parse(PRIVATE)
    assert str(key.public) == PUBLIC
    assert key.written() == PRIVATE
    assert str(Note(text=TEXT, signatures=(key.sign(TEXT),))) == f"{TEXT}\n{SIGNATURE}"


def test_a_note_of_go_is_read_and_verified() -> None:
    note, key = Note.parse(f"{TEXT}\n{SIGNATURE}"), PublicKey.parse(PUBLIC)
    assert note.text == TEXT
    assert note.verified_by([key]) == [key]


def test_a_key_that_was_mangled_is_refused() -> None:
    for cut in range(1, len(PUBLIC)):
        with pytest.raises(MalformedProof):
            PublicKey.parse(PUBLIC[:cut])
    for at, each in enumerate(PUBLIC):
        with pytest.raises(MalformedProof):
            PublicKey.parse(PUBLIC[:at] + chr(ord(each) + 1) + PUBLIC[at + 1 :])


def test_a_refused_private_key_is_not_in_the_error() -> None:
    with pytest.raises(MalformedProof) as refused:
        PrivateKey.parse(PRIVATE.replace("c74f20a3", "c74f20a4"))
    assert PRIVATE[-20:] not in str(refused.value)
    assert PRIVATE[-20:] not in repr(PrivateKey.parse(PRIVATE))


def test_the_example_of_a_cosigned_checkpoint_is_read() -> None:
    note = Note.parse(COSIGNED)
    found = Checkpoint.parse(note.text)
    assert (found.origin, found.size) == ("example.com/behind-the-sofa", 20852163)
    assert [each.name for each in note.signatures] == ["example.com/behind-the-sofa", "witness.example.com/w1"]
    assert int.from_bytes(note.signatures[1].value[:8], "big") == 1679315147
    assert str(note) == COSIGNED


def test_a_witness_signs_the_checkpoint_and_the_time() -> None:
    text = Checkpoint(origin=KEY.name, size=1, root=bytes(32)).text()
    signature = WITNESS.sign(text, at=1679315147)
    assert WITNESS.public.verify(text, signature) == 1679315147
    assert len(signature.value) == 72
    earlier = signature.__class__(name=signature.name, key_id=signature.key_id, value=bytes(8) + signature.value[8:])
    with pytest.raises(ProofRefused):
        WITNESS.public.verify(text, earlier)


def test_one_key_as_log_and_witness_has_two_ids() -> None:
    log = PublicKey(name="a", algorithm=1, key=WITNESS.public.key)
    witness = PublicKey(name="a", algorithm=4, key=WITNESS.public.key)
    assert log.key_id != witness.key_id
    assert PublicKey.parse(str(witness)) == witness


def test_while_keys_change_either_verifies() -> None:
    written = str(Checkpoint(origin=KEY.name, size=1, root=bytes(32)).signed([KEY, OTHER]))
    assert open_checkpoint(written, [KEY.public]) == open_checkpoint(written, [OTHER.public])


@pytest.mark.parametrize(
    "key",
    [
        OTHER.public,
        PublicKey(name="example.com/other", algorithm=1, key=KEY.public.key),
        PublicKey(name="example.com/log", algorithm=4, key=KEY.public.key),
    ],
)
def test_a_checkpoint_of_nobody_trusted_is_refused(key: PublicKey) -> None:
    written = str(Checkpoint(origin=KEY.name, size=1, root=bytes(32)).signed([KEY]))
    with pytest.raises(ProofRefused, match="no key that is trusted"):
        open_checkpoint(written, [key])


def test_a_key_signs_for_its_own_log_alone() -> None:
    written = str(Checkpoint(origin="example.com/other", size=1, root=bytes(32)).signed([KEY]))
    with pytest.raises(ProofRefused):
        open_checkpoint(written, [KEY.public])


@pytest.mark.parametrize(
    "text",
    [
        "o\n1\n",
        "o\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "o\n-1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n",
        "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxqw==\n",
        "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
    ],
)
def test_a_malformed_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(MalformedProof):
        Checkpoint.parse(text)


@pytest.mark.parametrize(
    "note",
    [
        "text\n",
        "text\n\n",
        "text\n\n— name AAAA\n",
        "text\n\n- name x08go/ZJkuBS9UG/\n",
        "text\n\n— na+me x08go/ZJkuBS9UG/\n",
        "text\n\n— name x08go/ZJkuBS9UG\n",
        "te\tt\n\n" + SIGNATURE,
        "text\n\n" + SIGNATURE.replace("\n", "\u2028") + SIGNATURE,
        "text\n\n" + SIGNATURE.replace("\n", "\x85") + SIGNATURE,
        f"{TEXT}\n{SIGNATURE[:-1]}",
        TEXT + "\n" + SIGNATURE * 65,
    ],
)
def test_a_malformed_note_is_refused(note: str) -> None:
    with pytest.raises(MalformedProof):
        Note.parse(note)


def test_a_proof_is_read_as_it_was_written() -> None:
    proof = a_proof()
    assert TlogProof.parse(str(proof)) == proof
    lines = str(proof).split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 3"]
    with_extra = "\n".join([lines[0], "extra YQ==", *lines[1:]])
    assert TlogProof.parse(with_extra) == proof


def test_a_proof_is_verified_with_the_public_key_alone() -> None:
    assert a_proof().verify(b"3", [KEY.public]).size == 7
    with pytest.raises(ProofRefused):
        a_proof().verify(b"4", [KEY.public])
    with pytest.raises(ProofRefused):
        a_proof().verify(b"3", [OTHER.public])


def test_each_witness_that_is_asked_for_must_have_signed() -> None:
    proof = a_proof()
    with pytest.raises(ProofRefused, match=r"have not signed: witness\.example/w1"):
        proof.verify(b"3", [KEY.public], [WITNESS.public])
    text = Note.parse(proof.checkpoint).text
    cosigned = proof.checkpoint + WITNESS.sign(text, at=1).line()
    witnessed = TlogProof(index=proof.index, path=proof.path, checkpoint=cosigned)
    assert witnessed.verify(b"3", [KEY.public], [WITNESS.public]).size == 7


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_proof_with_one_byte_changed_proves_nothing(at: int, change: int) -> None:
    written = bytearray(str(a_proof()).encode())
    written[at % len(written)] ^= change
    with pytest.raises((MalformedProof, ProofRefused, UnicodeDecodeError)):
        TlogProof.parse(written.decode()).verify(b"3", [KEY.public])


@pytest.mark.parametrize(
    "written",
    ["", "c2sp.org/tlog-proof@v1\n\n", "c2sp.org/tlog-proof@v1\nindex 01\n\nx", "c2sp.org/tlog-proof@v2\nindex 1\n\nx"],
)
def test_a_malformed_proof_is_refused(written: str) -> None:
    with pytest.raises(MalformedProof):
        TlogProof.parse(written)

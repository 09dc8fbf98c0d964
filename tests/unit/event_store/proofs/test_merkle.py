"""RFC 6962: every proof verifies, and with one bit changed none does."""

import base64
from hashlib import sha256

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from event_store.proofs.errors import ProofRefused
from event_store.proofs.merkle import (
    EMPTY_ROOT,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    range_hash,
    verify_consistency,
    verify_inclusion,
)

# The entries and roots of https://github.com/transparency-dev/merkle/blob/main/testonly/reference_test.go, which are
# those of Certificate Transparency's own tests.
ENTRIES = [bytes.fromhex(each) for each in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")] + [
    bytes.fromhex("606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


class Leaves:
    """The leaves of a tree, whose hashes are made as the RFC's definition has it."""

    def __init__(self, size: int) -> None:
        self.hashes = [leaf_hash(b"%d" % each) for each in range(size)]

    def root(self, size: int | None = None) -> bytes:
        return _defined(self.hashes[:size])

    def subtree(self, level: int, number: int) -> bytes:
        return _defined(self.hashes[number << level : (number + 1) << level])


def _defined(hashes: list[bytes]) -> bytes:
    if len(hashes) < 2:
        return hashes[0] if hashes else EMPTY_ROOT
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return node_hash(_defined(hashes[:split]), _defined(hashes[split:]))


@st.composite
def places(draw: st.DrawFn) -> tuple[int, int]:
    size = draw(st.integers(1, 300))
    return draw(st.integers(0, size - 1)), size


@pytest.mark.parametrize("size", range(len(ROOTS)))
def test_roots_are_those_of_certificate_transparency(size: int) -> None:
    hashes = [leaf_hash(entry) for entry in ENTRIES[:size]]
    assert _defined(hashes).hex() == ROOTS[size]


@given(places())
def test_a_range_has_the_hash_of_the_definition(place: tuple[int, int]) -> None:
    _, size = place
    leaves = Leaves(size)
    assert range_hash(0, size, leaves.subtree) == leaves.root()


@given(places())
def test_every_leaf_is_proved_to_be_in_its_tree(place: tuple[int, int]) -> None:
    index, size = place
    leaves = Leaves(size)
    proof = inclusion_proof(index, size, leaves.subtree)
    verify_inclusion(index, size, leaves.hashes[index], proof, leaves.root())


@given(places())
def test_every_tree_is_proved_to_begin_each_larger_one(place: tuple[int, int]) -> None:
    old, size = place
    leaves = Leaves(size)
    proof = consistency_proof(old, size, leaves.subtree)
    verify_consistency(old, size, leaves.root(old), leaves.root(), proof)


@given(places(), st.data())
def test_an_inclusion_proof_with_one_bit_changed_is_refused(place: tuple[int, int], data: st.DataObject) -> None:
    index, size = place
    leaves = Leaves(size)
    parts = [leaves.hashes[index], leaves.root(), *inclusion_proof(index, size, leaves.subtree)]
    changed = data.draw(st.integers(0, len(parts) - 1))
    parts[changed] = _flipped(parts[changed], data.draw(st.integers(0, 255)))
    with pytest.raises(ProofRefused):
        verify_inclusion(index, size, parts[0], parts[2:], parts[1])


@given(places(), st.data())
def test_a_consistency_proof_with_one_bit_changed_is_refused(place: tuple[int, int], data: st.DataObject) -> None:
    old, size = place
    assume(old > 0)
    leaves = Leaves(size)
    parts = [leaves.root(old), leaves.root(), *consistency_proof(old, size, leaves.subtree)]
    changed = data.draw(st.integers(0, len(parts) - 1))
    parts[changed] = _flipped(parts[changed], data.draw(st.integers(0, 255)))
    with pytest.raises(ProofRefused):
        verify_consistency(old, size, parts[0], parts[1], parts[2:])


@given(places(), st.integers(0, 300))
def test_a_proof_of_one_place_is_none_of_another(place: tuple[int, int], other: int) -> None:
    index, size = place
    assume(other != index)
    leaves = Leaves(size)
    proof = inclusion_proof(index, size, leaves.subtree)
    with pytest.raises(ProofRefused):
        verify_inclusion(other, size, leaves.hashes[index], proof, leaves.root())


@given(places(), st.binary(min_size=32, max_size=32))
def test_a_proof_that_is_too_long_or_short_is_refused(place: tuple[int, int], more: bytes) -> None:
    index, size = place
    leaves = Leaves(size)
    proof = inclusion_proof(index, size, leaves.subtree)
    for other in ([*proof, more], proof[:-1]):
        if other != proof:
            with pytest.raises(ProofRefused):
                verify_inclusion(index, size, leaves.hashes[index], other, leaves.root())
    consistent = consistency_proof(index, size, leaves.subtree)
    with pytest.raises(ProofRefused):
        verify_consistency(index, size, leaves.root(index), leaves.root(), [*consistent, more])


def test_there_is_no_proof_of_what_is_not_in_the_tree() -> None:
    leaves = Leaves(4)
    with pytest.raises(ValueError, match="no leaf 4"):
        inclusion_proof(4, 4, leaves.subtree)
    with pytest.raises(ValueError, match="no beginning of 5"):
        consistency_proof(5, 4, leaves.subtree)
    with pytest.raises(ProofRefused):
        verify_inclusion(4, 4, leaves.hashes[0], [], leaves.root())
    with pytest.raises(ProofRefused):
        verify_consistency(5, 4, leaves.root(), leaves.root(), [])
    with pytest.raises(ProofRefused):
        verify_consistency(2, 3, leaves.root(2), leaves.root(3), [])


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert sha256(b"").digest() == EMPTY_ROOT
    assert base64.b64encode(EMPTY_ROOT) == b"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


def _flipped(hashed: bytes, bit: int) -> bytes:
    return (int.from_bytes(hashed, "big") ^ 1 << bit).to_bytes(32, "big")

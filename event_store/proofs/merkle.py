"""The Merkle tree of RFC 6962, section 2.1: hashes, proofs and their verification.

https://www.rfc-editor.org/rfc/rfc6962#section-2.1; the verification is that of RFC 9162, sections 2.1.3.2 and 2.1.4.2.
Where hashes come from is not its matter: `subtree(level, number)` gives the hash of 2**level leaves, from the leaf
number * 2**level on.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256

from event_store.proofs.errors import ProofRefused

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

Subtree = Callable[[int, int], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of an entry."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node of two."""
    return sha256(b"\x01" + left + right).digest()


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root above a power of two of neighbours."""
    while len(hashes) > 1:
        pairs = iter(hashes)
        hashes = [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
    return hashes[0]


def perfect_roots(hashes: Sequence[bytes]) -> list[bytes]:
    """Return the roots of the perfect trees that neighbours make, the largest first."""
    roots, start = [], 0
    for bit in reversed(range(len(hashes).bit_length())):
        if len(hashes) >> bit & 1:
            roots.append(perfect_root(hashes[start : start + (1 << bit)]))
            start += 1 << bit
    return roots


def root_of_perfect(roots: Sequence[bytes]) -> bytes:
    """Return the root of the tree that perfect trees make, from left to right, each smaller than the one before."""
    if not roots:
        return EMPTY_ROOT
    root = roots[-1]
    for left in reversed(roots[:-1]):
        root = node_hash(left, root)
    return root


def range_hash(start: int, end: int, subtree: Subtree) -> bytes:
    """Return the hash of the leaves from `start` up to `end` (exclusive), a node of the tree: RFC 6962's MTH."""
    count = end - start
    split = _largest_below(count)
    if split * 2 == count or count == 1:
        level = count.bit_length() - 1
        return subtree(level, start >> level)
    return node_hash(range_hash(start, start + split, subtree), range_hash(start + split, end, subtree))


def inclusion_proof(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """Return RFC 6962's PATH, from the leaf's sibling up. Raises ValueError for a leaf that is not in the tree."""
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} is in a tree of {size}")
    start, end, path = 0, size, list[bytes]()
    while end - start > 1:
        middle = start + _largest_below(end - start)
        if index < middle:
            path.append(range_hash(middle, end, subtree))
            end = middle
        else:
            path.append(range_hash(start, middle, subtree))
            start = middle
    return path[::-1]


def consistency_proof(old: int, size: int, subtree: Subtree) -> list[bytes]:
    """Return RFC 6962's PROOF that a tree of `old` leaves is the beginning of one of `size`."""
    if not 0 <= old <= size:
        raise ValueError(f"a tree of {size} has no beginning of {old}")
    if old in (0, size):
        return []
    start, end, whole, proof = 0, size, True, list[bytes]()
    while old != end - start or not whole:
        if old == end - start:
            proof.append(range_hash(start, end, subtree))
            break
        middle = _largest_below(end - start)
        if old <= middle:
            proof.append(range_hash(start + middle, end, subtree))
            end = start + middle
        else:
            proof.append(range_hash(start, start + middle, subtree))
            start, old, whole = start + middle, old - middle, False
    return proof[::-1]


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Raise ProofRefused unless the leaf is at this index of the tree with this root."""
    if not 0 <= index < size:
        raise ProofRefused(f"no leaf {index} is in a tree of {size}")
    position, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofRefused("the inclusion proof is too long")
        if position & 1 or position == last:
            found = node_hash(sibling, found)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        position, last = position >> 1, last >> 1
    if last != 0 or found != root:
        raise ProofRefused(f"what is proved is not leaf {index} of this tree")


def verify_consistency(old: int, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes]) -> None:
    """Raise ProofRefused unless the tree of `old` leaves is the beginning of the other one."""
    if not 0 <= old <= size:
        raise ProofRefused(f"a tree of {size} has no beginning of {old}")
    if old in (0, size):
        if proof or old_root != (root if old == size else EMPTY_ROOT) or (old == 0 and old_root != EMPTY_ROOT):
            raise ProofRefused(f"two trees of {old} differ")
        return
    _verify_beginning(old, size, old_root, root, proof)


def _verify_beginning(old: int, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes]) -> None:
    hashes = list(proof)
    if old & (old - 1) == 0:
        hashes.insert(0, old_root)
    if not hashes:
        raise ProofRefused("the consistency proof is empty")
    position, last = old - 1, size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    before = after = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            raise ProofRefused("the consistency proof is too long")
        if position & 1 or position == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            after = node_hash(after, sibling)
        position, last = position >> 1, last >> 1
    if last != 0 or before != old_root or after != root:
        raise ProofRefused(f"the tree of {old} is not the beginning of the tree of {size}")


def _largest_below(count: int) -> int:
    """Return the largest power of two below a number; 0 for 1."""
    return 1 << (count - 1).bit_length() - 1 if count > 1 else 0

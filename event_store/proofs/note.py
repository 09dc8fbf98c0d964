"""Signed notes: a text and who signed it. https://c2sp.org/signed-note, and for witnesses c2sp.org/tlog-cosignature.

Keys are written as golang.org/x/mod/sumdb/note writes them: PRIVATE+KEY+name+id+base64, the public one name+id+base64.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from event_store.proofs.errors import MalformedProof, ProofRefused

Algorithm = Literal[1, 4]
ED25519: Algorithm = 1
COSIGNATURE_V1: Algorithm = 4

MAX_SIGNATURES = 64
_KEY_BYTES = 32
_TIMESTAMP_BYTES = 8
_ID_BYTES = 4
_PRIVATE = "PRIVATE+KEY+"
_DASH = "\N{EM DASH} "


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """A line below a note. `value` is what the algorithm made, of a length of its own."""

    name: str
    key_id: bytes
    value: bytes

    def line(self) -> str:
        """Return it as it is written, with its newline."""
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.value).decode()}\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicKey:
    """Who may have signed: a log (ED25519) or a witness (COSIGNATURE_V1)."""

    name: str
    algorithm: Algorithm
    key: bytes

    @property
    def key_id(self) -> bytes:
        """Return what tells it from another key of the name."""
        return _key_id(self.name, self.algorithm, self.key)

    def __str__(self) -> str:
        """Return it as it is written."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes([self.algorithm]) + self.key).decode()}"

    @classmethod
    def parse(cls, text: str) -> "PublicKey":
        """Read one. Raises MalformedProof."""
        name, algorithm, key, key_id = _parse_key(text.strip())
        found = cls(name=name, algorithm=algorithm, key=key)
        if found.key_id != key_id:
            raise MalformedProof(f"the public key of {name} has another id than it says")
        return found

    def verify(self, text: str, signature: Signature) -> int | None:
        """Return when a witness signed, in seconds since 1970; None for a log. Raises ProofRefused."""
        value, moment, signed = signature.value, None, text.encode()
        if self.algorithm == COSIGNATURE_V1:
            moment = int.from_bytes(value[:_TIMESTAMP_BYTES], "big")
            value, signed = value[_TIMESTAMP_BYTES:], _cosigned(text, moment)
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(value, signed)
        except (InvalidSignature, ValueError):
            raise ProofRefused(f"the signature of {self.name} is not of this text") from None
        return moment


@dataclass(frozen=True, kw_only=True, slots=True)
class PrivateKey:
    """Signs notes; never shown."""

    name: str
    algorithm: Algorithm = ED25519
    seed: bytes = field(repr=False)

    @classmethod
    def new(cls, name: str, algorithm: Algorithm = ED25519) -> "PrivateKey":
        """Make one. Raises MalformedProof for a name that a note cannot have."""
        _check_name(name)
        return cls(name=name, algorithm=algorithm, seed=Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def parse(cls, text: str) -> "PrivateKey":
        """Read one. Raises MalformedProof, which holds no part of it."""
        stripped = text.strip()
        if not stripped.startswith(_PRIVATE):
            raise MalformedProof(f"a private key begins with {_PRIVATE}")
        name, algorithm, seed, key_id = _parse_key(stripped.removeprefix(_PRIVATE))
        found = cls(name=name, algorithm=algorithm, seed=seed)
        if found.public.key_id != key_id:
            raise MalformedProof(f"the private key of {name} has another id than it says")
        return found

    @property
    def public(self) -> PublicKey:
        """Return the key that verifies what this one signs."""
        key = Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()
        return PublicKey(name=self.name, algorithm=self.algorithm, key=key)

    def written(self) -> str:
        """Return it as it is kept: a secret."""
        encoded = base64.b64encode(bytes([self.algorithm]) + self.seed).decode()
        return f"{_PRIVATE}{self.name}+{self.public.key_id.hex()}+{encoded}"

    def sign(self, text: str, *, at: int | None = None) -> Signature:
        """Sign a text; a witness says when (seconds since 1970)."""
        key = Ed25519PrivateKey.from_private_bytes(self.seed)
        if self.algorithm == COSIGNATURE_V1:
            assert at is not None, "a cosignature has a time"
            value = at.to_bytes(_TIMESTAMP_BYTES, "big") + key.sign(_cosigned(text, at))
        else:
            value = key.sign(text.encode())
        return Signature(name=self.name, key_id=self.public.key_id, value=value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """A text that ends with a newline, and its signatures."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        """Return it as it is written."""
        return f"{self.text}\n{''.join(each.line() for each in self.signatures)}"

    @classmethod
    def parse(cls, written: str) -> "Note":
        """Read one. Raises MalformedProof."""
        if any(each < " " and each != "\n" for each in written) or not written.endswith("\n"):
            raise MalformedProof("a note has control characters, or does not end with a newline")
        head, separator, lines = written.rpartition("\n\n")
        if not separator or not lines:
            raise MalformedProof("a note has no signature")
        signatures = lines.removesuffix("\n").split("\n")  # not at what else ends a line to Python
        if len(signatures) > MAX_SIGNATURES:
            raise MalformedProof(f"a note has more than {MAX_SIGNATURES} signatures")
        return cls(text=f"{head}\n", signatures=tuple(map(_parse_signature, signatures)))

    def verified_by(self, keys: Sequence[PublicKey]) -> list[PublicKey]:
        """Return those of the keys that signed. Raises ProofRefused when a signature of one of them is wrong."""
        known = {(key.name, key.key_id): key for key in keys}
        signed = dict[tuple[str, bytes], PublicKey]()
        for each in self.signatures:
            key = known.get((each.name, each.key_id))
            if key is not None:
                key.verify(self.text, each)
                signed[each.name, each.key_id] = key
        return list(signed.values())


def signed_also(note: Note, lines: Sequence[str]) -> Note:
    """Return a note with more signatures below it, each once. Raises MalformedProof for a line that is none."""
    signatures = [*note.signatures, *(_parse_signature(line.removesuffix("\n")) for line in lines)]
    return Note(text=note.text, signatures=tuple(dict.fromkeys(signatures)))


def _key_id(name: str, algorithm: int, key: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + bytes([algorithm]) + key).digest()[:_ID_BYTES]


def _cosigned(text: str, moment: int) -> bytes:
    return f"cosignature/v1\ntime {moment}\n{text}".encode()


def _parse_key(text: str) -> tuple[str, Algorithm, bytes, bytes]:
    name, key_id, encoded = (*text.split("+", 2), "", "")[:3]
    _check_name(name)
    content = _decoded(encoded, "a key")
    if len(content) != 1 + _KEY_BYTES or content[0] not in (ED25519, COSIGNATURE_V1):
        raise MalformedProof(f"the key of {name} is not one of Ed25519")
    try:
        return name, (COSIGNATURE_V1 if content[0] == COSIGNATURE_V1 else ED25519), content[1:], bytes.fromhex(key_id)
    except ValueError:
        raise MalformedProof(f"the key of {name} has an id that is not hexadecimal") from None


def _parse_signature(line: str) -> Signature:
    name, separator, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not separator:
        raise MalformedProof("a line below a note is no signature")
    _check_name(name)
    content = _decoded(encoded, "a signature")
    if len(content) <= _ID_BYTES:
        raise MalformedProof(f"the signature of {name} is empty")
    return Signature(name=name, key_id=content[:_ID_BYTES], value=content[_ID_BYTES:])


def _check_name(name: str) -> None:
    if not name or "+" in name or any(each.isspace() or each < " " for each in name):
        raise MalformedProof("the name of a key is empty, or has a space or a plus sign")


def _decoded(encoded: str, what: str) -> bytes:
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedProof(f"{what} is not base64") from None
    if base64.b64encode(content).decode() != encoded:  # another spelling of the same bytes
        raise MalformedProof(f"{what} is not base64")
    return content

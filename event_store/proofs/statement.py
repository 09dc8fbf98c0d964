"""What the tree says of an event: enough to tell it from every other, and nothing of what it is about."""

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from typing import Any

import orjson

from event_store.proofs.canonical import canonical, canonical_text, parse_exactly
from event_store.proofs.errors import MalformedProof

EventRow = tuple[int, str, str, int, str, str, int, str, str, str]
"""Position, event id, stream, version, category, type, schema version, moment, data and metadata of an event."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """Its members are written in this order. Hashes are SHA-256 in base64, of the canonical form of what is stored."""

    category: str
    data_hash: str
    event_id: str
    metadata_hash: str
    position: int
    recorded_at: str
    schema_version: int
    stream_id: str
    type: str
    version: int

    @classmethod
    def parse(cls, entry: bytes) -> "Statement":
        """Read an entry of the tree. Raises MalformedProof."""
        try:
            found = orjson.loads(entry)
            statement = cls(**found)
        except (orjson.JSONDecodeError, TypeError):
            raise MalformedProof("an entry is no statement of an event") from None
        numbers = ("position", "schema_version", "version")
        if any(type(value) is not (int if name in numbers else str) for name, value in found.items()):
            raise MalformedProof("an entry is no statement of an event")
        return statement

    def differing(self, other: "Statement") -> list[str]:
        """Return the columns of the log that another statement has otherwise."""
        names = (field.name for field in fields(self))
        return [name.removesuffix("_hash") for name in names if getattr(self, name) != getattr(other, name)]


def entry_of(row: EventRow) -> bytes:
    """Return the entry of an event: canonical JSON of its statement. Raises MalformedProof."""
    position, event_id, stream_id, version, category, event_type, schema_version, recorded_at, data, metadata = row
    return orjson.dumps(  # canonical: the keys are in order, and the numbers are integers
        {
            "category": category,
            "data_hash": b64encode(sha256(canonical_text(data)).digest()).decode(),
            "event_id": event_id,
            "metadata_hash": b64encode(sha256(canonical_text(metadata)).digest()).decode(),
            "position": position,
            "recorded_at": recorded_at,
            "schema_version": schema_version,
            "stream_id": stream_id,
            "type": event_type,
            "version": version,
        }
    )


def entry_as_found(row: EventRow) -> bytes:
    """Return the entry of an event that somebody may have altered, even so that it has no canonical form."""
    try:
        return entry_of(row)
    except MalformedProof:
        return entry_of((*row[:8], "null", "null"))


def event_document(row: EventRow) -> str:
    """Return an event as a person and `entry_of_document` read it: all that its statement is made of."""
    names = ("position", "event_id", "stream_id", "version", "category", "type", "schema_version", "recorded_at")
    members = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in zip(names, row[:8], strict=True)]
    members += [f'"data": {row[8]}', f'"metadata": {row[9]}']  # with all digits of their numbers
    return "{\n  " + ",\n  ".join(members) + "\n}\n"


def entry_of_document(text: str) -> bytes:
    """Return the entry of an event that `event_document` wrote. Raises MalformedProof."""
    found = parse_exactly(text)
    if not isinstance(found, Mapping) or not {"data", "metadata"} <= found.keys():
        raise MalformedProof("it is not an event with data and metadata")
    hashes: dict[str, Any] = {
        f"{name}_hash": b64encode(sha256(canonical(found[name])).digest()).decode() for name in ("data", "metadata")
    }
    if not found.keys().isdisjoint(hashes):
        raise MalformedProof("it has hashes of its own")
    rest = {name: value for name, value in found.items() if name not in ("data", "metadata")}
    return canonical(asdict(Statement.parse(canonical({**rest, **hashes}))))

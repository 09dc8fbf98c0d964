"""Statements of events: small, saying nothing of what an event is about, and different for each."""

import json
from base64 import b64encode
from dataclasses import fields
from hashlib import sha256
from typing import Any

import pytest

from event_store.proofs.errors import MalformedProof
from event_store.proofs.statement import EventRow, Statement, entry_of, entry_of_document, event_document
from schemas.events import EVENT_TYPES
from schemas.events.event_type import EventType

ROW: EventRow = (
    17,
    "0190d0b2-0000-7000-8000-000000000001",
    "0190d0b2-0000-7000-8000-0000000000aa",
    3,
    "payment",
    "payment.succeeded",
    1,
    "2026-05-01T12:03:00.000001Z",
    '{"email": "a@b.example", "amount": {"currency": "USD", "amount_cents": 100}}',
    '{"actor": "api:test"}',
)


def changed(column: int, value: object) -> EventRow:
    return (*ROW[:column], value, *ROW[column + 1 :])  # type: ignore[return-value]


def test_a_statement_has_the_hashes_of_what_is_canonical() -> None:
    found = Statement.parse(entry_of(ROW))
    data = b'{"amount":{"amount_cents":100,"currency":"USD"},"email":"a@b.example"}'
    assert found.data_hash == b64encode(sha256(data).digest()).decode()
    assert (found.position, found.version, found.type) == (17, 3, "payment.succeeded")
    assert b"a@b.example" not in entry_of(ROW)


def test_an_entry_is_canonical_json() -> None:
    entry = entry_of(ROW)
    assert entry == json.dumps(json.loads(entry), sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize("event_type", EVENT_TYPES, ids=lambda each: each.name)
def test_a_statement_is_below_400_bytes(event_type: EventType[Any]) -> None:
    row: EventRow = (10**11, ROW[1], ROW[2], 999, event_type.category, event_type.name, 10, *ROW[7:])
    assert len(entry_of(row)) < 400


def test_the_way_that_data_are_written_does_not_matter() -> None:
    other = '{"amount": {"amount_cents": 100.0, "currency": "USD"}, "email": "a\\u0040b.example"}'
    assert entry_of(changed(8, other)) == entry_of(ROW)


@pytest.mark.parametrize(
    ("column", "value", "name"),
    [
        (0, 18, "position"),
        (1, ROW[2], "event_id"),
        (2, ROW[1], "stream_id"),
        (3, 4, "version"),
        (4, "payments", "category"),
        (5, "payment.failed", "type"),
        (6, 2, "schema_version"),
        (7, "2026-05-01T12:03:00.000002Z", "recorded_at"),
        (8, '{"amount": {"currency": "USD", "amount_cents": 101}}', "data"),
        (9, '{"actor": "api:other"}', "metadata"),
    ],
)
def test_what_was_changed_is_named(column: int, value: object, name: str) -> None:
    before, after = Statement.parse(entry_of(ROW)), Statement.parse(entry_of(changed(column, value)))
    assert before.differing(after) == [name]
    assert before.differing(before) == []


def test_an_event_in_a_file_has_the_entry_of_its_row() -> None:
    fraction = changed(8, '{"rate": 1.2500, "id": 123456789012345678901, "name": "ö\\n"}')
    for row in (ROW, fraction):
        assert entry_of_document(event_document(row)) == entry_of(row)
    assert set(json.loads(event_document(ROW))) == {each.name.removesuffix("_hash") for each in fields(Statement)}


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        '{"data": {}, "metadata": {}}',
        event_document(ROW).replace('"position": 17', '"position": "17"'),
        event_document(ROW).replace('"position": 17', '"position": true'),
        event_document(ROW).replace('"position"', '"more": 1, "position"'),
        event_document(ROW).replace('"category"', '"data_hash"'),
        event_document(ROW).replace('"category"', '"data_hash": "x", "category"'),
        # Of a member that is there twice, a person or another program may read the other one.
        event_document(ROW).replace('"data"', '"data": {"amount_cents": 1}, "data"'),
        event_document(ROW).replace('"amount_cents": 100', '"amount_cents": 999, "amount_cents": 100'),
    ],
)
def test_what_is_no_event_is_refused(text: str) -> None:
    with pytest.raises(MalformedProof):
        entry_of_document(text)


@pytest.mark.parametrize("entry", [b"", b"[]", b"{}", b'"x"'])
def test_what_is_no_statement_is_refused(entry: bytes) -> None:
    with pytest.raises(MalformedProof):
        Statement.parse(entry)

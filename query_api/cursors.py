"""Opaque cursors: where the next page begins.

A cursor holds a sort key and grants nothing: the merchant always comes from the API key, so a forged cursor
only moves the reader within what it may see.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import orjson

from projections.ledger.read import EntryKey
from projections.payments.read import PageKey
from projections.reconciliation.read import DayKey
from query_api.errors import invalid_cursor

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def encode_key(key: PageKey) -> str:
    """Return the cursor of the page of payments that begins after `key`."""
    return _pack([(key.created_at - _EPOCH) // _MICROSECOND, str(key.payment_id)])


def decode_key(cursor: str) -> PageKey:
    """Read a cursor of payments. Raises the problem `invalid_cursor` (400)."""
    match _unpack(cursor):
        case [int(microseconds), str(payment_id)]:
            try:
                return PageKey(created_at=_EPOCH + microseconds * _MICROSECOND, payment_id=UUID(payment_id))
            except (ValueError, OverflowError):
                raise invalid_cursor() from None
        case _:
            raise invalid_cursor()


def encode_entry_key(key: EntryKey) -> str:
    """Return the cursor of the page of ledger entries that begins after `key`."""
    return _pack([(key.at - _EPOCH) // _MICROSECOND, key.position, key.number])


def decode_entry_key(cursor: str) -> EntryKey:
    """Read a cursor of ledger entries. Raises the problem `invalid_cursor` (400)."""
    match _unpack(cursor):
        case [int(microseconds), int(position), int(number)] if 0 < position < 2**63 and 0 <= number < 2**15:
            try:
                return EntryKey(at=_EPOCH + microseconds * _MICROSECOND, position=position, number=number)
            except OverflowError:
                raise invalid_cursor() from None
        case _:
            raise invalid_cursor()


def encode_version(version: int) -> str:
    """Return the cursor of the page of a timeline that begins after `version`."""
    return _pack([version])


def decode_version(cursor: str) -> int:
    """Read a cursor of a timeline. Raises the problem `invalid_cursor` (400)."""
    match _unpack(cursor):
        case [int(version)] if 0 < version < 2**63:
            return version
        case _:
            raise invalid_cursor()


def encode_day(key: DayKey) -> str:
    """Return the cursor of the page that begins after `key`, of a list by days."""
    return _pack([key.date.isoformat(), str(key.row_id)])


def decode_day(cursor: str) -> DayKey:
    """Read a cursor of a list by days. Raises the problem `invalid_cursor` (400)."""
    match _unpack(cursor):
        case [str(day), str(row_id)]:
            try:
                return DayKey(date=date.fromisoformat(day), row_id=UUID(row_id))
            except ValueError:
                raise invalid_cursor() from None
        case _:
            raise invalid_cursor()


def _pack(parts: list[object]) -> str:
    return urlsafe_b64encode(orjson.dumps(parts)).rstrip(b"=").decode()


def _unpack(cursor: str) -> object:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        unpacked: object = orjson.loads(urlsafe_b64decode(padded))
    except (UnicodeEncodeError, binascii.Error, orjson.JSONDecodeError):
        raise invalid_cursor() from None
    return unpacked

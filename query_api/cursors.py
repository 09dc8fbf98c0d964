"""Opaque cursors: where the next page begins.

A cursor holds a sort key and grants nothing: the merchant always comes from the API key, so a forged cursor
only moves the reader within what it may see. Still, each is taken in one spelling only, the one that was given
out: what is decoded must encode to the same text, and true is no 1.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar
from uuid import UUID

import orjson

from domain.ids import PaymentId, PayoutId, SplitPaymentId
from projections.disputes.read import DisputeKey
from projections.ledger.read import EntryKey
from projections.payments.read import PageKey
from projections.payouts.read import PayoutKey
from projections.reconciliation.read import DayKey
from projections.split_payments.read import SplitPaymentKey
from query_api.errors import invalid_cursor

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_BIGINT, _SMALLINT = 2**63 - 1, 2**15 - 1
_DUE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")


Key = TypeVar("Key")


def encode_key(key: PageKey) -> str:
    """Return the cursor of the page of payments that begins after `key`."""
    return _pack([(key.created_at - _EPOCH) // _MICROSECOND, str(key.payment_id)])


def decode_key(cursor: str) -> PageKey:
    """Read a cursor of payments. Raises the problem `invalid_cursor` (400)."""

    def key(microseconds: int, payment_id: str) -> PageKey:
        return PageKey(created_at=_moment(microseconds), payment_id=PaymentId(UUID(payment_id)))

    return _decode(cursor, [int, str], key, encode_key)


def encode_split_payment(key: SplitPaymentKey) -> str:
    """Return the cursor of the page of split payments that begins after `key`."""
    return _pack([(key.created_at - _EPOCH) // _MICROSECOND, str(key.split_payment_id)])


def decode_split_payment(cursor: str) -> SplitPaymentKey:
    """Read a cursor of split payments. Raises the problem `invalid_cursor` (400)."""

    def key(microseconds: int, split_payment_id: str) -> SplitPaymentKey:
        return SplitPaymentKey(
            created_at=_moment(microseconds), split_payment_id=SplitPaymentId(UUID(split_payment_id))
        )

    return _decode(cursor, [int, str], key, encode_split_payment)


def encode_entry_key(key: EntryKey) -> str:
    """Return the cursor of the page of ledger entries that begins after `key`."""
    return _pack([(key.at - _EPOCH) // _MICROSECOND, key.position, key.number])


def decode_entry_key(cursor: str) -> EntryKey:
    """Read a cursor of ledger entries. Raises the problem `invalid_cursor` (400)."""

    def key(microseconds: int, position: int, number: int) -> EntryKey:
        _require(0 < position <= _BIGINT and 0 <= number <= _SMALLINT)
        return EntryKey(at=_moment(microseconds), position=position, number=number)

    return _decode(cursor, [int, int, int], key, encode_entry_key)


def encode_dispute(key: DisputeKey) -> str:
    """Return the cursor of the page of disputes that begins after `key`."""
    return _pack([key.due, str(key.payment_id)])


def decode_dispute(cursor: str) -> DisputeKey:
    """Read a cursor of disputes. Raises the problem `invalid_cursor` (400)."""

    def key(due: str, payment_id: str) -> DisputeKey:
        _require(due == "~" or _DUE.fullmatch(due) is not None)
        return DisputeKey(due=due, payment_id=PaymentId(UUID(payment_id)))

    return _decode(cursor, [str, str], key, encode_dispute)


def encode_payout(key: PayoutKey) -> str:
    """Return the cursor of the page of payouts that begins after `key`."""
    return _pack([(key.created_at - _EPOCH) // _MICROSECOND, key.payout_id])


def decode_payout(cursor: str) -> PayoutKey:
    """Read a cursor of payouts. Raises the problem `invalid_cursor` (400)."""

    def key(microseconds: int, payout_id: str) -> PayoutKey:
        _require("\x00" not in payout_id)  # PostgreSQL's text cannot hold it
        return PayoutKey(created_at=_moment(microseconds), payout_id=PayoutId(payout_id))

    return _decode(cursor, [int, str], key, encode_payout)


def encode_version(version: int) -> str:
    """Return the cursor of the page of a timeline that begins after `version`."""
    return _pack([version])


def decode_version(cursor: str) -> int:
    """Read a cursor of a timeline. Raises the problem `invalid_cursor` (400)."""

    def key(version: int) -> int:
        _require(0 < version <= _BIGINT)
        return version

    return _decode(cursor, [int], key, encode_version)


def encode_position(position: int) -> str:
    """Return the cursor of the page that begins before `position`, of a list of events."""
    return _pack([position])


def decode_position(cursor: str) -> int:
    """Read a cursor of a list of events. Raises the problem `invalid_cursor` (400)."""

    def key(position: int) -> int:
        _require(0 < position <= _BIGINT)
        return position

    return _decode(cursor, [int], key, encode_position)


def encode_day(key: DayKey) -> str:
    """Return the cursor of the page that begins after `key`, of a list by days."""
    return _pack([key.date.isoformat(), str(key.row_id)])


def decode_day(cursor: str) -> DayKey:
    """Read a cursor of a list by days. Raises the problem `invalid_cursor` (400)."""

    def key(day: str, row_id: str) -> DayKey:
        return DayKey(date=date.fromisoformat(day), row_id=UUID(row_id))

    return _decode(cursor, [str, str], key, encode_day)


def _decode(cursor: str, types: list[type], key: Callable[..., Key], encode: Callable[[Key], str]) -> Key:
    """Return the key that `key` makes of the cursor's parts, which must be of exactly these types."""
    try:
        parts = orjson.loads(urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
        _require(isinstance(parts, list) and [type(part) for part in parts] == types)
        found = key(*parts)
        _require(encode(found) == cursor)
    except (ValueError, OverflowError):  # base64, ASCII and JSON that are none are ValueErrors as well
        raise invalid_cursor() from None
    return found


def _require(condition: bool) -> None:
    if not condition:
        raise ValueError


def _moment(microseconds: int) -> datetime:
    return _EPOCH + microseconds * _MICROSECOND


def _pack(parts: list[object]) -> str:
    return urlsafe_b64encode(orjson.dumps(parts)).rstrip(b"=").decode()

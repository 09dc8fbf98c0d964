"""Lets aiokafka read records with a header whose *name* is not UTF-8.

aiokafka decodes header names strictly, while it reads a fetched batch. The error ends the task that polls, for all
partitions, again and again: one such record would stop a consumer for ever. Kafka's Java client cannot write one, but
the protocol can carry it, and others do. Such a batch is read again by aiokafka's reader in Python, with bytes that
are not UTF-8 written out in hexadecimal. All other batches go the usual way.
"""

import struct
from collections.abc import Iterator
from itertools import islice
from typing import Any

import aiokafka.consumer.fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

_LENGTH = struct.Struct(">i")
_LENGTH_AT = 8  # a batch begins with its base offset, 8 bytes, and the length of what follows the length


def read_any_header_name() -> None:
    """Make every aiokafka consumer of this process do so. Running it again changes nothing."""
    aiokafka.consumer.fetcher.MemoryRecords = _Records


class _Records:
    """The batches of a fetch, as aiokafka's MemoryRecords gives them, each beside its bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._records = MemoryRecords(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._records, name)

    def next_batch(self) -> "_Batch | None":
        batch = self._records.next_batch()
        if batch is None:
            return None
        (length,) = _LENGTH.unpack_from(self._data, self._at + _LENGTH_AT)
        begin, self._at = self._at, self._at + _LENGTH_AT + _LENGTH.size + length
        return _Batch(batch, self._data[begin : self._at])


class _Batch:
    def __init__(self, batch: Any, raw: bytes) -> None:
        self._batch = batch
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        read = 0
        try:
            for record in self._batch:
                read += 1
                yield record
        except (UnicodeDecodeError, CorruptRecordException) as error:
            if not isinstance(error.__cause__ or error, UnicodeDecodeError):
                raise
            yield from islice(_TolerantBatch(self._raw), read, None)


class _TolerantBatch(_DefaultRecordBatchPy):  # type: ignore[misc]
    _buffer: bytes

    def _maybe_uncompress(self) -> None:
        if not self._decompressed:
            super()._maybe_uncompress()
            self._buffer = _Tolerant(self._buffer)


class _Tolerant(bytes):
    """Bytes whose parts decode to text whatever they are."""

    def __getitem__(self, at: Any) -> Any:
        found = super().__getitem__(at)
        return _Tolerant(found) if isinstance(found, bytes) else found

    def decode(self, encoding: str = "utf-8", errors: str = "backslashreplace") -> str:
        return super().decode(encoding, errors)

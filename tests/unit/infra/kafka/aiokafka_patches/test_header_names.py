"""A record whose header has a name that is not UTF-8 can be read, and so can its neighbours."""

import pytest
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.record.memory_records import MemoryRecords

from infra.kafka.aiokafka_patches import header_names


class Odd(str):
    """A name that is written as bytes that are not UTF-8."""

    __slots__ = ()

    def encode(self, *_: object) -> bytes:
        return b"a\xff"


def a_batch(*names: str, compression: int = 0, base: int = 0) -> bytes:
    """Return a batch of one record for each name, whose header has that name."""
    builder = _DefaultRecordBatchBuilderPy(
        magic=2,
        compression_type=compression,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1 << 20,
    )
    for offset, name in enumerate(names):
        builder.append(offset, timestamp=1, key=b"k", value=b"v%d" % offset, headers=[(name, b"\xff"), ("n", None)])
    return base.to_bytes(8, "big") + bytes(builder.build())[8:]


@pytest.mark.parametrize("compression", [0, 1])
def test_every_record_is_read_once_and_in_order(compression: int) -> None:
    data = a_batch("x", "y") + a_batch("x", Odd(), "z", compression=compression, base=2) + a_batch("w", base=5)
    records = header_names._Records(data)
    read = []
    while records.has_next():
        batch = records.next_batch()
        assert batch is not None
        assert batch.validate_crc()
        read += [(each.offset, each.value, each.headers) for each in batch]
    assert [offset for offset, *_ in read] == list(range(6))
    assert [headers[0][0] for *_, headers in read] == ["x", "y", "x", "a\\xff", "z", "w"]
    assert {headers[0][1] for *_, headers in read} == {b"\xff"}
    assert {headers[1] for *_, headers in read} == {("n", None)}


def test_aiokafka_itself_cannot_read_it() -> None:
    """When this fails, aiokafka has been mended, and the module can go."""
    batch = MemoryRecords(a_batch("x", Odd())).next_batch()
    with pytest.raises(UnicodeDecodeError):
        list(batch)


def test_a_batch_that_is_cut_off_is_left_for_the_next_fetch() -> None:
    data = a_batch("x")
    records = header_names._Records(data + data[:-3])
    assert records.next_batch() is not None
    assert not records.has_next()

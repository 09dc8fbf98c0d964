"""What is shown to those who have no keys: that it is encrypted, or that it was erased."""

from pathlib import Path

import orjson
import psycopg
import pytest

from domain.ids import UserId
from event_store.privacy.erase import Order, erase
from event_store.privacy.masking import masked, masked_value
from event_store.store import Connection, append, load
from tests.support.database import Database
from tests.support.paystream_command import paystream
from tests.support.personal_payments import SUBJECT, a_payment
from tests.support.vaults import METADATA_KEYS

pytestmark = pytest.mark.integration

ORDER = Order(subject=SUBJECT, actor="privacy@shop.example", reason="case 4711")


async def test_what_was_erased_is_not_called_encrypted(encrypting: Connection, officer: Connection) -> None:
    gone, kept = a_payment(), a_payment(user_id=UserId("somebody_else"))
    await append(encrypting, [gone, kept])
    await erase(officer, ORDER, metadata_keys=METADATA_KEYS, force=True)
    for item, shown in ((gone, "[erased]"), (kept, "[encrypted]")):
        events = await load(encrypting, item.stream_id)
        (first, *_) = await masked(encrypting, events)
        assert orjson.loads(first.data)["description"] == shown
        value = await masked_value(encrypting, events[0].data)
        assert orjson.loads(value)["metadata"] == {"email": shown, "customerName": shown, "order": "A-1001"}


@pytest.mark.parametrize("value", [b"", b"no JSON", b"\xff\x00", b'"encrypted:v1:nonsense"'])
async def test_what_holds_nothing_encrypted_is_shown_as_it_is(encrypting: Connection, value: bytes) -> None:
    assert await masked_value(encrypting, value) == value


async def test_a_dead_letter_is_shown_without_what_was_erased(
    database: Database, encrypting: Connection, officer: Connection, tmp_path: Path
) -> None:
    item = a_payment()
    await append(encrypting, [item])
    (event,) = await load(encrypting, item.stream_id)
    await erase(officer, ORDER, metadata_keys=METADATA_KEYS, force=True)
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
        await owner.execute(
            "INSERT INTO consumers.dead_letters (consumer, topic, partition, kafka_offset, kafka_timestamp, value,"
            " headers, digest, lacking, reason, error_type, error)"
            " VALUES ('projector', 'paystream.payment', 0, 1, now(), %s, '[]', '', '{}', 'refused', 'ValueError', 'x')",
            [event.data],
        )
    shown = await paystream("dlq", "show", "1", cwd=tmp_path, settings={"database_url": database.url("app")})
    assert (shown.code, "[erased]" in shown.output, "encrypted:v1:" in shown.output) == (0, True, False), shown.errors

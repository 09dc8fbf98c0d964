"""An event of a type that this release does not know, behind those of a stream."""

from uuid import UUID

from domain.ids import EventId, MerchantId
from event_store.appends import Append, Appended
from event_store.store import Connection, append
from infra.ids import uuid7
from schemas.envelope import EventMetadata, NewEvent


async def append_unknown_event(connection: Connection, stream_id: UUID) -> EventId:
    """Append it, and return its id."""
    cursor = await connection.execute(
        "SELECT category, merchant_id, version FROM event_store.streams WHERE stream_id = %s", [stream_id]
    )
    found = await cursor.fetchone()
    assert found is not None
    category, merchant_id, version = found
    newer = NewEvent(
        event_id=EventId(uuid7()),
        type=f"{category.replace('-', '_')}.from_the_future",
        schema_version=1,
        data=b"{}",
        metadata=EventMetadata(correlation_id="c", actor="test", merchant_id=MerchantId(merchant_id)),
    )
    future = Append(
        stream_id=stream_id,
        category=category,
        merchant_id=MerchantId(merchant_id),
        expected_version=version,
        events=(newer,),
    )
    assert isinstance((await append(connection, [future]))[0], Appended)
    return newer.event_id

"""A log whose events are to be published, and what Kafka has of it then."""

import uuid
from collections.abc import Sequence

import psycopg

from event_store.store import Connection, append
from event_store.tail import Tail
from infra.settings.kafka import KafkaSettings
from schemas.cloudevents import from_kafka
from schemas.envelope import RecordedEvent
from schemas.topics import PAYMENT
from tests.support.database import Database
from tests.support.kafka import read_topic
from tests.support.log_entries import an_append


async def append_payments(database: Database, app: Connection, payments: int) -> Sequence[RecordedEvent]:
    """Append two events of each of so many payments, always the same ones, and return them."""
    await append(app, [an_append(uuid.UUID(int=number, version=4), events=2) for number in range(payments)])
    await app.commit()
    async with await psycopg.AsyncConnection.connect(database.url("app"), autocommit=True) as connection:
        return await Tail().read(connection)


async def published_positions(settings: KafkaSettings) -> list[int]:
    """Return the position of each committed event of a payment, as often as it is there."""
    found = (await read_topic(settings, PAYMENT)).values()
    return sorted(from_kafka(record.value, record.headers).position for records in found for record in records)

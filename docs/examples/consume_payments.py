"""Keeps the history of every payment in SQLite: each event once and in order, whatever is killed, moved or wiped.

    KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9092 python consume_payments.py payments.sqlite

It needs aiokafka and nothing of Paystream; docs/consuming-events.md has the reasons. Several of it, on one database,
share the partitions.
"""

import asyncio
import os
import sqlite3
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

# The types that this program has a use for, in the version that it was written for. It passes over all others.
UNDERSTOOD = {"payment.requested": 1, "payment.succeeded": 1, "payment.failed": 1, "payment.refund_succeeded": 1}
TABLES = """
CREATE TABLE IF NOT EXISTS checkpoints (partition INTEGER PRIMARY KEY, position INTEGER);
CREATE TABLE IF NOT EXISTS history (payment_id TEXT, stream_version INTEGER, type TEXT, data TEXT);
"""


def apply(database: sqlite3.Connection, partition: int, records: Sequence[ConsumerRecord]) -> bool:
    """Apply what is new and move the checkpoint, in one transaction. Return whether events before some are missing."""
    gap = False
    with database:  # commits, or rolls back
        database.execute("BEGIN IMMEDIATE")  # nobody else reads the checkpoint until this ends
        found = database.execute("SELECT position FROM checkpoints WHERE partition = ?", [partition]).fetchone()
        checkpoint = found[0] if found else 0
        for headers, data in ((dict(record.headers), record.value) for record in records):
            if int(headers["ce_prevposition"]) > checkpoint:
                gap = True  # not its turn
            elif int(headers["ce_position"]) > checkpoint:  # else it was applied before
                event_type, version = headers["ce_type"].decode(), int(headers["ce_dataschemaversion"])
                if UNDERSTOOD.get(event_type, version) != version:
                    sys.exit(f"{event_type} has come in version {version}: update this program, and it goes on")
                if event_type in UNDERSTOOD:
                    row = (headers["ce_subject"].decode(), int(headers["ce_streamversion"]), event_type, data.decode())
                    database.execute("INSERT INTO history VALUES (?, ?, ?, ?)", row)
                checkpoint = int(headers["ce_position"])
        database.execute("INSERT OR REPLACE INTO checkpoints VALUES (?, ?)", [partition, checkpoint])
    return gap


async def consume(database: sqlite3.Connection) -> None:
    """Consume until interrupted."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        group_id="payment-history",
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        metadata_max_age_ms=5000,  # how soon a topic that comes back is noticed
    )
    # By pattern: who asks for a topic by name creates it, wrongly, on a broker that allows that.
    consumer.subscribe(pattern=r"^paystream\.payment$")
    gaps: set[TopicPartition] = set()
    read_again_at: dict[TopicPartition, float] = {}
    async with consumer:
        while True:
            for place, records in (await consumer.getmany(timeout_ms=1000)).items():
                if apply(database, place.partition, records):
                    gaps.add(place)
            for place in [each for each in gaps if time.monotonic() > read_again_at.get(each, 0.0)]:
                print(f"events of partition {place.partition} are missing: reading it again", file=sys.stderr)
                gaps.remove(place)
                read_again_at[place] = time.monotonic() + 60
                with suppress(KafkaError):  # the partition has gone to another consumer
                    await consumer.seek_to_beginning(place)
            with suppress(KafkaError):  # only a hint where to start
                await consumer.commit()


if __name__ == "__main__":
    connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
    connection.executescript(TABLES)
    with suppress(KeyboardInterrupt):
        asyncio.run(consume(connection))

"""When everything stands still: each event is applied by all, each call is made, each webhook has arrived."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

import psycopg

from event_store.relay.progress import RelayProgress
from infra.embedded.stack import Stack
from infra.settings.kafka import KafkaSettings
from infra.stripe_sandbox.client import SandboxAdmin
from schemas.topics import RELAY_PROGRESS, partition_of, topic_of
from tests.support.kafka import read_topic
from tests.support.system import System
from tests.support.waiting import eventually

GATEWAY = "stripe-gateway"
_CHECKPOINTS = "SELECT consumer, topic, partition, position FROM consumers.consumer_checkpoints"
_EVENTS = "SELECT position, stream_id, category FROM event_store.events ORDER BY position"
_TASKS = "SELECT payment_id::text FROM consumers.gateway_tasks WHERE status <> 'done'"
_ROWS = "SELECT data->>'transaction_id' FROM event_store.events WHERE type = 'stripe_balance.transaction_recorded'"


async def is_quiet(
    system: System, bank: SandboxAdmin, *, open_payments: Collection[str] = (), without: Collection[str] = ()
) -> None:
    """Wait until it does. `open_payments` have calls that nobody makes; `without`: consumers that do not run."""

    async def obstacles() -> list[str]:
        async with await psycopg.AsyncConnection.connect(system.stack.database_url()) as conn:
            reasons = await _unapplied(conn, without)
            tasks = await _column(conn, _TASKS)
            recorded = await _column(conn, _ROWS)
        reasons += [f"a task of {each}" for each in tasks - set(open_payments)]
        shown = {str(row["id"]) for row in await bank.balance_transactions() if row["shown"]}
        reasons += [f"the row {each}" for each in shown - recorded]
        reasons += [f"the webhook {each['event']}" for each in await bank.deliveries("pending")]
        return reasons

    await eventually(obstacles, lambda found: not found, within=60)
    await eventually(lambda: _published(system.stack), lambda found: found[0] == found[1], every=0.2)


async def _published(stack: Stack) -> tuple[int, int]:
    """Return how far the relay has noted that it published, and the last position: it notes once a second."""
    settings = kafka_settings(stack).model_copy(update={"kafka_topic_partitions": 1})
    (records,) = (await read_topic(settings, RELAY_PROGRESS)).values()
    async with await psycopg.AsyncConnection.connect(stack.database_url()) as conn:
        ((last,),) = await (await conn.execute("SELECT max(position) FROM event_store.events")).fetchall()
    return RelayProgress.decode(records[-1].value).position, last


def kafka_settings(stack: Stack) -> KafkaSettings:
    """Return how a stack's processes reach its broker."""
    environment = stack.environment("relay").items()
    return KafkaSettings.model_validate(
        {name.lower(): value for name, value in environment if name.startswith("KAFKA_")}
    )


async def _unapplied(conn: psycopg.AsyncConnection[Any], without: Collection[str]) -> list[str]:
    """Return which consumers have not applied the last event of a partition. One has a row for each it was given."""
    checkpoints: dict[str, dict[str, dict[int, int]]] = defaultdict(lambda: defaultdict(dict))
    for consumer, topic, partition, position in await (await conn.execute(_CHECKPOINTS)).fetchall():
        checkpoints[topic][consumer][partition] = position
    partitions = 1 + max(number for consumers in checkpoints.values() for rows in consumers.values() for number in rows)
    last: dict[str, dict[int, int]] = defaultdict(dict)
    for position, stream_id, category in await (await conn.execute(_EVENTS)).fetchall():
        last[topic_of(category)][partition_of(stream_id, partitions)] = position
    return [
        f"{consumer} at {topic}/{partition}"
        for topic, ends in last.items()
        for consumer, rows in checkpoints[topic].items()
        for partition, position in ends.items()
        if consumer not in without and rows.get(partition, 0) < position
    ]


async def _column(conn: psycopg.AsyncConnection[Any], query: str) -> set[str]:
    return {row[0] for row in await (await conn.execute(query)).fetchall()}

"""From recorded requests to runs that are wanted: in the transaction of the batch's checkpoint."""

from collections.abc import Sequence

from aiokafka import TopicPartition

from consumers.reconciliation.runs import want
from domain.reconciliation import ReconciliationRequested
from infra.postgres import Connection
from schemas.cloudevents import Delivered
from schemas.events import decode_reconciliation_event


async def write_runs(conn: Connection, _: TopicPartition, messages: Sequence[Delivered]) -> None:
    """Note the runs that new events ask for. Raises SchemaError for one that cannot be read."""
    events = (decode_reconciliation_event(message.event) for message in messages)
    await want(conn, [event for event in events if isinstance(event, ReconciliationRequested)])

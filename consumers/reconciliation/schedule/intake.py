"""From recorded events to the tables of the worker: in the transaction of the batch's checkpoint.

Requested runs are written only here. Discrepancies are written by whoever records their events; here only those that
the table lacks, for example after it was lost and the topic is read again.
"""

from collections.abc import Sequence

from consumers.reconciliation.discrepancies import SQL, write_rows
from consumers.reconciliation.schedule.runs import add_requested
from domain.ids import DiscrepancyId
from domain.reconciliation.events import ReconciliationRequested
from event_store.reconciliation import load_discrepancies
from infra.postgres.pool import Connection
from schemas.cloudevents import Delivered
from schemas.events import RECONCILIATION_CODEC
from schemas.events.reconciliation_events import DISCREPANCY_EVENT_TYPES

_OF_DISCREPANCIES = frozenset(each.name for each in DISCREPANCY_EVENT_TYPES)


async def write_tables(conn: Connection, messages: Sequence[Delivered]) -> None:
    """Write requested runs, and discrepancies that the table lacks. Raises SchemaError for one that cannot be read."""
    events = [RECONCILIATION_CODEC.decode(message.event) for message in messages]
    await add_requested(conn, [event for event in events if isinstance(event, ReconciliationRequested)])
    newest = {
        DiscrepancyId(message.event.stream_id): message.event.version
        for message in messages
        if message.event.type in _OF_DISCREPANCIES
    }
    if newest:
        parameters = {"discrepancy_ids": list(newest), "versions": list(newest.values())}
        lacking = [row[0] for row in await (await conn.execute(SQL.find_lacking, parameters)).fetchall()]
        await write_rows(conn, await load_discrepancies(conn, lacking))

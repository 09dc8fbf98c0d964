"""A system whose PostgreSQL comes back younger, and what was lost with that."""

from pathlib import Path

import psycopg

from event_store.store import read_log_state
from infra.embedded.postgres import PostgresServer
from tests.support.payment_load import Made
from tests.support.system import System


async def restart_on(system: System, younger: Path) -> None:
    """Have the system's PostgreSQL start on other data."""
    server = system.stack.component("postgres")
    assert isinstance(server, PostgresServer)
    server.data.unlink()
    server.data.symlink_to(younger)
    await system.stack.restart("postgres")


async def reopened(system: System) -> bool:
    """Whether the log was opened after it was compared."""
    async with await psycopg.AsyncConnection.connect(system.stack.database_url()) as connection:
        state = await read_log_state(connection)
        return state.closed_because is None and state.epoch > 1


async def was_lost(system: System, made: Made) -> bool:
    """Whether the payment is not in the log. A refund that alone was lost is asked for no more."""
    async with await psycopg.AsyncConnection.connect(system.stack.database_url()) as connection:
        query = "SELECT max(position) FROM event_store.events WHERE stream_id = %s"
        row = await (await connection.execute(query, [made.id])).fetchone()
    assert row is not None
    if row[0] is not None and row[0] < made.position:
        assert await system.refunds(made.id) == []
        made.position, made.refunded_cents = row[0], 0
    return row[0] is None

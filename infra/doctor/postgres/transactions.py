"""Whether a transaction that appended to the log and did not end keeps later events from being published."""

import asyncio
from collections.abc import Mapping

from infra.doctor.finding import Finding
from infra.doctor.postgres.area import AREA
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries

SUBJECT = "open transactions"
_LONG_S = 1.0  # an append takes milliseconds
_REMEDY = "The relay publishes nothing that was appended after it. End it: SELECT pg_terminate_backend(<pid>)."


async def look_twice(connection: Connection, queries: Queries) -> Finding:
    """Name the appending transactions that are open now and a second later."""
    first = await _open(connection, queries)
    if not first:
        return transactions_finding({})
    await asyncio.sleep(_LONG_S)
    later = await _open(connection, queries)
    return transactions_finding({transaction: later[transaction] for transaction in first.keys() & later.keys()})


def transactions_finding(left_open: Mapping[str, str]) -> Finding:
    """Rate the transactions that stay open, and describe each."""
    if not left_open:
        return AREA.ok(SUBJECT, "none holds up the log")
    return AREA.error(SUBJECT, f"holds up the log: {'; '.join(left_open.values())}", _REMEDY)


async def _open(connection: Connection, queries: Queries) -> dict[str, str]:
    rows = await (await connection.execute(queries.appending)).fetchall()
    return {
        transaction: "a prepared transaction (see pg_prepared_xacts)"
        if pid is None
        else f"pid {pid}, database {database}, user {user}"
        for transaction, pid, database, user in rows
    }

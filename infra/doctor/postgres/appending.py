"""Whether an append is possible, as a login that may tries it: a full disk and a closed log still answer queries."""

import psycopg

from infra.doctor.finding import Finding
from infra.doctor.postgres.area import AREA
from infra.doctor.postgres.server import reason
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries

SUBJECT = "append"
_LOG_CLOSED = "57PS1"
_REMEDIES = {
    psycopg.errors.DiskFull: "Make room on the disk of PostgreSQL: old logs, files that are no part of it, or a larger "
    "disk. Delete nothing in its data folder. Payments go on by themselves.",
    psycopg.errors.ReadOnlySqlTransaction: "It is no primary any more, or default_transaction_read_only is on there.",
    psycopg.errors.ObjectNotInPrerequisiteState: "It is a standby: name the primary in DATABASE_URL.",
    psycopg.errors.QueryCanceled: "Somebody keeps the log locked: see pg_locks, and pg_blocking_pids() of who waits.",
}
_OTHER = "See the log of PostgreSQL: what it says of this, it says of every append."


async def try_append(connection: Connection, queries: Queries, role: str) -> Finding | None:
    """Try it; None when this login may not, which its rights tell."""
    try:
        async with connection.transaction(force_rollback=True):
            await connection.execute(queries.try_append)
    except psycopg.errors.UndefinedFunction:
        return AREA.skipped(SUBJECT, "not tried: the function for it is not there yet, see the migrations")
    except psycopg.errors.InsufficientPrivilege:
        return None
    except psycopg.Error as error:
        return refused(error, role)
    detail = (
        f"possible: {role} locked the log as an append does and wrote 16 pages beside it, in a transaction that was "
        "rolled back; no position was used"
    )
    return AREA.ok(SUBJECT, detail)


def refused(error: psycopg.Error, role: str) -> Finding:
    """Rate what PostgreSQL refused the trial with."""
    if error.sqlstate == _LOG_CLOSED:
        remedy = "paystream recover --dry-run (docs/runbooks/failover.md)"
    else:
        remedy = next((text for kind, text in _REMEDIES.items() if isinstance(error, kind)), _OTHER)
    return AREA.error(SUBJECT, f"refused to {role}: {reason(error)}", remedy)
